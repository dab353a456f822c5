package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// exit explains a task whose essential container ended: how, what it wrote last,
// and what it was refused while it ran.
func (x *Explainer) exit(tx *store.Tx, t *state.Task, decisions []decision.Decision) Finding {
	f := Finding{Code: "run.exit", AWSSays: t.StoppedReason, Confidence: decision.Observed, Tasks: []string{t.ID}}
	c, ok := firstEnded(tx, t)
	if !ok {
		f.Cause = "an essential container ended; its exit code is not known"
		return f
	}
	f.Where = "container " + c.Name
	f.Cause = fmt.Sprintf("container %s ended with exit code %d%s", c.Name, *c.ExitCode, signalName(*c.ExitCode))
	if c.Reason != "" {
		f.AWSSays += "; container " + c.Name + ": " + c.Reason
	}
	if strings.Contains(c.Reason, "OutOfMemory") {
		limit, target := c.Memory, "container "+c.Name+" of the task definition"
		if limit == "" {
			limit, target = t.Memory, "the task definition"
		}
		f.Code = "run.oom"
		f.Cause = fmt.Sprintf("container %s was killed because it used more memory than its limit of %s MiB", c.Name, limit)
		f.Fixes = []decision.Fix{{Lang: "cloudformation", Target: target, Text: "Memory: " + moreMemory(limit)}}
	}
	ended := f.Cause
	var denied, last []Seen
	for _, d := range decisions {
		if d.Phase == decision.IAM && d.Verdict != decision.Allow {
			denied = append(denied, Seen{d.Time, "denied: " + d.Cause})
		}
		if d.Phase == decision.Exit && slices.Contains(d.Facts, decision.Fact{Name: "container", Value: c.Name}) {
			_, lines := split(d.Facts)
			for _, line := range lines {
				last = append(last, Seen{c.FinishedAt, line})
			}
		}
	}
	if stored := x.lines(tx, t, c.Name); len(stored) > 0 { // with what was written just before the end
		last = nil
		for _, line := range stored {
			last = append(last, Seen{c.FinishedAt, "log: " + line})
		}
	}
	for _, d := range decisions {
		if d.Code == "iam.wrong-role" && f.Code == "run.exit" && *c.ExitCode != 0 {
			f.Code, f.Where, f.Fixes = d.Code, d.Where, d.Fix
			f.Cause = "a permission is on the wrong one of the task's two roles: " + d.Cause
		}
	}
	f.Seen = append(append(denied, Seen{c.FinishedAt, ended}), last...)
	return f
}

// firstEnded returns the essential container whose end was the task's.
func firstEnded(tx *store.Tx, t *state.Task) (state.Container, bool) {
	def, known := state.TaskDefinitions.Get(tx, taskDefinitionKey(t))
	var first *state.Container
	for i, c := range t.Containers {
		if known {
			if d, ok := def.Container(c.Name); ok && !d.Essential {
				continue
			}
		}
		if c.ExitCode != nil && (first == nil || c.FinishedAt.Before(first.FinishedAt)) {
			first = &t.Containers[i]
		}
	}
	if first == nil {
		return state.Container{}, false
	}
	return *first, true
}

// lines returns the end of a container's log stream.
func (x *Explainer) lines(tx *store.Tx, t *state.Task, container string) []string {
	def, ok := state.TaskDefinitions.Get(tx, taskDefinitionKey(t))
	if !ok {
		return nil
	}
	c, ok := def.Container(container)
	if !ok || c.Log == nil || c.Log.Options["awslogs-group"] == "" {
		return nil
	}
	stream := c.Log.Options["awslogs-stream-prefix"] + "/" + container + "/" + t.ID
	return x.Logs.LastLines(t.Account, t.Region, c.Log.Options["awslogs-group"], stream, lastLines)
}

// signalName says what an exit code of 128 and more, or the shell's, means.
func signalName(code int32) string {
	switch code {
	case 126:
		return " (not executable)"
	case 127:
		return " (command not found)"
	case 134:
		return " (SIGABRT)"
	case 137:
		return " (SIGKILL)"
	case 139:
		return " (SIGSEGV)"
	case 143:
		return " (SIGTERM)"
	}
	return ""
}

// moreMemory doubles an amount of MiB.
func moreMemory(mib string) string {
	var n int
	if _, err := fmt.Sscan(mib, &n); err != nil {
		return "1024"
	}
	return fmt.Sprint(2 * n)
}
