package e2e

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/testenv"
)

// TestRemovalMatrix takes one element after the other away from working stacks;
// see row. What it saw is docs/removal-matrix.md. Rows that break what they
// share go one after the other, each chain of them in an account of its own.
func TestRemovalMatrix(t *testing.T) {
	t.Parallel()
	m := &matrix{lines: map[string][]line{}}
	t.Run("stacks", func(t *testing.T) {
		chain(t, m, "isolated, endpoints", isolatedSite, endpointRows)
		chain(t, m, "isolated, the rest", isolatedSite, isolatedRows)
		chain(t, m, "public and private", publicPrivateSite, routeRows)
		chain(t, m, "gateways", publicPrivateSite, gatewayRows)
		t.Run("tasks", func(t *testing.T) {
			t.Parallel()
			s := publicPrivateSite(newAccount(t), m)
			s.scale(0) // the rows make services of their own
			for _, r := range taskRows {
				t.Run(r.element, func(t *testing.T) {
					t.Parallel()
					s.in(t).tryTask(r)
				})
			}
			s.requests(t)
		})
	})
	if !t.Failed() {
		m.write(t)
	}
}

// chain tries rows one after the other on a site of their own.
func chain(t *testing.T, m *matrix, name string, deploy func(*account, *matrix) *site, rows []row) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		s := deploy(newAccount(t), m)
		for _, r := range rows {
			if !t.Run(r.element, func(t *testing.T) { s.in(t).try(r) }) {
				break // what is broken stays broken
			}
		}
	})
}

// sleeper is a script that sleeps, and ends at once when it is told to.
const sleeper = "trap 'exit 0' TERM; sleep 3600 & wait"

// pushSleeper pushes an image that sleeps, and ends when it is told to.
func (a *account) pushSleeper() string {
	return a.push(busyboxArchive(a.t, a.dir, "sh", "-c", sleeper), "app", "good")
}

// isolatedSite is the second seed's stack, with a service whose task needs every
// one of its endpoints.
func isolatedSite(a *account, m *matrix) *site {
	a.t.Helper()
	image := a.pushSleeper()
	dir := a.isolatedVPC()
	if r := a.samDeploy(dir, image, "--no-progressbar"); r.code != 0 {
		a.t.Fatalf("sam deploy: exit %d\n%s\n%s", r.code, r.out, a.logTail())
	}
	d := a.deployedStack(image)
	s := &site{account: a, api: a.api(), matrix: m, name: "Isolated VPC", cluster: d.cluster, vpc: d.vpc, subnets: d.subnets, groups: []string{d.taskGroup}, role: d.role, image: image, logs: d.logs,
		ids: map[string]string{"table": d.table, "group": d.group}}
	s.secretsOf(s.role)
	s.serve("isolated", s.withSecrets)
	s.steady()
	return s
}

// publicPrivateSite is our own example: private subnets behind a NAT gateway.
func publicPrivateSite(a *account, m *matrix) *site {
	a.t.Helper()
	image := a.pushSleeper()
	template := filepath.Join(testenv.Root(), "examples", "public-private", "main.yml")
	a.aws("cloudformation", "create-stack", "--stack-name", "example", "--template-body", "file://"+template, "--capabilities", "CAPABILITY_IAM", "--parameters", "ParameterKey=ImageUri,ParameterValue="+image)
	a.aws("cloudformation", "wait", "stack-create-complete", "--stack-name", "example")
	out := awsJSON[[]struct{ OutputKey, OutputValue string }](a, "cloudformation", "describe-stacks", "--stack-name", "example", "--query", "Stacks[0].Outputs")
	s := &site{account: a, api: a.api(), matrix: m, name: "Public and private subnets with a NAT gateway", stack: "example", image: image, service: "my-app", ids: map[string]string{}}
	for _, o := range out {
		s.ids[o.OutputKey] = o.OutputValue
	}
	s.cluster, s.vpc, s.logs, s.groups = s.ids["Cluster"], s.ids["Vpc"], s.ids["Logs"], []string{s.ids["TaskGroup"]}
	s.subnets = []string{s.ids["FirstPrivate"]}
	s.role = s.ids["ExecutionRole"][strings.LastIndex(s.ids["ExecutionRole"], "/")+1:]
	s.steady()
	return s
}

// forRow is the site for one of several rows that are tried beside each other,
// with a service of the row's own.
func (s *site) forRow(chapter, element string) *site {
	sub := *s
	sub.ids = maps.Clone(s.ids)
	sub.name = chapter
	sub.service = "row-" + strings.ToLower(strings.NewReplacer(" ", "-", ":", "-", "'", "", ",", "", ".", "-", "(", "", ")", "", "/", "-").Replace(element))
	return &sub
}

// tryTask is try for a row that breaks something of its own: it has its own
// service, which is working at first where the row needs it.
func (s *site) tryTask(r taskRow) {
	s.t.Helper()
	s = s.forRow("Tasks", r.element)
	s.breaker = r.breaker
	if r.setUp != nil {
		r.setUp(s)
	}
	if r.with != nil {
		r.bad = r.with(s)
	}
	if r.working {
		s.serve(s.service, r.good)
		s.steady()
	}
	s.try(row{element: r.element, code: r.code, resource: r.resource, stop: r.stop, reason: r.reason, fix: r.fix, event: r.event, runs: r.runs, also: r.also, do: func(s *site) {
		if r.do != nil {
			r.do(s)
		}
		if r.working {
			s.deploy(r.bad)
		} else {
			s.serve(s.service, r.bad)
		}
	}})
	force := true
	got(s.ecs.DeleteService(s.t.Context(), &ecsapi.DeleteServiceRequest{Cluster: s.cluster, Service: s.service, Force: &force})).by(s)
}

// endpointID is the endpoint of a service.
func (s *site) endpointID(service string) string {
	s.t.Helper()
	out := got(s.ec2.DescribeVpcEndpoints(s.t.Context(), &ec2api.DescribeVpcEndpointsRequest{Filters: []ec2api.Filter{
		{Name: "service-name", Values: []string{"com.amazonaws." + s.Region + "." + service}}, {Name: "vpc-id", Values: []string{s.vpc}}}})).by(s)
	for _, e := range out.VpcEndpoints {
		unused := e.VpcEndpointType == ec2api.VpcEndpointTypeGateway && len(e.RouteTableIds) == 0 // an earlier row left it so, and another does its work
		if e.State != "deleted" && e.State != "deleting" && !unused {
			return e.VpcEndpointId
		}
	}
	s.t.Fatalf("no endpoint of %s", service)
	return ""
}

// waits is how long the tests wait for what happens at once.
const waits = 20 * time.Second
