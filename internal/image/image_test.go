package image

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func testSpec() Spec {
	return Spec{
		Name:   "example/app:v1",
		Layers: [][]File{{{Path: "/etc/passwd", Content: []byte("root:x:0:0::/:/bin/sh\n")}}, {{Path: "/usr/bin/app", Content: []byte("#!"), Mode: 0o755 | os.ModeSetuid}, {Path: "/app", Link: "usr/bin/app"}}},
		Cmd:    []string{"/app"}, ExposedPorts: []string{"80/tcp"},
	}
}

func build(t *testing.T, spec Spec) (string, ocispec.Descriptor) {
	t.Helper()
	dir := t.TempDir()
	target, err := Build(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	return dir, target
}

func readAll(t *testing.T, a *Archive, d ocispec.Descriptor) []byte {
	t.Helper()
	r, err := a.Blob(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check reads the whole image from an archive.
func check(t *testing.T, path string, wantNames int) {
	t.Helper()
	a, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if len(a.Images) != 1 || len(a.Images[0].Names) != wantNames {
		t.Fatalf("images %+v, want one with %d names", a.Images, wantNames)
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(readAll(t, a, a.Images[0].Target), &manifest); err != nil {
		t.Fatal(err)
	}
	var config ocispec.Image
	if err := json.Unmarshal(readAll(t, a, manifest.Config), &config); err != nil {
		t.Fatal(err)
	}
	if len(config.RootFS.DiffIDs) != 2 || config.Config.Cmd[0] != "/app" {
		t.Fatalf("config %+v", config)
	}
	for i, layer := range manifest.Layers {
		content := readAll(t, a, layer)
		if layer.MediaType == ocispec.MediaTypeImageLayerGzip {
			r, err := gzip.NewReader(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			content, _ = io.ReadAll(r)
		}
		if digest.FromBytes(content) != config.RootFS.DiffIDs[i] {
			t.Errorf("layer %d is not what its diff id says", i)
		}
	}
}

func TestLayoutDirectoryAndArchives(t *testing.T) {
	for _, compress := range []bool{false, true} {
		spec := testSpec()
		spec.Gzip = compress
		dir, _ := build(t, spec)
		check(t, dir, 1)

		var packed bytes.Buffer
		if err := Pack(dir, &packed); err != nil {
			t.Fatal(err)
		}
		plain := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(plain, packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, plain, 1)

		zipped := filepath.Join(t.TempDir(), "image.tar.gz")
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		w.Write(packed.Bytes())
		w.Close()
		if err := os.WriteFile(zipped, z.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, zipped, 1)
	}
}

func TestBuildIsReproducible(t *testing.T) {
	_, first := build(t, testSpec())
	_, second := build(t, testSpec())
	if first.Digest != second.Digest {
		t.Errorf("digests %s and %s of the same spec", first.Digest, second.Digest)
	}
}

// dockerArchive makes what "docker save" wrote before version 25: layers by
// chain, the second one linked to from elsewhere.
func dockerArchive(t *testing.T) string {
	t.Helper()
	dir, target := build(t, testSpec())
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var manifest ocispec.Manifest
	if err := json.Unmarshal(readAll(t, a, target), &manifest); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(name string, content []byte) {
		w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644, Typeflag: tar.TypeReg})
		w.Write(content)
	}
	add("config.json", readAll(t, a, manifest.Config))
	add("one/layer.tar", readAll(t, a, manifest.Layers[0]))
	add("real/layer.tar", readAll(t, a, manifest.Layers[1]))
	w.WriteHeader(&tar.Header{Name: "two/layer.tar", Typeflag: tar.TypeSymlink, Linkname: "../real/layer.tar"})
	add("manifest.json", []byte(`[{"Config":"config.json","RepoTags":["app:v1","app:latest"],"Layers":["one/layer.tar","two/layer.tar"]}]`))
	w.Close()
	path := filepath.Join(t.TempDir(), "docker.tar")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDockerArchive(t *testing.T) { check(t, dockerArchive(t), 2) }

func TestChangedBlobIsRefused(t *testing.T) {
	dir, target := build(t, testSpec())
	path := filepath.Join(dir, "blobs", "sha256", target.Digest.Encoded())
	content, _ := os.ReadFile(path)
	content[len(content)-2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	r, err := a.Blob(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, ErrFormat) {
		t.Errorf("reading a changed blob: %v, want ErrFormat", err)
	}
}

func TestNoWayOut(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte(`{"manifests":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "index.json")); err != nil {
		t.Fatal(err)
	}
	if a, err := Open(dir); err == nil {
		a.Close()
		t.Error("a link out of the layout was followed")
	}
	for _, content := range []string{"", "not a tar at all", string(make([]byte, 1024))} {
		path := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); !errors.Is(err, ErrFormat) {
			t.Errorf("Open(%q...): %v, want ErrFormat", content[:min(8, len(content))], err)
		}
	}
}
