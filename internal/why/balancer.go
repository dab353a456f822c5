package why

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

// Path says what keeps a load balancer's node from an address and port of its
// VPC; false when nothing does. See Network.
type Path func(account, region, node string, to netip.Addr, port int) (decision.Decision, bool)

// targets explains why target groups do not find a running task healthy: first
// what is on the way, then what it answers.
func (x *Explainer) targets(n names, t *state.Task) []Finding {
	var out []Finding
	for _, b := range t.LoadBalancers {
		target := state.TargetOf(n.tx, t, b)
		if target == nil || target.Health != state.TargetUnhealthy && target.Health != state.TargetInitial {
			continue
		}
		f, ok := x.blocked(n, t, b)
		if !ok && target.Health == state.TargetInitial {
			continue // it may only be starting
		}
		if !ok {
			f = n.unhealthy(t, b.TargetGroup, target.Description)
		}
		f.AWSSays = cmp.Or(strings.TrimSpace(target.Reason+" "+target.Description), f.AWSSays)
		f.Tasks = []string{t.ID}
		f.Seen = append(f.Seen, Seen{Time: target.HealthSince, Text: fmt.Sprintf("%s is %s in %s", target.ID, target.Health, n.group(b.TargetGroup))})
		out = append(out, f)
	}
	return out
}

// blocked finds what is between the nodes of a target group's load balancers and a task.
func (x *Explainer) blocked(n names, t *state.Task, b state.ServiceLoadBalancer) (Finding, bool) {
	to, err := netip.ParseAddr(t.Interface.PrivateIP)
	if err != nil || x.Path == nil {
		return Finding{}, false
	}
	for _, lb := range n.balancersOf(b.TargetGroup) {
		for _, node := range lb.Subnets {
			if d, ok := x.Path(t.Account, t.Region, node.InterfaceID, to, int(b.Port)); ok {
				d.Time = time.Now()
				return finding(d, nil), true
			}
		}
	}
	return Finding{}, false
}

// balancersOf are the load balancers that send to a target group.
func (n names) balancersOf(group string) []*state.LoadBalancer {
	var out []*state.LoadBalancer
	for r := range state.ListenerRules.By(n.tx, "target-group", group) {
		path := strings.Join(strings.SplitN(r.Path, "/", 4)[:3], "/") // app/NAME/ID
		if lb, ok := state.LoadBalancers.Get(n.tx, state.Key(r.Account, r.Region, path)); ok && !slices.Contains(out, lb) {
			out = append(out, lb)
		}
	}
	return out
}

// group is what people call a target group.
func (n names) group(arn string) string {
	for g := range state.TargetGroups.By(n.tx, "arn", arn) {
		return "target group " + g.Name
	}
	return arn
}

// unhealthy explains health checks that reached a task and failed. reason is in AWS's words.
func (n names) unhealthy(t *state.Task, group, reason string) Finding {
	f := Finding{Code: "lb.unhealthy", Resource: group, Where: n.group(group), Confidence: decision.Observed, AWSSays: reason}
	var g *state.TargetGroup
	for have := range state.TargetGroups.By(n.tx, "arn", group) {
		g = have
	}
	_, codes, answered := strings.Cut(reason, "with these codes: [")
	if g == nil || !answered {
		f.Cause = "the health checks of " + n.group(group) + " fail: " + reason
		f.Fixes = n.grace(t)
		return f
	}
	codes = strings.TrimSuffix(codes, "]")
	f.Code = "lb.response-code"
	f.Cause = fmt.Sprintf("%s asks for %s and gets %s, but its matcher is %s", n.group(group), g.HealthCheck.Path, codes, cmp.Or(g.HealthCheck.GRPCCode, g.HealthCheck.HTTPCode))
	f.Fixes = n.set(group, snippet{
		cfn: fmt.Sprintf("HealthCheckPath: /        # a path that answers 200\n# or, when %s is right:\nMatcher: { HttpCode: %q }", codes, codes),
		hcl: fmt.Sprintf("health_check {\n  path    = \"/\"        # a path that answers 200\n  matcher = %q   # or, when that is right\n}", codes),
		cli: fmt.Sprintf("aws elbv2 modify-target-group --target-group-arn %s --health-check-path / --query 'TargetGroups[0].HealthCheckPath'\n# or, when %s is right:\naws elbv2 modify-target-group --target-group-arn %s --matcher HttpCode=%s --query 'TargetGroups[0].Matcher'", group, codes, group, codes),
	})
	return f
}

// graceSeconds is what a fix proposes.
const graceSeconds = 60

// grace proposes a grace period to a service without one.
func (n names) grace(t *state.Task) []decision.Fix {
	if t == nil { // a target that somebody registered
		return nil
	}
	s := n.service(t)
	if s == nil || s.HealthCheckGracePeriod != nil && *s.HealthCheckGracePeriod > 0 {
		return nil
	}
	const where = "# of the service, not of the container definition, where it is dropped\n"
	return n.set(s.ARN(), snippet{
		cfn: fmt.Sprintf("%sHealthCheckGracePeriodSeconds: %d", where, graceSeconds),
		hcl: fmt.Sprintf("%shealth_check_grace_period_seconds = %d", where, graceSeconds),
		cli: fmt.Sprintf("aws ecs update-service --cluster %s --service %s --health-check-grace-period-seconds %d --query service.status", s.Cluster, s.Name, graceSeconds),
	})
}

// private explains an internet-facing load balancer of a service that nobody
// reaches, because its subnets lead to no internet gateway.
func (n names) private(s *state.Service) []Finding {
	var out []Finding
	for _, b := range s.LoadBalancers {
		for _, lb := range n.balancersOf(b.TargetGroup) {
			var inside []string
			for _, node := range lb.Subnets {
				if lb.InternetFacing() && !n.leadsOut(lb.VpcID, node.SubnetID) {
					inside = append(inside, n.name(node.SubnetID))
				}
			}
			if len(inside) == 0 || slices.ContainsFunc(out, func(f Finding) bool { return f.Resource == lb.ARN() }) {
				continue
			}
			out = append(out, Finding{
				Code: "lb.private-subnets", Resource: lb.ARN(), Where: "load balancer " + lb.Name, Confidence: decision.Inferred,
				Cause: fmt.Sprintf("the internet-facing load balancer %s is in %s, from where no route leads to an internet gateway", lb.Name, strings.Join(inside, " and ")),
				Fixes: n.set(lb.ARN(), snippet{
					cfn: "Subnets: [PUBLIC_SUBNET_ONE, PUBLIC_SUBNET_TWO]", hcl: "subnets = [PUBLIC_SUBNET_ONE, PUBLIC_SUBNET_TWO]",
					cli: "aws elbv2 set-subnets --load-balancer-arn " + lb.ARN() + " --subnets PUBLIC_SUBNET_ONE PUBLIC_SUBNET_TWO",
				}),
			})
		}
	}
	return out
}

// leadsOut reports whether the route table of a subnet has a route to an internet gateway.
func (n names) leadsOut(vpc, subnet string) bool {
	var table *state.RouteTable
	for r := range state.RouteTables.By(n.tx, "vpc", state.Key(n.account, n.region, vpc)) {
		own := slices.ContainsFunc(r.Associations, func(a state.RouteTableAssociation) bool { return a.SubnetID == subnet })
		if own || r.Main && table == nil {
			table = r
		}
		if own {
			break
		}
	}
	return table != nil && slices.ContainsFunc(table.Routes, func(r state.Route) bool { return r.InternetGatewayID != "" })
}
