package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// defaultAttemptPeriod is a restartPolicy's restartAttemptPeriod if not given.
const defaultAttemptPeriod = 300 * time.Second

// restarts reports whether a container that has ended is to run again by its
// restartPolicy: it must have run for the restartAttemptPeriod since its last
// start, and its exit code be known and not ignored.
func restarts(p *state.RestartPolicy, c runtime.Container) bool {
	if p == nil || !p.Enabled || c.State != runtime.Stopped || c.ExitUnknown || slices.Contains(p.IgnoredExitCodes, int32(c.ExitCode)) {
		return false
	}
	period := defaultAttemptPeriod
	if p.AttemptPeriod != nil {
		period = time.Duration(*p.AttemptPeriod) * time.Second
	}
	return c.FinishedAt.Sub(c.StartedAt) >= period
}

// restart runs containers again that ended and have a restartPolicy; the task
// stays as it is. That one is to run for the nth time is written down before, so
// that it is found after a kill. now is corrected for what was restarted.
func (a *Agent) restart(ctx context.Context, t *state.Task, d *state.TaskDefinition, now map[string]seen) error {
	for i, c := range t.Containers {
		def, _ := d.Container(c.Name)
		have := now[c.Name].Container
		if def.Restart == nil || !def.Restart.Enabled || c.LastStatus == "STOPPED" {
			continue
		}
		wanted := int(c.RestartCount)
		if have.Restarts == wanted && restarts(def.Restart, have) {
			wanted++
			ended := c
			observeContainer(&ended, runtimeID(t, i), have)
			a.decide(ctx, t, a.exitDecision(t, ended, have.MemoryPeak))
			err := a.update(ctx, t, func(r *state.Task) {
				c := &r.Containers[i]
				c.RestartCount = int32(wanted)
				c.HealthStatus, c.HealthSince, c.HealthFailures, c.HealthOutput = "UNKNOWN", time.Time{}, 0, ""
				r.HealthStatus = taskHealth(r, d)
			})
			if err != nil {
				return err
			}
			fault.Point("agent.restart.noted")
		}
		if wanted == 0 || have.Restarts == wanted && have.State != runtime.Created {
			continue
		}
		if err := a.runAgain(ctx, t, i, wanted, def.Essential); err != nil {
			return err
		}
		fresh, err := a.Runtime.Inspect(ctx, runtimeID(t, i))
		if err != nil {
			return err
		}
		now[c.Name] = seen{Container: fresh, health: "UNKNOWN"}
	}
	return nil
}

// runAgain starts a container once more. One that cannot be started stays ended.
func (a *Agent) runAgain(ctx context.Context, t *state.Task, i, n int, essential bool) error {
	err := a.Runtime.Restart(ctx, runtimeID(t, i), n)
	var start *runtime.StartError
	if !errors.As(err, &start) {
		return err
	}
	return a.DB.Write(ctx, func(tx *store.Tx) error {
		state.Tasks.Update(tx, t.Key(), func(r *state.Task) {
			r.Containers = append([]state.Container(nil), r.Containers...)
			c := &r.Containers[i]
			c.LastStatus, c.FinishedAt, c.Reason = "STOPPED", time.Now(), clip(start.Reason)
			r.Version++
		})
		if essential {
			state.StopTask(tx, t.Key(), "EssentialContainerExited", textEssential, time.Now())
		}
		return nil
	})
}
