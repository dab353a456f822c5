package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/client"
)

// balanced is a load balancer in the default VPC with one target, which is a task.
type balanced struct {
	*account
	api                      elbv2api.API
	vpc, outer, inner        string // outer and inner are the groups of the load balancer and of the task
	subnets                  []string
	balancer, group, address string // address is the task's
	name                     string
	image, role              string
}

func (b *balanced) in(t *testing.T) *balanced {
	sub := *b
	sub.account = b.account.in(t)
	return &sub
}

// elb is the API without the CLI, whose start takes longer than what it asks for.
func (a *account) elb() elbv2api.API {
	return elbv2api.NewClient(&client.Client{Endpoint: a.endpoint, Region: a.Region, Key: sigv4.Credentials{AccessKeyID: a.Key, SecretAccessKey: a.Secret}})
}

func need[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// newBalanced makes the groups, a task that serves on port 80, and the load balancer
// with a listener there.
func newBalanced(t *testing.T) *balanced {
	b := &balanced{account: newAccount(t)}
	b.api = b.elb()
	b.vpc = b.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true", "--query", "Vpcs[0].VpcId", "--output", "text")
	b.subnets = strings.Fields(b.aws("ec2", "describe-subnets", "--filters", "Name=default-for-az,Values=true", "--query", "Subnets[:2].SubnetId", "--output", "text"))
	b.outer = b.aws("ec2", "create-security-group", "--group-name", "alb", "--description", "alb", "--vpc-id", b.vpc, "--query", "GroupId", "--output", "text")
	b.inner = b.aws("ec2", "create-security-group", "--group-name", "task", "--description", "task", "--vpc-id", b.vpc, "--query", "GroupId", "--output", "text")
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "80", "--cidr", "203.0.113.1/32")
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.inner, "--protocol", "tcp", "--port", "80", "--source-group", b.outer)
	b.image, b.role = b.push(probeArchive(t, b.dir), "web", "1"), b.executionRole("execution")
	definition := b.register(fmt.Sprintf(`{"family":"web","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
	 "containerDefinitions":[{"name":"web","image":%q,"command":["serve","web"],"portMappings":[{"containerPort":80}]}]}`, b.role, b.image))
	b.aws("ecs", "create-cluster", "--cluster-name", "tests")
	out := awsJSON[struct{ Tasks []task }](b.account, "ecs", "run-task", "--cluster", "tests", "--task-definition", definition, "--launch-type", "FARGATE", "--network-configuration",
		"awsvpcConfiguration={subnets=["+b.subnets[0]+"],securityGroups=["+b.inner+"],assignPublicIp=ENABLED}")
	running := b.waitTask("tests", out.Tasks[0].TaskArn, "RUNNING")
	b.address = b.aws("ecs", "describe-tasks", "--cluster", "tests", "--tasks", running.TaskArn, "--query", "tasks[0].containers[0].networkInterfaces[0].privateIpv4Address", "--output", "text")

	ctx := t.Context()
	made := need[*elbv2api.CreateLoadBalancerOutput](t)(b.api.CreateLoadBalancer(ctx, &elbv2api.CreateLoadBalancerInput{Name: "web", Subnets: b.subnets, SecurityGroups: []string{b.outer}})).LoadBalancers[0]
	b.balancer, b.name = made.LoadBalancerArn, made.DNSName
	b.group = need[*elbv2api.CreateTargetGroupOutput](t)(b.api.CreateTargetGroup(ctx, &elbv2api.CreateTargetGroupInput{
		Name: "web", Protocol: "HTTP", Port: new(int32(80)), VpcId: b.vpc, TargetType: "ip", HealthCheckIntervalSeconds: new(int32(5)), HealthCheckTimeoutSeconds: new(int32(2)),
	})).TargetGroups[0].TargetGroupArn
	b.listen(80, elbv2api.Action{Type: "forward", TargetGroupArn: b.group})
	need[*elbv2api.RegisterTargetsOutput](t)(b.api.RegisterTargets(ctx, &elbv2api.RegisterTargetsInput{TargetGroupArn: b.group, Targets: []elbv2api.TargetDescription{{Id: b.address}}}))
	return b
}

func (b *balanced) listen(port int32, action elbv2api.Action) elbv2api.Listener {
	b.t.Helper()
	return need[*elbv2api.CreateListenerOutput](b.t)(b.api.CreateListener(b.t.Context(), &elbv2api.CreateListenerInput{
		LoadBalancerArn: b.balancer, Protocol: "HTTP", Port: &port, DefaultActions: []elbv2api.Action{action},
	})).Listeners[0]
}

// health is the state of the group's first target with its reason.
func (b *balanced) health() string {
	b.t.Helper()
	out := need[*elbv2api.DescribeTargetHealthOutput](b.t)(b.api.DescribeTargetHealth(b.t.Context(), &elbv2api.DescribeTargetHealthInput{TargetGroupArn: b.group}))
	if len(out.TargetHealthDescriptions) == 0 {
		return "none"
	}
	h := out.TargetHealthDescriptions[0].TargetHealth
	return strings.TrimSpace(string(h.State) + " " + string(h.Reason))
}

// get asks the load balancer by its name, as this machine resolves it.
func (b *balanced) get(path string, within time.Duration) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), within)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.name+path, nil)
	if err != nil {
		return 0, "", err
	}
	transport := &http.Transport{DisableKeepAlives: true}
	res, err := transport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res.StatusCode, string(text), err
}

// TestLoadBalancer: an internet-facing load balancer answers this machine by its name,
// as its groups let it, and asks the task from its nodes' addresses.
func TestLoadBalancer(t *testing.T) {
	t.Parallel()
	b := newBalanced(t)
	b.eventually(20*time.Second, "the target is healthy", func() error {
		if h := b.health(); h != "healthy" {
			return errors.New(h)
		}
		return nil
	})
	nodes := b.aws("ec2", "describe-network-interfaces", "--filters", "Name=requester-id,Values=amazon-elb", "--query", "NetworkInterfaces[].PrivateIpAddress", "--output", "text")
	status, body, err := b.get("/hello", 5*time.Second)
	text, from, _ := strings.Cut(body, " from ")
	if err != nil || status != 200 || text != "web GET /hello for 203.0.113.1" || !strings.Contains(nodes, from) {
		t.Errorf("got %d %q %v; the nodes are %s", status, body, err, nodes)
	}
	t.Run("metrics", func(t *testing.T) { testBalancerMetrics(b.in(t)) })
	t.Run("internal", func(t *testing.T) { testInternalBalancer(b.in(t)) })
	t.Run("rules", func(t *testing.T) { testBalancerRules(b.in(t)) })
	t.Run("users", func(t *testing.T) { testBalancerUsers(b.in(t)) })
	t.Run("network", func(t *testing.T) { testNetworkBalancer(b.in(t)) })
	t.Run("groups", func(t *testing.T) { testBalancerGroups(b.in(t)) })
	t.Run("drain", func(t *testing.T) { testBalancerDrains(b.in(t)) })
	need[*elbv2api.DeleteLoadBalancerOutput](t)(b.api.DeleteLoadBalancer(t.Context(), &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: b.balancer}))
	if left := b.aws("ec2", "describe-network-interfaces", "--filters", "Name=requester-id,Values=amazon-elb", "--query", "NetworkInterfaces[].NetworkInterfaceId", "--output", "text"); left != "" && left != "None" {
		t.Errorf("its interfaces are left: %s", left)
	}
	b.eventually(10*time.Second, "the name is gone", func() error {
		if _, err := new(net.Resolver).LookupHost(t.Context(), b.name); err == nil {
			return errors.New("it resolves")
		}
		return nil
	})
}

// testInternalBalancer: tasks reach an internal load balancer by its name, and this
// machine does not.
func testInternalBalancer(b *balanced) {
	made := need[*elbv2api.CreateLoadBalancerOutput](b.t)(b.api.CreateLoadBalancer(b.t.Context(), &elbv2api.CreateLoadBalancerInput{
		Name: "inside", Scheme: "internal", Subnets: b.subnets, SecurityGroups: []string{b.outer},
	})).LoadBalancers[0]
	b.balancer = made.LoadBalancerArn
	b.listen(80, elbv2api.Action{Type: "fixed-response", FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: "200", MessageBody: "from inside", ContentType: "text/plain"}})
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "80", "--source-group", b.inner)
	if got := b.visits("http://" + made.DNSName + "/"); got != "200 from inside <nil>" {
		b.t.Errorf("a task got %q", got)
	}
	if addresses, err := new(net.Resolver).LookupHost(b.t.Context(), made.DNSName); err == nil {
		b.t.Errorf("this machine resolves the name of an internal load balancer: %v", addresses)
	}
	need[*elbv2api.DeleteLoadBalancerOutput](b.t)(b.api.DeleteLoadBalancer(b.t.Context(), &elbv2api.DeleteLoadBalancerInput{LoadBalancerArn: made.LoadBalancerArn}))
}

// testBalancerRules: a rule decides before the default action, until it is deleted.
func testBalancerRules(b *balanced) {
	listeners := need[*elbv2api.DescribeListenersOutput](b.t)(b.api.DescribeListeners(b.t.Context(), &elbv2api.DescribeListenersInput{LoadBalancerArn: b.balancer}))
	made := need[*elbv2api.CreateRuleOutput](b.t)(b.api.CreateRule(b.t.Context(), &elbv2api.CreateRuleInput{
		ListenerArn: listeners.Listeners[0].ListenerArn, Priority: 7, Conditions: []elbv2api.RuleCondition{{Field: "path-pattern", Values: []string{"/gone/*"}}},
		Actions: []elbv2api.Action{{Type: "fixed-response", FixedResponseConfig: &elbv2api.FixedResponseActionConfig{StatusCode: "410", MessageBody: "gone", ContentType: "text/plain"}}},
	}))
	want := func(status int, body string) func() error {
		return func() error {
			got, text, err := b.get("/gone/x", 5*time.Second)
			if err != nil || got != status || !strings.HasPrefix(text, body) {
				return fmt.Errorf("got %d %q %v", got, text, err)
			}
			return nil
		}
	}
	b.eventually(5*time.Second, "the rule is in force", want(410, "gone"))
	need[*elbv2api.DeleteRuleOutput](b.t)(b.api.DeleteRule(b.t.Context(), &elbv2api.DeleteRuleInput{RuleArn: made.Rules[0].RuleArn}))
	b.eventually(5*time.Second, "the rule is gone", want(200, "web"))
}

// testBalancerGroups: packets decide. A task whose group does not let the load balancer
// in becomes unhealthy, and a load balancer whose group lets nobody in is silent.
func testBalancerGroups(b *balanced) {
	b.aws("ec2", "revoke-security-group-ingress", "--group-id", b.inner, "--protocol", "tcp", "--port", "80", "--source-group", b.outer)
	b.eventually(40*time.Second, "the target is unhealthy", func() error {
		if h := b.health(); h != "unhealthy Target.Timeout" {
			return errors.New(h)
		}
		return nil
	})
	if r := b.neargate("why", "target-group/web"); r.code != 6 || !strings.Contains(r.out, "net.sg-ingress") || !strings.Contains(r.out, b.inner) || !strings.Contains(r.out, "Target.Timeout") {
		b.t.Errorf("why: %d\n%s", r.code, r.out)
	}
	if r := b.neargate("status"); !strings.Contains(r.out, "unhealthy http://"+b.address+":80/ of target-group/web: Target.Timeout, Request timed out") {
		b.t.Errorf("status: %s", r.out)
	}
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.inner, "--protocol", "tcp", "--port", "80", "--source-group", b.outer)
	b.aws("ec2", "revoke-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "80", "--cidr", "203.0.113.1/32")
	if status, _, err := b.get("/", time.Second); err == nil || !errors.Is(err, context.DeadlineExceeded) {
		b.t.Errorf("without a rule for this machine: %d %v", status, err)
	}
	b.aws("ec2", "authorize-security-group-ingress", "--group-id", b.outer, "--protocol", "tcp", "--port", "80", "--cidr", "203.0.113.1/32")
}

// testBalancerDrains: a deregistered target gets no new requests and ends the one it has.
func testBalancerDrains(b *balanced) {
	slow := make(chan string, 1)
	go func() {
		status, body, err := b.get("/slow", 20*time.Second)
		slow <- fmt.Sprint(status, " ", strings.Fields(body + " none")[0], " ", err)
	}()
	b.eventually(10*time.Second, "the request has come", func() error {
		if _, waiting, err := b.get("/waiting", 5*time.Second); waiting != "1" {
			return fmt.Errorf("%q %v", waiting, err)
		}
		return nil
	})
	need[*elbv2api.DeregisterTargetsOutput](b.t)(b.api.DeregisterTargets(b.t.Context(), &elbv2api.DeregisterTargetsInput{TargetGroupArn: b.group, Targets: []elbv2api.TargetDescription{{Id: b.address}}}))
	if h := b.health(); h != "draining Target.DeregistrationInProgress" {
		b.t.Errorf("a deregistered target is %s", h)
	}
	b.eventually(5*time.Second, "no new requests", func() error {
		if status, _, err := b.get("/", 5*time.Second); status != 503 {
			return fmt.Errorf("%d %v", status, err)
		}
		return nil
	})
	if got := <-slow; got != "200 web <nil>" {
		b.t.Errorf("the request that it had ended as %s", got)
	}
	b.eventually(20*time.Second, "the target is gone once it has no requests", func() error {
		if h := b.health(); h != "none" {
			return errors.New(h)
		}
		return nil
	})
}
