package elbv2

import (
	"net/netip"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// place is an address of a target, in the zone in which it is.
type place struct {
	addr netip.AddrPort
	zone string
}

// placesOf are where a target is: at its address, or at each node of the load
// balancer that it is.
func (q scope) placesOf(g *state.TargetGroup, t *state.Target) []place {
	if g.TargetType != targetALB {
		addr, ok := addressOf(t)
		if !ok {
			return nil
		}
		return []place{{addr, q.zoneOf(g, t)}}
	}
	b, err := q.loadBalancer(t.ID)
	if err != nil {
		return nil
	}
	var out []place
	for _, n := range b.Subnets {
		if ip, err := netip.ParseAddr(n.PrivateIP); err == nil {
			out = append(out, place{netip.AddrPortFrom(ip, uint16(t.Port)), n.AvailabilityZone})
		}
	}
	return out
}

// checkBalancerTarget checks an Application Load Balancer that is to be a target.
func (q scope) checkBalancerTarget(g *state.TargetGroup, d elbv2api.TargetDescription) error {
	b, err := q.loadBalancer(d.Id)
	switch {
	case err != nil || b.Type != typeApplication:
		return &elbv2api.InvalidTargetException{Message: "The following targets are not valid Application Load Balancers: '" + d.Id + "'"}
	case b.VpcID != g.VpcID:
		return &elbv2api.InvalidTargetException{Message: "The Application Load Balancer '" + d.Id + "' is not in the VPC '" + g.VpcID + "' of the target group"}
	case wire.Or(d.Port, g.Port) != g.Port:
		return invalid("The port of an Application Load Balancer that is a target must be the port of the target group, '%d'", g.Port)
	}
	if _, listens := q.listenerOn(b, g.Port); !listens {
		return &elbv2api.InvalidTargetException{Message: "The Application Load Balancer '" + d.Id + "' has no listener on the port of the target group"}
	}
	for t := range state.Targets.By(q.tx, "group", g.Key()) {
		if t.ID != d.Id && !t.Draining() {
			return &elbv2api.TooManyTargetsException{Message: "A target group with target type 'alb' can have one target"}
		}
	}
	return nil
}

// moved lets the groups of network load balancers follow the load balancer with a
// key, which may be their target.
func (s *Service) moved(key string) {
	tx := s.DB.Read()
	account, region, _ := state.SplitKey(key)
	for g := range state.TargetGroups.All(tx, state.Prefix(account, region)) {
		if g.TargetType == targetALB {
			s.groups.Add(g.Key())
		}
	}
}
