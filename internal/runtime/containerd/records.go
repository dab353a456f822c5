package containerd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// records is a directory of small files that say how containers started and
// ended. The shim writes them before it tells containerd, which may not be there
// to hear it; the first writer of a file wins, so both may write.
type records struct{ dir string }

// started says that a container's process ran.
type started struct {
	At time.Time `json:"at"`
}

// ended says how it ended.
type ended struct {
	At       time.Time `json:"at"`
	ExitCode int       `json:"exitCode"`
	OOM      bool      `json:"oom,omitempty"`
}

func (r records) putStarted(id string, s started) error { return r.put(id+".start", s) }
func (r records) putEnded(id string, e ended) error     { return r.put(id+".exit", e) }
func (r records) putOOM(id string) error                { return r.put(id+".oom", struct{}{}) }

func (r records) started(id string) (started, bool) {
	var s started
	ok := r.get(id+".start", &s)
	return s, ok
}

func (r records) ended(id string) (ended, bool) {
	var e ended
	ok := r.get(id+".exit", &e)
	return e, ok
}

func (r records) oom(id string) bool {
	_, err := os.Stat(filepath.Join(r.dir, id+".oom"))
	return err == nil
}

// remove forgets a container.
func (r records) remove(id string) error {
	var errs []error
	for _, suffix := range []string{".start", ".exit", ".oom"} {
		if err := os.Remove(filepath.Join(r.dir, id+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sweep removes what belongs to no known container.
func (r records) sweep(known map[string]bool) error {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if !known[strings.TrimSuffix(entry.Name(), filepath.Ext(entry.Name()))] {
			errs = append(errs, os.Remove(filepath.Join(r.dir, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// put writes a file that appears complete or not at all, unless it is there. It
// survives the end of any process. It is not forced to the disk: that takes
// longer than the shim may have left to live, and after the end of the machine
// nobody can rely on more than "it ended".
func (r records) put(name string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(r.dir, ".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	// One step, because the shim may end at any moment, and leave no temporary file.
	path := filepath.Join(r.dir, name)
	err = unix.Renameat2(unix.AT_FDCWD, tmp.Name(), unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) { // a file system that cannot
		err = os.Link(tmp.Name(), path)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// get reads a file; one that cannot be read counts as missing.
func (r records) get(name string, v any) bool {
	content, err := os.ReadFile(filepath.Join(r.dir, name))
	return err == nil && json.Unmarshal(content, v) == nil
}
