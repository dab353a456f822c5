package agent

import (
	"context"
	"os"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/state"
)

// deprovision takes away what the task had on the host: containers and cgroup,
// network interface, files. Then the task is STOPPED.
func (a *Agent) deprovision(ctx context.Context, t *state.Task) (time.Duration, error) {
	for _, c := range t.Containers {
		a.logs.Forget(a.logPath(t, c.Name))
	}
	fault.Point("agent.remove.before")
	if err := a.Runtime.RemoveTask(ctx, t.ID); err != nil {
		return 0, err
	}
	fault.Point("agent.remove.after")
	if t.Connect != nil {
		a.Proxies.Close(t.Key())
	}
	if err := a.removeInterface(ctx, t); err != nil {
		return 0, err
	}
	fault.Point("agent.eni.removed")
	if err := os.RemoveAll(a.dir(t)); err != nil {
		return 0, err
	}
	fault.Point("agent.files.removed")
	err := a.update(ctx, t, func(r *state.Task) {
		r.LastStatus, r.StoppedAt = state.TaskStopped, time.Now()
		r.Interface.Status = "DELETED"
		if r.Connectivity != "" {
			r.Connectivity = "DISCONNECTED"
		}
	})
	if err == nil {
		a.forget(t)
	}
	return 0, err
}

// removeInterface removes the task's interface. When the record does not know it,
// because the agent died right after it was made, it is found by its name: asking
// for it is the way to find it.
func (a *Agent) removeInterface(ctx context.Context, t *state.Task) error {
	id := t.Interface.ID
	if id == "" {
		face, err := a.face(ctx, t)
		if err != nil {
			return ctx.Err() // it was never made, and cannot be
		}
		id = face.ID
	}
	return a.Interfaces.RemoveInterface(ctx, t.Account, t.Region, id)
}
