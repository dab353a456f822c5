package containerd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// knownImage is an image and what Create needs of it. In containerd an image is
// a record whose name is the digest that EnsureImage was given and whose target
// is the platform's manifest; the record is written last, so that what has one
// is complete and unpacked. It keeps blobs and layers from garbage collection.
type knownImage struct {
	runtime.Image
	platform ocispec.Platform
	rootfs   string // key of the snapshot of all layers
	users    userFiles
}

// EnsureImage implements runtime.Images.
func (r *Runtime) EnsureImage(ctx context.Context, source runtime.ImageSource) (runtime.Image, error) {
	if err := r.await(); err != nil {
		return runtime.Image{}, err
	}
	ctx = r.context(ctx)
	name := source.Target.Digest.String()
	if err := source.Target.Digest.Validate(); err != nil {
		return runtime.Image{}, fmt.Errorf("%w: image digest: %w", runtime.ErrInvalid, err)
	}
	defer r.locks.lock("image/" + name)()
	known, err := r.image(ctx, name)
	switch {
	case errdefs.IsNotFound(err):
		if known, err = r.addImage(ctx, name, source); err != nil {
			return runtime.Image{}, err
		}
	case err != nil:
		return runtime.Image{}, err
	}
	return known.Image, runtime.CheckPlatform(known.platform, source.Platform)
}

func (r *Runtime) addImage(ctx context.Context, name string, source runtime.ImageSource) (*knownImage, error) {
	ctx, release, err := r.client.WithLease(ctx) // keeps blobs until the record is there
	if err != nil {
		return nil, err
	}
	defer release(context.WithoutCancel(ctx))
	manifest, err := r.copyImage(ctx, source)
	if err != nil {
		return nil, err
	}
	fault.Point("runtime.image.blobs")
	record := images.Image{Name: name, Target: manifest}
	image := client.NewImageWithPlatform(r.client, record, platforms.All)
	if err := image.Unpack(ctx, r.snapshotter); err != nil {
		return nil, fmt.Errorf("unpacking image %s: %w", name, err)
	}
	fault.Point("runtime.image.layers")
	if _, err := r.client.ImageService().Create(ctx, record); err != nil && !errdefs.IsAlreadyExists(err) {
		return nil, err
	}
	return r.image(ctx, name)
}

// Image implements runtime.Images.
func (r *Runtime) Image(ctx context.Context, digest string) (runtime.Image, error) {
	known, err := r.findImage(r.context(ctx), digest)
	if err != nil {
		return runtime.Image{}, err
	}
	return known.Image, nil
}

// Images implements runtime.Images.
func (r *Runtime) Images(ctx context.Context) ([]runtime.Image, error) {
	ctx = r.context(ctx)
	records, err := r.client.ImageService().List(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]runtime.Image, 0, len(records))
	for _, record := range records {
		known, err := r.image(ctx, record.Name)
		if errdefs.IsNotFound(err) { // removed meanwhile
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, known.Image)
	}
	slices.SortFunc(out, func(a, b runtime.Image) int { return strings.Compare(a.Digest, b.Digest) })
	return out, nil
}

// RemoveImage implements runtime.Images.
func (r *Runtime) RemoveImage(ctx context.Context, digest string) error {
	ctx = r.context(ctx)
	defer r.locks.lock("image/" + digest)()
	r.mu.Lock()
	delete(r.images, digest)
	r.mu.Unlock()
	if err := r.client.ImageService().Delete(ctx, digest); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}

// findImage looks an image up by either of its digests. Error: runtime.ErrNotFound.
func (r *Runtime) findImage(ctx context.Context, digest string) (*knownImage, error) {
	known, err := r.image(ctx, digest)
	if !errdefs.IsNotFound(err) {
		return known, err
	}
	records, err := r.client.ImageService().List(ctx, fmt.Sprintf("target.digest==%q", digest))
	if err != nil {
		return nil, err
	}
	if len(records) == 0 {
		return nil, fmt.Errorf("image %s: %w", digest, runtime.ErrNotFound)
	}
	return r.image(ctx, records[0].Name)
}

// image returns an image by its record's name. Error: errdefs.ErrNotFound.
func (r *Runtime) image(ctx context.Context, name string) (*knownImage, error) {
	r.mu.Lock()
	known := r.images[name]
	r.mu.Unlock()
	if known != nil {
		return known, nil
	}
	record, err := r.client.ImageService().Get(ctx, name)
	if err != nil {
		return nil, err
	}
	if known, err = r.readImage(ctx, record); err != nil {
		return nil, fmt.Errorf("reading image %s: %v", name, err) // not a "not found" of the image
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images[name] = known
	return known, nil
}

func (r *Runtime) readImage(ctx context.Context, record images.Image) (*knownImage, error) {
	store := r.client.ContentStore()
	var manifest ocispec.Manifest
	if err := readJSON(ctx, store, record.Target, &manifest); err != nil {
		return nil, err
	}
	var config ocispec.Image
	if err := readJSON(ctx, store, manifest.Config, &config); err != nil {
		return nil, err
	}
	known := &knownImage{
		Image: runtime.Image{
			Digest:   record.Name,
			Manifest: record.Target.Digest.String(),
			Size:     record.Target.Size + manifest.Config.Size,
			Config:   runtime.ConfigOf(config),
		},
		platform: config.Platform,
		rootfs:   identity.ChainID(config.RootFS.DiffIDs).String(),
	}
	for _, layer := range manifest.Layers {
		known.Size += layer.Size
	}
	return known, nil
}

func readJSON(ctx context.Context, store content.Provider, blob ocispec.Descriptor, into any) error {
	data, err := content.ReadBlob(ctx, store, blob)
	if err != nil {
		return err
	}
	return decode(blob, data, into)
}
