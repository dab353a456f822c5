// Package instance is one Neargate on this machine: its data directory, its
// identity, and how a command finds it.
//
// A data directory belongs to one running process at a time, which holds a lock
// on it. Its id (six hex digits, made once) is part of the name of everything
// that the instance makes on the host, so that several run side by side and
// each cleans up only what is its own.
package instance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/ids"
)

// DefaultDataDir is where data is kept unless --data-dir says otherwise.
const DefaultDataDir = "/var/lib/neargate"

// ErrLocked means that another process runs on the data directory.
var ErrLocked = errors.New("the data directory is in use")

// Info is what a running instance tells of itself, in <data>/instance.json.
type Info struct {
	ID        string
	PID       int
	Endpoint  string // for example http://127.0.0.1:4566
	Region    string
	Version   string
	StartedAt time.Time
}

// Dir is a data directory that this process has locked.
type Dir struct {
	Path string
	ID   string
	lock *os.File
}

// Open makes the data directory if needed, locks it and reads or makes its id.
// It returns ErrLocked when another process has it.
func Open(path string) (*Dir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_SETLK, &whole); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s: %w", path, ErrLocked)
	}
	d := &Dir{Path: path, lock: lock}
	if d.ID, err = readID(path); err == nil && d.ID == "" {
		d.ID = ids.Hex(6)
		err = os.WriteFile(filepath.Join(path, "id"), []byte(d.ID+"\n"), 0o600)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

func readID(path string) (string, error) {
	b, err := os.ReadFile(filepath.Join(path, "id"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(b)), err
}

// File returns a path below the data directory.
func (d *Dir) File(elem ...string) string {
	return filepath.Join(append([]string{d.Path}, elem...)...)
}

// Announce writes instance.json.
func (d *Dir) Announce(info Info) error {
	info.ID, info.PID = d.ID, os.Getpid()
	b, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	tmp := d.File("instance.json.new")
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, d.File("instance.json"))
}

// Close gives the data directory back.
func (d *Dir) Close() error { return d.lock.Close() }

// Remove deletes everything in the data directory and the directory itself.
func (d *Dir) Remove() error { return os.RemoveAll(d.Path) }

// Find reads what the instance of a data directory told of itself, and whether
// it still runs. It asks after the lock without taking it, so that it never
// stands in the way of an instance that starts at this moment.
func Find(path string) (info Info, running bool, err error) {
	b, err := os.ReadFile(filepath.Join(path, "instance.json"))
	if err != nil {
		return Info{}, false, err
	}
	if err := json.Unmarshal(b, &info); err != nil {
		return Info{}, false, fmt.Errorf("%s/instance.json: %w", path, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR, 0o600)
	if err != nil {
		return info, false, nil
	}
	defer lock.Close()
	whole := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(lock.Fd(), unix.F_OFD_GETLK, &whole); err != nil {
		return info, false, err
	}
	return info, whole.Type != unix.F_UNLCK, nil
}
