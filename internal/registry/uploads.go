package registry

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/blob"
)

const (
	// maxUploads bounds the uploads that are open at once, and with them the
	// open files; uploadIdle is when a forgotten one makes room.
	maxUploads = 512
	uploadIdle = time.Hour
	// MaxBlob is the size in bytes that a layer may have.
	MaxBlob = 64 << 30
)

// ErrOffset is returned by Append for a chunk that does not start where the
// upload ends.
var ErrOffset = errors.New("chunk does not start where the upload ends")

// Uploads are the blobs that clients are sending at this moment. They live in
// memory: a restart forgets them and clients begin anew, as they do when a
// registry says BLOB_UPLOAD_UNKNOWN.
type Uploads struct {
	blobs *blob.Store

	mu   sync.Mutex
	open map[string]*upload // guarded by mu; by id
}

type upload struct {
	scope string

	mu     sync.Mutex // held while a request writes
	writer *blob.Writer
	used   time.Time // guarded by Uploads.mu
}

// NewUploads returns an empty set of uploads into a store.
func NewUploads(blobs *blob.Store) *Uploads {
	return &Uploads{blobs: blobs, open: map[string]*upload{}}
}

// UploadScope names a repository of a registry, for the methods of Uploads.
func UploadScope(registry, repository string) string { return registry + "/" + repository }

// Start begins an upload in a scope and returns its id.
func (u *Uploads) Start(scope string) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.open) >= maxUploads {
		u.dropIdle(time.Now())
	}
	if len(u.open) >= maxUploads {
		return "", NewError(http.StatusTooManyRequests, "TOOMANYREQUESTS", "%d uploads are open", maxUploads)
	}
	w, err := u.blobs.Create()
	if err != nil {
		return "", err
	}
	id := uuid.NewString()
	u.open[id] = &upload{scope: scope, writer: w, used: time.Now()}
	return id, nil
}

func (u *Uploads) dropIdle(now time.Time) {
	for id, up := range u.open {
		if now.Sub(up.used) > uploadIdle && up.mu.TryLock() {
			up.writer.Abort()
			up.mu.Unlock()
			delete(u.open, id)
		}
	}
}

// Append adds what r yields and returns the size then. An offset that is not
// negative must be the size so far.
func (u *Uploads) Append(scope, id string, offset int64, r io.Reader) (int64, error) {
	up, err := u.find(scope, id)
	if err != nil {
		return 0, err
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	if offset >= 0 && offset != up.writer.Size() {
		return up.writer.Size(), ErrOffset
	}
	room := MaxBlob - up.writer.Size()
	n, err := io.Copy(up.writer, io.LimitReader(r, room+1))
	if err != nil {
		return up.writer.Size(), fmt.Errorf("upload %s: %w", id, err)
	}
	if n > room {
		u.remove(id)
		up.writer.Abort()
		return 0, NewError(http.StatusRequestEntityTooLarge, "SIZE_INVALID", "a layer has at most %d bytes", int64(MaxBlob))
	}
	return up.writer.Size(), nil
}

// Size is the number of bytes that an upload has so far.
func (u *Uploads) Size(scope, id string) (int64, error) {
	up, err := u.find(scope, id)
	if err != nil {
		return 0, err
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	return up.writer.Size(), nil
}

// Finish stores the blob and returns its size. With blob.ErrDigest the upload
// is gone: the client has to send it again.
func (u *Uploads) Finish(scope, id string, want digest.Digest) (int64, error) {
	up, err := u.find(scope, id)
	if err != nil {
		return 0, err
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	defer up.writer.Abort()
	u.remove(id)
	_, err = up.writer.Commit(want)
	return up.writer.Size(), err
}

// Cancel throws an upload away.
func (u *Uploads) Cancel(scope, id string) error {
	up, err := u.find(scope, id)
	if err != nil {
		return err
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	u.remove(id)
	up.writer.Abort()
	return nil
}

func (u *Uploads) find(scope, id string) (*upload, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	up, ok := u.open[id]
	if !ok || up.scope != scope {
		return nil, errUploadUnknown()
	}
	up.used = time.Now()
	return up, nil
}

func (u *Uploads) remove(id string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.open, id)
}

// parseContentRange returns the start of "start-end", as registries' clients
// write it, with or without the unit and the size.
func parseContentRange(text string) (int64, error) {
	text = strings.TrimPrefix(text, "bytes ")
	text, _, _ = strings.Cut(text, "/")
	first, last, ok := strings.Cut(text, "-")
	start, err := strconv.ParseUint(first, 10, 63)
	end, err2 := strconv.ParseUint(last, 10, 63)
	if !ok || err != nil || err2 != nil || end < start {
		return 0, fmt.Errorf("%q is not a range", text)
	}
	return int64(start), nil
}
