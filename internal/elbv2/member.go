package elbv2

import (
	"context"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// Other services register targets of a user's account by these methods, which
// cmd/neargate gives them. They read targets' health from the records
// (state.Targets.By(tx, "group", ...)): Health is initial, healthy, unhealthy,
// unused, unavailable or draining, and the record is gone once a target that was
// deregistered has drained. store.DB.OnCommit with the table's name tells of changes.

// Register registers an address as a target; one that is registered already is no
// error. The error is one of the API's (TargetGroupNotFound).
func (s *Service) Register(ctx context.Context, account, region, group string, target netip.AddrPort) error {
	return s.register(ctx, account, region, group, describeAddress(target))
}

// Deregister begins to drain a target: it gets no new requests, and its record goes
// when its requests are done, or its deregistration delay is over. One that is
// not registered is no error.
func (s *Service) Deregister(ctx context.Context, account, region, group string, target netip.AddrPort) error {
	return s.deregister(ctx, account, region, group, describeAddress(target))
}

func describeAddress(target netip.AddrPort) []elbv2api.TargetDescription {
	port := int32(target.Port())
	return []elbv2api.TargetDescription{{Id: target.Addr().String(), Port: &port}}
}

// InUse reports whether a target group exists, and whether a load balancer uses it.
func (s *Service) InUse(account, region, group string) (exists, used bool) {
	q := scope{s.DB.Read(), account, region}
	g, err := q.targetGroup(group)
	if err != nil {
		return false, false
	}
	return true, len(q.usersOf(g.ARN())) > 0
}

// Health is the record of a target; nil when it is not registered.
func (s *Service) Health(account, region, group string, target netip.AddrPort) *state.Target {
	q := scope{s.DB.Read(), account, region}
	g, err := q.targetGroup(group)
	if err != nil {
		return nil
	}
	t, _ := state.Targets.Get(q.tx, state.TargetKey(account, region, g.Path, target.Addr().String(), int32(target.Port())))
	return t
}
