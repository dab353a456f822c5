package containerd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/pkg/shim"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"golang.org/x/sync/errgroup"
)

const taskSuffix = ".json"

// EnsureTask implements runtime.Tasks. The record is written before the cgroup
// is made, so that a cgroup always has a task that RemoveTask can be called for.
func (r *Runtime) EnsureTask(ctx context.Context, spec runtime.TaskSpec) error {
	if err := spec.Validate(); err != nil {
		return err
	}
	defer r.locks.lock("task/" + spec.ID)()
	if err := r.writeTask(spec); err != nil {
		return err
	}
	fault.Point("runtime.task.noted")
	l := limits{cpu: spec.CPU, memory: spec.Memory}
	if l.cpu >= r.host.cpus*1024 {
		l.cpu = 0
	}
	if err := r.cgroups.ensure(r.taskGroup(spec.ID), l); err != nil {
		return fmt.Errorf("making the cgroup of task %s: %w", spec.ID, err)
	}
	return nil
}

// RemoveTask implements runtime.Tasks.
func (r *Runtime) RemoveTask(ctx context.Context, id string) error {
	if (runtime.TaskSpec{ID: id}).Validate() != nil {
		return nil // such a task cannot exist
	}
	containers, err := r.containersOf(ctx, id)
	if err != nil {
		return err
	}
	group, groupCtx := errgroup.WithContext(ctx)
	for _, container := range containers {
		group.Go(func() error { return r.Remove(groupCtx, container) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fault.Point("runtime.task.emptied")
	defer r.locks.lock("task/" + id)()
	if err := r.removeSharedPID(ctx, id); err != nil {
		return err
	}
	if err := r.cgroups.remove(r.taskGroup(id)); err != nil {
		return fmt.Errorf("removing the cgroup of task %s: %w", id, err)
	}
	if err := r.removeSocket(ctx, id); err != nil {
		return err
	}
	fault.Point("runtime.task.cgroup")
	if err := os.Remove(r.taskFile(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// removeSocket removes the socket of a task's shim, which looks for its name in a
// directory that is gone by the time when it ends.
func (r *Runtime) removeSocket(ctx context.Context, id string) error {
	address, err := shim.CreateSocketAddress(r.context(ctx), r.paths.sockets, r.paths.grpc, id, false)
	if err != nil {
		return err
	}
	if err := os.Remove(strings.TrimPrefix(address, "unix://")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Tasks implements runtime.Tasks.
func (r *Runtime) Tasks(context.Context) ([]string, error) {
	entries, err := os.ReadDir(r.paths.tasks) // sorted
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, entry := range entries {
		if id, ok := strings.CutSuffix(entry.Name(), taskSuffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (r *Runtime) taskFile(id string) string { return filepath.Join(r.paths.tasks, id+taskSuffix) }

func (r *Runtime) writeTask(spec runtime.TaskSpec) error {
	content, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	tmp := filepath.Join(r.paths.tasks, "."+spec.ID+".new")
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, r.taskFile(spec.ID))
}

func (r *Runtime) readTask(id string) (runtime.TaskSpec, error) {
	var spec runtime.TaskSpec
	content, err := os.ReadFile(r.taskFile(id))
	if errors.Is(err, fs.ErrNotExist) {
		return spec, fmt.Errorf("task %s: %w", id, runtime.ErrNotFound)
	}
	if err == nil {
		err = json.Unmarshal(content, &spec)
	}
	return spec, err
}
