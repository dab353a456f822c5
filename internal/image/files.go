package image

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
)

// dirFiles reads below a directory and never outside, links included.
type dirFiles struct{ root *os.Root }

func openDir(dir string) (files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return dirFiles{root}, nil
}

func (d dirFiles) open(name string) (io.ReadCloser, int64, error) {
	file, err := d.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w: %s is not a file", ErrFormat, name)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

func (d dirFiles) Close() error { return d.root.Close() }

const (
	maxEntries  = 100_000  // of a tar archive
	maxUnpacked = 64 << 30 // bytes of a gzip-compressed archive
)

// tarFiles knows where in a tar archive each file begins.
type tarFiles struct {
	file    *os.File
	entries map[string]entry
	remove  bool // the file is a temporary one
}

type entry struct {
	offset, size int64
	link         string // name of the entry that this one stands for
}

func openTar(name string) (files, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &tarFiles{file: file, entries: map[string]entry{}}
	if magic, err := bufio.NewReader(file).Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		if err := t.unzip(); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrFormat, name, err), t.Close())
		}
	}
	if err := t.index(); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", ErrFormat, name, err), t.Close())
	}
	return t, nil
}

// unzip replaces the file by a temporary one that can be read at any place.
func (t *tarFiles) unzip() error {
	zipped := t.file
	if _, err := zipped.Seek(0, io.SeekStart); err != nil {
		return err
	}
	from, err := gzip.NewReader(bufio.NewReader(zipped))
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp("", "neargate-image-")
	if err != nil {
		return err
	}
	defer zipped.Close()
	t.file, t.remove = tmp, true
	n, err := io.Copy(tmp, io.LimitReader(from, maxUnpacked))
	if err == nil && n == maxUnpacked {
		err = errors.New("too large")
	}
	return err
}

// index reads all headers. The tar package is given a reader that can seek, so
// contents are passed over.
func (t *tarFiles) index() error {
	if _, err := t.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	reader := tar.NewReader(t.file)
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if len(t.entries) >= maxEntries {
			return fmt.Errorf("more than %d entries", maxEntries)
		}
		name := clean(header.Name)
		switch header.Typeflag {
		case tar.TypeReg:
			offset, err := t.file.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			t.entries[name] = entry{offset: offset, size: header.Size}
		case tar.TypeSymlink: // docker save used to write each layer once and link to it
			t.entries[name] = entry{link: clean(path.Join(path.Dir(name), header.Linkname))}
		case tar.TypeLink:
			t.entries[name] = entry{link: clean(header.Linkname)}
		}
	}
}

// clean makes a name of an archive relative, without "." and "..".
func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

func (t *tarFiles) open(name string) (io.ReadCloser, int64, error) {
	e, ok := t.entries[clean(name)]
	if ok && e.link != "" {
		e, ok = t.entries[e.link]
		ok = ok && e.link == ""
	}
	if !ok {
		return nil, 0, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return io.NopCloser(io.NewSectionReader(t.file, e.offset, e.size)), e.size, nil
}

func (t *tarFiles) Close() error {
	err := t.file.Close()
	if t.remove {
		err = errors.Join(err, os.Remove(t.file.Name()))
	}
	return err
}
