package image

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
)

// File is one entry of a layer. Missing parent directories are made, mode 0755.
type File struct {
	Path string // in the image, absolute
	// One of the four says what it is; none is an empty file.
	Content []byte
	Source  string // file on this machine to copy
	Link    string // target of a symbolic link
	Dir     bool
	// Mode: permissions with setuid, setgid and sticky bits; 0 is 0644, 0755 for
	// directories, and for Source the file's own.
	Mode     fs.FileMode
	UID, GID int
}

// writeLayer writes files as a tar, parents before children, without anything
// that depends on when and where it is made.
func writeLayer(w io.Writer, files []File) error {
	byPath := map[string]File{}
	for _, f := range files {
		if !path.IsAbs(f.Path) || path.Clean(f.Path) == "/" {
			return fmt.Errorf("path %q in a layer is not absolute", f.Path)
		}
		f.Path = path.Clean(f.Path)
		if _, twice := byPath[f.Path]; twice {
			return fmt.Errorf("path %q twice in a layer", f.Path)
		}
		byPath[f.Path] = f
	}
	for _, f := range files {
		for dir := path.Dir(path.Clean(f.Path)); dir != "/"; dir = path.Dir(dir) {
			if _, ok := byPath[dir]; !ok {
				byPath[dir] = File{Path: dir, Dir: true}
			}
		}
	}
	archive := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(byPath)) {
		if err := writeFile(archive, byPath[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return archive.Close()
}

func writeFile(archive *tar.Writer, f File) error {
	header := &tar.Header{
		Name: strings.TrimPrefix(f.Path, "/"), Typeflag: tar.TypeReg,
		Size: int64(len(f.Content)), Mode: tarMode(f.Mode, 0o644), Uid: f.UID, Gid: f.GID,
	}
	switch {
	case f.Dir:
		header.Name += "/"
		header.Typeflag, header.Size, header.Mode = tar.TypeDir, 0, tarMode(f.Mode, 0o755)
	case f.Link != "":
		header.Typeflag, header.Size, header.Linkname, header.Mode = tar.TypeSymlink, 0, f.Link, 0o777
	case f.Source != "":
		return copyFile(archive, header, f)
	}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := archive.Write(f.Content)
	return err
}

func copyFile(archive *tar.Writer, header *tar.Header, f File) (err error) {
	source, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	header.Size, header.Mode = info.Size(), tarMode(f.Mode, info.Mode())
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, source)
	return err
}

// tarMode turns Go's mode into the numbers that tar has.
func tarMode(mode, otherwise fs.FileMode) int64 {
	if mode == 0 {
		mode = otherwise
	}
	out := int64(mode.Perm())
	for bit, number := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&bit != 0 {
			out |= number
		}
	}
	return out
}
