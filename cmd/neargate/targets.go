package main

import (
	"context"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

// targets puts tasks into target groups as Amazon ECS does it: by calls of Elastic
// Load Balancing as its own principal, which are on record as everybody's.
type targets struct{ api elbv2api.API }

func newTargets(gate wire.Invoker) targets { return targets{elbv2api.NewClient(gate)} }

// RegisterTarget implements agent.Targets.
func (t targets) RegisterTarget(ctx context.Context, account, region, group, address string, port int32) error {
	_, err := t.api.RegisterTargets(asECS(ctx, account, region), &elbv2api.RegisterTargetsInput{TargetGroupArn: group, Targets: []elbv2api.TargetDescription{{Id: address, Port: &port}}})
	return err
}

// DeregisterTarget implements agent.Targets.
func (t targets) DeregisterTarget(ctx context.Context, account, region, group, address string, port int32) error {
	_, err := t.api.DeregisterTargets(asECS(ctx, account, region), &elbv2api.DeregisterTargetsInput{TargetGroupArn: group, Targets: []elbv2api.TargetDescription{{Id: address, Port: &port}}})
	return err
}

func asECS(ctx context.Context, account, region string) context.Context {
	return caller.With(ctx, caller.ForService("ecs.amazonaws.com", account, region))
}
