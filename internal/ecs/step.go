package ecs

import (
	"slices"
	"time"

	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	maxEvents      = 100
	maxPast        = 10
	repeatAfter    = 6 * time.Hour // an event is told again no sooner
	stepStopReason = "ServiceSchedulerInitiated"
)

// step is one step of the scheduler with one service, inside one transaction.
type step struct {
	s       *Service
	tx      *store.Tx
	now     time.Time
	svc     state.Service // changed, and put at the end
	before  *state.Service
	tasks   []*state.Task
	refused string // role that ECS could not assume
	again   time.Duration
	// unfit are the tasks that this step stopped because of a target group.
	unfit []*state.Task
	// verdicts are what the health checks of tasks come to, by id.
	verdicts map[string]deployment.Verdict
}

func (s *Service) newStep(tx *store.Tx, svc *state.Service, refused string) *step {
	st := &step{s: s, tx: tx, now: s.Now(), svc: *svc, before: svc, refused: refused, verdicts: map[string]deployment.Verdict{}}
	st.svc.Deployments = append([]state.Deployment(nil), svc.Deployments...)
	for t := range state.Tasks.By(tx, "service", svc.Key()) {
		st.tasks = append(st.tasks, t)
	}
	return st
}

func (st *step) run() {
	st.count()
	for _, t := range st.tasks {
		if t.LastStatus == state.TaskStopped && !t.Counted {
			state.Tasks.Update(st.tx, t.Key(), func(r *state.Task) { r.Counted = true })
		}
	}
	st.tellTargets()
	plan := deployment.Next(st.planned(), st.now, st.s.Pace)
	st.again = plan.Again
	for _, v := range st.verdicts {
		if v.Again > 0 && (st.again == 0 || v.Again < st.again) {
			st.again = v.Again
		}
	}
	st.adopt(plan)
	for _, note := range plan.Notes {
		st.note(note)
	}
	if plan.Blocked {
		st.note(deployment.EventBlocked(st.svc.Name))
	}
	st.stop(plan.Stop)
	st.start(plan.Start, plan.Replacing)
	if plan.Gone {
		st.svc.Status, st.svc.DeletedAt = "INACTIVE", st.now
		st.svc.Past, st.svc.Deployments = append(st.svc.Deployments, st.svc.Past...), nil
	}
	st.put()
}

// count takes notice of tasks that stopped: those that failed to start count
// against their deployment.
func (st *step) count() {
	for _, t := range st.tasks {
		if t.LastStatus != state.TaskStopped || t.Counted {
			continue
		}
		ended := t.StopCode == "EssentialContainerExited"
		failed := t.StartedAt.IsZero() && (ended || t.StopCode == "TaskFailedToStart")
		unhealthy := t.StopCode == stepStopReason && deployment.Unfit(t.StoppedReason)
		crashed := ended && !failed && t.StoppingAt.Sub(t.StartedAt) < st.s.Pace.HealthyAfter
		if !failed && !unhealthy && !crashed {
			continue
		}
		for i := range st.svc.Deployments {
			if d := &st.svc.Deployments[i]; d.ID == t.Deployment {
				d.LastFailure = st.now
				if crashed {
					d.CrashedTasks++
					continue
				}
				d.FailedTasks++
				if deployment.Inconsistent(d.FailedTasks, st.svc.DesiredCount) {
					st.note(deployment.EventInconsistent(st.svc.Name))
				}
			}
		}
		if failed {
			st.note(deployment.EventUnplaced(st.svc.Name, t.StoppedReason))
		}
	}
}

// planned is the service as the planner sees it.
func (st *step) planned() deployment.Service {
	svc := deployment.Service{
		Name: st.svc.Name, Desired: st.svc.DesiredCount, MinimumHealthyPercent: st.svc.MinimumHealthyPercent, MaximumPercent: st.svc.MaximumPercent,
		Draining: st.svc.Status == "DRAINING", WasSteady: st.svc.Steady,
	}
	if b := st.svc.Breaker; b != nil {
		svc.Breaker = deployment.Breaker{Enable: b.Enable, Rollback: b.Rollback}
	}
	svc.Alarms = alarms(st.tx, &st.svc)
	for _, d := range st.svc.Deployments {
		svc.Deployments = append(svc.Deployments, deployment.Deployment{
			ID: d.ID, Rollout: deployment.Rollout(d.RolloutState), Reason: d.RolloutReason, WasCompleted: d.WasCompleted,
			FailedTasks: d.FailedTasks, CrashedTasks: d.CrashedTasks, LastFailure: d.LastFailure, HealthyTasks: d.HealthyTasks,
			Ignored: d.IgnoredAlarms, SettledAt: d.SettledAt,
		})
	}
	for _, t := range st.tasks {
		if t.LastStatus != state.TaskStopped {
			st.verdicts[t.ID] = st.checks(t).Judge(st.now)
			svc.Tasks = append(svc.Tasks, plannedTask(t, st.verdicts[t.ID].Health))
		}
	}
	return svc
}

func plannedTask(t *state.Task, health deployment.Health) deployment.Task {
	out := deployment.Task{ID: t.ID, Deployment: t.Deployment, Zone: t.Zone, RunningAt: t.StartedAt, CreatedAt: t.CreatedAt, Health: health}
	switch {
	case t.DesiredStatus == state.TaskStopped:
		out.Phase = deployment.Stopping
	case t.LastStatus == state.TaskRunning:
		out.Phase = deployment.Running
	}
	return out
}

// checked reports whether an essential container of the task has a health check.
func (st *step) checked(t *state.Task) bool {
	d := (scope{t.Account, t.Region}).taskDefinition(st.tx, t.TaskDefinition)
	return d != nil && slices.ContainsFunc(d.Containers, func(c state.ContainerDefinition) bool {
		return c.Essential && c.HealthCheck != nil && c.HealthCheck.Command[0] != "NONE"
	})
}

// adopt takes the deployments over from the plan.
func (st *step) adopt(plan deployment.Plan) {
	byID := map[string]state.Deployment{}
	for _, d := range st.svc.Deployments {
		byID[d.ID] = d
	}
	st.svc.Deployments = nil
	for _, p := range plan.Deployments {
		d := byID[p.ID]
		if d.RolloutState != string(p.Rollout) {
			d.UpdatedAt = st.now
		}
		d.RolloutState, d.RolloutReason, d.WasCompleted = string(p.Rollout), p.Reason, p.WasCompleted
		d.FailedTasks, d.CrashedTasks, d.HealthyTasks = p.FailedTasks, p.CrashedTasks, p.HealthyTasks
		d.IgnoredAlarms, d.SettledAt = p.Ignored, p.SettledAt
		st.svc.Deployments = append(st.svc.Deployments, d)
		delete(byID, d.ID)
	}
	for _, d := range st.before.Deployments {
		if left, ok := byID[d.ID]; ok {
			left.UpdatedAt = st.now
			st.svc.Past = append([]state.Deployment{left}, st.svc.Past[:min(len(st.svc.Past), maxPast-1)]...)
		}
	}
	if len(st.svc.Deployments) > 0 {
		st.svc.LaunchSpec = st.svc.Deployments[0].LaunchSpec // another one after a rollback
	}
	st.svc.Steady = plan.Steady
}

func (st *step) stop(stop []string) {
	if len(stop) == 0 {
		return
	}
	for _, t := range st.tasks {
		for _, id := range stop {
			if t.ID != id {
				continue
			}
			reason := "Scaling activity initiated by (deployment " + t.Deployment + ")"
			switch v := st.verdicts[t.ID]; {
			case v.Failed != nil:
				reason = deployment.ReasonTarget(v.Failed.Group)
				st.unfit = append(st.unfit, t)
				st.note(deployment.EventTargetUnhealthy(st.svc.Name, t.ID, *v.Failed))
			case v.Health == deployment.Unhealthy:
				reason = deployment.ReasonContainer
				st.note(deployment.EventUnhealthy(st.svc.Name, t.ID))
			}
			state.StopTask(st.tx, t.Key(), stepStopReason, reason, st.now)
		}
	}
	st.note(deployment.EventStopped(st.svc.Name, stop))
}

func (st *step) start(n, replacing int) {
	if n == 0 {
		return
	}
	primary := &st.svc.Deployments[0]
	tasks, err := st.launch(primary, n)
	if err != "" {
		// As on AWS there is no task to look at, only the event.
		primary.FailedTasks++
		primary.LastFailure = st.now
		st.note(deployment.EventLaunchFailed(st.svc.Name, err))
		st.again = st.s.Pace.Backoff(primary.FailedTasks, st.svc.DesiredCount)
		return
	}
	var started []string
	for _, t := range tasks {
		state.Tasks.Put(st.tx, t)
		started = append(started, t.ID)
	}
	st.note(deployment.EventStarted(st.svc.Name, started, replacing))
}

// launch makes the tasks of a deployment, or says why it cannot.
func (st *step) launch(d *state.Deployment, n int) ([]*state.Task, string) {
	c := scope{st.svc.Account, st.svc.Region}
	if st.refused != "" {
		return nil, roleProblem(st.refused)
	}
	cluster, err := c.cluster(st.tx, st.svc.Cluster)
	if err != nil {
		return nil, message(err)
	}
	def := c.taskDefinition(st.tx, d.TaskDefinition)
	if def == nil {
		return nil, "The task definition " + d.TaskDefinition + " does not exist."
	}
	var placed []*state.Task
	for _, t := range st.tasks {
		if t.LastStatus != state.TaskStopped && t.DesiredStatus == "RUNNING" {
			placed = append(placed, t)
		}
	}
	tasks, err := st.s.newTasks(st.tx, cluster, def, d.LaunchSpec, placed, n)
	if err != nil {
		return nil, message(err)
	}
	for _, t := range tasks {
		t.Service, t.Deployment, t.StartedBy, t.Group = st.svc.Name, d.ID, d.ID, "service:"+st.svc.Name
		t.Connect = taskConnect(d)
		switch st.svc.PropagateTags {
		case "SERVICE":
			t.Tags = st.svc.Tags
		case "TASK_DEFINITION":
			t.Tags = def.Tags
		}
		if st.svc.ManagedTags {
			t.Tags = state.WithTags(t.Tags, []state.Tag{{Key: "aws:ecs:clusterName", Value: st.svc.Cluster}, {Key: "aws:ecs:serviceName", Value: st.svc.Name}})
		}
	}
	return tasks, ""
}

// note adds an event, newest first, unless it was told a short while ago.
func (st *step) note(message string) {
	for _, e := range st.svc.Events {
		if e.Message == message && st.now.Sub(e.CreatedAt) < repeatAfter {
			if e == st.svc.Events[0] || !repeats(message, st.svc.Name) {
				return
			}
		}
	}
	st.noteAnew(message)
}

// noteAnew adds an event, newest first, however often it was told.
func (st *step) noteAnew(message string) {
	event := state.ServiceEvent{ID: ids.UUID(), CreatedAt: st.now, Message: message}
	st.svc.Events = append([]state.ServiceEvent{event}, st.svc.Events...)
	if len(st.svc.Events) > maxEvents {
		st.svc.Events = st.svc.Events[:maxEvents]
	}
}

// repeats reports whether an event is worth telling again once others came
// between: the steady state is.
func repeats(message, service string) bool { return message == deployment.EventSteady(service) }
