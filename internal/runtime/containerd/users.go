package containerd

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	continuity "github.com/containerd/continuity/fs"
	"github.com/moby/sys/user"
	"github.com/neargate/neargate/internal/runtime"
)

// userFiles are an image's lists of users and groups, and other files that were
// asked for, read once.
type userFiles struct {
	mu            sync.Mutex
	read          bool
	passwd, group []byte
	answers       map[string]map[string][]byte // of ImageFiles, by its paths
}

// maxUserFile bounds /etc/passwd and /etc/group of an image.
const maxUserFile = 1 << 20

// resolveUser finds uid, gid and further groups of "uid[:gid]" or
// "name[:group]" as the image has them; "" is root. Error: *runtime.UserError.
func (r *Runtime) resolveUser(ctx context.Context, image *knownImage, spec string) (user.ExecUser, error) {
	files := &image.users
	files.mu.Lock()
	defer files.mu.Unlock()
	if !files.read {
		if err := r.readUserFiles(ctx, image); err != nil {
			return user.ExecUser{}, err
		}
		files.read = true
	}
	found, err := user.GetExecUser(spec, nil, bytes.NewReader(files.passwd), bytes.NewReader(files.group))
	if err != nil {
		return user.ExecUser{}, &runtime.UserError{User: spec, Reason: err.Error()}
	}
	return *found, nil
}

// readUserFiles looks into the image through a view that is made for it.
func (r *Runtime) readUserFiles(ctx context.Context, image *knownImage) error {
	return r.look(ctx, image, "users-", func(root string) (err error) {
		if image.users.passwd, err = readWithin(root, "/etc/passwd"); err != nil {
			return err
		}
		image.users.group, err = readWithin(root, "/etc/group")
		return err
	})
}

// readWithin reads a file of a root file system; a missing one is empty, and
// links do not lead outside.
func readWithin(root, path string) ([]byte, error) {
	path, err := continuity.RootPath(root, path)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxUserFile))
}
