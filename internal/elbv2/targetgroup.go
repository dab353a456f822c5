package elbv2

import (
	"cmp"
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateTargetGroup makes a target group, which no load balancer uses yet.
func (s *Service) CreateTargetGroup(ctx context.Context, in *elbv2api.CreateTargetGroupInput) (*elbv2api.CreateTargetGroupOutput, error) {
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	g, err := newGroup(in)
	if err != nil {
		return nil, err
	}
	id := caller.From(ctx)
	g.Account, g.Region, g.Path, g.CreatedAt, g.Tool, g.Tags = id.Account, id.Region, in.Name+"/"+ids.Hex(16), s.Now(), id.Tool(), tags
	var out elbv2api.TargetGroup
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		if _, ok := state.Vpcs.Get(tx, q.key(in.VpcId)); !ok {
			return invalid("The VPC ID '%s' is not found", in.VpcId)
		}
		if old, ok := first(state.TargetGroups.By(tx, "name", q.key(in.Name))); ok {
			if !sameGroup(old, g) {
				return &elbv2api.DuplicateTargetGroupNameException{Message: "A target group with the same name '" + in.Name + "' exists, but with different settings"}
			}
			out = q.describeGroup(old)
			return nil
		}
		if count(state.TargetGroups.All(tx, state.Prefix(q.account, q.region))) >= maxGroups {
			return &elbv2api.TooManyTargetGroupsException{Message: "The maximum number of target groups has been reached"}
		}
		state.TargetGroups.Put(tx, g)
		out = q.describeGroup(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.CreateTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{out}}, nil
}

// newGroup makes a record of a request, with AWS's defaults.
func newGroup(in *elbv2api.CreateTargetGroupInput) (*state.TargetGroup, error) {
	if err := checkName("target group", in.Name); err != nil {
		return nil, err
	}
	g := &state.TargetGroup{
		Name: in.Name, TargetType: cmp.Or(string(in.TargetType), "instance"), Protocol: string(in.Protocol),
		ProtocolVersion: in.ProtocolVersion, Port: wire.Or(in.Port, 0), VpcID: in.VpcId,
	}
	if !g.Network() {
		g.ProtocolVersion = cmp.Or(g.ProtocolVersion, "HTTP1")
	}
	switch {
	case g.TargetType != "ip" && g.TargetType != "instance" && g.TargetType != targetALB:
		return nil, unsupported("The target type '" + g.TargetType + "'")
	case g.Protocol == "":
		return nil, invalid("A protocol must be specified")
	case g.Network() && !slices.Contains([]string{"TCP", "TLS", "UDP", "TCP_UDP"}, g.Protocol):
		return nil, unsupported("The target group protocol '" + g.Protocol + "'")
	case in.Port == nil:
		return nil, invalid("A port must be specified")
	case in.VpcId == "":
		return nil, invalid("A VPC ID must be specified")
	case g.TargetType == targetALB && g.Protocol != "TCP":
		return nil, invalid("Protocol '%s' is not supported with target type 'alb': it must be 'TCP'", g.Protocol)
	case g.Network() && g.ProtocolVersion != "":
		return nil, invalid("A protocol version cannot be specified for target groups with protocol '%s'", g.Protocol)
	case !g.Network() && !slices.Contains([]string{"HTTP1", "HTTP2", "GRPC"}, g.ProtocolVersion):
		return nil, invalid("Protocol version '%s' must be one of 'GRPC, HTTP1, HTTP2'", g.ProtocolVersion)
	case in.IpAddressType != "" && in.IpAddressType != elbv2api.TargetGroupIpAddressTypeEnumIpv4:
		return nil, unsupported("The IP address type '" + string(in.IpAddressType) + "'")
	case in.TargetControlPort != nil:
		return nil, unsupported("TargetControlPort")
	}
	g.HealthCheck = state.TargetHealthCheck{
		Enabled: true, Protocol: "HTTP", Port: "traffic-port", Path: "/", IntervalSeconds: 30, TimeoutSeconds: 5, HealthyThreshold: 5, UnhealthyThreshold: 2, HTTPCode: "200",
	}
	if g.Network() {
		g.HealthCheck = networkCheck(g, string(in.HealthCheckProtocol))
	}
	if g.ProtocolVersion == "GRPC" {
		g.HealthCheck.Path, g.HealthCheck.HTTPCode, g.HealthCheck.GRPCCode = "/AWS.ALB/healthcheck", "", "12"
	}
	err := changeCheck(g, checkChange{
		in.HealthCheckEnabled, in.HealthCheckProtocol, in.HealthCheckPort, in.HealthCheckPath, in.HealthCheckIntervalSeconds, in.HealthCheckTimeoutSeconds,
		in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher,
	})
	return g, err
}

// sameGroup reports whether a request for g would have made old.
func sameGroup(old, g *state.TargetGroup) bool {
	return old.TargetType == g.TargetType && old.Protocol == g.Protocol && old.ProtocolVersion == g.ProtocolVersion && old.Port == g.Port &&
		old.VpcID == g.VpcID && old.HealthCheck == g.HealthCheck && sameTags(old.Tags, g.Tags)
}

// ModifyTargetGroup changes how targets are checked.
func (s *Service) ModifyTargetGroup(ctx context.Context, in *elbv2api.ModifyTargetGroupInput) (*elbv2api.ModifyTargetGroupOutput, error) {
	var out elbv2api.TargetGroup
	err := s.changeGroup(ctx, in.TargetGroupArn, func(q scope, g *state.TargetGroup) error {
		err := changeCheck(g, checkChange{
			in.HealthCheckEnabled, in.HealthCheckProtocol, in.HealthCheckPort, in.HealthCheckPath, in.HealthCheckIntervalSeconds, in.HealthCheckTimeoutSeconds,
			in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher,
		})
		out = q.describeGroup(g)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyTargetGroupOutput{TargetGroups: []elbv2api.TargetGroup{out}}, nil
}

// changeGroup changes the record of a target group.
func (s *Service) changeGroup(ctx context.Context, text string, change func(scope, *state.TargetGroup) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		g, err := q.targetGroup(text)
		if err != nil {
			return err
		}
		changed := *g
		if err := change(q, &changed); err != nil {
			return err
		}
		state.TargetGroups.Put(tx, &changed)
		return nil
	})
}

// DeleteTargetGroup deletes a target group that no listener or rule names. One that
// is not there is no error.
func (s *Service) DeleteTargetGroup(ctx context.Context, in *elbv2api.DeleteTargetGroupInput) (*elbv2api.DeleteTargetGroupOutput, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		path, err := q.path(kindTargetGroup, in.TargetGroupArn)
		if err != nil {
			return err
		}
		g, ok := state.TargetGroups.Get(tx, q.key(path))
		if !ok {
			return nil
		}
		if len(q.usersOf(g.ARN())) > 0 {
			return &elbv2api.ResourceInUseException{Message: "Target group '" + in.TargetGroupArn + "' is currently in use by a listener or a rule"}
		}
		for t := range state.Targets.By(tx, "group", g.Key()) {
			state.Targets.Delete(tx, t.Key())
		}
		state.TargetGroups.Delete(tx, g.Key())
		return nil
	})
	return &elbv2api.DeleteTargetGroupOutput{}, err
}
