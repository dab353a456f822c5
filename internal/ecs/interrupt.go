package ecs

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// spotProvider is the capacity provider whose tasks AWS may interrupt.
const spotProvider = "FARGATE_SPOT"

// spotReason is what AWS says of a task whose Spot capacity it took.
const spotReason = "Your Spot Task was interrupted."

// Interrupt takes the capacity of Spot tasks, as AWS does when it needs it for
// itself: they get SIGTERM now and SIGKILL after their stopTimeout, and a service
// starts others. target is a task (id, the start of one, or ARN), or service/NAME
// for all Spot tasks of a service. AWS has no operation for it; the caller's
// account and region are searched.
func (s *Service) Interrupt(ctx context.Context, target string) ([]ecsapi.Task, error) {
	c := scopeOf(ctx)
	var out []ecsapi.Task
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		out = nil
		tasks, err := c.interruptible(tx, target)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			state.StopTask(tx, t.Key(), string(ecsapi.TaskStopCodeSpotInterruption), spotReason, s.Now())
			stopping, _ := state.Tasks.Get(tx, t.Key())
			out = append(out, describeTask(stopping, false))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, t := range out {
		s.Decisions.Record(ctx, decision.Decision{
			Account: c.Account, Region: c.Region, Phase: decision.Deployment, Subjects: []string{t.TaskArn}, Verdict: decision.Deny, Code: "run.spot-interrupted",
			Facts: []decision.Fact{{Name: "capacity provider", Value: spotProvider}},
			Cause: "the Spot capacity of the task was taken (neargate interrupt)", Where: "capacity provider " + spotProvider, AWSMessage: spotReason, Confidence: decision.Observed,
		})
	}
	return out, nil
}

// interruptible finds the tasks that target names and that are not stopping yet.
func (c scope) interruptible(tx *store.Tx, target string) ([]*state.Task, error) {
	service, isService := strings.CutPrefix(target, "service/")
	id := resourceName("task", target)
	var named, out []*state.Task
	for t := range state.Tasks.All(tx, c.prefix()) {
		switch {
		case t.DesiredStatus == state.TaskStopped:
		case isService && t.Service == service, !isService && len(id) >= 6 && strings.HasPrefix(t.ID, id):
			named = append(named, t)
		}
	}
	for _, t := range named {
		if t.CapacityProvider == spotProvider {
			out = append(out, t)
		}
	}
	switch {
	case len(named) == 0:
		return nil, invalid("No task that runs is %s.", target)
	case len(out) == 0:
		return nil, invalid("%s does not run on %s, and is never interrupted. Use a capacity provider strategy that names %s.", target, spotProvider, spotProvider)
	case !isService && len(named) > 1:
		return nil, invalid("%d tasks begin with %s.", len(named), id)
	}
	return out, nil
}
