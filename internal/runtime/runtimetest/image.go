package runtimetest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/testenv"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// BuildStatic builds a main package of this repository without C, so that it
// runs in an empty root file system.
func BuildStatic(t testing.TB, pkg string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Dir = testenv.Root()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", pkg, err, output)
	}
	return out
}

// ProbeImage builds the image of the suite: the probe, a few users, and a
// directory to fill volumes from.
func ProbeImage(t testing.TB) runtime.ImageSource {
	t.Helper()
	return Source(t, image.Spec{
		Layers: [][]image.File{
			{
				{Path: "/etc/passwd", Content: []byte("root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n")},
				{Path: "/etc/group", Content: []byte("root:x:0:\nstaff:x:50:app\nweb:x:33:\n")},
				{Path: "/data/seed", Content: []byte("from the image"), UID: 1000, GID: 1001, Mode: 0o640},
				{Path: "/tmp", Dir: true, Mode: 0o777 | os.ModeSticky},
			},
			{{Path: "/probe", Source: BuildStatic(t, "./internal/runtime/runtimetest/probe"), Mode: 0o755}},
		},
		Entrypoint: []string{"/probe"}, Cmd: []string{"sleep"},
		Env: []string{"FROM_IMAGE=yes", "BOTH=image"}, WorkingDir: "/tmp", StopSignal: "SIGQUIT",
		ExposedPorts: []string{"8080/tcp"}, Volumes: []string{"/data"},
	})
}

// Source builds an image and returns it as a source.
func Source(t testing.TB, spec image.Spec) runtime.ImageSource {
	t.Helper()
	dir := t.TempDir()
	target, err := image.Build(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	return runtime.ImageSource{Target: target, Fetch: archive.Blob}
}

// unreachable is a Fetch that must not be called.
func unreachable(t *testing.T) func(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
	return func(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
		t.Errorf("Fetch called for %s of an image that is known", d.Digest)
		return nil, context.Canceled
	}
}
