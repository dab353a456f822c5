package containerd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	tasksapi "github.com/containerd/containerd/api/services/tasks/v1"
	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/containerd/errdefs/pkg/errgrpc"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
)

// Labels of containerd's container records. The caller's own carry a prefix.
const (
	labelTask   = "neargate/task"
	labelLog    = "neargate/log"
	labelImage  = "neargate/image"
	labelHidden = "neargate/hidden" // ours, not the caller's: see sharedpid.go
	labelPrefix = "l/"
)

// Inspect implements runtime.Containers.
func (r *Runtime) Inspect(ctx context.Context, id string) (runtime.Container, error) {
	ctx = r.context(ctx)
	record, err := r.record(ctx, id)
	if err != nil {
		return runtime.Container{}, err
	}
	return r.inspect(ctx, record)
}

// List implements runtime.Containers.
func (r *Runtime) List(ctx context.Context, labels map[string]string) ([]runtime.Container, error) {
	ctx = r.context(ctx)
	records, err := r.client.ContainerService().List(ctx)
	if err != nil {
		return nil, err
	}
	var out []runtime.Container
	for _, record := range records {
		if record.Labels[labelHidden] != "" || !carries(record.Labels, labels) {
			continue
		}
		c, err := r.inspect(ctx, record)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b runtime.Container) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// record returns containerd's record of a container. Error: runtime.ErrNotFound.
func (r *Runtime) record(ctx context.Context, id string) (containers.Container, error) {
	record, err := r.client.ContainerService().Get(ctx, id)
	if errdefs.IsNotFound(err) || errdefs.IsInvalidArgument(err) {
		return record, fmt.Errorf("container %s: %w", id, runtime.ErrNotFound)
	}
	return record, err
}

// containersOf returns the ids of a task's containers.
func (r *Runtime) containersOf(ctx context.Context, task string) ([]string, error) {
	records, err := r.client.ContainerService().List(r.context(ctx), fmt.Sprintf("labels.%q==%q", labelTask, task))
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, record := range records {
		if record.Labels[labelHidden] == "" {
			ids = append(ids, record.ID)
		}
	}
	return ids, nil
}

// inspect puts together what the record, the shim and our own notes say. The
// notes are the only ones who remember a container that ended while containerd
// was not there.
func (r *Runtime) inspect(ctx context.Context, record containers.Container) (runtime.Container, error) {
	c := runtime.Container{
		ID: record.ID, TaskID: record.Labels[labelTask], Image: record.Labels[labelImage],
		Labels: map[string]string{}, State: runtime.Created, Restarts: r.records.Restarts(record.ID),
	}
	for k, v := range record.Labels {
		if name, ok := strings.CutPrefix(k, labelPrefix); ok {
			c.Labels[name] = v
		}
	}
	process, err := r.process(ctx, record.ID)
	if err != nil && !errdefs.IsNotFound(err) {
		return c, err
	}
	start, ran := r.records.Started(record.ID)
	c.StartedAt = start.At
	end, hasEnded := r.records.Ended(record.ID)
	for !hasEnded && process != nil && process.Status == tasktypes.Status_STOPPED && time.Since(process.ExitedAt.AsTime()) < supervisor.LastOutput+recordTime {
		// The shim writes what the container printed last, and then its record.
		select {
		case <-ctx.Done():
			return c, ctx.Err()
		case <-time.After(time.Millisecond):
		}
		end, hasEnded = r.records.Ended(record.ID)
	}
	switch {
	case hasEnded:
		c.State, c.ExitCode, c.FinishedAt, c.OOMKilled = runtime.Stopped, end.ExitCode, end.At, end.OOM
	case process != nil && process.Status == tasktypes.Status_STOPPED:
		c.State, c.ExitCode, c.FinishedAt = runtime.Stopped, int(process.ExitStatus), process.ExitedAt.AsTime()
		c.OOMKilled = r.cgroups.oomKills(r.containerGroup(c.TaskID, c.ID)) > 0
	case process != nil && process.Status != tasktypes.Status_CREATED:
		c.State, c.PID = runtime.Running, int(process.Pid)
	case process == nil && ran:
		c.State, c.ExitCode, c.ExitUnknown = runtime.Stopped, 255, true
	}
	if c.OOMKilled = c.OOMKilled || r.records.OOM(c.ID); c.OOMKilled {
		c.MemoryPeak = r.cgroups.stats(r.containerGroup(c.TaskID, c.ID), time.Time{}).MemoryPeak
	}
	return c, nil
}

// process asks the shim. Error: errdefs.ErrNotFound when there is none, or it
// has forgotten the container.
func (r *Runtime) process(ctx context.Context, id string) (*tasktypes.Process, error) {
	response, err := r.client.TaskService().Get(ctx, &tasksapi.GetRequest{ContainerID: id})
	if err != nil {
		return nil, errgrpc.ToNative(err)
	}
	return response.Process, nil
}

// Signal implements runtime.Containers.
func (r *Runtime) Signal(ctx context.Context, id string, signal syscall.Signal) error {
	ctx = r.context(ctx)
	if _, err := r.record(ctx, id); err != nil {
		return err
	}
	_, err := r.client.TaskService().Kill(ctx, &tasksapi.KillRequest{ContainerID: id, Signal: uint32(signal)})
	if err = errgrpc.ToNative(err); err != nil && !errdefs.IsNotFound(err) && !errdefs.IsFailedPrecondition(err) {
		return err
	}
	return nil
}

// Remove implements runtime.Containers.
func (r *Runtime) Remove(ctx context.Context, id string) error {
	if err := r.await(); err != nil {
		return err
	}
	ctx = r.context(ctx)
	defer r.locks.lock("container/" + id)()
	return r.remove(ctx, id)
}

// remove ends and forgets a container; its lock is held. The record goes last,
// so that what is left by a crash can still be found and removed.
func (r *Runtime) remove(ctx context.Context, id string) error {
	record, err := r.record(ctx, id)
	if errors.Is(err, runtime.ErrNotFound) {
		return r.dropSecrets(id) // of a Create that was cut off
	}
	if err != nil {
		return err
	}
	if err := r.deleteProcess(ctx, id); err != nil {
		return fmt.Errorf("ending container %s: %w", id, err)
	}
	fault.Point("runtime.remove.process")
	if group := r.containerGroup(record.Labels[labelTask], id); len(r.cgroups.dirs(group)) > 0 {
		if err := r.cgroups.remove(group); err != nil {
			return err
		}
	}
	fault.Point("runtime.remove.cgroup")
	if record.SnapshotKey != "" {
		err := r.client.SnapshotService(record.Snapshotter).Remove(ctx, record.SnapshotKey)
		if err != nil && !errdefs.IsNotFound(err) {
			return err
		}
	}
	fault.Point("runtime.remove.snapshot")
	if err := r.dropSecrets(id); err != nil {
		return err
	}
	if err := r.records.Remove(id); err != nil {
		return err
	}
	fault.Point("runtime.remove.notes")
	if err := r.client.ContainerService().Delete(ctx, id); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	return nil
}

// deleteProcess kills what runs and makes shim and OCI runtime forget it. The
// shim writes its record of the end beside its answer to us, if it does not end
// before: for a moment it is awaited, or it would appear after we have removed it.
func (r *Runtime) deleteProcess(ctx context.Context, id string) error {
	container, err := r.client.LoadContainer(ctx, id)
	if err != nil {
		return ignoreNotFound(err)
	}
	task, err := container.Task(ctx, nil)
	if err != nil {
		return ignoreNotFound(err)
	}
	if _, err := task.Delete(ctx, client.WithProcessKill); err != nil {
		return ignoreNotFound(err)
	}
	for deadline := time.Now().Add(recordTime); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if _, ended := r.records.Ended(id); ended {
			return nil
		}
	}
	return nil // what may still come is swept by Open
}

const recordTime = 30 * time.Millisecond

func ignoreNotFound(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func carries(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[labelPrefix+k]; !ok || got != v {
			return false
		}
	}
	return true
}
