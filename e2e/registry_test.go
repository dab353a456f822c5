package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// with is the account with a few more variables in the environment.
func (a *account) with(env ...string) *account {
	sub := *a
	sub.extra = append(sub.extra[:len(sub.extra):len(sub.extra)], env...)
	return &sub
}

// authority is the file of the instance's certificate authority.
func (a *account) authority() string { return filepath.Join(a.dataDir, "pki", "ca.crt") }

// insideRun runs a command by `neargate run`.
func (a *account) insideRun(args ...string) result {
	a.t.Helper()
	return a.neargate(append([]string{"run", "--data-dir", a.dataDir, "--"}, args...)...)
}

// logsTail prints a log group by version 2 of the aws CLI, the only one with
// `logs tail`. Debian's is too old for AWS_ENDPOINT_URL, Ubuntu has none.
func (a *account) logsTail(group string) string {
	a.t.Helper()
	if _, err := os.Stat(oldCLI); err != nil {
		r := a.neargate("logs", group)
		a.t.Log("no aws CLI of version 2: looking by neargate logs")
		return r.out
	}
	r := a.try(oldCLI, "--endpoint-url", a.endpoint, "logs", "tail", group, "--since", "1h", "--format", "short")
	if r.code != 0 {
		a.t.Fatalf("aws logs tail: exit %d\n%s", r.code, r.out)
	}
	return r.out
}

// craneImage writes an image as crane takes it and returns its path.
func (a *account) craneImage(name string) string {
	a.t.Helper()
	layer := filepath.Join(a.dir, name+"-layer.tar")
	a.write(name+".txt", "one file of "+name+"\n")
	a.run("tar", "-C", a.dir, "-cf", layer, name+".txt")
	path := filepath.Join(a.dir, name+".tar")
	a.run("crane", "append", "-f", layer, "-t", "unused:latest", "-o", path)
	return path
}

// TestRegistryByCrane pushes and pulls with a second registry client, by
// password and by the ECR credential helper, over TLS that is verified.
func TestRegistryByCrane(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	uri := a.aws("ecr", "create-repository", "--repository-name", "team/app", "--query", "repository.repositoryUri", "--output", "text")
	host := strings.TrimSuffix(uri, "/team/app")
	if want := a.ID + ".dkr.ecr." + a.Region + ".amazonaws.com"; host != want {
		t.Fatalf("repositoryUri is %s, want the host %s", uri, want)
	}
	image := a.craneImage("app")
	digest := a.run("crane", "digest", "--tarball", image)
	trusting := a.with("SSL_CERT_FILE=" + a.authority())

	if r := a.try("crane", "push", image, uri+":1"); r.code == 0 || !strings.Contains(r.out, "certificate signed by unknown authority") {
		t.Errorf("without trust: exit %d\n%s", r.code, r.out)
	}
	if r := trusting.try("crane", "push", image, uri+":1"); r.code == 0 || !strings.Contains(r.out, "401") {
		t.Errorf("without a password: exit %d\n%s", r.code, r.out)
	}
	trusting.run("crane", "auth", "login", "-u", "AWS", "-p", a.aws("ecr", "get-login-password"), host)
	trusting.run("crane", "push", image, uri+":1")
	back := filepath.Join(a.dir, "back.tar")
	trusting.run("crane", "pull", uri+":1", back)
	if got := a.run("crane", "digest", "--tarball", back); got != digest {
		t.Errorf("digest of what came back: %s, of what was pushed: %s", got, digest)
	}
	if got := a.aws("ecr", "describe-images", "--repository-name", "team/app", "--query", "imageDetails[0].imageDigest", "--output", "text"); got != digest {
		t.Errorf("describe-images tells %s, want %s", got, digest)
	}
	trusting.run("crane", "validate", "--remote", uri+":1")
	if r := trusting.try("crane", "pull", uri+":nope", back); r.code == 0 || !strings.Contains(r.out, "MANIFEST_UNKNOWN") {
		t.Errorf("a tag that is not there: exit %d\n%s", r.code, r.out)
	}
	if r := trusting.try("crane", "push", image, host+"/nope:1"); r.code == 0 || !strings.Contains(r.out, "NAME_UNKNOWN") {
		t.Errorf("a repository that is not there: exit %d\n%s", r.code, r.out)
	}

	t.Run("credential helper", func(t *testing.T) {
		a := a.in(t)
		config := filepath.Join(a.dir, "docker")
		if err := os.MkdirAll(config, 0o755); err != nil {
			t.Fatal(err)
		}
		a.write("docker/config.json", `{"credHelpers":{"`+host+`":"ecr-login"}}`)
		a = a.with("DOCKER_CONFIG="+config, "REGISTRY_AUTH_FILE="+filepath.Join(config, "config.json"))
		if r := a.insideRun("crane", "push", image, uri+":2"); r.code != 0 {
			t.Fatalf("push: exit %d\n%s\n%s", r.code, r.out, a.logTail())
		}
		if r := a.insideRun("skopeo", "inspect", "--format", "{{.Digest}}", "docker://"+uri+":2"); r.code != 0 || !strings.Contains(r.out, digest) {
			t.Errorf("skopeo: exit %d, want %s\n%s", r.code, digest, r.out)
		}
	})
}

// TestRunLeadsAWSNamesHere proves that a client without AWS_ENDPOINT_URL reaches
// the instance inside `neargate run`, and that nothing outside sees it.
func TestRunLeadsAWSNamesHere(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	hosts, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	name := "sts." + a.Region + ".amazonaws.com"
	script := `test -z "$AWS_ENDPOINT_URL" && grep -c " ` + name + `$" /etc/hosts && aws sts get-caller-identity --query Account --output text; exit 7`
	r := a.insideRun("sh", "-c", script)
	if r.code != 7 || !strings.HasPrefix(r.out, "1\n"+a.ID) {
		t.Errorf("exit %d\n%s", r.code, r.out)
	}
	// A repository changes /etc/hosts outside; the names inside must stay.
	if r := a.insideRun("sh", "-c", "aws ecr create-repository --repository-name new >/dev/null && sleep 0.3 && aws sts get-caller-identity --query Account --output text"); r.code != 0 || r.out != a.ID+"\n" {
		t.Errorf("after making a repository: exit %d\n%s", r.code, r.out)
	}
	if r := a.insideRun("curl", "-sS", "-o", "/dev/null", "-w", "%{ssl_verify_result} %{remote_ip}", "https://"+name+"/"); r.code != 0 || !strings.HasPrefix(r.out, "0 127.") {
		t.Errorf("curl: exit %d %s", r.code, r.out)
	}
	if now, _ := os.ReadFile("/etc/hosts"); strings.Contains(string(now), name) || !strings.Contains(string(now), "localhost") {
		t.Errorf("/etc/hosts outside: before\n%s\nnow\n%s", hosts, now)
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), filepath.Join(a.dataDir, "run")+" ") {
		t.Error("a mount of the command is seen outside")
	}
	if r := a.insideRun("no-such-command"); r.code != 127 || !strings.Contains(r.out, "cannot run no-such-command") {
		t.Errorf("a command that is not there: exit %d\n%s", r.code, r.out)
	}
}

// TestTrust makes the machine trust the instance's certificates and takes it
// back: then, and only then, does curl reach the repository's host.
func TestTrust(t *testing.T) {
	a := newAccount(t)
	uri := a.aws("ecr", "create-repository", "--repository-name", "app", "--query", "repository.repositoryUri", "--output", "text")
	host, _, _ := strings.Cut(uri, "/")
	reach := func() result {
		return a.try("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "https://"+host+"/v2/")
	}
	if r := reach(); r.code != 60 {
		t.Fatalf("before: curl exits with %d, want 60 (not verified)\n%s", r.code, r.out)
	}
	defer func() {
		if out, err := a.command("trust", "--undo").CombinedOutput(); err != nil {
			t.Errorf("trust --undo: %v\n%s", err, out)
		}
		if r := reach(); r.code != 60 {
			t.Errorf("taken back: curl exits with %d\n%s", r.code, r.out)
		}
	}()
	if out, err := a.command("trust").CombinedOutput(); err != nil {
		t.Fatalf("trust: %v\n%s", err, out)
	}
	if r := reach(); r.code != 0 || r.out != "401" {
		t.Errorf("trusted: curl exits with %d\n%s", r.code, r.out)
	}
	archive := busyboxArchive(t, a.dir, "true")
	password := a.aws("ecr", "get-login-password")
	a.run("skopeo", "copy", "--quiet", "--dest-creds", "AWS:"+password, "oci-archive:"+archive, "docker://"+uri+":1")
}
