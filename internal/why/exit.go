package why

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

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
	f.Where, f.Resource = "container "+c.Name, t.TaskDefinition
	f.Cause = fmt.Sprintf("container %s ended with exit code %d%s", c.Name, *c.ExitCode, signalName(*c.ExitCode))
	if c.Reason != "" {
		f.AWSSays += "; container " + c.Name + ": " + c.Reason
	}
	var denied, last []Seen
	var end decision.Decision
	for _, d := range decisions {
		if d.Phase == decision.IAM && d.Verdict != decision.Allow {
			denied = append(denied, Seen{Time: d.Time, Text: "denied: " + d.Cause})
		}
		if d.Phase == decision.Exit && slices.Contains(d.Facts, decision.Fact{Name: "container", Value: c.Name}) {
			end = d
			for _, fact := range d.Facts {
				if fact.Name == "log" {
					last = append(last, Seen{Time: c.FinishedAt, Text: "log: " + fact.Value})
				}
			}
		}
	}
	if stored := x.lines(tx, t, c.Name); len(stored) > 0 { // with what was written just before the end
		last = nil
		for _, line := range stored {
			last = append(last, Seen{Time: c.FinishedAt, Text: "log: " + line})
		}
	}
	n := names{tx, t.Account, t.Region}
	switch {
	case strings.Contains(c.Reason, "OutOfMemory"):
		n.outOfMemory(t, c, end, &f)
	case wrote(last, "exec format error"):
		n.wrongProgram(t, c, &f)
	case n.readOnly(t, c) && wrote(last, "Read-only file system"):
		f.Code = "run.read-only"
		f.Cause = "container " + c.Name + " writes to its root file system, which is read-only; it ended with exit code " + fmt.Sprint(*c.ExitCode)
		f.Fixes = n.revise(t, edit{container: c.Name, set: map[string]any{"readonlyRootFilesystem": false},
			cfn: "# in the container definition of " + c.Name + "\nReadonlyRootFilesystem: false", hcl: "# in the container definition of " + c.Name + "\nreadonlyRootFilesystem = false"})
	}
	ended := f.Cause
	for _, d := range decisions {
		if d.Code == "iam.wrong-role" && f.Code == "run.exit" && *c.ExitCode != 0 {
			f.Code, f.Where, f.Resource, f.Fixes = d.Code, d.Where, d.Resource, d.Fix
			f.Cause = "a permission is on the wrong one of the task's two roles: " + d.Cause
		}
	}
	f.Fixes = append(f.Fixes, n.rollBack(t)...)
	f.Seen = append(append(denied, Seen{Time: c.FinishedAt, Text: ended}), last...)
	return f
}

// wrote reports whether a text is in the last lines of a log.
func wrote(last []Seen, text string) bool {
	return slices.ContainsFunc(last, func(s Seen) bool { return strings.Contains(s.Text, text) })
}

// readOnly reports whether the container's root file system is read-only.
func (n names) readOnly(t *state.Task, c state.Container) bool {
	d := taskDefinition(n.tx, t.TaskDefinition)
	if d == nil {
		return false
	}
	def, _ := d.Container(c.Name)
	return def.ReadonlyRootFilesystem != nil && *def.ReadonlyRootFilesystem
}

// firstEnded returns the essential container whose end was the task's.
func firstEnded(tx *store.Tx, t *state.Task) (state.Container, bool) {
	def := taskDefinition(tx, t.TaskDefinition)
	var first *state.Container
	for i, c := range t.Containers {
		if def != nil {
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
	def := taskDefinition(tx, t.TaskDefinition)
	if def == nil {
		return nil
	}
	c, ok := def.Container(container)
	if !ok || c.Log == nil || c.Log.Options["awslogs-group"] == "" {
		return nil
	}
	stream := c.Log.Options["awslogs-stream-prefix"] + "/" + container + "/" + t.ID
	return x.Logs.LastLines(t.Account, t.Region, c.Log.Options["awslogs-group"], stream, lastLines)
}

// meanings are exit codes that say nothing about the application.
var meanings = map[int32]string{126: "not executable", 127: "command not found", 255: "unknown, or exec format error"}

// signalName says what an exit code of 128 and more, or the shell's, means.
func signalName(code int32) string {
	if text, ok := meanings[code]; ok {
		return " (" + text + ")"
	}
	if name := unix.SignalName(syscall.Signal(code - 128)); code > 128 && name != "" {
		return " (" + name + ")"
	}
	return ""
}
