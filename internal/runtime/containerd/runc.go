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

// embedded holds runc.gz if scripts/runc.sh was run before the build, and
// always a README, so that a fresh clone builds.
//
//go:embed embedded
var embedded embed.FS

const embeddedRunc = "embedded/runc.gz"

// maxRunc bounds what unpacking may write.
const maxRunc = 64 << 20

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
		sum := sha256.Sum256(packed)
		path = filepath.Join(bin, hex.EncodeToString(sum[:])[:16], "runc")
		return path, func() error { return unpackRunc(packed, path) }, nil
	}
	if path, err = exec.LookPath("runc"); err != nil {
		return "", nil, errors.New("this build has no runc inside and the host has none on the PATH: run scripts/runc.sh before building, or install runc")
	}
	path, err = filepath.Abs(path)
	return path, unpack, err
}

// unpackRunc writes runc to <bin>/<sha256 of the packed one>/runc unless it is
// there. Another version goes to another directory, so that containers which an
// older Neargate started keep theirs.
func unpackRunc(packed []byte, path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unzip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("built-in runc: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".runc-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, io.LimitReader(unzip, maxRunc))
	err = errors.Join(err, tmp.Chmod(0o700), tmp.Close())
	if err != nil {
		return fmt.Errorf("unpacking runc: %w", err)
	}
	return os.Rename(tmp.Name(), path)
}
