package blob

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"time"

	"github.com/opencontainers/go-digest"
)

// Writer receives one blob. It is for one goroutine at a time, and ends with
// Commit or Abort; it may stay open between the requests of a chunked upload.
type Writer struct {
	store *Store
	file  *os.File // nil once committed or aborted
	hash  hash.Hash
	size  int64
}

// Create starts a blob.
func (s *Store) Create() (*Writer, error) {
	f, err := os.CreateTemp(s.temp, "blob-*")
	if err != nil {
		return nil, err
	}
	return &Writer{store: s, file: f, hash: sha256.New()}, nil
}

// Write appends to the blob.
func (w *Writer) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, os.ErrClosed
	}
	n, err := w.file.Write(p)
	w.hash.Write(p[:n])
	w.size += int64(n)
	return n, err
}

// Size is the number of bytes received so far.
func (w *Writer) Size() int64 { return w.size }

// Digest is the digest of the bytes received so far.
func (w *Writer) Digest() digest.Digest { return digest.NewDigest(digest.SHA256, w.hash) }

// Commit makes the blob durable and visible under its digest. A want that is
// not empty must match, else ErrDigest is returned and the writer stays open.
func (w *Writer) Commit(want digest.Digest) (digest.Digest, error) {
	if w.file == nil {
		return "", os.ErrClosed
	}
	d := w.Digest()
	if want != "" && want != d {
		return "", fmt.Errorf("%w: it is %s, not %s", ErrDigest, d, want)
	}
	path, err := w.store.Path(d)
	if err != nil {
		return "", err
	}
	now := time.Now()
	if err := os.Chtimes(path, now, now); err == nil { // young again for Sweep
		w.Abort() // the same content is there already
		return d, nil
	}
	file := w.file
	w.file = nil
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return d, publish(file.Name(), path)
}

// Abort throws the blob away. After Commit it does nothing.
func (w *Writer) Abort() {
	if w.file != nil {
		w.file.Close()
		os.Remove(w.file.Name())
		w.file = nil
	}
}
