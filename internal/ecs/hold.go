package ecs

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/hold"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// holdServices keeps the question of the waiters services-stable and
// services-inactive until it has its answer: every service is stable, or one of
// them is gone.
func (s *Service) holdServices(ctx context.Context, services []string, cluster string) {
	c := scopeOf(ctx)
	s.written.Waiter(ctx, func() bool {
		tx := s.DB.Read()
		for _, ref := range services {
			svc, ok := state.Services.Get(tx, c.key(cluster+"/"+resourceName("service", ref)))
			switch {
			case !ok || svc.Status == "INACTIVE":
				return true
			case !stable(tx, svc):
				return false
			}
		}
		return true
	})
}

// stable is what the waiter services-stable waits for.
func stable(tx *store.Tx, svc *state.Service) bool {
	return svc.Status == "ACTIVE" && len(svc.Deployments) == 1 && runningTasks(tx, svc) == svc.DesiredCount
}

// holdTasks keeps the question of the waiters tasks-running and tasks-stopped.
// Only the aws CLI's version 2 tells which of the two asks; for the others a task
// that runs, and shall run, is an answer.
func (s *Service) holdTasks(ctx context.Context, tasks []string, cluster string) {
	c := scopeOf(ctx)
	stopped := strings.HasSuffix(hold.Command(caller.From(ctx).UserAgent), ".tasks-stopped")
	s.written.Waiter(ctx, func() bool {
		tx := s.DB.Read()
		settled := true
		for _, ref := range tasks {
			t, ok := state.Tasks.Get(tx, c.key(cluster+"/"+resourceName("task", ref)))
			switch {
			case !ok:
				return true
			case t.LastStatus == state.TaskStopped:
				// One is enough for tasks-running to fail; tasks-stopped needs all.
			case stopped || t.LastStatus != state.TaskRunning || t.DesiredStatus == state.TaskStopped:
				settled = false
			}
		}
		return settled
	})
}
