package blob

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// Key is the local key that objects are encrypted under. Each file has a key
// of its own, derived from this one.
type Key [32]byte

// LoadKey reads the key in a file (64 hex digits, mode 0600), and makes one on
// the first call.
func LoadKey(path string) (Key, error) {
	var key Key
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return createKey(path)
	}
	if err != nil {
		return key, err
	}
	if n, err := hex.Decode(key[:], raw[:min(len(raw), 64)]); err != nil || n != len(key) {
		return key, fmt.Errorf("%s does not hold 64 hex digits", path)
	}
	return key, nil
}

func createKey(path string) (key Key, err error) {
	rand.Read(key[:])
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return key, err
	}
	f, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return key, err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(hex.EncodeToString(key[:]))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return key, err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return LoadKey(path) // another was quicker
	} else if err != nil {
		return key, err
	}
	return key, syncDir(dir)
}

// Objects is a folder of encrypted objects.
type Objects struct {
	dir, temp string
	key       Key
}

// OpenObjects opens the folder, makes it if need be, and removes what
// unfinished writers left.
func OpenObjects(dir string, key Key) (*Objects, error) {
	o := &Objects{dir: filepath.Join(dir, "data"), temp: filepath.Join(dir, "tmp"), key: key}
	if err := prepare(o.dir, o.temp); err != nil {
		return nil, err
	}
	return o, nil
}

// Link makes the object to with the same content as from, without copying it.
func (o *Objects) Link(from, to string) error {
	source, err := o.path(from)
	if err != nil {
		return err
	}
	target, err := o.path(to)
	if err != nil {
		return err
	}
	temp := filepath.Join(o.temp, "link-"+to)
	if err := os.Link(source, temp); err != nil {
		return notFound(err)
	}
	if err := publish(temp, target); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// Delete removes an object; one that is gone is no error. Readers that have it
// open can read on.
func (o *Objects) Delete(id string) error {
	path, err := o.path(id)
	if err != nil {
		return err
	}
	return ignoreMissing(os.Remove(path))
}

// All yields the id of every object, in no particular order.
func (o *Objects) All() iter.Seq2[string, error] { return files(o.dir) }

// path accepts ids of at least three lower-case letters and digits.
func (o *Objects) path(id string) (string, error) {
	for _, c := range id {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return "", fmt.Errorf("%w: %q is not an object id", ErrNotFound, id)
		}
	}
	if len(id) < 3 || len(id) > 128 {
		return "", fmt.Errorf("%w: %q is not an object id", ErrNotFound, id)
	}
	return filepath.Join(o.dir, id[:2], id), nil
}
