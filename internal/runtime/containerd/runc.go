package containerd

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// embedded holds runc.gz and shim.gz if scripts/runc.sh and scripts/shim.sh were
// run before the build, and always a README, so that a fresh clone builds.
//
//go:embed embedded
var embedded embed.FS

const (
	embeddedRunc = "embedded/runc.gz"
	embeddedShim = "embedded/shim.gz"
)

// maxProgram bounds what unpacking may write.
const maxProgram = 64 << 20

// RuncBuiltIn says whether this build carries its own runc.
func RuncBuiltIn() bool {
	_, err := fs.Stat(embedded, embeddedRunc)
	return err == nil
}

// findRunc returns the path of the OCI runtime: the one that was asked for, our
// own below bin, or the host's; and what is to be done before it is there.
func findRunc(asked, bin string) (path string, unpack func() error, err error) {
	unpack = func() error { return nil }
	if asked != "" {
		path, err = exec.LookPath(asked)
		return path, unpack, err
	}
	if packed, err := embedded.ReadFile(embeddedRunc); err == nil {
		path = programPath(bin, packed, "runc")
		return path, func() error { return unpackProgram(packed, path) }, nil
	}
	if path, err = exec.LookPath("runc"); err != nil {
		return "", nil, errors.New("this build has no runc inside and the host has none on the PATH: run scripts/runc.sh before building, or install runc")
	}
	path, err = filepath.Abs(path)
	return path, unpack, err
}

// findShim is findRunc for the program that runs beside containers: the one that
// was asked for, the small one that we carry, or ourselves.
func findShim(asked, bin string) (path string, unpack func() error, err error) {
	unpack = func() error { return nil }
	if asked != "" {
		return asked, unpack, nil
	}
	if packed, err := embedded.ReadFile(embeddedShim); err == nil {
		path = programPath(bin, packed, "neargate-shim")
		return path, func() error { return unpackProgram(packed, path) }, nil
	}
	path, err = os.Executable()
	return path, unpack, err
}

// programPath is <bin>/<sha256 of the packed program>/<name>. Another version
// goes to another directory, so that containers which an older Neargate started
// keep theirs.
func programPath(bin string, packed []byte, name string) string {
	sum := sha256.Sum256(packed)
	return filepath.Join(bin, hex.EncodeToString(sum[:])[:16], name)
}

// unpackProgram writes a program to path unless it is there.
func unpackProgram(packed []byte, path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("built-in %s: %w", filepath.Base(path), err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, io.LimitReader(unzip, maxProgram))
	err = errors.Join(err, tmp.Chmod(0o700), tmp.Close())
	if err != nil {
		return fmt.Errorf("unpacking %s: %w", filepath.Base(path), err)
	}
	return os.Rename(tmp.Name(), path)
}
