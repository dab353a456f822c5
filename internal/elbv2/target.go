package elbv2

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// AWS's texts about the health of targets that are not asked.
const (
	descriptionDraining    = "Target deregistration is in progress"
	descriptionNotInUse    = "Target group is not configured to receive traffic from the load balancer"
	descriptionRegistering = "Target registration is in progress"
)

// RegisterTargets registers targets. One that drains is taken back.
func (s *Service) RegisterTargets(ctx context.Context, in *elbv2api.RegisterTargetsInput) (*elbv2api.RegisterTargetsOutput, error) {
	id := caller.From(ctx)
	return &elbv2api.RegisterTargetsOutput{}, s.register(ctx, id.Account, id.Region, in.TargetGroupArn, in.Targets)
}

// DeregisterTargets takes targets out of a group once they have drained.
func (s *Service) DeregisterTargets(ctx context.Context, in *elbv2api.DeregisterTargetsInput) (*elbv2api.DeregisterTargetsOutput, error) {
	id := caller.From(ctx)
	return &elbv2api.DeregisterTargetsOutput{}, s.deregister(ctx, id.Account, id.Region, in.TargetGroupArn, in.Targets)
}

func (s *Service) register(ctx context.Context, account, region, group string, targets []elbv2api.TargetDescription) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scope{tx, account, region}
		g, err := q.targetGroup(group)
		if err != nil {
			return err
		}
		for _, d := range targets {
			if err := q.checkTarget(g, d); err != nil {
				return err
			}
			t := &state.Target{
				Account: account, Region: region, Group: g.Path, ID: d.Id, Port: wire.Or(d.Port, g.Port), AvailabilityZone: d.AvailabilityZone,
				RegisteredAt: s.Now(), HealthSince: s.Now(),
			}
			if old, ok := state.Targets.Get(tx, t.Key()); ok && !old.Draining() {
				continue
			}
			t.Health, t.Reason, t.Description = q.firstHealth(g)
			state.Targets.Put(tx, t)
		}
		if count(state.Targets.By(tx, "group", g.Key())) > maxTargets {
			return &elbv2api.TooManyTargetsException{Message: "The maximum number of targets for the target group '" + group + "' has been reached"}
		}
		return nil
	})
}

// firstHealth is the health of a target that is registered now.
func (q scope) firstHealth(g *state.TargetGroup) (health, reason, description string) {
	if len(q.usersOf(g.ARN())) == 0 {
		return state.TargetUnused, "Target.NotInUse", descriptionNotInUse
	}
	return state.TargetInitial, "Elb.RegistrationInProgress", descriptionRegistering
}

// outside are the ranges in which targets outside of the VPC may be.
var outside = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
}

// checkTarget checks a target of a request.
func (q scope) checkTarget(g *state.TargetGroup, d elbv2api.TargetDescription) error {
	if d.QuicServerId != "" {
		return unsupported("QuicServerId")
	}
	if g.TargetType == "instance" {
		return &elbv2api.InvalidTargetException{Message: "The following targets are not valid instances: '" + d.Id + "'"}
	}
	if g.TargetType == targetALB {
		return q.checkBalancerTarget(g, d)
	}
	ip, err := netip.ParseAddr(d.Id)
	if err != nil || !ip.Is4() {
		return invalid("The IP address '%s' is not a valid IPv4 address", d.Id)
	}
	vpc, ok := state.Vpcs.Get(q.tx, q.key(g.VpcID))
	if !ok {
		return invalid("The VPC ID '%s' is not found", g.VpcID)
	}
	inside := slices.ContainsFunc(ranges(vpc), func(p netip.Prefix) bool { return p.Contains(ip) })
	preserves := g.PreservesClients()
	switch {
	case !inside && preserves:
		return invalid("The IP address '%s' is not within the VPC '%s', and the target group preserves clients' addresses", d.Id, g.VpcID)
	case inside && d.AvailabilityZone == "all":
		return invalid("You cannot specify the Availability Zone 'all' for the IP address '%s', which is within the VPC '%s'", d.Id, g.VpcID)
	case inside:
		return nil
	case !slices.ContainsFunc(outside, func(p netip.Prefix) bool { return p.Contains(ip) }):
		return invalid("The IP address '%s' is not within a valid private IP address range", d.Id)
	case d.AvailabilityZone != "all":
		return invalid("You must specify the Availability Zone 'all' for the IP address '%s', which is not within the VPC '%s'", d.Id, g.VpcID)
	}
	return nil
}

func ranges(v *state.Vpc) []netip.Prefix {
	var out []netip.Prefix
	for _, text := range append([]string{v.CIDRBlock}, associated(v)...) {
		if p, err := netip.ParsePrefix(text); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func associated(v *state.Vpc) []string {
	var out []string
	for _, a := range v.SecondaryCIDRs {
		out = append(out, a.CIDRBlock)
	}
	return out
}

func (s *Service) deregister(ctx context.Context, account, region, group string, targets []elbv2api.TargetDescription) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scope{tx, account, region}
		g, err := q.targetGroup(group)
		if err != nil {
			return err
		}
		used := len(q.usersOf(g.ARN())) > 0
		delay := time.Duration(lookup{groupAttributesOf(g), g.Attributes}.number("deregistration_delay.timeout_seconds")) * time.Second
		for t := range state.Targets.By(tx, "group", g.Key()) {
			if t.Draining() || !slices.ContainsFunc(targets, func(d elbv2api.TargetDescription) bool { return d.Id == t.ID && wire.Or(d.Port, t.Port) == t.Port }) {
				continue
			}
			if !used || t.Health == state.TargetUnused || s.Plane == nil {
				state.Targets.Delete(tx, t.Key())
				continue
			}
			state.Targets.Update(tx, t.Key(), func(t *state.Target) {
				t.DeregisteredAt, t.DrainsUntil = s.Now(), s.Now().Add(delay)
				t.Health, t.Reason, t.Description, t.HealthSince = state.TargetDraining, "Target.DeregistrationInProgress", descriptionDraining, s.Now()
			})
		}
		return nil
	})
}

// DescribeTargetHealth tells how targets are.
func (s *Service) DescribeTargetHealth(ctx context.Context, in *elbv2api.DescribeTargetHealthInput) (*elbv2api.DescribeTargetHealthOutput, error) {
	if len(in.Include) > 0 {
		return nil, unsupported("Include of DescribeTargetHealth")
	}
	q := scopeOf(ctx, s.DB.Read())
	g, err := q.targetGroup(in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTargetHealthOutput{TargetHealthDescriptions: []elbv2api.TargetHealthDescription{}}
	found := map[string]bool{}
	for t := range state.Targets.By(q.tx, "group", g.Key()) {
		if len(in.Targets) > 0 && !slices.ContainsFunc(in.Targets, func(d elbv2api.TargetDescription) bool { return d.Id == t.ID && wire.Or(d.Port, t.Port) == t.Port }) {
			continue
		}
		found[t.ID] = true
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, q.describeTarget(g, t))
	}
	for _, d := range in.Targets {
		if !found[d.Id] {
			port := wire.Or(d.Port, g.Port)
			out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbv2api.TargetHealthDescription{
				Target: &elbv2api.TargetDescription{Id: d.Id, Port: &port},
				TargetHealth: &elbv2api.TargetHealth{
					State: elbv2api.TargetHealthStateEnumUnused, Reason: elbv2api.TargetHealthReasonEnumTargetNotRegistered, Description: "Target is not registered to the target group",
				},
			})
		}
	}
	return out, nil
}

func (q scope) describeTarget(g *state.TargetGroup, t *state.Target) elbv2api.TargetHealthDescription {
	port := g.HealthCheck.Port
	if port == "traffic-port" {
		port = strconv.Itoa(int(t.Port))
	}
	zone := q.zoneOf(g, t)
	if g.TargetType == targetALB {
		zone = ""
	}
	return elbv2api.TargetHealthDescription{
		Target: &elbv2api.TargetDescription{Id: t.ID, Port: &t.Port, AvailabilityZone: zone}, HealthCheckPort: port,
		TargetHealth: &elbv2api.TargetHealth{
			State: elbv2api.TargetHealthStateEnum(t.Health), Reason: elbv2api.TargetHealthReasonEnum(t.Reason), Description: t.Description,
		},
	}
}

// zoneOf is the zone of a target: as registered, or that of the subnet it is in.
func (q scope) zoneOf(g *state.TargetGroup, t *state.Target) string {
	if t.AvailabilityZone != "" {
		return t.AvailabilityZone
	}
	if g.TargetType == targetALB {
		return "all"
	}
	ip, err := netip.ParseAddr(t.ID)
	if err != nil {
		return ""
	}
	for n := range state.Subnets.By(q.tx, "vpc", q.key(g.VpcID)) {
		if p, err := netip.ParsePrefix(n.CIDRBlock); err == nil && p.Contains(ip) {
			return n.AvailabilityZone
		}
	}
	return ""
}
