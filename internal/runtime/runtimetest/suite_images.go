package runtimetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func (s *suite) images(t *testing.T) {
	ctx := t.Context()
	first, err := s.Runtime.EnsureImage(ctx, s.Image)
	must(t, err)
	if first.Digest != s.Image.Target.Digest.String() || first.Manifest != first.Digest || first.Size < 1000 {
		t.Errorf("image %+v", first)
	}
	c := first.Config
	if !slices.Equal(c.Entrypoint, []string{"/probe"}) || !slices.Equal(c.Command, []string{"sleep"}) || c.StopSignal != "SIGQUIT" ||
		!slices.Equal(c.ExposedPorts, []string{"8080/tcp"}) || !slices.Equal(c.Volumes, []string{"/data"}) || c.WorkingDir != "/tmp" ||
		!slices.Contains(c.Environment, "FROM_IMAGE=yes") || c.OS != "linux" || c.Architecture == "" {
		t.Errorf("config %+v", c)
	}
	again, err := s.Runtime.EnsureImage(ctx, runtime.ImageSource{Target: s.Image.Target, Fetch: unreachable(t)})
	must(t, err)
	if again.Digest != first.Digest {
		t.Errorf("second EnsureImage gives %s", again.Digest)
	}
	found, err := s.Runtime.Image(ctx, first.Manifest)
	must(t, err)
	if found.Digest != first.Digest {
		t.Errorf("Image gives %s", found.Digest)
	}

	source, other := s.indexed(t)
	indexed, err := s.Runtime.EnsureImage(ctx, source)
	must(t, err)
	if indexed.Digest != source.Target.Digest.String() || indexed.Manifest != other.String() {
		t.Errorf("image of an index %+v, want manifest %s", indexed, other)
	}
	if found, err = s.Runtime.Image(ctx, indexed.Manifest); err != nil || found.Digest != indexed.Digest {
		t.Errorf("Image by the manifest in an index: %+v, %v", found, err)
	}
	all, err := s.Runtime.Images(ctx)
	must(t, err)
	if len(all) != 2 || all[0].Digest > all[1].Digest {
		t.Errorf("Images gives %d, want 2 in order", len(all))
	}
	for range 2 {
		must(t, s.Runtime.RemoveImage(ctx, indexed.Digest))
	}
	_, err = s.Runtime.Image(ctx, indexed.Digest)
	wantError(t, "Image after RemoveImage", err, runtime.ErrNotFound)
}

// indexed is a small image in an index beside one for another platform, whose
// blobs cannot be had. It returns the source and the digest to be picked.
func (s *suite) indexed(t *testing.T) (runtime.ImageSource, digest.Digest) {
	small := Source(t, image.Spec{Layers: [][]image.File{{{Path: "/a", Content: []byte("a")}}}, Cmd: []string{"/a"}})
	foreign := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("x"), Size: 1,
		Platform: &ocispec.Platform{OS: "linux", Architecture: "s390x"}}
	return wrap(t, small, ocispec.Index{Manifests: []ocispec.Descriptor{foreign, small.Target}}), small.Target.Digest
}

// wrap puts an index before a source.
func wrap(t *testing.T, source runtime.ImageSource, index ocispec.Index) runtime.ImageSource {
	index.SchemaVersion, index.MediaType = 2, ocispec.MediaTypeImageIndex
	content, err := json.Marshal(index)
	must(t, err)
	target := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromBytes(content)}
	return runtime.ImageSource{Target: target, Fetch: func(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
		if d.Digest == target.Digest {
			return io.NopCloser(bytes.NewReader(content)), nil
		}
		return source.Fetch(ctx, d)
	}}
}

func (s *suite) brokenImages(t *testing.T) {
	ctx := t.Context()
	source := Source(t, image.Spec{Layers: [][]image.File{{{Path: "/b", Content: []byte("b")}}}, Cmd: []string{"/b"}})
	var calls atomic.Int32
	sentinel := errors.New("no route to the registry")
	for failing := int32(1); failing <= 3; failing++ { // manifest, config, layer
		calls.Store(0)
		_, err := s.Runtime.EnsureImage(ctx, runtime.ImageSource{Target: source.Target, Fetch: func(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
			if calls.Add(1) == failing {
				return nil, sentinel
			}
			return source.Fetch(ctx, d)
		}})
		var fetch *runtime.FetchError
		if failing == 3 && err == nil {
			break // blobs that came before need not come again
		}
		if !errors.As(err, &fetch) || !errors.Is(err, sentinel) {
			t.Errorf("blob %d fails: %v, want a FetchError with its cause", failing, err)
		}
	}
	if _, err := s.Runtime.Image(ctx, source.Target.Digest.String()); err == nil {
		must(t, s.Runtime.RemoveImage(ctx, source.Target.Digest.String()))
	}
	lying := Source(t, image.Spec{Layers: [][]image.File{{{Path: "/c", Content: []byte("c")}}}, Cmd: []string{"/c"}})
	_, err := s.Runtime.EnsureImage(ctx, runtime.ImageSource{Target: lying.Target, Fetch: func(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte("{}"))), nil
	}})
	var fetch *runtime.FetchError
	if !errors.As(err, &fetch) {
		t.Errorf("wrong bytes: %v, want a FetchError", err)
	}
	_, err = s.Runtime.Image(ctx, lying.Target.Digest.String())
	wantError(t, "Image after a failure", err, runtime.ErrNotFound)
	must2(s.Runtime.EnsureImage(ctx, lying))(t) // and it can be had when the bytes are right
	must(t, s.Runtime.RemoveImage(ctx, lying.Target.Digest.String()))

	var platform *runtime.PlatformError
	indexed, _ := s.indexed(t)
	indexed.Platform = ocispec.Platform{OS: "linux", Architecture: "riscv64"}
	if _, err = s.Runtime.EnsureImage(ctx, indexed); !errors.As(err, &platform) {
		t.Errorf("index without the platform: %v, want a PlatformError", err)
	}
	alien := Source(t, image.Spec{Platform: ocispec.Platform{OS: "linux", Architecture: "s390x"}, Cmd: []string{"/x"},
		Layers: [][]image.File{{{Path: "/x"}}}})
	if _, err = s.Runtime.EnsureImage(ctx, alien); !errors.As(err, &platform) || platform.Have[0] != "linux/s390x" {
		t.Errorf("manifest for another platform: %v, want a PlatformError", err)
	}
}

func must2(_ runtime.Image, err error) func(t testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		must(t, err)
	}
}
