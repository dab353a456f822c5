package why

import (
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
	i := decisive(all)
	if t.StopCode == "EssentialContainerExited" {
		return x.exit(tx, t, all), true
	}
	if i >= 0 {
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
	r, ok := refusalOf(d, before)
	if !ok {
		return d
	}
	d.Cause, d.Where = r.Cause, r.Where
	if r.Code != "iam.not-allowed" && !(d.Code == "iam.exec-kms" && r.Code == "iam.resource-policy") {
		d.Code = r.Code
	}
	d.Facts = append(slices.Clone(r.Facts), d.Facts...)
	if len(d.Fix) == 0 {
		d.Fix = r.Fix
	}
	return d
}

// refusalOf is IAM's refusal behind a decision of the agent.
func refusalOf(d decision.Decision, before []decision.Decision) (decision.Decision, bool) {
	if !strings.HasPrefix(d.Code, "iam.exec-") {
		return decision.Decision{}, false
	}
	for _, r := range slices.Backward(before) {
		if r.Phase == decision.IAM && r.Verdict != decision.Allow {
			return r, true
		}
	}
	return decision.Decision{}, false
}
