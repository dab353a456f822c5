package agent

import (
	"context"
	"errors"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// step takes one step with a task. Whatever it writes brings the next one.
func (a *Agent) step(ctx context.Context, key string) (reconcile.Result, error) {
	t, ok := state.Tasks.Get(a.DB.Read(), key)
	if !ok || t.LastStatus == state.TaskStopped {
		return reconcile.Result{}, nil
	}
	do := a.observe
	switch {
	case t.LastStatus == state.TaskDeprovisioning:
		do = a.deprovision
	case t.DesiredStatus == state.TaskStopped:
		do = a.stop
	case t.LastStatus == state.TaskProvisioning:
		do = a.provision
	case t.LastStatus == state.TaskPending:
		do = a.start
	case t.LastStatus == state.TaskActivating:
		do = a.activate
	}
	after, err := a.interruptible(ctx, t, do)
	var f *failure
	switch {
	case errors.As(err, &f):
		return reconcile.Result{}, a.fail(ctx, t, f)
	case errors.Is(err, errStopped):
		return reconcile.Result{}, nil // the record that says so has brought the next step
	}
	if after == 0 || after > lookAgain {
		after = lookAgain
	}
	return reconcile.Result{After: after}, err
}

// lookAgain is when a task is looked at though nothing is known to have
// happened: a notice that was lost is a delay, not a fault.
const lookAgain = 5 * time.Minute

type stepFunc func(context.Context, *state.Task) (time.Duration, error)

// interruptible calls do with a context that ends when the task is to stop.
func (a *Agent) interruptible(ctx context.Context, t *state.Task, do stepFunc) (time.Duration, error) {
	if t.DesiredStatus == state.TaskStopped {
		return do(ctx, t)
	}
	l := a.of(t)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.mu.Lock()
	l.cancel = cancel
	l.mu.Unlock()
	// The wish to stop may have come before cancel was there to be called.
	if now, ok := state.Tasks.Get(a.DB.Read(), t.Key()); ok && now.DesiredStatus == state.TaskStopped {
		cancel(errStopped)
	}
	after, err := do(ctx, t)
	l.mu.Lock()
	l.cancel = nil
	l.mu.Unlock()
	if err != nil && errors.Is(context.Cause(ctx), errStopped) {
		return 0, errStopped
	}
	return after, err
}

// update changes the record of a task; its version counts up.
func (a *Agent) update(ctx context.Context, t *state.Task, change func(*state.Task)) error {
	return a.DB.Write(ctx, func(tx *store.Tx) error {
		state.Tasks.Update(tx, t.Key(), func(r *state.Task) {
			r.Containers = append([]state.Container(nil), r.Containers...)
			change(r)
			r.Version++
		})
		return nil
	})
}

// fail stops a task that could not be started, for the reason that AWS would give.
func (a *Agent) fail(ctx context.Context, t *state.Task, f *failure) error {
	a.decide(ctx, t, f.decision)
	return a.DB.Write(ctx, func(tx *store.Tx) error {
		state.StopTask(tx, t.Key(), "TaskFailedToStart", clip(f.reason), time.Now())
		if f.container == "" {
			return nil
		}
		state.Tasks.Update(tx, t.Key(), func(r *state.Task) {
			r.Containers = append([]state.Container(nil), r.Containers...)
			if i := r.Container(f.container); i >= 0 {
				r.Containers[i].Reason = clip(f.reason)
			}
		})
		return nil
	})
}

// decide records a decision about the task.
func (a *Agent) decide(ctx context.Context, t *state.Task, d decision.Decision) {
	d.Account, d.Region = t.Account, t.Region
	d.Subjects = append(d.Subjects, t.ARN(), t.ID)
	if t.Service != "" {
		d.Subjects = append(d.Subjects, state.ECSARN(t.Account, t.Region, "service/"+t.Cluster+"/"+t.Service))
	}
	if t.Interface.ID != "" {
		d.Subjects = append(d.Subjects, t.Interface.ID)
	}
	a.Decisions.Record(ctx, d)
}

// definition is the task's definition. It stays while a task uses it.
func (a *Agent) definition(t *state.Task) *state.TaskDefinition {
	return definitionOf(a.DB.Read(), t)
}
