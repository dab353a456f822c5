package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
)

// step is one resource's time on its way to an end.
type step struct {
	stack, resource, kind string
	from, took            time.Duration // from the first event of all on
}

// slowest is how many resources a breakdown shows.
const slowest = 8

// breakdown prints which resources took longest to get from STATUS_IN_PROGRESS
// to STATUS_COMPLETE, in a stack (by id) and those nested in it, and when.
func breakdown(ctx context.Context, cfn cloudformationapi.API, stackID, status string) error {
	var events []cloudformationapi.StackEvent
	for queue := []string{stackID}; len(queue) > 0; queue = queue[1:] {
		out, err := cfn.DescribeStackEvents(ctx, &cloudformationapi.DescribeStackEventsInput{StackName: queue[0]})
		if err != nil {
			return err
		}
		for _, e := range out.StackEvents {
			events = append(events, e)
			nested := e.ResourceType == "AWS::CloudFormation::Stack" && e.PhysicalResourceId != e.StackId && string(e.ResourceStatus) == status+"_COMPLETE"
			if nested && !slices.Contains(queue, e.PhysicalResourceId) {
				queue = append(queue, e.PhysicalResourceId)
			}
		}
	}
	steps := stepsOf(events, status)
	slices.SortFunc(steps, func(a, b step) int { return cmp.Compare(b.took, a.took) })
	for _, s := range steps[:min(len(steps), slowest)] {
		fmt.Printf("  %6d ms from %6d ms  %-28s %-36s %s\n", s.took.Milliseconds(), s.from.Milliseconds(), s.resource, s.kind, s.stack)
	}
	return nil
}

// stepsOf pairs the events of each resource.
func stepsOf(events []cloudformationapi.StackEvent, status string) []step {
	slices.SortStableFunc(events, func(a, b cloudformationapi.StackEvent) int { return a.Timestamp.Compare(b.Timestamp) })
	began := map[string]time.Time{}
	var first time.Time
	var steps []step
	for _, e := range events {
		key := e.StackId + "/" + e.LogicalResourceId
		switch string(e.ResourceStatus) {
		case status + "_IN_PROGRESS":
			if first.IsZero() {
				first = e.Timestamp
			}
			if began[key].IsZero() {
				began[key] = e.Timestamp
			}
		case status + "_COMPLETE":
			if at := began[key]; !at.IsZero() {
				steps = append(steps, step{e.StackName, e.LogicalResourceId, e.ResourceType, at.Sub(first), e.Timestamp.Sub(at)})
				delete(began, key)
			}
		}
	}
	return steps
}
