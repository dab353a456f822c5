package runtimetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// AddImage makes an image known without fetching anything.
func (f *Fake) AddImage(image runtime.Image) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.images[image.Digest] = image
}

// EnsureImage fetches and checks every blob, as the real one does, and keeps
// only the configuration.
func (f *Fake) EnsureImage(ctx context.Context, source runtime.ImageSource) (runtime.Image, error) {
	key := source.Target.Digest.String()
	if err := f.begin(ctx, "EnsureImage", key); err != nil {
		return runtime.Image{}, err
	}
	known, ok := f.images[key]
	f.mu.Unlock()
	if ok {
		return known, nil
	}
	image, err := readImage(ctx, source)
	if err != nil {
		return runtime.Image{}, err
	}
	f.AddImage(image)
	return image, nil
}

// Image implements runtime.Images.
func (f *Fake) Image(ctx context.Context, digest string) (runtime.Image, error) {
	if err := f.begin(ctx, "Image", digest); err != nil {
		return runtime.Image{}, err
	}
	defer f.mu.Unlock()
	return f.image(digest)
}

func (f *Fake) image(digest string) (runtime.Image, error) {
	for _, image := range f.images {
		if image.Digest == digest || image.Manifest == digest {
			return image, nil
		}
	}
	return runtime.Image{}, fmt.Errorf("image %s: %w", digest, runtime.ErrNotFound)
}

// Images implements runtime.Images.
func (f *Fake) Images(ctx context.Context) ([]runtime.Image, error) {
	if err := f.begin(ctx, "Images", ""); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.images), func(a, b runtime.Image) int { return strings.Compare(a.Digest, b.Digest) }), nil
}

// RemoveImage implements runtime.Images.
func (f *Fake) RemoveImage(ctx context.Context, digest string) error {
	if err := f.begin(ctx, "RemoveImage", digest); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if image, err := f.image(digest); err == nil {
		delete(f.images, image.Digest)
	}
	return nil
}

func readImage(ctx context.Context, source runtime.ImageSource) (runtime.Image, error) {
	var manifest ocispec.Manifest
	image := runtime.Image{Digest: source.Target.Digest.String(), Manifest: source.Target.Digest.String()}
	target, err := pick(ctx, source)
	if err != nil {
		return image, err
	}
	image.Manifest = target.Digest.String()
	if err := fetchJSON(ctx, source, target, &manifest); err != nil {
		return image, err
	}
	var config ocispec.Image
	if err := fetchJSON(ctx, source, manifest.Config, &config); err != nil {
		return image, err
	}
	if err := runtime.CheckPlatform(config.Platform, source.Platform); err != nil {
		return image, err
	}
	image.Size = manifest.Config.Size + target.Size
	for _, layer := range manifest.Layers {
		if _, err := fetch(ctx, source, layer); err != nil {
			return image, err
		}
		image.Size += layer.Size
	}
	image.Config = runtime.ConfigOf(config)
	return image, nil
}

func pick(ctx context.Context, source runtime.ImageSource) (ocispec.Descriptor, error) {
	if !strings.Contains(source.Target.MediaType, "index") && !strings.Contains(source.Target.MediaType, "list") {
		return source.Target, nil
	}
	var index ocispec.Index
	if err := fetchJSON(ctx, source, source.Target, &index); err != nil {
		return ocispec.Descriptor{}, err
	}
	return runtime.Pick(index, source.Platform)
}

func fetchJSON(ctx context.Context, source runtime.ImageSource, blob ocispec.Descriptor, into any) error {
	b, err := fetch(ctx, source, blob)
	if err != nil {
		return err
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(into); err != nil {
		return &runtime.FetchError{Digest: blob.Digest.String(), Err: err}
	}
	return nil
}

func fetch(ctx context.Context, source runtime.ImageSource, blob ocispec.Descriptor) ([]byte, error) {
	r, err := source.Fetch(ctx, blob)
	if err != nil {
		return nil, &runtime.FetchError{Digest: blob.Digest.String(), Err: err}
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, 1<<30))
	if err == nil && digest.FromBytes(b) != blob.Digest {
		err = fmt.Errorf("content has digest %s", digest.FromBytes(b))
	}
	if err != nil {
		return nil, &runtime.FetchError{Digest: blob.Digest.String(), Err: err}
	}
	return b, nil
}
