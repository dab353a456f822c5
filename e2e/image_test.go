package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/testenv"
)

// busyboxArchive builds an OCI archive of Debian's static busybox with the
// given command.
func busyboxArchive(t *testing.T, dir string, cmd ...string) string {
	t.Helper()
	path, err := exec.LookPath("busybox")
	if err != nil {
		testenv.Missing(t, "busybox")
	}
	layer := []image.File{{Path: "/bin/busybox", Source: path, Mode: 0o755}, {Path: "/tmp", Dir: true, Mode: 0o1777},
		{Path: "/etc/passwd", Content: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")}}
	for _, applet := range strings.Fields("sh sleep echo cat ls id seq nslookup nc kill yes head true false env hostname date awk ps touch mkdir dd tail grep printf wget") {
		layer = append(layer, image.File{Path: "/bin/" + applet, Link: "busybox"})
	}
	return archive(t, dir, image.Spec{Layers: [][]image.File{layer}, Cmd: cmd, Env: []string{"PATH=/bin"}})
}

// probeArchive builds an OCI archive of e2e/probe, a static program, in an
// otherwise empty image.
func probeArchive(t *testing.T, dir string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "probe")
	cmd := exec.Command("go", "build", "-o", binary, "./probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the probe: %v\n%s", err, out)
	}
	return archive(t, dir, image.Spec{Layers: [][]image.File{{{Path: "/probe", Source: binary, Mode: 0o755}}}, Entrypoint: []string{"/probe"}})
}

func archive(t *testing.T, dir string, spec image.Spec) string {
	t.Helper()
	layout, err := os.MkdirTemp(dir, "layout-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Build(layout, spec); err != nil {
		t.Fatal(err)
	}
	path := layout + ".tar"
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := image.Pack(layout, f); err != nil {
		t.Fatal(err)
	}
	return path
}

// push makes a repository with the seed's own commands and pushes an archive
// with skopeo, over TLS that is verified against the instance's authority.
func (a *account) push(archive, repository, tag string) string {
	a.t.Helper()
	uri := a.aws("ecr", "create-repository", "--repository-name", repository, "--query", "repository.repositoryUri", "--output", "text")
	if want := a.ID + ".dkr.ecr." + a.Region + ".amazonaws.com/" + repository; uri != want {
		a.t.Fatalf("repositoryUri is %s, want %s", uri, want)
	}
	a.pushTo(archive, uri+":"+tag)
	return uri + ":" + tag
}

func (a *account) pushTo(archive, ref string) {
	a.t.Helper()
	password := a.aws("ecr", "get-login-password")
	a.run("skopeo", "copy", "--quiet", "--dest-cert-dir", a.certs(), "--dest-creds", "AWS:"+password, "oci-archive:"+archive, "docker://"+ref)
}

// certs is a folder with the instance's authority, as skopeo takes it.
func (a *account) certs() string {
	a.t.Helper()
	dir := filepath.Join(a.dir, "certs")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		a.t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(a.dataDir, "pki", "ca.crt"))
	if err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca.crt"), pem, 0o644); err != nil {
		a.t.Fatal(err)
	}
	return dir
}
