package image

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Spec describes an image to build. The same spec gives the same digests.
type Spec struct {
	// Name is the reference that the layout gives to the image; optional.
	Name string
	// Layers are laid over each other in order.
	Layers [][]File
	// Gzip compresses the layers; without it they are stored as they are, which
	// is the faster way on one machine.
	Gzip bool
	// Platform defaults to linux on the architecture of this program.
	Platform ocispec.Platform

	Entrypoint, Cmd, Env []string
	User, WorkingDir     string
	StopSignal           string
	ExposedPorts         []string // "80/tcp"
	Volumes              []string
	Labels               map[string]string
}

// Build writes an OCI layout with one image to dir, which it makes if it is
// missing, and returns the descriptor of the image's manifest.
func Build(dir string, spec Spec) (ocispec.Descriptor, error) {
	if spec.Platform.OS == "" {
		spec.Platform = ocispec.Platform{OS: "linux", Architecture: runtime.GOARCH}
	}
	b := builder{dir}
	if err := os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755); err != nil {
		return ocispec.Descriptor{}, err
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	epoch := time.Unix(0, 0).UTC()
	config := ocispec.Image{Created: &epoch, Platform: spec.Platform, Config: imageConfig(spec)}
	config.RootFS.Type = "layers"
	for _, files := range spec.Layers {
		layer, diff, err := b.layer(files, spec.Gzip)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		manifest.Layers = append(manifest.Layers, layer)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, diff)
	}
	var err error
	if manifest.Config, err = b.document(ocispec.MediaTypeImageConfig, config); err != nil {
		return ocispec.Descriptor{}, err
	}
	target, err := b.document(ocispec.MediaTypeImageManifest, manifest)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	target.Platform = &spec.Platform
	return target, b.index(spec.Name, target)
}

func imageConfig(spec Spec) ocispec.ImageConfig {
	set := func(names []string) map[string]struct{} {
		if len(names) == 0 {
			return nil
		}
		out := map[string]struct{}{}
		for _, name := range names {
			out[name] = struct{}{}
		}
		return out
	}
	return ocispec.ImageConfig{
		User: spec.User, WorkingDir: spec.WorkingDir, StopSignal: spec.StopSignal, Labels: spec.Labels,
		Entrypoint: spec.Entrypoint, Cmd: spec.Cmd, Env: spec.Env,
		ExposedPorts: set(spec.ExposedPorts), Volumes: set(spec.Volumes),
	}
}

type builder struct{ dir string }

// layer writes a layer and returns its descriptor and the digest of its tar.
func (b builder) layer(files []File, compress bool) (ocispec.Descriptor, digest.Digest, error) {
	diff := digest.Canonical.Digester()
	mediaType := ocispec.MediaTypeImageLayer
	if compress {
		mediaType = ocispec.MediaTypeImageLayerGzip
	}
	blob, err := b.blob(mediaType, func(w io.Writer) error {
		if !compress {
			return writeLayer(io.MultiWriter(w, diff.Hash()), files)
		}
		zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err != nil {
			return err
		}
		return errors.Join(writeLayer(io.MultiWriter(zip, diff.Hash()), files), zip.Close())
	})
	return blob, diff.Digest(), err
}

func (b builder) document(mediaType string, v any) (ocispec.Descriptor, error) {
	content, err := json.Marshal(v)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return b.blob(mediaType, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// blob writes what fn writes under the digest that it turns out to have.
func (b builder) blob(mediaType string, fn func(io.Writer) error) (ocispec.Descriptor, error) {
	dir := filepath.Join(b.dir, "blobs", "sha256")
	tmp, err := os.CreateTemp(dir, ".tmp-")
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	defer os.Remove(tmp.Name())
	sum := digest.Canonical.Digester()
	buffered := bufio.NewWriterSize(tmp, 256<<10)
	err = fn(io.MultiWriter(buffered, sum.Hash()))
	size, sizeErr := int64(0), buffered.Flush()
	if sizeErr == nil {
		size, sizeErr = tmp.Seek(0, io.SeekCurrent)
	}
	if err := errors.Join(err, sizeErr, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return ocispec.Descriptor{}, err
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: sum.Digest(), Size: size}
	return d, os.Rename(tmp.Name(), filepath.Join(dir, d.Digest.Encoded()))
}

// index writes the layout's table of contents.
func (b builder) index(name string, target ocispec.Descriptor) error {
	if name != "" {
		target.Annotations = map[string]string{ocispec.AnnotationRefName: name}
	}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{target}}
	content, err := json.Marshal(index)
	if err != nil {
		return err
	}
	layout := fmt.Sprintf(`{"imageLayoutVersion":%q}`, ocispec.ImageLayoutVersion)
	return errors.Join(
		os.WriteFile(filepath.Join(b.dir, ocispec.ImageLayoutFile), []byte(layout), 0o644),
		os.WriteFile(filepath.Join(b.dir, ocispec.ImageIndexFile), content, 0o644),
	)
}

// Pack writes a directory that Build made as a tar archive.
func Pack(dir string, w io.Writer) error {
	archive := tar.NewWriter(w)
	return errors.Join(archive.AddFS(os.DirFS(dir)), archive.Close())
}
