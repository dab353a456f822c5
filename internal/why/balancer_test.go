package why

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const webGroup = "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/web/1"

// balancedService is a service whose one running task is in the target group web, behind
// an internet-facing load balancer in the subnets public and private.
func balancedService(t *testing.T, change func(*state.Target, *state.Service)) (*Explainer, *store.DB) {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	const account, region = "000000000000", "eu-west-1"
	balancers := []state.ServiceLoadBalancer{{TargetGroup: webGroup, Container: "app", Port: 80}}
	service := &state.Service{Account: account, Region: region, Cluster: "c", Name: "s", Status: "ACTIVE", DesiredCount: 1, LaunchSpec: state.LaunchSpec{LoadBalancers: balancers}, Deployments: []state.Deployment{{ID: "ecs-svc/1"}}}
	target := &state.Target{Account: account, Region: region, Group: "web/1", ID: "10.0.0.5", Port: 80, Health: state.TargetUnhealthy, Reason: "Target.Timeout", Description: "Request timed out"}
	change(target, service)
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		state.Services.Put(tx, service)
		state.Tasks.Put(tx, &state.Task{Account: account, Region: region, Cluster: "c", ID: strings.Repeat("a", 32), Service: "s", TaskDefinition: "arn:aws:ecs:eu-west-1:000000000000:task-definition/web:1",
			DesiredStatus: "RUNNING", LastStatus: state.TaskRunning, LoadBalancers: balancers, Interface: state.TaskInterface{ID: "eni-task", PrivateIP: "10.0.0.5"}})
		state.TargetGroups.Put(tx, &state.TargetGroup{Account: account, Region: region, Path: "web/1", Name: "web", HealthCheck: state.TargetHealthCheck{Path: "/health", HTTPCode: "200"}})
		state.Targets.Put(tx, target)
		state.ListenerRules.Put(tx, &state.ListenerRule{Account: account, Region: region, Path: "app/lb/1/2/3", Actions: []state.ListenerAction{{Type: "forward", TargetGroups: []state.ActionTargetGroup{{ARN: webGroup}}}}})
		state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: account, Region: region, Path: "app/lb/1", Name: "lb", Scheme: "internet-facing", VpcID: "vpc-1",
			Subnets: []state.LoadBalancerSubnet{{SubnetID: "subnet-public", InterfaceID: "eni-node"}}})
		state.RouteTables.Put(tx, &state.RouteTable{Account: account, Region: region, ID: "rtb-main", VpcID: "vpc-1", Main: true})
		state.RouteTables.Put(tx, &state.RouteTable{Account: account, Region: region, ID: "rtb-public", VpcID: "vpc-1", Associations: []state.RouteTableAssociation{{SubnetID: "subnet-public"}},
			Routes: []state.Route{{DestinationCIDRBlock: "0.0.0.0/0", InternetGatewayID: "igw-1"}}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Explainer{DB: db, Decisions: decision.NewLog(db), Sockets: func(string) []netip.AddrPort { return nil }}, db
}

func TestTargetsThatAreNotHealthy(t *testing.T) {
	block := func(_, _, node string, to netip.Addr, port int) (decision.Decision, bool) {
		return decision.Decision{Code: "net.sg-ingress", Cause: node + " to " + netip.AddrPortFrom(to, uint16(port)).String()}, true
	}
	grace := int32(30)
	for name, c := range map[string]struct {
		change func(*state.Target, *state.Service)
		path   Path
		code   string
		cause  string
		fix    string // in the first fix; "" for no fix
	}{
		"another code": {func(x *state.Target, _ *state.Service) {
			x.Reason, x.Description = "Target.ResponseCodeMismatch", "Health checks failed with these codes: [404]"
		}, nil, "lb.response-code", "target group web asks for /health and gets 404, but its matcher is 200", "--matcher HttpCode=404"},
		"a rule is missing":               {func(*state.Target, *state.Service) {}, block, "net.sg-ingress", "eni-node to 10.0.0.5:80", ""},
		"missing while it is still asked": {func(x *state.Target, _ *state.Service) { x.Health = state.TargetInitial }, block, "net.sg-ingress", "eni-node to 10.0.0.5:80", ""},
		"starting":                        {func(x *state.Target, _ *state.Service) { x.Health = state.TargetInitial }, nil, "", "", ""},
		"slow":                            {func(*state.Target, *state.Service) {}, nil, "lb.unhealthy", "the health checks of target group web fail: Request timed out", "--health-check-grace-period-seconds 60"},
		"slow, though it has grace":       {func(_ *state.Target, s *state.Service) { s.HealthCheckGracePeriod = &grace }, nil, "lb.unhealthy", "the health checks of target group web fail: Request timed out", ""},
		"healthy":                         {func(x *state.Target, _ *state.Service) { x.Health = state.TargetHealthy }, block, "", "", ""},
	} {
		x, _ := balancedService(t, c.change)
		x.Path = c.path
		report, err := x.Why(t.Context(), "000000000000", "eu-west-1", "service/s")
		if err != nil {
			t.Fatal(err)
		}
		if c.code == "" {
			if len(report.Findings) != 0 || !report.Healthy {
				t.Errorf("%s: %+v", name, report)
			}
			continue
		}
		if len(report.Findings) != 1 || report.Findings[0].Code != c.code || report.Findings[0].Cause != c.cause {
			t.Errorf("%s: %+v", name, report.Findings)
			continue
		}
		fixes := ""
		for _, f := range report.Findings[0].Fixes {
			fixes += f.Text + "\n"
		}
		if c.fix == "" && fixes != "" || !strings.Contains(fixes, c.fix) {
			t.Errorf("%s: the fixes are %q", name, fixes)
		}
	}
}

// A load balancer in the private subnets, as with the article's variables swapped, is told.
func TestABalancerThatNobodyReaches(t *testing.T) {
	x, db := balancedService(t, func(target *state.Target, _ *state.Service) { target.Health = state.TargetHealthy })
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		state.LoadBalancers.Update(tx, state.Key("000000000000", "eu-west-1", "app/lb/1"), func(lb *state.LoadBalancer) {
			lb.Subnets = []state.LoadBalancerSubnet{{SubnetID: "subnet-public"}, {SubnetID: "subnet-private"}}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	report, err := x.Why(t.Context(), "000000000000", "eu-west-1", "service/s")
	if err != nil || len(report.Findings) != 1 || report.Findings[0].Code != "lb.private-subnets" || report.Healthy ||
		report.Findings[0].Cause != "the internet-facing load balancer lb is in subnet-private, from where no route leads to an internet gateway" {
		t.Errorf("%v: %+v", err, report)
	}
}
