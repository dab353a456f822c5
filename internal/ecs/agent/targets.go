package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// Targets puts tasks into target groups and takes them out. Satisfied by elbv2.
// Both may be repeated. Errors with an ErrorCode method are AWS's.
type Targets interface {
	RegisterTarget(ctx context.Context, account, region, group, address string, port int32) error
	DeregisterTarget(ctx context.Context, account, region, group, address string, port int32) error
}

// register puts the task into its target groups. When a group does not take it,
// the task goes on as it is and is tried again.
func (a *Agent) register(ctx context.Context, t *state.Task) error {
	if len(t.LoadBalancers) == 0 || !t.RegisteredAt.IsZero() {
		return nil
	}
	for _, b := range t.LoadBalancers {
		fault.Point("agent.register.before")
		err := a.Targets.RegisterTarget(ctx, t.Account, t.Region, b.TargetGroup, t.Interface.PrivateIP, b.Port)
		if err == nil {
			continue
		}
		problem := b.TargetGroup + " " + clip(err.Error())
		if t.TargetProblem != problem && ctx.Err() == nil {
			err = errors.Join(err, a.update(ctx, t, func(r *state.Task) { r.TargetProblem = problem }))
		}
		return err
	}
	fault.Point("agent.register.after")
	return a.update(ctx, t, func(r *state.Task) { r.RegisteredAt, r.TargetProblem = time.Now(), "" })
}

// activate takes a task from ACTIVATING to RUNNING, which it is when Cloud Map and,
// where there are several, its target groups have taken it.
func (a *Agent) activate(ctx context.Context, t *state.Task) (time.Duration, error) {
	if _, err := a.observe(ctx, t); err != nil {
		return 0, err
	}
	if err := a.enlist(ctx, t); err != nil {
		return 0, err
	}
	if len(t.LoadBalancers) > 1 {
		if err := a.register(ctx, t); err != nil {
			return 0, err
		}
	}
	return 0, a.update(ctx, t, func(r *state.Task) {
		if r.LastStatus == state.TaskActivating {
			r.LastStatus, r.StartedAt = state.TaskRunning, time.Now()
		}
	})
}

// deactivate takes a task that is to stop out of Cloud Map and its target groups,
// and waits until the latter, and Service Connect, have let it go: no new request
// comes then, and those under way have been answered or the deregistration delay is over. A task that ended by itself
// has nothing to wait for. It reports whether the containers may be stopped, and
// when to look again.
func (a *Agent) deactivate(ctx context.Context, t *state.Task, now map[string]seen) (bool, time.Duration, error) {
	if len(t.LoadBalancers)+len(t.Registries) == 0 && !connected(t) || !slices.Contains([]string{state.TaskActivating, state.TaskRunning, state.TaskDeactivating}, t.LastStatus) {
		return true, 0, nil
	}
	if t.LastStatus != state.TaskDeactivating {
		return false, 0, a.update(ctx, t, func(r *state.Task) { r.LastStatus = state.TaskDeactivating })
	}
	if len(t.LoadBalancers)+len(t.Registries) > 0 && t.DeregisteredAt.IsZero() {
		return false, 0, a.deregister(ctx, t)
	}
	if !running(now) || t.StopCode == "EssentialContainerExited" {
		return true, 0, nil
	}
	var wait time.Duration
	if connected(t) {
		wait = a.Proxies.Leaving(t)
	}
	tx := a.DB.Read()
	for _, b := range t.LoadBalancers {
		// A target that was never there, or that was registered again by somebody
		// else, does not hold the task up.
		if target := state.TargetOf(tx, t, b); target != nil && target.Draining() {
			if left := time.Until(target.DrainsUntil.Add(drainSlack)); left > 0 { // its end is a commit, which brings the next step
				wait = soonest(wait, left)
			}
		}
	}
	return wait == 0, wait, nil
}

// drainSlack is how much longer than its deregistration delay a target may stay
// before its task is stopped all the same.
const drainSlack = 5 * time.Second

func (a *Agent) deregister(ctx context.Context, t *state.Task) error {
	if err := a.delist(ctx, t); err != nil {
		return err
	}
	for _, b := range t.LoadBalancers {
		fault.Point("agent.deregister.before")
		err := a.Targets.DeregisterTarget(ctx, t.Account, t.Region, b.TargetGroup, t.Interface.PrivateIP, b.Port)
		var answer interface{ ErrorCode() string }
		if err != nil && !errors.As(err, &answer) { // an answer is that there is nothing to take it out of
			return err
		}
	}
	fault.Point("agent.deregister.after")
	return a.update(ctx, t, func(r *state.Task) { r.DeregisteredAt = time.Now() })
}

// running reports whether a container runs.
func running(now map[string]seen) bool {
	for _, c := range now {
		if c.State == runtime.Running {
			return true
		}
	}
	return false
}
