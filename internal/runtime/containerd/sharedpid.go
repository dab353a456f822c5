package containerd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/neargate/neargate/internal/runtime"
	"golang.org/x/sys/unix"
)

// A process namespace ends with its first process. Where the containers of a
// task share one, that process is a hidden container of ours, which does nothing
// but reap. The namespace is held at a path under which the specs of the others
// name it, whatever its process id is.

const hiddenPrefix = "ng.pid."

// sharedPIDPath is "" for a task whose containers do not share.
func (r *Runtime) sharedPIDPath(task runtime.TaskSpec) string {
	if !task.SharePID {
		return ""
	}
	return filepath.Join(r.paths.state, "pid", task.ID)
}

// ensureSharedPID starts the keeper of a task's namespace if it does not run.
func (r *Runtime) ensureSharedPID(ctx context.Context, taskID string) error {
	task, err := r.readTask(taskID)
	if err != nil || !task.SharePID {
		return err
	}
	id := hiddenPrefix + taskID
	defer r.locks.lock("pid/" + taskID)()
	c, err := r.Inspect(ctx, id)
	if err == nil && c.State == runtime.Running {
		return bindNamespace(c.PID, r.sharedPIDPath(task))
	}
	if err == nil { // it died; nobody can be left in its namespace
		err = r.Remove(ctx, id)
	}
	if err != nil && !errors.Is(err, runtime.ErrNotFound) {
		return err
	}
	if err := r.createKeeper(ctx, id, task); err != nil {
		return fmt.Errorf("shared process namespace of task %s: %w", taskID, err)
	}
	if err := r.Start(ctx, id); err != nil {
		return fmt.Errorf("shared process namespace of task %s: %w", taskID, err)
	}
	if c, err = r.Inspect(ctx, id); err != nil {
		return err
	}
	return bindNamespace(c.PID, r.sharedPIDPath(task))
}

func (r *Runtime) createKeeper(ctx context.Context, id string, task runtime.TaskSpec) error {
	if static, err := isStatic(r.executable); err != nil || !static {
		return errors.Join(errors.New("our binary has to be statically linked"), err)
	}
	root := filepath.Join(r.paths.base, "keeper")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	s, err := oci.GenerateSpec(ctx, nil, &containers.Container{ID: id})
	if err != nil {
		return err
	}
	s.Root.Path = root
	s.Process.Args = []string{initPath}
	s.Process.Capabilities.Bounding, s.Process.Capabilities.Permitted, s.Process.Capabilities.Effective = nil, nil, nil
	s.Mounts = append(s.Mounts, initMount(r.executable))
	s.Annotations = map[string]string{groupAnnotation: task.ID}
	s.Linux.CgroupsPath = r.containerGroup(task.ID, id)
	return r.addRecord(ctx, containers.Container{ID: id, Labels: map[string]string{labelTask: task.ID, labelHidden: "pid"}}, s)
}

func (r *Runtime) removeSharedPID(ctx context.Context, taskID string) error {
	path := filepath.Join(r.paths.state, "pid", taskID)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return r.Remove(ctx, hiddenPrefix+taskID)
}

// bindNamespace mounts a process's PID namespace at path, in place of what may
// be mounted there.
func bindNamespace(pid int, path string) error {
	source := fmt.Sprintf("/proc/%d/ns/pid", pid)
	var want, have unix.Stat_t
	if err := unix.Stat(source, &want); err != nil {
		return err
	}
	if unix.Stat(path, &have) == nil && have.Ino == want.Ino && have.Dev == want.Dev {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	unix.Unmount(path, unix.MNT_DETACH) // of a namespace that is gone
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return unix.Mount(source, path, "", unix.MS_BIND, "")
}

func isHidden(id string) bool { return strings.HasPrefix(id, hiddenPrefix) }
