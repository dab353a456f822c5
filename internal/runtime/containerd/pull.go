package containerd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/neargate/neargate/internal/runtime"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

const (
	maxManifest = 8 << 20 // bytes of an index, manifest or config
	maxLayers   = 512
	parallel    = 3 // layers copied at a time
)

// copyImage brings the blobs of one platform's image into the content store and
// returns the descriptor of its manifest.
func (r *Runtime) copyImage(ctx context.Context, source runtime.ImageSource) (ocispec.Descriptor, error) {
	target, data, err := r.pickManifest(ctx, source)
	if err != nil {
		return target, err
	}
	var manifest ocispec.Manifest
	if err := decode(target, data, &manifest); err != nil {
		return target, err
	}
	if !images.IsConfigType(manifest.Config.MediaType) {
		return target, fetchError(target, fmt.Errorf("config of type %q is not that of a container image", manifest.Config.MediaType))
	}
	if len(manifest.Layers) > maxLayers {
		return target, fetchError(target, fmt.Errorf("%d layers, more than %d", len(manifest.Layers), maxLayers))
	}
	config, err := r.copySmall(ctx, source, manifest.Config, nil)
	if err != nil {
		return target, err
	}
	if err := checkConfig(manifest, config, source.Platform); err != nil {
		return target, err
	}
	if err := r.copyLayers(ctx, source, manifest.Layers); err != nil {
		return target, err
	}
	return target, r.store(ctx, target, bytes.NewReader(data), childLabels(manifest))
}

// pickManifest returns the manifest for the platform and its bytes.
func (r *Runtime) pickManifest(ctx context.Context, source runtime.ImageSource) (ocispec.Descriptor, []byte, error) {
	target := source.Target
	data, err := fetchSmall(ctx, source, target)
	if err != nil {
		return target, nil, err
	}
	target.Size = int64(len(data))
	var probe struct {
		MediaType string          `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
	}
	if err := decode(target, data, &probe); err != nil {
		return target, nil, err
	}
	if target.MediaType == "" {
		target.MediaType = probe.MediaType
	}
	if target.MediaType == "" {
		target.MediaType = ocispec.MediaTypeImageManifest
		if probe.Manifests != nil {
			target.MediaType = ocispec.MediaTypeImageIndex
		}
	}
	switch {
	case images.IsManifestType(target.MediaType):
		return target, data, nil
	case !images.IsIndexType(target.MediaType):
		return target, nil, fetchError(target, fmt.Errorf("media type %q is neither a manifest nor an index", target.MediaType))
	}
	var index ocispec.Index
	if err := decode(target, data, &index); err != nil {
		return target, nil, err
	}
	picked, err := runtime.Pick(index, source.Platform)
	if err != nil {
		return target, nil, err
	}
	if !images.IsManifestType(picked.MediaType) {
		return target, nil, fetchError(picked, fmt.Errorf("media type %q in an index is not a manifest", picked.MediaType))
	}
	data, err = fetchSmall(ctx, source, picked)
	return picked, data, err
}

// checkConfig says early what containerd would only find out while unpacking.
func checkConfig(manifest ocispec.Manifest, data []byte, want ocispec.Platform) error {
	var config ocispec.Image
	if err := decode(manifest.Config, data, &config); err != nil {
		return err
	}
	if len(config.RootFS.DiffIDs) != len(manifest.Layers) {
		return fetchError(manifest.Config, fmt.Errorf("%d diff ids for %d layers", len(config.RootFS.DiffIDs), len(manifest.Layers)))
	}
	return runtime.CheckPlatform(config.Platform, want)
}

func (r *Runtime) copyLayers(ctx context.Context, source runtime.ImageSource, layers []ocispec.Descriptor) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, layer := range layers {
		group.Go(func() error {
			if err := layer.Digest.Validate(); err != nil {
				return fetchError(layer, err)
			}
			if _, err := r.client.ContentStore().Info(ctx, layer.Digest); err == nil {
				return nil
			}
			blob, err := source.Fetch(ctx, layer)
			if err != nil {
				return fetchError(layer, err)
			}
			defer blob.Close()
			return r.store(ctx, layer, blob, nil)
		})
	}
	return group.Wait()
}

func (r *Runtime) copySmall(ctx context.Context, source runtime.ImageSource, blob ocispec.Descriptor, labels map[string]string) ([]byte, error) {
	data, err := fetchSmall(ctx, source, blob)
	if err != nil {
		return nil, err
	}
	return data, r.store(ctx, blob, bytes.NewReader(data), labels)
}

// store writes a blob to the content store, which checks size and digest.
func (r *Runtime) store(ctx context.Context, blob ocispec.Descriptor, from io.Reader, labels map[string]string) error {
	err := content.WriteBlob(ctx, r.client.ContentStore(), "neargate-"+blob.Digest.String(), from, blob, content.WithLabels(labels))
	if err != nil && !errdefs.IsAlreadyExists(err) {
		return fetchError(blob, err)
	}
	return nil
}

// fetchSmall reads a blob that has to fit in memory, and checks its digest.
func fetchSmall(ctx context.Context, source runtime.ImageSource, blob ocispec.Descriptor) ([]byte, error) {
	if err := blob.Digest.Validate(); err != nil {
		return nil, fetchError(blob, err)
	}
	if blob.Size > maxManifest {
		return nil, fetchError(blob, fmt.Errorf("%d bytes, more than %d", blob.Size, maxManifest))
	}
	from, err := source.Fetch(ctx, blob)
	if err != nil {
		return nil, fetchError(blob, err)
	}
	defer from.Close()
	data, err := io.ReadAll(io.LimitReader(from, maxManifest+1))
	if err != nil {
		return nil, fetchError(blob, err)
	}
	if len(data) > maxManifest {
		return nil, fetchError(blob, fmt.Errorf("more than %d bytes", maxManifest))
	}
	if got := blob.Digest.Algorithm().FromBytes(data); got != blob.Digest {
		return nil, fetchError(blob, fmt.Errorf("content has digest %s", got))
	}
	return data, nil
}

// childLabels make containerd's garbage collector keep what a manifest names.
func childLabels(manifest ocispec.Manifest) map[string]string {
	labels := map[string]string{"containerd.io/gc.ref.content.config": manifest.Config.Digest.String()}
	for i, layer := range manifest.Layers {
		labels[fmt.Sprintf("containerd.io/gc.ref.content.l.%d", i)] = layer.Digest.String()
	}
	return labels
}

func decode(blob ocispec.Descriptor, data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fetchError(blob, err)
	}
	return nil
}

func fetchError(blob ocispec.Descriptor, err error) error {
	return &runtime.FetchError{Digest: blob.Digest.String(), Err: err}
}
