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
	if onPurpose(t) {
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
		x.remedy(names{tx, t.Account, t.Region}, t, all[i], &f)
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

// onPurpose reports whether a person or the scheduler stopped a task that was well.
func onPurpose(t *state.Task) bool {
	return t.StopCode == "UserInitiated" || t.StopCode == "ServiceSchedulerInitiated" && !strings.Contains(t.StoppedReason, "health")
}

// remedy completes a finding by what is known of the task: who runs it, and from
// which task definition.
func (x *Explainer) remedy(n names, t *state.Task, d decision.Decision, f *Finding) {
	switch f.Code {
	case "reg.no-tag", "reg.not-found":
		n.missingImage(t, f)
	case "reg.arch":
		n.wrongPlatform(t, f)
	case "reg.secret-shape":
		n.registrySecret(t, f)
	case "sec.json-key":
		n.secretKey(t, d, f)
	case "sec.not-found":
		n.missingSecret(t, f)
	case "logs.no-group":
		n.missingLogGroup(t, f)
	case "net.igw-no-public-ip":
		n.publicIP(t, f)
	case "net.subnet-full":
		n.subnetFull(t, f)
	case "run.no-cmd":
		n.noCommand(t, f)
	case "lb.unhealthy":
		found := n.unhealthy(t, d.Resource, fact(d, "reason"))
		found.Seen, found.Tasks = f.Seen, f.Tasks
		*f = found
	case "run.unhealthy":
		if found, ok := n.ports(t, listeningFacts(d)); ok {
			found.Seen = f.Seen
			*f = found
		} else {
			f.Fixes = n.rollBack(t)
		}
	}
}

// noCommand completes the finding about a program that is not in the image: the
// image's own command is, mostly.
func (n names) noCommand(t *state.Task, f *Finding) {
	f.Resource = t.TaskDefinition
	name := strings.TrimPrefix(f.Where, "container ")
	d := taskDefinition(n.tx, t.TaskDefinition)
	if d == nil {
		return
	}
	if c, ok := d.Container(name); ok && len(c.Command)+len(c.EntryPoint) > 0 {
		f.Fixes = n.revise(t, edit{container: name, set: map[string]any{"command": []string{}, "entryPoint": []string{}},
			cfn: "# in the container definition of " + name + ": no Command, no EntryPoint,\n# so that the image's own are used", hcl: "# in the container definition of " + name + ": no command, no entryPoint,\n# so that the image's own are used"})
	}
	f.Fixes = append(f.Fixes, n.rollBack(t)...)
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
	if !strings.HasPrefix(d.Code, "iam.exec-") && d.Code != "iam.endpoint-policy" {
		return d
	}
	for _, r := range slices.Backward(before) {
		if r.Phase != decision.IAM || r.Verdict == decision.Allow {
			continue
		}
		d.Cause, d.Where = r.Cause, r.Where
		switch action := fact(r, "action"); {
		case d.Code == "iam.exec-kms" && r.Code == "iam.resource-policy": // the key's policy, which is where permissions of keys are
		case r.Code != "iam.not-allowed":
			d.Code = r.Code
		case strings.HasPrefix(action, "kms:"):
			d.Code = "iam.exec-kms"
		}
		d.Resource = r.Resource
		d.Facts = append(slices.Clone(r.Facts), d.Facts...)
		if len(d.Fix) == 0 || r.Code != "iam.not-allowed" {
			d.Fix = r.Fix
		}
		return d
	}
	return d
}

// fact is the value of a decision's fact, "" when it has none of the name.
func fact(d decision.Decision, name string) string {
	for _, f := range d.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
