package agent

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

const defaultStopTimeout = 30 * time.Second

// stop takes a step towards the end of a task that is to stop: it leaves its
// target groups, then its containers
// get their stop signal in the reverse order of dependsOn, and SIGKILL when
// their stopTimeout is over. When none runs and every line of their logs is
// stored, the task is DEPROVISIONING.
func (a *Agent) stop(ctx context.Context, t *state.Task) (time.Duration, error) {
	d := a.definition(t)
	now, err := a.look(ctx, t)
	if err != nil {
		return 0, err
	}
	if let, wait, err := a.deactivate(ctx, t, now); err != nil || !let {
		return wait, errors.Join(err, a.record(ctx, t, d, now, false))
	}
	if t.LastStatus != state.TaskStopping && t.LastStatus != state.TaskProvisioning {
		a.followAll(t, d)
		return 0, a.update(ctx, t, func(r *state.Task) { r.LastStatus = state.TaskStopping })
	}
	if err := a.record(ctx, t, d, now, false); err != nil {
		return 0, err
	}
	wait, running, err := a.signalAll(ctx, t, d, now)
	if err != nil || running {
		return wait, err
	}
	a.followAll(t, d)
	return 0, a.ended(ctx, t, d, now)
}

// signalAll signals the containers whose turn it is. It reports whether any
// still runs, and when the next stopTimeout is over.
func (a *Agent) signalAll(ctx context.Context, t *state.Task, d *state.TaskDefinition, now map[string]seen) (wait time.Duration, running bool, err error) {
	var signalled []int
	for i, c := range t.Containers {
		if now[c.Name].State != runtime.Running {
			continue
		}
		running = true
		if !stoppable(d, c.Name, now) {
			continue
		}
		def, _ := d.Container(c.Name)
		timeout := defaultStopTimeout
		if def.StopTimeout != nil {
			timeout = time.Duration(*def.StopTimeout) * time.Second
		}
		signal := syscall.SIGKILL
		if c.SignalledAt.IsZero() {
			signal = a.stopSignal(ctx, c.ImageDigest)
			signalled = append(signalled, i)
		} else if left := timeout - time.Since(c.SignalledAt); left > 0 {
			wait = soonest(wait, left)
			continue
		}
		fault.Point("agent.signal.before")
		if err := a.Runtime.Signal(ctx, runtimeID(t, i), signal); err != nil {
			return 0, true, err
		}
		fault.Point("agent.signal.after")
		wait = soonest(wait, timeout)
	}
	if len(signalled) == 0 {
		return wait, running, nil
	}
	return wait, running, a.update(ctx, t, func(r *state.Task) {
		for _, i := range signalled {
			r.Containers[i].SignalledAt = time.Now()
		}
	})
}

func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// stopSignal is the signal that the image asks for.
func (a *Agent) stopSignal(ctx context.Context, digest string) syscall.Signal {
	image, err := a.Runtime.Image(ctx, digest)
	if err != nil {
		return syscall.SIGTERM
	}
	signal, err := runtime.ParseSignal(image.Config.StopSignal)
	if err != nil {
		return syscall.SIGTERM
	}
	return signal
}

// ended waits until the logs are stored and moves the task on.
func (a *Agent) ended(ctx context.Context, t *state.Task, d *state.TaskDefinition, now map[string]seen) error {
	for _, c := range d.Containers {
		if c.Log == nil || !now[c.Name].begun() {
			continue
		}
		err := a.logs.Drain(ctx, a.logPath(t, c.Name), a.Pace.LogGiveUp)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			a.decide(ctx, t, decision.Decision{Phase: decision.Logs, Verdict: decision.Error, Code: "logs.dropped", Where: c.Log.Options["awslogs-group"], Confidence: decision.Observed,
				Cause: "the last log lines of container " + c.Name + " could not be stored: " + err.Error()})
		}
	}
	return a.update(ctx, t, func(r *state.Task) {
		r.LastStatus = state.TaskDeprovisioning
		for i := range r.Containers {
			if c := &r.Containers[i]; c.LastStatus != "STOPPED" {
				c.LastStatus = "STOPPED"
			} else if c.FinishedAt.After(r.ExecutionStoppedAt) {
				r.ExecutionStoppedAt = c.FinishedAt
			}
		}
	})
}
