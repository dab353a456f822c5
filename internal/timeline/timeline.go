// Package timeline turns the times that ECS and CloudFormation keep of what they
// did into spans, one within another, and draws them as a waterfall. It decides
// and draws; whoever calls it asks the APIs.
package timeline

import (
	"cmp"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
)

// Span is something that took time, and what it consisted of.
type Span struct {
	Name   string    `json:"name"`
	Status string    `json:"status,omitempty"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end,omitzero"` // zero: it goes on
	Spans  []Span    `json:"spans,omitempty"`
}

// end is when the span ended, or now.
func (s Span) end(now time.Time) time.Time {
	if s.End.IsZero() {
		return now
	}
	return s.End
}

// Task is the way of a task to RUNNING, and of a stopped one to STOPPED: the steps
// between the times that DescribeTasks tells.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
func Task(t ecsapi.Task) Span {
	out := Span{Name: "task/" + shortID(t.TaskArn), Status: t.LastStatus, Start: t.CreatedAt, End: t.StoppedAt}
	if t.StoppingAt.IsZero() {
		out.End = t.StartedAt
	}
	from, doing := t.CreatedAt, ""
	for _, step := range []struct {
		name  string
		until time.Time
	}{
		{"network interface", t.ConnectivityAt},
		{"roles, secrets, log streams", t.PullStartedAt},
		{"image", t.PullStoppedAt},
		{"start of containers", t.StartedAt},
		{"runs", t.StoppingAt},
		{"stop of containers", t.ExecutionStoppedAt},
		{"release of its network", t.StoppedAt},
	} {
		if step.until.IsZero() {
			if doing == "" {
				doing = step.name
			}
			continue
		}
		if step.until.After(from) {
			out.Spans = append(out.Spans, Span{Name: step.name, Start: from, End: step.until})
			from = step.until
		}
		doing = ""
	}
	if out.End.IsZero() && doing != "" {
		out.Spans = append(out.Spans, Span{Name: doing, Start: from})
	}
	return out
}

// Deployment is a deployment of a service, with the tasks that it started.
func Deployment(service string, d ecsapi.Deployment, tasks []ecsapi.Task) Span {
	out := Span{Name: "service/" + service + " " + d.Id, Status: string(d.RolloutState), Start: d.CreatedAt}
	for _, t := range tasks {
		if t.StartedBy == d.Id {
			out.Spans = append(out.Spans, Task(t))
		}
	}
	sortSpans(out.Spans)
	if d.RolloutState != "IN_PROGRESS" {
		out.End = d.UpdatedAt
	}
	return out
}

// Stack is the newest operation on a stack, from its events (in any order) and the
// operations on its nested stacks by their ids: a span per resource.
func Stack(name, id string, events []cloudformationapi.StackEvent, nested map[string]Span) Span {
	events = slices.Clone(events)
	slices.SortStableFunc(events, func(a, b cloudformationapi.StackEvent) int { return a.Timestamp.Compare(b.Timestamp) })
	begin := 0
	for i, e := range events {
		if e.PhysicalResourceId == id && starts[string(e.ResourceStatus)] {
			begin = i
		}
	}
	out := Span{Name: "stack/" + name}
	open := map[string]int{} // by logical id: in out.Spans
	for i, e := range events[begin:] {
		status := string(e.ResourceStatus)
		if e.PhysicalResourceId == id {
			if i == 0 {
				out.Start = e.Timestamp
			}
			if out.Status = status; !underWay(status) {
				out.End = e.Timestamp
			}
			continue
		}
		at, known := open[e.LogicalResourceId]
		if !known || !out.Spans[at].End.IsZero() && underWay(status) {
			at = len(out.Spans)
			open[e.LogicalResourceId] = at
			out.Spans = append(out.Spans, Span{Name: e.LogicalResourceId + " " + e.ResourceType, Start: e.Timestamp})
		}
		span := &out.Spans[at]
		if span.Status = status; !underWay(status) {
			span.End = e.Timestamp
		}
		if inner, ok := nested[e.PhysicalResourceId]; ok && !inner.Start.Before(span.Start) { // not an older operation on it
			span.Spans = inner.Spans
		}
	}
	sortSpans(out.Spans)
	return out
}

// starts are the statuses in which an operation on a stack begins. A rollback
// belongs to the operation that it undoes.
var starts = map[string]bool{"CREATE_IN_PROGRESS": true, "UPDATE_IN_PROGRESS": true, "DELETE_IN_PROGRESS": true, "IMPORT_IN_PROGRESS": true}

func underWay(status string) bool {
	const suffix = "_IN_PROGRESS"
	return len(status) > len(suffix) && status[len(status)-len(suffix):] == suffix
}

func sortSpans(spans []Span) {
	slices.SortStableFunc(spans, func(a, b Span) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.Name, b.Name))
	})
}

// shortID is the beginning of a task's id, as `neargate ps` shows it.
func shortID(arn string) string {
	for i := len(arn) - 1; i >= 0; i-- {
		if arn[i] == '/' {
			arn = arn[i+1:]
			break
		}
	}
	return arn[:min(8, len(arn))]
}
