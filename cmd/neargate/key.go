package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/neargate/neargate/internal/instance"
)

// instanceKey reads or makes the instance's key: 32 random bytes from which the
// keys are derived that seal secrets, tokens and encrypted objects. Whoever has
// the data directory without it can read none of them.
func instanceKey(dir *instance.Dir) ([32]byte, error) {
	var key [32]byte
	path := dir.File("key")
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		rand.Read(key[:])
		return key, writeOnce(path, key[:])
	case err != nil:
		return key, err
	case len(b) != len(key):
		return key, fmt.Errorf("%s has %d bytes instead of %d", path, len(b), len(key))
	}
	return [32]byte(b), nil
}

// writeOnce writes a file that is whole or not there, and on disk.
func writeOnce(path string, data []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
