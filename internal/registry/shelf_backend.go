package registry

import (
	"context"
	"net/http"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Backend is the read-only registry of one host on the shelf.
func (s *Shelf) Backend(host string) Backend { return &shelfBackend{shelf: s, host: host} }

type shelfBackend struct {
	shelf *Shelf
	host  string
}

func errNameUnknown(repository string) *Error {
	return NewError(http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
}

func (b *shelfBackend) Resolve(_ context.Context, repository, reference string) (ocispec.Descriptor, error) {
	known := false
	for ref, l := range b.shelf.of(b.host) {
		if ref.Repository != repository {
			continue
		}
		known = true
		if reference == ref.Tag || reference == l.Root.Digest.String() {
			return l.Root, nil
		}
		if d := digest.Digest(reference); slices.Contains(l.Blobs, d) { // an image of an index
			return b.manifest(d)
		}
	}
	if !known {
		return ocispec.Descriptor{}, errNameUnknown(repository)
	}
	return ocispec.Descriptor{}, NewError(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
}

func (b *shelfBackend) manifest(d digest.Digest) (ocispec.Descriptor, error) {
	data, err := b.shelf.blobs.Read(d, MaxManifest)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	m, err := ParseManifest("", data)
	if err == nil {
		return m.Descriptor, nil
	}
	// Images need not name their own media type, but then they are OCI's.
	if m, err = ParseManifest(ocispec.MediaTypeImageManifest, data); err != nil {
		return ocispec.Descriptor{}, NewError(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
	}
	return m.Descriptor, nil
}

func (b *shelfBackend) HasBlob(ctx context.Context, repository string, d digest.Digest) error {
	for ref, l := range b.shelf.of(b.host) {
		if ref.Repository == repository && slices.Contains(l.Blobs, d) {
			return nil
		}
	}
	return errBlobUnknown()
}

func (b *shelfBackend) Exists(_ context.Context, repository string) error {
	for ref := range b.shelf.of(b.host) {
		if ref.Repository == repository {
			return nil
		}
	}
	return errNameUnknown(repository)
}

func (b *shelfBackend) Tags(_ context.Context, repository string) ([]string, error) {
	var out []string
	for ref := range b.shelf.of(b.host) {
		if ref.Repository == repository {
			out = append(out, ref.Tag)
		}
	}
	if out == nil {
		return nil, errNameUnknown(repository)
	}
	slices.Sort(out)
	return out, nil
}

func (b *shelfBackend) Repositories(context.Context) ([]string, error) {
	var out []string
	for ref := range b.shelf.of(b.host) {
		out = append(out, ref.Repository)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (b *shelfBackend) PutManifest(context.Context, string, string, Manifest) error {
	return errReadOnly()
}

func (b *shelfBackend) AddBlob(context.Context, string, digest.Digest, int64) error {
	return errReadOnly()
}

func errReadOnly() *Error {
	return NewError(http.StatusForbidden, "DENIED", "requested access to the resource is denied")
}
