package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

// TestHTTPSServiceDemo is the second demo, and then its curl.
func TestHTTPSServiceDemo(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	r := a.neargate("demo", "https", "--data-dir", a.dataDir)
	for _, want := range []string{"stack neargate-demo-https is CREATE_COMPLETE", "301 Moved Permanently, to https://app.example.com:443/", "200 OK\n    hello from ip-10-50-", "asked by 203.0.113.1, https"} {
		if r.code != 0 || !strings.Contains(r.out, want) {
			t.Fatalf("exit %d, no %q in\n%s\n%s", r.code, want, r.out, a.logTail())
		}
	}
	a.curlHTTPS()
	a.gone("neargate-demo-https")
}

// curlHTTPS asks the account's load balancer as the example's README says.
func (a *account) curlHTTPS() {
	a.t.Helper()
	name := a.aws("elbv2", "describe-load-balancers", "--query", "LoadBalancers[0].DNSName", "--output", "text")
	out := a.run("curl", "-sS", "--cacert", a.authority(), "--connect-to", "app.example.com:443:"+name+":443", "https://app.example.com/")
	if !strings.HasPrefix(out, "hello from ip-10-5") || !strings.HasSuffix(out, "asked by 203.0.113.1, https") {
		a.t.Errorf("curl: %s", out)
	}
}

// TestHTTPSServiceByTerraform is the same example in Terraform.
func TestHTTPSServiceByTerraform(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	tf := terraformIn(a, "tf")
	if err := os.CopyFS(tf.folder, os.DirFS(filepath.Join(testenv.Root(), "examples/https-service/terraform"))); err != nil {
		t.Fatal(err)
	}
	image := a.neargate("demo", "--image-only", "--data-dir", a.dataDir)
	if image.code != 0 {
		t.Fatalf("exit %d\n%s", image.code, image.out)
	}
	lines := strings.Split(strings.TrimSpace(image.out), "\n")
	tf.variables(map[string]any{"image": lines[len(lines)-1]})
	tf.run("init", "-input=false", "-no-color")
	tf.apply()
	a.aws("ecs", "wait", "services-stable", "--cluster", "https-service", "--services", "web")
	a.curlHTTPS()
	if r := a.neargate("check", tf.folder); r.code != 0 || !strings.Contains(r.out, "0 errors, 0 warnings") {
		t.Errorf("check: exit %d\n%s", r.code, r.out)
	}
	tf.destroy()
}
