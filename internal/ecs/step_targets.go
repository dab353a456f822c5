package ecs

import (
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// checks are what is known about the health of a task.
func (st *step) checks(t *state.Task) deployment.Checks {
	out := deployment.Checks{RunningAt: t.StartedAt}
	if grace := st.svc.HealthCheckGracePeriod; grace != nil {
		out.Grace = time.Duration(*grace) * time.Second
	}
	switch {
	case t.HealthStatus == "HEALTHY":
		out.Container = deployment.Healthy
	case t.HealthStatus == "UNHEALTHY":
		out.Container = deployment.Unhealthy
	case st.checked(t):
		out.Container = deployment.Unknown
	}
	out.Awaited = t.Connect != nil && len(t.Connect.Services) > 0 && t.Connect.RegisteredAt.IsZero()
	for _, b := range t.LoadBalancers {
		out.Targets = append(out.Targets, targetHealth(st.tx, t, b))
	}
	return out
}

// targetHealth is what a target group says of a task.
func targetHealth(tx *store.Tx, t *state.Task, b state.ServiceLoadBalancer) deployment.TargetHealth {
	out := deployment.TargetHealth{Group: b.TargetGroup, Port: int(b.Port), Health: deployment.Unknown}
	target := state.TargetOf(tx, t, b)
	if target == nil || t.RegisteredAt.IsZero() { // not there yet, or of a task that had the address before
		return out
	}
	switch target.Health {
	case state.TargetHealthy, state.TargetUnavailable: // the latter is not checked
		out.Health = deployment.Healthy
	case state.TargetUnhealthy:
		out.Health, out.Reason = deployment.Unhealthy, target.Description
	}
	return out
}

// tellTargets tells, as events, of tasks that were put into target groups, could
// not be, or were taken out, and of those that Cloud Map does not take.
func (st *step) tellTargets() {
	registered, deregistered, draining := map[string]int{}, map[string]int{}, map[string]int{}
	for _, t := range st.tasks {
		if t.TargetProblem != "" && t.RegisteredAt.IsZero() && t.LastStatus != state.TaskStopped {
			group, problem, _ := strings.Cut(t.TargetProblem, " ")
			st.note(deployment.EventUnregistered(st.svc.Name, group, problem))
		}
		if t.RegistryProblem != "" && t.EnlistedAt.IsZero() && t.LastStatus != state.TaskStopped {
			registry, problem, _ := strings.Cut(t.RegistryProblem, " ")
			st.note(deployment.EventUnlisted(st.svc.Name, registry, problem))
		}
		done := 0
		switch {
		case !t.DeregisteredAt.IsZero():
			done = 2
		case !t.RegisteredAt.IsZero():
			done = 1
		}
		if done == t.TargetsTold {
			continue
		}
		for _, b := range t.LoadBalancers {
			if t.TargetsTold < 1 {
				registered[b.TargetGroup]++
			}
			if done == 2 {
				deregistered[b.TargetGroup]++
			}
		}
		if done == 2 && t.LastStatus == state.TaskDeactivating && len(t.LoadBalancers) > 0 {
			draining[t.Deployment]++
		}
		state.Tasks.Update(st.tx, t.Key(), func(r *state.Task) { r.TargetsTold = done })
	}
	tell := func(counts map[string]int, event func(key string, n int) string) {
		for _, key := range sortedKeys(counts) {
			st.noteAnew(event(key, counts[key]))
		}
	}
	tell(registered, func(group string, n int) string { return deployment.EventRegistered(st.svc.Name, n, group) })
	tell(deregistered, func(group string, n int) string { return deployment.EventDeregistered(st.svc.Name, n, group) })
	tell(draining, func(id string, n int) string { return deployment.EventDraining(st.svc.Name, id, n) })
}

func sortedKeys(m map[string]int) []string {
	var out []string
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
