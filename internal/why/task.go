package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// lastLines is how much of a container's log a finding quotes.
const lastLines = 20

// cause finds what stopped a task. ok is false for tasks that were stopped on
// purpose.
func (x *Explainer) cause(tx *store.Tx, t *state.Task) (Finding, bool) {
	if t.StopCode == "UserInitiated" || t.StopCode == "ServiceSchedulerInitiated" && !strings.Contains(t.StoppedReason, "health") {
		return Finding{}, false
	}
	all := x.Decisions.About(t.ARN(), t.ID)
	if i := decisive(all); i >= 0 {
		f := finding(withRefusal(all[i], all[:i]), all[:i])
		f.Tasks = []string{t.ID}
		if f.Code == "reg.no-tag" || f.Code == "reg.not-found" {
			x.images(tx, t, &f)
		}
		if t.StoppedReason != "" {
			f.AWSSays = t.StoppedReason
		}
		return f, true
	}
	if t.StopCode == "EssentialContainerExited" {
		return x.exit(tx, t), true
	}
	if t.StoppedReason == "" {
		return Finding{}, false
	}
	return Finding{Code: "run.stopped", Cause: t.StoppedReason, Where: "task " + t.ID, AWSSays: t.StoppedReason, Confidence: decision.Observed, Tasks: []string{t.ID}}, true
}

// decisive returns the index of the decision that stopped a task, -1 for none:
// the first that its agent took, or else the first refusal of IAM, which a task
// may meet in any number and survive.
func decisive(all []decision.Decision) int {
	refusal := -1
	for i, d := range all {
		switch {
		case d.Verdict == decision.Allow || d.Code == "":
		case d.Phase != decision.IAM || d.Code == "iam.trust":
			return i
		case refusal < 0:
			refusal = i
		}
	}
	return refusal
}

// withRefusal completes what the agent knows of a denied request (which step of
// the task it was) by what IAM knows of it: which policy, and the statement that
// is missing.
func withRefusal(d decision.Decision, before []decision.Decision) decision.Decision {
	if !strings.HasPrefix(d.Code, "iam.exec-") {
		return d
	}
	for _, r := range slices.Backward(before) {
		if r.Phase != decision.IAM || r.Verdict == decision.Allow {
			continue
		}
		d.Cause, d.Where = r.Cause, r.Where
		if r.Code != "iam.not-allowed" {
			d.Code = r.Code
		}
		d.Facts = append(slices.Clone(r.Facts), d.Facts...)
		if len(d.Fix) == 0 {
			d.Fix = r.Fix
		}
		return d
	}
	return d
}

// exit explains a task whose essential container ended.
func (x *Explainer) exit(tx *store.Tx, t *state.Task) Finding {
	f := Finding{Code: "run.exit", AWSSays: t.StoppedReason, Confidence: decision.Observed, Tasks: []string{t.ID}}
	for _, c := range t.Containers {
		if c.ExitCode == nil {
			continue
		}
		f.Where = "container " + c.Name
		f.Cause = fmt.Sprintf("container %s ended with exit code %d%s", c.Name, *c.ExitCode, signalName(*c.ExitCode))
		if strings.Contains(c.Reason, "OutOfMemory") {
			f.Code = "run.oom"
			f.Cause = fmt.Sprintf("container %s was killed because it used more memory than its limit of %s MiB", c.Name, memoryOf(t))
			f.Fixes = []decision.Fix{{Lang: "cloudformation", Target: "the task definition", Text: "Memory: " + moreMemory(memoryOf(t))}}
		}
		for _, line := range x.lines(tx, t, c.Name) {
			f.Seen = append(f.Seen, Seen{t.StoppedAt, "log: " + line})
		}
		if f.Code == "run.oom" || *c.ExitCode != 0 {
			break
		}
	}
	return f
}

// lines returns the end of a container's log stream.
func (x *Explainer) lines(tx *store.Tx, t *state.Task, container string) []string {
	def, ok := state.TaskDefinitions.Get(tx, taskDefinitionKey(t))
	if !ok {
		return nil
	}
	for _, c := range def.Containers {
		if c.Name == container && c.Log != nil && c.Log.Options["awslogs-group"] != "" {
			stream := c.Log.Options["awslogs-stream-prefix"] + "/" + container + "/" + t.ID
			return x.Logs.LastLines(t.Account, t.Region, c.Log.Options["awslogs-group"], stream, lastLines)
		}
	}
	return nil
}

func signalName(code int32) string {
	switch code {
	case 137:
		return " (SIGKILL)"
	case 143:
		return " (SIGTERM)"
	case 139:
		return " (SIGSEGV)"
	case 127:
		return " (command not found)"
	}
	return ""
}

func memoryOf(t *state.Task) string {
	for _, c := range t.Containers {
		if c.Memory != "" {
			return c.Memory
		}
	}
	return t.Memory
}

// moreMemory doubles an amount of MiB.
func moreMemory(mib string) string {
	var n int
	if _, err := fmt.Sscan(mib, &n); err != nil {
		return "1024"
	}
	return fmt.Sprint(2 * n)
}
