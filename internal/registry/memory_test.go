package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/blob"
)

// memory is a Backend with fixed repositories, for tests.
type memory struct {
	mu        sync.Mutex
	blobs     map[string]map[digest.Digest]bool
	manifests map[string]map[string]ocispec.Descriptor
}

func newMemory(repositories ...string) *memory {
	m := &memory{blobs: map[string]map[digest.Digest]bool{}, manifests: map[string]map[string]ocispec.Descriptor{}}
	for _, name := range repositories {
		m.blobs[name], m.manifests[name] = map[digest.Digest]bool{}, map[string]ocispec.Descriptor{}
	}
	return m
}

func (m *memory) Exists(_ context.Context, repository string) error {
	if m.blobs[repository] == nil {
		return errNameUnknown(repository)
	}
	return nil
}

func (m *memory) Resolve(_ context.Context, repository, reference string) (ocispec.Descriptor, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, ok := m.manifests[repository][reference]; ok {
		return d, nil
	}
	return ocispec.Descriptor{}, NewError(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown")
}

func (m *memory) PutManifest(_ context.Context, repository, reference string, manifest Manifest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range manifest.References() {
		if _, ok := m.manifests[repository][d.Digest.String()]; !ok && !m.blobs[repository][d.Digest] {
			return NewError(http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN", "blob %s unknown", d.Digest)
		}
	}
	m.manifests[repository][reference] = manifest.Descriptor
	m.manifests[repository][manifest.Digest.String()] = manifest.Descriptor
	return nil
}

func (m *memory) HasBlob(_ context.Context, repository string, d digest.Digest) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.blobs[repository][d] {
		return errBlobUnknown()
	}
	return nil
}

func (m *memory) AddBlob(_ context.Context, repository string, d digest.Digest, _ int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[repository][d] = true
	return nil
}

func (m *memory) Tags(ctx context.Context, repository string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var tags []string
	for reference := range m.manifests[repository] {
		if digest.Digest(reference).Validate() != nil {
			tags = append(tags, reference)
		}
	}
	slices.Sort(tags)
	return tags, m.Exists(ctx, repository)
}

func (m *memory) Repositories(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(m.blobs)), nil
}

// testSource is an image in memory.
type testSource struct {
	root  ocispec.Descriptor
	blobs map[digest.Digest][]byte
}

func (s testSource) Root() ocispec.Descriptor { return s.root }

func (s testSource) Open(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	data, ok := s.blobs[d.Digest]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

func (s testSource) add(mediaType string, content any) ocispec.Descriptor {
	data, ok := content.([]byte)
	if !ok {
		data, _ = json.Marshal(content)
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	s.blobs[d.Digest] = data
	return d
}

// testImage is an image of one layer.
func testImage(layer []byte) testSource {
	s := testSource{blobs: map[digest.Digest][]byte{}}
	layerDescriptor := s.add(ocispec.MediaTypeImageLayer, layer)
	config := s.add(ocispec.MediaTypeImageConfig, ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layerDescriptor.Digest}},
	})
	s.root = s.add(ocispec.MediaTypeImageManifest, ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: config, Layers: []ocispec.Descriptor{layerDescriptor},
	})
	return s
}

func openStore(t testing.TB) *blob.Store {
	t.Helper()
	store, err := blob.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return store
}
