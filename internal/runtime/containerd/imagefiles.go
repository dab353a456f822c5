package containerd

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/continuity/fs"
	"github.com/containerd/errdefs"
)

// maxImageFiles bounds how many files one question about an image answers.
const maxImageFiles = 32

// ImageFiles returns the regular files that exist in a known image among paths,
// which may have * in them, by the path under which they were asked for; links are
// followed within the image. The answer is remembered with the image. Error:
// runtime.ErrNotFound.
func (r *Runtime) ImageFiles(ctx context.Context, imageDigest string, paths []string) (map[string][]byte, error) {
	ctx = r.context(ctx)
	image, err := r.findImage(ctx, imageDigest)
	if err != nil {
		return nil, err
	}
	question := strings.Join(paths, "\n")
	image.users.mu.Lock()
	defer image.users.mu.Unlock()
	if image.users.answers[question] != nil {
		return image.users.answers[question], nil
	}
	found := map[string][]byte{}
	err = r.look(ctx, image, "files-", func(root string) error {
		for _, pattern := range paths {
			names, err := globWithin(root, pattern)
			if err != nil {
				return err
			}
			for _, name := range names {
				content, err := readWithin(root, name)
				if err != nil {
					return err
				}
				if len(content) > 0 && len(found) < maxImageFiles {
					found[name] = content
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if image.users.answers == nil {
		image.users.answers = map[string]map[string][]byte{}
	}
	image.users.answers[question] = found
	return found, nil
}

// globWithin finds the paths of a root file system that a pattern matches.
func globWithin(root, pattern string) ([]string, error) {
	if !strings.Contains(pattern, "*") {
		return []string{pattern}, nil
	}
	fixed, _ := filepath.Split(pattern[:strings.Index(pattern, "*")])
	dir, err := fs.RootPath(root, fixed)
	if err != nil {
		return nil, err
	}
	matches, err := filepath.Glob(filepath.Join(dir, strings.TrimPrefix(pattern, fixed)))
	if err != nil {
		return nil, err
	}
	for i, m := range matches {
		matches[i] = filepath.Join(fixed, strings.TrimPrefix(m, dir))
	}
	return matches, nil
}

// look gives a function a read-only view of an image's root file system.
func (r *Runtime) look(ctx context.Context, image *knownImage, prefix string, see func(root string) error) error {
	if err := r.await(); err != nil {
		return err
	}
	service := r.client.SnapshotService(r.snapshotter)
	key := prefix + image.Manifest
	mounts, err := service.View(ctx, key, image.rootfs, snapshots.WithLabels(map[string]string{gcRoot: "neargate"}))
	if errdefs.IsAlreadyExists(err) {
		mounts, err = service.Mounts(ctx, key)
	}
	if err != nil {
		return err
	}
	err = mount.WithReadonlyTempMount(ctx, mounts, see)
	return errors.Join(err, service.Remove(ctx, key))
}
