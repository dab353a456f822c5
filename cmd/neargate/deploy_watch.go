package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/cli"
)

// watch prints the events of a stack and of its nested stacks until it settles.
// Ctrl-C ends the watching, not the deployment.
func (d *deploy) watch(ctx context.Context, stackID string, since time.Time) error {
	w := &watcher{deploy: d, last: map[string]time.Time{stackID: since}, order: []string{stackID}, started: time.Now()}
	for {
		status, err := w.look(ctx, stackID)
		if ctx.Err() != nil {
			fmt.Fprintf(d.out, "stopped watching; the deployment of %s goes on\n", d.stack)
			return cli.ExitStatus(cli.ExitInterrupted)
		}
		if err != nil {
			return err
		}
		if status != "" && !strings.HasSuffix(status, "_IN_PROGRESS") {
			return w.finish(ctx, stackID, status)
		}
		select {
		case <-ctx.Done():
		case <-time.After(eventPause):
		}
	}
}

// watcher remembers which events have been printed.
type watcher struct {
	*deploy
	last    map[string]time.Time // newest event printed, by stack id
	order   []string             // stacks, parents first
	started time.Time
}

// look prints what is new in every known stack and returns the root's status.
func (w *watcher) look(ctx context.Context, root string) (string, error) {
	status := ""
	for i := 0; i < len(w.order); i++ {
		id := w.order[i]
		fresh, err := w.fresh(ctx, id)
		if err != nil {
			return "", awsError("reading events", err)
		}
		for _, e := range fresh {
			w.last[id] = e.Timestamp
			w.print(id, e)
			if e.ResourceType == "AWS::CloudFormation::Stack" && e.PhysicalResourceId != "" {
				if e.PhysicalResourceId == id && id == root {
					status = string(e.ResourceStatus)
				} else if _, known := w.last[e.PhysicalResourceId]; !known {
					w.last[e.PhysicalResourceId] = w.started
					w.order = append(w.order, e.PhysicalResourceId)
				}
			}
		}
	}
	return status, nil
}

// fresh returns the events of a stack after the last one printed, oldest first.
func (w *watcher) fresh(ctx context.Context, id string) ([]cloudformationapi.StackEvent, error) {
	var out []cloudformationapi.StackEvent
	for token := ""; ; {
		page, err := w.cfn.DescribeStackEvents(ctx, &cloudformationapi.DescribeStackEventsInput{StackName: id, NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, e := range page.StackEvents {
			if !e.Timestamp.After(w.last[id]) {
				slices.Reverse(out)
				return out, nil
			}
			out = append(out, e)
		}
		if token = page.NextToken; token == "" {
			slices.Reverse(out)
			return out, nil
		}
	}
}

func (w *watcher) print(stack string, e cloudformationapi.StackEvent) {
	s := cli.StyleFor(w.out)
	status := string(e.ResourceStatus)
	mark := "·"
	switch {
	case strings.HasSuffix(status, "_FAILED") || strings.Contains(status, "ROLLBACK"):
		mark, status = s.Red("✗"), s.Red(status)
	case strings.HasSuffix(status, "_COMPLETE"):
		mark = s.Green("✓")
	}
	indent := ""
	if stack != w.order[0] {
		indent = "  "
	}
	reason := e.ResourceStatusReason
	if reason != "" {
		reason = s.Dim(" " + reason)
	}
	fmt.Fprintf(w.out, "%7.2fs %s%s %-22s %s (%s)%s\n", time.Since(w.started).Seconds(), indent, mark, status, e.LogicalResourceId, e.ResourceType, reason)
}

// finish prints outputs, or says what failed.
func (w *watcher) finish(ctx context.Context, id, status string) error {
	if status != "CREATE_COMPLETE" && status != "UPDATE_COMPLETE" {
		return &cli.Error{
			What: "stack " + w.stack + " ended in " + status,
			Why:  "the events above tell the first resource that failed",
			Fix:  "neargate why stack/" + w.stack, Code: "stack.failed",
		}
	}
	out, err := w.cfn.DescribeStacks(ctx, &cloudformationapi.DescribeStacksInput{StackName: id})
	if err != nil {
		return awsError("reading stack "+w.stack, err)
	}
	fmt.Fprintf(w.out, "stack %s is %s after %.2f s\n", w.stack, status, time.Since(w.started).Seconds())
	for _, o := range out.Stacks[0].Outputs {
		fmt.Fprintf(w.out, "  %s = %s\n", o.OutputKey, o.OutputValue)
	}
	return nil
}
