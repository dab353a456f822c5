package ecs

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Run carries services out until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for svc := range state.Services.All(s.DB.Read(), "") {
		s.scheduler.Add(svc.Key())
	}
	s.janitor.Add("all")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.scheduler.Run(ctx) })
	group.Go(func() error { return s.janitor.Run(ctx) })
	return group.Wait()
}

// noticed is told of every commit: whatever changes about a service or one of
// its tasks is a reason to look at the service.
func (s *Service) noticed(changes []store.Change) {
	var tx *store.Tx
	written := false
	for _, change := range changes {
		switch change.Table {
		case state.Services.Name():
			written = true
			s.scheduler.Add(change.Key)
		case state.Tasks.Name():
			written = true
			if tx == nil {
				tx = s.DB.Read()
			}
			if t, ok := state.Tasks.Get(tx, change.Key); ok && t.Service != "" {
				s.scheduler.Add(t.ServiceKey())
			}
		case state.Alarms.Name():
			if tx == nil {
				tx = s.DB.Read()
			}
			s.scheduler.Add(alarmed(tx, change.Key)...)
		case state.Targets.Name():
			if tx == nil {
				tx = s.DB.Read()
			}
			for _, t := range state.TasksOfTarget(tx, change.Key) {
				s.scheduler.Add(t.ServiceKey())
			}
		}
	}
	if written {
		s.written.Signal()
	}
}

// schedule takes one step with one service: it counts tasks that failed, plans,
// and writes the plan down as records that the agent carries out.
func (s *Service) schedule(ctx context.Context, key string) (reconcile.Result, error) {
	svc, ok := state.Services.Get(s.DB.Read(), key)
	if !ok || svc.Status == "INACTIVE" {
		return reconcile.Result{}, nil
	}
	if err := errors.Join(s.makeDiscovery(ctx, svc), s.removeDiscovery(ctx, svc)); err != nil {
		return reconcile.Result{}, err
	}
	refused := s.refusedRole(ctx, svc)
	fault.Point("ecs.schedule")
	var step *step
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		step = nil
		have, ok := state.Services.Get(tx, key)
		if !ok || have.Status == "INACTIVE" {
			return nil
		}
		step = s.newStep(tx, have, refused)
		step.run()
		return nil
	})
	fault.Point("ecs.scheduled")
	if err != nil || step == nil {
		return reconcile.Result{}, err
	}
	s.recordStep(ctx, step)
	after := step.again
	if after == 0 || after > lookAgain {
		after = lookAgain
	}
	return reconcile.Result{After: after}, nil
}

// lookAgain is when a service is looked at though nothing is known to have
// happened: a notice that was lost is a delay, not a fault.
const lookAgain = 5 * time.Minute

// refusedRole returns a role of the service's tasks that cannot be assumed, so
// that no task can even be made; "" when there is none, or nothing to launch.
func (s *Service) refusedRole(ctx context.Context, svc *state.Service) string {
	tx := s.DB.Read()
	c := scope{svc.Account, svc.Region}
	probe := s.newStep(tx, svc, "")
	probe.count()
	if deployment.Next(probe.planned(), s.Now(), s.Pace).Start == 0 {
		return ""
	}
	d := c.taskDefinition(tx, probe.svc.Deployments[0].TaskDefinition)
	if d == nil {
		return ""
	}
	source := state.ECSARN(c.Account, c.Region, "task/"+svc.Cluster+"/*")
	return s.assumable(ctx, c, source, d.ExecutionRoleARN, d.TaskRoleARN)
}
