package blob

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"github.com/opencontainers/go-digest"
)

// Errors of this package, to be tested with errors.Is.
var (
	ErrNotFound = errors.New("blob does not exist")
	ErrDigest   = errors.New("content does not match its digest")
	ErrCorrupt  = errors.New("object is damaged on disk")
)

// Store is a folder of content-addressed blobs.
type Store struct {
	dir, temp string
}

// OpenStore opens the store in dir, makes it if need be, and removes what
// unfinished writers left.
func OpenStore(dir string) (*Store, error) {
	s := &Store{dir: filepath.Join(dir, "sha256"), temp: filepath.Join(dir, "tmp")}
	if err := prepare(s.dir, s.temp); err != nil {
		return nil, err
	}
	return s, nil
}

// Blob is an open blob: readable, seekable, to be closed.
type Blob struct {
	*os.File
	Size int64 // bytes
}

// Open opens a blob, or returns ErrNotFound.
func (s *Store) Open(d digest.Digest) (*Blob, error) {
	path, err := s.Path(d)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, notFound(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &Blob{File: f, Size: info.Size()}, nil
}

// Read returns a blob of at most limit bytes as a slice: for manifests and
// configurations.
func (s *Store) Read(d digest.Digest, limit int64) ([]byte, error) {
	b, err := s.Open(d)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if b.Size > limit {
		return nil, fmt.Errorf("blob %s has %d bytes, more than %d", d, b.Size, limit)
	}
	data := make([]byte, b.Size)
	_, err = io.ReadFull(b, data)
	return data, err
}

// Size returns a blob's size in bytes, or ErrNotFound.
func (s *Store) Size(d digest.Digest) (int64, error) {
	path, err := s.Path(d)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return 0, notFound(err)
	}
	return info.Size(), nil
}

// Path is where a blob is, or would be; it may be hard-linked but not changed.
func (s *Store) Path(d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
		return "", fmt.Errorf("%w: %q is not a sha256 digest", ErrNotFound, d)
	}
	hex := d.Encoded()
	return filepath.Join(s.dir, hex[:2], hex), nil
}

// Delete removes a blob; one that is gone is no error.
func (s *Store) Delete(d digest.Digest) error {
	path, err := s.Path(d)
	if err != nil {
		return err
	}
	return ignoreMissing(os.Remove(path))
}

// All yields every blob of the store in no particular order.
func (s *Store) All() iter.Seq2[digest.Digest, error] {
	return func(yield func(digest.Digest, error) bool) {
		for name, err := range files(s.dir) {
			if !yield(digest.NewDigestFromEncoded(digest.SHA256, name), err) {
				return
			}
		}
	}
}

// Put stores what r yields. When want is not empty the content must have that
// digest, else ErrDigest is returned and nothing stored.
func (s *Store) Put(r io.Reader, want digest.Digest) (digest.Digest, int64, error) {
	w, err := s.Create()
	if err != nil {
		return "", 0, err
	}
	defer w.Abort()
	if _, err := io.Copy(w, r); err != nil {
		return "", 0, err
	}
	d, err := w.Commit(want)
	return d, w.Size(), err
}

// files yields the names of the files in the two-letter folders of dir.
func files(dir string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		folders, err := os.ReadDir(dir)
		if err != nil {
			yield("", err)
			return
		}
		for _, folder := range folders {
			entries, err := os.ReadDir(filepath.Join(dir, folder.Name()))
			if err != nil {
				yield("", err)
				return
			}
			for _, entry := range entries {
				if !yield(entry.Name(), nil) {
					return
				}
			}
		}
	}
}

// prepare makes the folders and empties the one for temporary files.
func prepare(dir, temp string) error {
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(dir, 0o700), os.MkdirAll(temp, 0o700))
}

// publish gives a synced temporary file its name, durably.
func publish(temp, path string) error {
	dir := filepath.Dir(path)
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	fault.Point("blob.publish")
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	fault.Point("blob.published")
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrNotFound
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Sweep removes the blobs that nobody uses: those not in the set that inUse
// returns and last written before a time. The caller chooses the time so that
// blobs whose record is still to be written are safe.
func (s *Store) Sweep(before time.Time, inUse func() map[digest.Digest]bool) error {
	var old []digest.Digest
	for d, err := range s.All() {
		if err != nil {
			return err
		}
		path, err := s.Path(d)
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err == nil && info.ModTime().Before(before) {
			old = append(old, d)
		}
	}
	if len(old) == 0 {
		return nil
	}
	used := inUse() // asked after the listing: what was recorded meanwhile is in it
	for _, d := range old {
		if !used[d] {
			if err := s.Delete(d); err != nil {
				return err
			}
		}
	}
	return nil
}
