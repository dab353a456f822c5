package containerd

import (
	"context"
	"errors"
	"time"

	tasktypes "github.com/containerd/containerd/api/types/task"
	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/errdefs"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
)

// Start implements runtime.Containers.
func (r *Runtime) Start(ctx context.Context, id string) error {
	if err := r.await(); err != nil {
		return err
	}
	ctx = r.context(ctx)
	defer r.locks.lock("container/" + id)()
	return r.start(ctx, id)
}

// Restart implements runtime.Containers. What is known of the last run goes
// first: cut off at any place, the container looks as if it had never run, with
// the old number of restarts or the new one, and the same call goes on with it.
func (r *Runtime) Restart(ctx context.Context, id string, n int) error {
	if err := r.await(); err != nil {
		return err
	}
	ctx = r.context(ctx)
	defer r.locks.lock("container/" + id)()
	if _, err := r.record(ctx, id); err != nil {
		return err
	}
	if r.records.Restarts(id) < n {
		if err := r.deleteProcess(ctx, id); err != nil {
			return err
		}
		fault.Point("runtime.restart.deleted")
		if err := r.records.RemoveRun(id); err != nil {
			return err
		}
		fault.Point("runtime.restart.forgotten")
		if err := r.records.PutRestarts(id, n); err != nil {
			return err
		}
		fault.Point("runtime.restart.noted")
	}
	return r.start(ctx, id)
}

// start starts a container that has not run yet; its lock is held.
func (r *Runtime) start(ctx context.Context, id string) error {
	record, err := r.record(ctx, id)
	if err != nil {
		return err
	}
	if _, ran := r.records.Ended(id); ran {
		return nil
	}
	process, err := r.process(ctx, id)
	switch {
	case err == nil && process.Status != tasktypes.Status_CREATED:
		return r.noteStart(id)
	case err == nil:
		return r.startCreated(ctx, id) // a Start that was cut off got this far
	case !errdefs.IsNotFound(err):
		return err
	}
	if _, ran := r.records.Started(id); ran {
		return nil
	}
	return r.startNew(ctx, record)
}

func (r *Runtime) startNew(ctx context.Context, record containers.Container) error {
	if record.Labels[labelHidden] == "" {
		if err := r.ensureSharedPID(ctx, record.Labels[labelTask]); err != nil {
			return err
		}
	}
	output, err := logTo(record)
	if err != nil {
		return err
	}
	container, err := r.client.LoadContainer(ctx, record.ID)
	if err != nil {
		return err
	}
	fault.Point("runtime.start.before")
	task, err := container.NewTask(ctx, output)
	fault.Point("runtime.start.made")
	if err != nil {
		return startError(ctx, err)
	}
	return r.startTask(ctx, task)
}

func (r *Runtime) startCreated(ctx context.Context, id string) error {
	container, err := r.client.LoadContainer(ctx, id)
	if err != nil {
		return err
	}
	task, err := container.Task(ctx, nil)
	if err != nil {
		return err
	}
	if err := task.Start(ctx); err == nil {
		return r.noteStart(id)
	}
	// The start that was cut off may just have come to its end in the shim.
	if process, err := r.process(ctx, id); err == nil && process.Status != tasktypes.Status_CREATED {
		return r.noteStart(id)
	}
	return r.startTask(ctx, task)
}

func (r *Runtime) startTask(ctx context.Context, task client.Task) error {
	if err := task.Start(ctx); err != nil {
		if ctx.Err() == nil { // else the next Start goes on with it
			_, deleteErr := task.Delete(ctx, client.WithProcessKill)
			err = errors.Join(err, ignoreNotFound(deleteErr))
		}
		return startError(ctx, err)
	}
	fault.Point("runtime.start.runs")
	return r.noteStart(task.ID())
}

func (r *Runtime) noteStart(id string) error {
	return r.records.PutStarted(id, supervisor.Start{At: time.Now()})
}

// startError tells the end of the caller's patience from the runtime's refusal.
func startError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &runtime.StartError{Reason: err.Error()}
}
