package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFirstGoSDKByAWSNames runs a program of aws-sdk-go's first version, on which
// Terraform's provider 4 stands, by `neargate run`: query protocols, the global names
// of STS and IAM, buckets as hosts over HTTP/2, and errors as it reads them.
func TestFirstGoSDKByAWSNames(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	program := filepath.Join(a.dir, "sdkv1")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir, build.Env = "sdkv1", append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false -trimpath")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	r := a.insideRun("timeout", "120", program, "v1-"+a.ID)
	want := strings.Join([]string{
		"account " + a.ID, "a role that is not there: NoSuchEntity", "vpc 10.70.0.0/16 v1", "a subnet outside: InvalidSubnet.Range",
		"a cluster that is not there: MISSING", "a load balancer that is not there: LoadBalancerNotFound", "a zone that is not there: NoSuchHostedZone",
		"a bucket that is not there: NotFound", "a part of the object: neargate bytes 8-15/3200000", "by another region: BucketRegionError", "deleted: true", "",
	}, "\n")
	if r.code != 0 || r.out != want {
		t.Errorf("exit %d\n%s\nwant\n%s\n%s", r.code, r.out, want, a.logTail())
	}
}
