package supervisor

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Records is a directory of small files that say how containers started and
// ended. The shim writes them before it tells containerd, which may not be there
// to hear it; the first writer of a file wins, so both may write.
type Records struct{ Dir string }

// Start says that a container's process ran.
type Start struct {
	At time.Time `json:"at"`
}

// End says how it ended.
type End struct {
	At       time.Time `json:"at"`
	ExitCode int       `json:"exitCode"`
	OOM      bool      `json:"oom,omitempty"`
}

// PutStarted notes a start, PutEnded an end, PutOOM that memory ran out.
func (r Records) PutStarted(id string, s Start) error { return r.put(id+".start", s) }
func (r Records) PutEnded(id string, e End) error     { return r.put(id+".exit", e) }
func (r Records) PutOOM(id string) error              { return r.put(id+".oom", struct{}{}) }

// PutRestarts notes how often a container was started again. Unlike the others,
// this note is written over; only we write it.
func (r Records) PutRestarts(id string, n int) error {
	path := filepath.Join(r.Dir, id+".restarts")
	tmp := filepath.Join(r.Dir, temporary+id+"-restarts")
	if err := os.WriteFile(tmp, []byte(strconv.Itoa(n)), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// Restarts returns the note, 0 without one.
func (r Records) Restarts(id string) int {
	var n int
	r.get(id+".restarts", &n)
	return n
}

// Started returns the note of a start, if there is one.
func (r Records) Started(id string) (Start, bool) {
	var s Start
	ok := r.get(id+".start", &s)
	return s, ok
}

// Ended returns the note of an end, if there is one.
func (r Records) Ended(id string) (End, bool) {
	var e End
	ok := r.get(id+".exit", &e)
	return e, ok
}

// OOM tells whether a container ran out of memory.
func (r Records) OOM(id string) bool {
	_, err := os.Stat(filepath.Join(r.Dir, id+".oom"))
	return err == nil
}

// Remove forgets a container.
func (r Records) Remove(id string) error {
	return errors.Join(r.RemoveRun(id), ignoreMissing(os.Remove(filepath.Join(r.Dir, id+".restarts"))))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// RemoveRun forgets how a container started and ended.
func (r Records) RemoveRun(id string) error {
	var errs []error
	paths := []string{filepath.Join(r.Dir, id+".start"), filepath.Join(r.Dir, id+".exit"), filepath.Join(r.Dir, id+".oom")}
	// A shim that was killed while it wrote leaves its file under another name.
	left, err := filepath.Glob(filepath.Join(r.Dir, temporary+id+"-*"))
	if err != nil {
		errs = append(errs, err)
	}
	for _, path := range append(paths, left...) {
		errs = append(errs, ignoreMissing(os.Remove(path)))
	}
	return errors.Join(errs...)
}

// temporary begins the names of files that are being written; the container's id follows.
const temporary = ".tmp-"

// writing is longer than a shim takes to write a file and give it its name.
const writing = time.Minute

// Sweep removes what belongs to no known container.
func (r Records) Sweep(known map[string]bool) error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, entry := range entries {
		if info, err := entry.Info(); strings.HasPrefix(entry.Name(), temporary) && (err != nil || time.Since(info.ModTime()) < writing) {
			continue // a shim writes it now
		}
		if !known[strings.TrimSuffix(entry.Name(), filepath.Ext(entry.Name()))] {
			errs = append(errs, os.Remove(filepath.Join(r.Dir, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

// put writes a file that appears complete or not at all, unless it is there. It
// survives the end of any process. It is not forced to the disk: that takes
// longer than the shim may have left to live, and after the end of the machine
// nobody can rely on more than "it ended".
func (r Records) put(name string, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(r.Dir, temporary+strings.TrimSuffix(name, filepath.Ext(name))+"-")
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
	path := filepath.Join(r.Dir, name)
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
func (r Records) get(name string, v any) bool {
	content, err := os.ReadFile(filepath.Join(r.Dir, name))
	return err == nil && json.Unmarshal(content, v) == nil
}
