package why

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/diagnosis"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// ErrNotFound means that nothing has the name that was asked about.
var ErrNotFound = errors.New("nothing has that name")

// Report is the answer to "why".
type Report struct {
	Target   string    // what was asked about, by its full name
	Summary  string    // one line
	Healthy  bool      // nothing is wrong
	Findings []Finding // the most recent cause first
}

// Finding is one cause, for all tasks that it stopped.
type Finding struct {
	Code       string
	Cause      string
	Where      string // for people
	Resource   string // id or ARN of what the fix changes, or is put beside
	Origin     Origin // where the resource came from
	Changes    string // resource that the fixes change; "" when it is Resource
	Language   string // in which the fixes belong: of what made the resource that they change
	AWSSays    string // the stopped reason or event, in AWS's words
	Seen       []Seen
	Fixes      []decision.Fix // in the language of the resource's origin first
	Confidence decision.Confidence
	Tasks      []string // ids of the tasks it stopped, newest first
	Page       string   // where the documentation explains the code
}

// Seen is one piece of evidence.
type Seen struct {
	Time     time.Time
	Text     string
	Inferred bool // it follows from what is configured; otherwise it was seen to happen
}

// Logs reads the last lines that a task's container wrote; see Explainer.
type Logs interface {
	// LastLines returns at most n lines, oldest first.
	LastLines(account, region, group, stream string, n int) []string
}

// Sockets lists the TCP sockets that wait for connections in the network
// namespace of an interface.
type Sockets func(eni string) []netip.AddrPort

// Explainer answers "why". All fields but Path must be set.
type Explainer struct {
	DB        *store.DB
	Decisions *decision.Log
	Logs      Logs
	Sockets   Sockets
	Path      Path    // nil: what is between load balancers and tasks is not looked at
	Clients   Clients // nil likewise
}

// Why explains a task (id, the start of one, or ARN), a service (name, or
// service/NAME), a stack (stack/NAME), a target group (target-group/NAME or ARN), a
// name of Cloud Map (name/NAME) or a request (its id). The error is
// ErrNotFound when nothing has that name.
func (x *Explainer) Why(_ context.Context, account, region, target string) (Report, error) {
	tx := x.DB.Read()
	r, err := x.find(tx, account, region, target)
	n := names{tx, account, region}
	for i := range r.Findings {
		n.complete(&r.Findings[i])
	}
	return r, err
}

// complete says where the resource of a finding came from, and puts the fixes of
// its language first.
func (n names) complete(f *Finding) {
	f.Page = diagnosis.Link(f.Code)
	if f.Resource != "" {
		f.Origin = n.origin(f.Resource)
	}
	if f.Origin.Stack != "" && !strings.Contains(f.Where, f.Origin.Stack) {
		f.Where += ", " + f.Origin.place()
	}
	maker := f.Origin
	if f.Changes != "" {
		maker = n.origin(f.Changes)
	}
	f.Language, f.Fixes = maker.Language(), slices.Clone(f.Fixes)
	slices.SortStableFunc(f.Fixes, func(a, b decision.Fix) int { return cmp.Compare(maker.rank(a), maker.rank(b)) })
}

func (x *Explainer) find(tx *store.Tx, account, region, target string) (Report, error) {
	kind, name, typed := strings.Cut(target, "/")
	if strings.HasPrefix(target, "arn:") {
		name, typed = target[strings.LastIndex(target, "/")+1:], true
		kind = ""
	}
	if !typed {
		kind, name = "", target
	}
	if kind == "" || kind == "service" {
		if s := findService(tx, account, region, name); s != nil {
			return x.service(tx, s), nil
		}
	}
	if kind == "" || kind == "task" {
		if t := findTask(tx, account, region, name); t != nil {
			return x.task(tx, t), nil
		}
	}
	if g := findGroup(tx, account, region, groupName(target)); g != nil {
		return x.targetGroup(tx, g), nil
	}
	if kind == "" || kind == "stack" {
		if s := findStack(tx, account, region, name); s != nil {
			return x.stack(tx, s), nil
		}
	}
	if kind == "name" {
		if r, ok := x.hostName(tx, account, region, name); ok {
			return r, nil
		}
	}
	if r, ok := x.request(account, name); ok {
		return r, nil
	}
	if s := findService(tx, account, region, target); s != nil { // cluster/service
		return x.service(tx, s), nil
	}
	return Report{}, fmt.Errorf("%s: %w", target, ErrNotFound)
}

// service explains what its stopped tasks have in common, as far as they were
// stopped by a fault and not by the scheduler or a person.
func (x *Explainer) service(tx *store.Tx, s *state.Service) Report {
	r := Report{Target: "service/" + s.Name}
	var tasks []*state.Task
	var up []*state.Task
	running := 0
	for t := range state.Tasks.All(tx, state.Key(s.Account, s.Region, s.Cluster+"/")) {
		if t.Service != s.Name {
			continue
		}
		if t.LastStatus == state.TaskRunning {
			running++
			up = append(up, t)
		}
		if t.LastStatus == state.TaskStopped || t.DesiredStatus == "STOPPED" {
			tasks = append(tasks, t)
		}
	}
	slices.SortFunc(tasks, func(a, b *state.Task) int { return b.CreatedAt.Compare(a.CreatedAt) })
	r.Findings = x.group(tx, sinceWell(tasks))
	if f, ok := x.launchFailure(s); ok {
		r.Findings = append([]Finding{f}, r.Findings...)
	}
	if f, ok := x.circuit(s); ok {
		r.Findings = append(r.Findings, f)
	}
	alive := names{tx, s.Account, s.Region}.private(s)
	for _, t := range up {
		alive = x.merge(alive, x.unwell(tx, t))
	}
	r.Summary = fmt.Sprintf("%s: %d/%d running", s.Name, running, s.DesiredCount)
	if len(alive) > 0 {
		r.Summary += "; what runs is not well"
		r.Findings = append(alive, r.Findings...)
		return r
	}
	if running >= s.DesiredCount && len(s.Deployments) <= 1 {
		r.Healthy = true
		if len(r.Findings) > 0 {
			r.Summary += "; healthy now, earlier tasks stopped for the reasons below"
		}
		return r
	}
	if len(r.Findings) > 0 {
		r.Summary += stopped(len(tasks))
	}
	return r
}

// sinceWell are the tasks, newest first, that came after the last one which ran
// until it was stopped on purpose: what stopped earlier ones has been mended.
func sinceWell(tasks []*state.Task) []*state.Task {
	for i, t := range tasks {
		if onPurpose(t) && !t.StartedAt.IsZero() {
			return tasks[:i]
		}
	}
	return tasks
}

func stopped(tasks int) string {
	switch tasks {
	case 0:
		return ""
	case 1:
		return " – one task stopped"
	}
	return fmt.Sprintf(" – %d tasks stopped", tasks)
}

// launchFailure is a service that could not even make a task: a role that
// cannot be assumed leaves no task, only an event.
func (x *Explainer) launchFailure(s *state.Service) (Finding, bool) {
	var newest *decision.Decision
	for _, d := range x.Decisions.About(s.ARN()) {
		if d.Verdict != decision.Allow && d.Code == "iam.trust" {
			newest = &d
		}
	}
	if newest == nil || len(s.Events) == 0 || !strings.Contains(s.Events[0].Message, "failed to launch a task") {
		return Finding{}, false
	}
	return finding(*newest, nil), true
}

// task explains one task.
func (x *Explainer) task(tx *store.Tx, t *state.Task) Report {
	r := Report{Target: "task/" + t.ID, Summary: fmt.Sprintf("task %s is %s", t.ID, t.LastStatus)}
	if t.LastStatus == state.TaskRunning && t.DesiredStatus == "RUNNING" {
		r.Findings = x.unwell(tx, t)
		r.Healthy = len(r.Findings) == 0
		return r
	}
	if t.StoppedReason != "" {
		r.Summary += ": " + t.StopCode
	}
	r.Findings = x.group(tx, []*state.Task{t})
	return r
}

// group gathers the findings of tasks; those with the same cause become one.
func (x *Explainer) group(tx *store.Tx, tasks []*state.Task) []Finding {
	var out []Finding
	for _, t := range tasks {
		if f, ok := x.cause(tx, t); ok {
			out = x.merge(out, []Finding{f})
		}
	}
	return out
}

// merge adds findings to others; those with the same cause become one.
func (x *Explainer) merge(out, more []Finding) []Finding {
	for _, f := range more {
		if i := slices.IndexFunc(out, func(o Finding) bool { return o.Code == f.Code && o.Where == f.Where }); i >= 0 {
			out[i].Tasks = append(out[i].Tasks, f.Tasks...)
			continue
		}
		out = append(out, f)
	}
	return out
}

// unwell finds what is wrong with a task that runs: nobody can reach its
// application, or its log lines are not stored.
func (x *Explainer) unwell(tx *store.Tx, t *state.Task) []Finding {
	var out []Finding
	n := names{tx, t.Account, t.Region}
	if t.Interface.ID != "" {
		listening := x.Sockets(t.Interface.ID)
		if f, ok := n.ports(t, listening); ok {
			for _, s := range listening {
				f.Seen = append(f.Seen, Seen{Time: time.Now(), Text: factListening + ": tcp " + s.String()})
			}
			out = append(out, f)
		}
	}
	out = append(out, x.targets(n, t)...)
	out = append(out, x.endpoints(n, t)...)
	all := x.Decisions.About(t.ARN(), t.ID)
	for i, d := range slices.Backward(all) {
		if d.Phase == decision.IAM && d.Verdict == decision.Allow && fact(d, "action") == "logs:PutLogEvents" {
			break // it is well again
		}
		if d.Code == "logs.dropped" || d.Phase == decision.Logs && d.Code == "iam.exec-logs" {
			f := finding(withRefusal(d, all[:i]), all[:i])
			f.Tasks = []string{t.ID}
			return append(out, f)
		}
	}
	return out
}

// circuit is the deployment that the circuit breaker or an alarm ended.
func (x *Explainer) circuit(s *state.Service) (Finding, bool) {
	if len(s.Deployments) == 0 || s.Deployments[0].RolloutState != "FAILED" {
		return Finding{}, false
	}
	for _, d := range slices.Backward(x.Decisions.About(s.ARN())) {
		if (d.Code == "dep.circuit" || d.Code == "dep.alarm") && d.Where == s.Deployments[0].ID {
			f := finding(d, nil)
			f.Resource = s.ARN()
			f.Fixes = []decision.Fix{{Lang: LangCLI, Target: "once the cause is mended", Text: fmt.Sprintf("aws ecs update-service --cluster %s --service %s --force-new-deployment --query service.status", s.Cluster, s.Name)}}
			return f, true
		}
	}
	return Finding{}, false
}

// request explains one refused API request.
func (x *Explainer) request(account, id string) (Report, bool) {
	for _, d := range x.Decisions.About(id) {
		if d.Verdict != decision.Allow && (d.Account == account || d.Account == "") {
			return Report{Target: "request/" + id, Summary: "the request was refused", Findings: []Finding{finding(d, nil)}}, true
		}
	}
	return Report{}, false
}

// finding makes a Finding of the decision that was the cause; before are the
// decisions that led there.
func finding(d decision.Decision, before []decision.Decision) Finding {
	return Finding{Code: d.Code, Cause: d.Cause, Where: d.Where, Resource: d.Resource, AWSSays: d.AWSMessage, Fixes: d.Fix, Confidence: d.Confidence, Seen: evidence(d, before)}
}
