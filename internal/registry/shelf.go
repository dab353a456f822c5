package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/blob"
)

// Shelf keeps images that were loaded from archives under names of public
// registries. It is one file per name, replaced whole, and read at the start.
type Shelf struct {
	dir   string
	blobs *blob.Store

	mu     sync.RWMutex
	loaded map[string]Loaded // guarded by mu; by the name without digest
	logins map[string]Login  // guarded by mu; by host/repository
}

// Loaded is one name on the shelf.
type Loaded struct {
	Name   string             // docker.io/library/nginx:latest
	Root   ocispec.Descriptor // of the manifest or index
	Blobs  []digest.Digest    // everything that belongs to it, manifests included
	Size   int64              // bytes of all blobs together
	Loaded time.Time
}

// Source is an image to be loaded: an archive that was opened.
type Source interface {
	// Root describes the image's manifest or index.
	Root() ocispec.Descriptor
	// Open returns the content of a manifest, configuration or layer, or an
	// error that is fs.ErrNotExist when the archive does not have it.
	Open(ctx context.Context, d ocispec.Descriptor) (io.ReadCloser, error)
}

// OpenShelf reads the shelf in dir, and makes it if need be.
func OpenShelf(dir string, blobs *blob.Store) (*Shelf, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	s := &Shelf{dir: dir, blobs: blobs, loaded: map[string]Loaded{}, logins: map[string]Login{}}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var l Loaded
		if err := json.Unmarshal(raw, &l); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		s.loaded[l.Name] = l
	}
	return s, s.readLogins()
}

// Load copies an image into the blob store and puts it on the shelf under a
// name ("nginx", "public.ecr.aws/docker/library/busybox:1.36"). What was there
// under this name before is replaced.
func (s *Shelf) Load(ctx context.Context, source Source, name string) (Loaded, error) {
	ref, err := ParseReference(name)
	if err != nil {
		return Loaded{}, err
	}
	if ref.Digest != "" {
		return Loaded{}, fmt.Errorf("image name %q: a loaded image is named by tag", name)
	}
	l := Loaded{Name: ref.String(), Root: source.Root(), Loaded: time.Now().UTC()}
	if err := s.copy(ctx, source, l.Root, &l); err != nil {
		return Loaded{}, err
	}
	slices.Sort(l.Blobs)
	l.Blobs = slices.Compact(l.Blobs)
	for _, d := range l.Blobs {
		size, err := s.blobs.Size(d)
		if err != nil {
			return Loaded{}, err
		}
		l.Size += size
	}
	return l, s.keep(l)
}

// copy stores a manifest and everything below it. Of an index, manifests that
// the archive does not have are left out, but not all of them.
func (s *Shelf) copy(ctx context.Context, source Source, root ocispec.Descriptor, l *Loaded) error {
	data, err := s.copyBlob(ctx, source, root, l)
	if err != nil {
		return err
	}
	m, err := ParseManifest(root.MediaType, data)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", root.Digest, err)
	}
	found := 0
	for _, d := range m.References() {
		if m.IsIndex() {
			before := len(l.Blobs)
			err = s.copy(ctx, source, d, l)
			if errors.Is(err, fs.ErrNotExist) {
				l.Blobs = l.Blobs[:before]
				continue
			}
		} else {
			_, err = s.copyBlob(ctx, source, d, l)
		}
		if err != nil {
			return err
		}
		found++
	}
	if m.IsIndex() && found == 0 {
		return fmt.Errorf("index %s: none of its images is in the archive", root.Digest)
	}
	return nil
}

// copyBlob stores one blob, and returns its content if it is a manifest.
func (s *Shelf) copyBlob(ctx context.Context, source Source, d ocispec.Descriptor, l *Loaded) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := s.blobs.Size(d.Digest); err != nil {
		r, err := source.Open(ctx, d)
		if err != nil {
			return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
		}
		_, _, err = s.blobs.Put(r, d.Digest)
		if err = errors.Join(err, r.Close()); err != nil {
			return nil, fmt.Errorf("blob %s: %w", d.Digest, err)
		}
	}
	l.Blobs = append(l.Blobs, d.Digest)
	switch d.MediaType {
	case ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex, DockerManifest, DockerList:
		return s.blobs.Read(d.Digest, MaxManifest)
	}
	return nil, nil
}

func (s *Shelf) keep(l Loaded) error {
	raw, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	if err := s.replace(s.file(l.Name), raw); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded[l.Name] = l
	return nil
}

// replace writes a file of the shelf that is whole or not there.
func (s *Shelf) replace(path string, raw []byte) error {
	f, err := os.CreateTemp(s.dir, ".loaded-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(raw)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (s *Shelf) file(name string) string {
	return filepath.Join(s.dir, digest.FromString(name).Encoded()+".json")
}

// Remove takes a name off the shelf; its blobs stay until they are swept.
func (s *Shelf) Remove(name string) error {
	ref, err := ParseReference(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.loaded[ref.String()]; !ok {
		return fmt.Errorf("no image was loaded as %s", ref)
	}
	delete(s.loaded, ref.String())
	return os.Remove(s.file(ref.String()))
}

// List returns what is on the shelf, by name.
func (s *Shelf) List() []Loaded {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Loaded, 0, len(s.loaded))
	for _, l := range s.loaded {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Loaded) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Blobs returns the digests of everything that belongs to images on the shelf.
func (s *Shelf) Blobs() []digest.Digest {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []digest.Digest
	for _, l := range s.loaded {
		out = append(out, l.Blobs...)
	}
	return out
}

// of yields what is on the shelf of one registry, with parsed names.
func (s *Shelf) of(host string) map[Reference]Loaded {
	out := map[Reference]Loaded{}
	for _, l := range s.List() {
		if ref, err := ParseReference(l.Name); err == nil && ref.Host == host {
			out[ref] = l
		}
	}
	return out
}
