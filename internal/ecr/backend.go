package ecr

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/state"
)

// backend is one account's registry in a region, for package registry.
type backend struct {
	service *Service
	scope   scope
}

var _ registry.Backend = (*backend)(nil)

// asRegistry gives the API's errors the registry's codes; the texts are the same.
func asRegistry(err error) error {
	var e wire.Error
	if !errors.As(err, &e) {
		return err
	}
	codes := map[string]struct {
		status int
		code   string
	}{
		"RepositoryNotFoundException":       {http.StatusNotFound, "NAME_UNKNOWN"},
		"ImageTagAlreadyExistsException":    {http.StatusBadRequest, "TAG_INVALID"},
		"LayersNotFoundException":           {http.StatusNotFound, "BLOB_UNKNOWN"},
		"ReferencedImagesNotFoundException": {http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN"},
	}
	if c, ok := codes[e.ErrorCode()]; ok {
		return registry.NewError(c.status, c.code, "%s", e.ErrorMessage())
	}
	return registry.NewError(e.HTTPStatus(), "DENIED", "%s", e.ErrorMessage())
}

func (b *backend) Exists(_ context.Context, repository string) error {
	_, err := b.service.repository(b.service.DB.Read(), b.scope, repository)
	return asRegistry(err)
}

func (b *backend) Resolve(ctx context.Context, repository, reference string) (ocispec.Descriptor, error) {
	tx := b.service.DB.Read()
	if _, err := b.service.repository(tx, b.scope, repository); err != nil {
		return ocispec.Descriptor{}, asRegistry(err)
	}
	id := ecrapi.ImageIdentifier{ImageTag: reference}
	if digest.Digest(reference).Validate() == nil {
		id = ecrapi.ImageIdentifier{ImageDigest: reference}
	}
	image, failure := find(tx, b.scope, repository, id)
	if failure != nil {
		return ocispec.Descriptor{}, registry.NewError(http.StatusNotFound, "MANIFEST_UNKNOWN", "%s", failure.FailureReason)
	}
	b.service.recordPull(ctx, image)
	return ocispec.Descriptor{MediaType: image.MediaType, Digest: digest.Digest(image.Digest), Size: image.ManifestSize}, nil
}

func (b *backend) PutManifest(ctx context.Context, repository, reference string, m registry.Manifest) error {
	if digest.Digest(reference).Validate() == nil {
		reference = ""
	}
	_, err := b.service.putImage(ctx, b.scope, repository, reference, m)
	return asRegistry(err)
}

func (b *backend) HasBlob(_ context.Context, repository string, d digest.Digest) error {
	tx := b.service.DB.Read()
	if _, err := b.service.repository(tx, b.scope, repository); err != nil {
		return asRegistry(err)
	}
	if _, ok := state.Layers.Get(tx, b.scope.itemKey(repository, d.String())); !ok {
		return registry.NewError(http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
	}
	return nil
}

func (b *backend) AddBlob(ctx context.Context, repository string, d digest.Digest, size int64) error {
	return asRegistry(b.service.addLayer(ctx, b.scope, repository, d, size))
}

func (b *backend) Tags(_ context.Context, repository string) ([]string, error) {
	tx := b.service.DB.Read()
	if _, err := b.service.repository(tx, b.scope, repository); err != nil {
		return nil, asRegistry(err)
	}
	var out []string
	for _, image := range imagesOf(tx, b.scope, repository) {
		out = append(out, image.Tags...)
	}
	slices.Sort(out)
	return out, nil
}

func (b *backend) Repositories(context.Context) ([]string, error) {
	var out []string
	for r := range state.Repositories.All(b.service.DB.Read(), state.Prefix(b.scope.account, b.scope.region)) {
		out = append(out, r.Name)
	}
	return out, nil
}
