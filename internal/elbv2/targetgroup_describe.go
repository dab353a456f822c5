package elbv2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// DescribeTargetGroups lists target groups.
func (s *Service) DescribeTargetGroups(ctx context.Context, in *elbv2api.DescribeTargetGroupsInput) (*elbv2api.DescribeTargetGroupsOutput, error) {
	q := scopeOf(ctx, s.DB.Read())
	found, err := q.findGroups(in)
	if err != nil {
		return nil, err
	}
	found, next, err := page(found, (*state.TargetGroup).Key, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeTargetGroupsOutput{TargetGroups: []elbv2api.TargetGroup{}, NextMarker: next}
	for _, g := range found {
		out.TargetGroups = append(out.TargetGroups, q.describeGroup(g))
	}
	return out, nil
}

func (q scope) findGroups(in *elbv2api.DescribeTargetGroupsInput) ([]*state.TargetGroup, error) {
	var found []*state.TargetGroup
	for _, text := range unique(in.TargetGroupArns) {
		g, err := q.targetGroup(text)
		if err != nil {
			return nil, err
		}
		found = append(found, g)
	}
	for _, name := range unique(in.Names) {
		g, ok := first(state.TargetGroups.By(q.tx, "name", q.key(name)))
		if !ok {
			return nil, noTargetGroups()
		}
		found = append(found, g)
	}
	if len(in.TargetGroupArns)+len(in.Names) > 0 {
		return found, nil
	}
	path := ""
	if in.LoadBalancerArn != "" {
		b, err := q.loadBalancer(in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		path = b.Path
	}
	for g := range state.TargetGroups.All(q.tx, state.Prefix(q.account, q.region)) {
		if users := q.usersOf(g.ARN()); path == "" || len(users) > 0 && users[0] == path {
			found = append(found, g)
		}
	}
	return found, nil
}

func (q scope) describeGroup(g *state.TargetGroup) elbv2api.TargetGroup {
	h := g.HealthCheck
	out := elbv2api.TargetGroup{
		TargetGroupArn: g.ARN(), TargetGroupName: g.Name, Protocol: elbv2api.ProtocolEnum(g.Protocol), Port: &g.Port, VpcId: g.VpcID,
		HealthCheckProtocol: elbv2api.ProtocolEnum(h.Protocol), HealthCheckPort: h.Port, HealthCheckEnabled: &h.Enabled,
		HealthCheckIntervalSeconds: &h.IntervalSeconds, HealthCheckTimeoutSeconds: &h.TimeoutSeconds,
		HealthyThresholdCount: &h.HealthyThreshold, UnhealthyThresholdCount: &h.UnhealthyThreshold,
		HealthCheckPath: h.Path, Matcher: &elbv2api.Matcher{HttpCode: h.HTTPCode, GrpcCode: h.GRPCCode}, LoadBalancerArns: []string{},
		TargetType: elbv2api.TargetTypeEnum(g.TargetType), ProtocolVersion: g.ProtocolVersion, IpAddressType: elbv2api.TargetGroupIpAddressTypeEnumIpv4,
	}
	if h.HTTPCode == "" && h.GRPCCode == "" {
		out.Matcher = nil
	}
	for _, path := range q.usersOf(g.ARN()) {
		out.LoadBalancerArns = append(out.LoadBalancerArns, (&state.LoadBalancer{Account: q.account, Region: q.region, Path: path}).ARN())
	}
	return out
}

// DescribeTargetGroupAttributes lists the attributes of a target group.
func (s *Service) DescribeTargetGroupAttributes(ctx context.Context, in *elbv2api.DescribeTargetGroupAttributesInput) (*elbv2api.DescribeTargetGroupAttributesOutput, error) {
	g, err := scopeOf(ctx, s.DB.Read()).targetGroup(in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeTargetGroupAttributesOutput{Attributes: groupAttributesOut(g)}, nil
}

func groupAttributesOut(g *state.TargetGroup) []elbv2api.TargetGroupAttribute {
	var out []elbv2api.TargetGroupAttribute
	for _, a := range groupAttributesOf(g) {
		out = append(out, elbv2api.TargetGroupAttribute{Key: a.key, Value: valueOf(g.Attributes, a)})
	}
	return out
}

// ModifyTargetGroupAttributes changes attributes of a target group.
func (s *Service) ModifyTargetGroupAttributes(ctx context.Context, in *elbv2api.ModifyTargetGroupAttributesInput) (*elbv2api.ModifyTargetGroupAttributesOutput, error) {
	more := map[string]string{}
	for _, a := range in.Attributes {
		more[a.Key] = a.Value
	}
	var out []elbv2api.TargetGroupAttribute
	err := s.changeGroup(ctx, in.TargetGroupArn, func(_ scope, g *state.TargetGroup) (err error) {
		if g.Attributes, err = setAttributes(groupAttributesOf(g), g.Attributes, more, "Target group"); err != nil {
			return err
		}
		a := lookup{groupAttributesOf(g), g.Attributes}
		if g.Network() {
			out = groupAttributesOut(g)
			return nil
		}
		if a.truth("stickiness.enabled") && a.text("stickiness.type") == "app_cookie" && a.text("stickiness.app_cookie.cookie_name") == "" {
			return invalid("Target group attribute 'stickiness.app_cookie.cookie_name' must be specified for stickiness of type 'app_cookie'")
		}
		if a.number("slow_start.duration_seconds") > 0 && a.text("load_balancing.algorithm.type") != "round_robin" {
			return configuration("Slow start can only be enabled for target groups with the load balancing algorithm 'round_robin'")
		}
		out = groupAttributesOut(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyTargetGroupAttributesOutput{Attributes: out}, nil
}
