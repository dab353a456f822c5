package e2e

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/client"
	"github.com/neargate/neargate/internal/testenv"
)

// row is one element of a working stack that is taken away or broken, and what
// must be seen then: the next task stops as on AWS, `why` names the cause and the
// resource, and the command that `why` printed, pasted, brings the service back
// to its steady state.
type row struct {
	element string // what is broken, and how
	do      func(*site)
	code    string // of the diagnosis
	// resource is what why must name; "" is not looked at.
	resource func(*site) string
	stop     string // the task's stopCode; "" is TaskFailedToStart
	reason   string // regular expression on the stoppedReason, or the service's event
	// fix chooses one by a part of its text, where the first command is not the one that counts.
	fix string
	// cloudformation pastes the fix into the stack's template instead, and updates it.
	cloudformation bool
	// event: no task is made any more; the reason is in the service's events.
	event bool
	// runs: the task goes on running, and why still finds what is wrong.
	runs bool
	// also is the code of a further finding.
	also string
}

// site is where rows are tried: a service of one task in a deployed stack.
type site struct {
	*account
	api
	name    string // of the chapter in the page
	stack   string // name; "" for sites without a template of their own
	cluster string
	service string
	vpc     string
	subnets []string // of the service
	groups  []string
	public  bool
	breaker bool   // services have a circuit breaker that does not roll back
	role    string // name of the execution role
	image   string
	logs    string // name of the log group
	ids     map[string]string
	started time.Time // when the row began
	before  []string  // tasks that had stopped by then
	matrix  *matrix
}

// api are the clients by which rows are prepared. The fixes are pasted into a
// shell, where the aws command runs them.
type api struct {
	ec2     ec2api.API
	ecs     ecsapi.API
	ecr     ecrapi.API
	iam     iamapi.API
	cwl     logsapi.API
	secrets secretsmanagerapi.API
	ssm     ssmapi.API
}

func (a *account) api() api {
	c := &client.Client{Endpoint: a.endpoint, Region: a.Region, Key: sigv4.Credentials{AccessKeyID: a.Key, SecretAccessKey: a.Secret}}
	return api{ec2api.NewClient(c), ecsapi.NewClient(c), ecrapi.NewClient(c), iamapi.NewClient(c), logsapi.NewClient(c), secretsmanagerapi.NewClient(c), ssmapi.NewClient(c)}
}

// answer is what a call returned.
type answer[T any] struct {
	out T
	err error
}

func got[T any](out T, err error) answer[T] { return answer[T]{out, err} }

// by returns the answer of a call that must succeed.
func (a answer[T]) by(s *site) T {
	s.t.Helper()
	if a.err != nil {
		s.t.Fatal(a.err)
	}
	return a.out
}

// ok fails unless a call without an answer succeeded.
func (s *site) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) in(t *testing.T) *site {
	sub := *s
	sub.account = s.account.in(t)
	return &sub
}

// try breaks the element, looks, and mends it by the fix.
func (s *site) try(r row) {
	s.t.Helper()
	s.started, s.before = time.Now(), nil
	for _, t := range s.stopped() {
		s.before = append(s.before, t.TaskArn)
	}
	r.do(s)
	said := s.told(r)
	f := s.explain(r, "service/"+s.service)
	fix := s.paste(r, f)
	s.steady()
	s.matrix.add(s.name, line{row: r, said: said, finding: f, fix: fix})
}

// told waits until AWS's words are there: the stopped task's, or the service's.
func (s *site) told(r row) string {
	s.t.Helper()
	said := ""
	s.eventually(60*time.Second, "a task that stops, or an event", func() error {
		if r.runs {
			said = "(the task runs)"
			return nil
		}
		if r.event {
			out, err := s.ecs.DescribeServices(s.t.Context(), &ecsapi.DescribeServicesRequest{Cluster: s.cluster, Services: []string{s.service}})
			if err != nil || len(out.Services) == 0 {
				return fmt.Errorf("no service: %w", err)
			}
			for _, e := range out.Services[0].Events {
				if e.CreatedAt.After(s.started.Add(-time.Second)) && matches(r.reason, e.Message) {
					said = e.Message
					return nil
				}
			}
			return fmt.Errorf("events: %+v", out.Services[0].Events[:min(3, len(out.Services[0].Events))])
		}
		for _, t := range s.stopped() {
			if slices.Contains(s.before, t.TaskArn) || string(t.StopCode) == "UserInitiated" || strings.HasPrefix(t.StoppedReason, "Scaling activity") {
				continue
			}
			if want := cmp.Or(r.stop, "TaskFailedToStart"); string(t.StopCode) != want || !matches(r.reason, t.StoppedReason) {
				s.t.Fatalf("the task stopped with %s: %s\nwant %s: %s", t.StopCode, t.StoppedReason, want, r.reason)
			}
			said = string(t.StopCode) + ": " + t.StoppedReason
			for _, c := range t.Containers {
				if c.Reason != "" && c.Reason != t.StoppedReason {
					said += "; container: " + c.Reason
				}
			}
			return nil
		}
		return fmt.Errorf("none has")
	})
	return said
}

// stopped are the service's stopped tasks: none before the service is made.
func (s *site) stopped() []ecsapi.Task {
	s.t.Helper()
	all, err := s.ecs.ListTasks(s.t.Context(), &ecsapi.ListTasksRequest{Cluster: s.cluster, ServiceName: s.service, DesiredStatus: "STOPPED"})
	if refused := (*client.Error)(nil); errors.As(err, &refused) && refused.Code == "ServiceNotFoundException" {
		return nil
	}
	s.ok(err)
	if len(all.TaskArns) == 0 {
		return nil
	}
	out := got(s.ecs.DescribeTasks(s.t.Context(), &ecsapi.DescribeTasksRequest{Cluster: s.cluster, Tasks: all.TaskArns})).by(s)
	slices.SortFunc(out.Tasks, func(a, b ecsapi.Task) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return out.Tasks
}

// found is a finding as `why -o json` prints it.
type found struct {
	Code, Cause, Where, Resource, Page string
	Fixes                              []struct{ Lang, Target, Text string }
	Seen                               []struct {
		Text     string
		Inferred bool
	}
}

// explain asks why about a target.
func (s *site) explain(r row, target string) found {
	s.t.Helper()
	var all []found
	s.eventually(20*time.Second, "why", func() error {
		out := s.neargate("why", target, "-o", "json")
		var report struct{ Data struct{ Findings []found } }
		if err := json.Unmarshal([]byte(out.out), &report); err != nil || len(report.Data.Findings) == 0 || out.code != 6 {
			return fmt.Errorf("exit %d, %v\n%s", out.code, err, out.out)
		}
		all = report.Data.Findings
		if r.also != "" && !slices.ContainsFunc(all, func(f found) bool { return f.Code == r.also }) {
			return fmt.Errorf("no finding has the code %s: %s", r.also, out.out)
		}
		return nil
	})
	first := all[0]
	shown := s.neargate("why", target).out
	s.t.Logf("%s\n%s", r.element, shown)
	if first.Code != r.code || first.Page == "" || len(first.Seen) == 0 {
		s.t.Fatalf("the code is %s (page %q, %d pieces of evidence), want %s", first.Code, first.Page, len(first.Seen), r.code)
	}
	if r.resource != nil {
		if want := r.resource(s); first.Resource != want {
			s.t.Errorf("the resource is %s, want %s", first.Resource, want)
		}
	}
	return first
}

// text is the literal text of the fix in a language, the first that has part in it.
func (f found) text(t *testing.T, lang, part string) string {
	t.Helper()
	for _, fix := range f.Fixes {
		if fix.Lang == lang && strings.Contains(fix.Text, part) {
			return fix.Text
		}
	}
	t.Fatalf("no fix in %s with %q: %+v", lang, part, f.Fixes)
	return ""
}

// paste applies the literal text of the fix.
func (s *site) paste(r row, f found) string {
	s.t.Helper()
	if r.cloudformation {
		fix := f.text(s.t, "cloudformation", r.fix)
		s.update(fix)
		return fix
	}
	fix := f.text(s.t, "cli", r.fix)
	if out := s.shell(fix); out.code != 0 {
		s.t.Fatalf("the fix\n%s\nexit %d\n%s", fix, out.code, out.out)
	}
	return fix
}

// update pastes text below Resources of the stack's template and updates the stack.
func (s *site) update(text string) {
	s.t.Helper()
	before := s.aws("cloudformation", "get-template", "--stack-name", s.stack, "--query", "TemplateBody", "--output", "text")
	after := strings.Replace(before, "\nResources:\n", "\nResources:\n  "+strings.ReplaceAll(text, "\n", "\n  ")+"\n", 1)
	s.aws("cloudformation", "update-stack", "--stack-name", s.stack, "--template-body", "file://"+s.write("template.yml", after), "--capabilities", "CAPABILITY_IAM", "--parameters", "ParameterKey=ImageUri,UsePreviousValue=true", "ParameterKey=DesiredCount,UsePreviousValue=true")
	s.aws("cloudformation", "wait", "stack-update-complete", "--stack-name", s.stack)
}

// steady waits until the service is as it should be, by what AWS says and by
// what why says. Failures must be forgiven: the next row would wait for them.
func (s *site) steady() {
	s.t.Helper()
	s.eventually(60*time.Second, "the steady state", func() error {
		out, err := s.ecs.DescribeServices(s.t.Context(), &ecsapi.DescribeServicesRequest{Cluster: s.cluster, Services: []string{s.service}})
		if err != nil || len(out.Services) != 1 {
			return fmt.Errorf("no service: %w", err)
		}
		if v := out.Services[0]; v.RunningCount != v.DesiredCount || v.PendingCount != 0 || len(v.Deployments) != 1 || v.Deployments[0].RolloutState != "COMPLETED" || v.Deployments[0].FailedTasks != 0 {
			return fmt.Errorf("%d of %d running, deployments %+v; %+v", v.RunningCount, v.DesiredCount, v.Deployments, v.Events[:min(1, len(v.Events))])
		}
		return nil
	})
	s.eventually(20*time.Second, "why says that all is well", func() error {
		if out := s.neargate("why", "service/"+s.service); out.code != 0 {
			return fmt.Errorf("exit %d\n%s", out.code, out.out)
		}
		return nil
	})
}

// replace stops the service's tasks, so that the scheduler launches others.
func (s *site) replace() {
	s.t.Helper()
	all := got(s.ecs.ListTasks(s.t.Context(), &ecsapi.ListTasksRequest{Cluster: s.cluster, ServiceName: s.service})).by(s)
	for _, arn := range all.TaskArns {
		got(s.ecs.StopTask(s.t.Context(), &ecsapi.StopTaskRequest{Cluster: s.cluster, Task: arn})).by(s)
	}
}

// serve makes the site's service, from a task definition of its own.
func (s *site) serve(name string, change func(container, definition object)) {
	s.t.Helper()
	s.service = name
	revision := s.revise(name, change)
	network := &ecsapi.NetworkConfiguration{AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: s.subnets, SecurityGroups: s.groups, AssignPublicIp: "DISABLED"}}
	if s.public {
		network.AwsvpcConfiguration.AssignPublicIp = "ENABLED"
	}
	one, zero, most := int32(1), int32(0), int32(100)
	got(s.ecs.CreateService(s.t.Context(), &ecsapi.CreateServiceRequest{
		Cluster: s.cluster, ServiceName: name, TaskDefinition: revision, DesiredCount: &one, LaunchType: "FARGATE", NetworkConfiguration: network,
		DeploymentConfiguration: &ecsapi.DeploymentConfiguration{MinimumHealthyPercent: &zero, MaximumPercent: &most,
			DeploymentCircuitBreaker: &ecsapi.DeploymentCircuitBreaker{Enable: s.breaker}},
	})).by(s)
	s.ids["definition"] = revision
}

// revise registers a task definition: a container that sleeps, with changes.
func (s *site) revise(family string, change func(container, definition object)) string {
	s.t.Helper()
	container := object{"name": "app", "image": s.image, "essential": true, "stopTimeout": 2, "command": list{"sh", "-c", sleeper}, "logConfiguration": object{
		"logDriver": "awslogs", "options": object{"awslogs-group": s.logs, "awslogs-region": s.Region, "awslogs-stream-prefix": family}}}
	definition := object{"family": family, "requiresCompatibilities": list{"FARGATE"}, "networkMode": "awsvpc", "cpu": "256", "memory": "512",
		"executionRoleArn": "arn:aws:iam::" + s.ID + ":role/" + s.role}
	if change != nil {
		change(container, definition)
	}
	definition["containerDefinitions"] = list{container}
	raw, err := json.Marshal(definition)
	if err != nil {
		s.t.Fatal(err)
	}
	var in ecsapi.RegisterTaskDefinitionRequest
	if err := json.Unmarshal(raw, &in); err != nil {
		s.t.Fatal(err)
	}
	return got(s.ecs.RegisterTaskDefinition(s.t.Context(), &in)).by(s).TaskDefinition.TaskDefinitionArn
}

// deploy moves the service to another task definition.
func (s *site) deploy(change func(container, definition object)) {
	s.t.Helper()
	revision := s.revise(s.service, change)
	s.ids["definition"] = revision
	got(s.ecs.UpdateService(s.t.Context(), &ecsapi.UpdateServiceRequest{Cluster: s.cluster, Service: s.service, TaskDefinition: revision})).by(s)
}

// matrix gathers what the rows showed.
type matrix struct {
	mu    sync.Mutex
	lines map[string][]line // by site
}

// line is a row as it went.
type line struct {
	row
	said    string
	finding found
	fix     string
}

func (m *matrix) add(site string, l line) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines[site] = append(m.lines[site], l)
}

// link leads to a code's entry in the catalogue.
func link(code string) string {
	return "[" + code + "](diagnoses.md#" + strings.ReplaceAll(code, ".", "") + ")"
}

func also(r row) string {
	if r.also == "" {
		return ""
	}
	return ", and " + link(r.also)
}

// write writes the page of the documentation: into out/, and where
// NEARGATE_MATRIX says.
func (m *matrix) write(t *testing.T) {
	t.Helper()
	commit, err := exec.Command("git", "-C", testenv.Root(), "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		commit = []byte("an unknown commit")
	}
	var b strings.Builder
	total := 0
	for _, all := range m.lines {
		total += len(all)
	}
	fmt.Fprintf(&b, "# The removal matrix\n\n<!-- The run was at commit %s. -->\nWritten by `NEARGATE_MATRIX=docs/removal-matrix.md go test ./e2e -run TestRemovalMatrix`: %d rows.\n"+
		"One element of a working stack is taken away or broken. The next task stops with AWS's code and text, `neargate why` names\nthe cause and the resource, and the text that it printed as the fix, pasted by the test, brings the service back to its\nsteady state. The codes are explained in [diagnoses.md](diagnoses.md).\n", strings.TrimSpace(string(commit)), total)
	for _, site := range slices.Sorted(maps.Keys(m.lines)) {
		fmt.Fprintf(&b, "\n## %s\n", site)
		slices.SortFunc(m.lines[site], func(a, b line) int { return cmp.Compare(a.element, b.element) })
		for _, l := range m.lines[site] {
			fmt.Fprintf(&b, "\n### %s\n\n- **AWS says**: `%s`\n- **Code**: %s%s\n- **Cause**: %s\n- **Where**: %s\n- **Fix**, as pasted:\n\n```\n%s\n```\n",
				l.element, strings.ReplaceAll(l.said, "`", "'"), link(l.finding.Code), also(l.row), l.finding.Cause, l.finding.Where, l.fix)
		}
	}
	for _, path := range []string{filepath.Join(testenv.Root(), "out", "removal-matrix.md"), os.Getenv("NEARGATE_MATRIX")} {
		if path == "" {
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(testenv.Root(), path)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
