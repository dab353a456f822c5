package elbv2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// flowConfiguration is configuration for a network load balancer.
func (s *Service) flowConfiguration(q scope, b *state.LoadBalancer) loadbalancer.Config {
	a := lookup{networkAttributes, b.Attributes}
	c := loadbalancer.Config{Name: b.Path, Type: loadbalancer.Network, Attributes: loadbalancer.Attributes{CrossZone: a.truth("load_balancing.cross_zone.enabled")}}
	groups := map[string]bool{}
	for l := range state.Listeners.By(q.tx, "load-balancer", b.Key()) {
		listener := loadbalancer.Listener{
			ID: l.ARN(), Port: uint16(l.Port), Protocol: loadbalancer.Protocol(l.Protocol), Policy: l.SSLPolicy, ALPN: l.ALPNPolicy,
			Certificates: s.certificatesOf(l), Default: s.ruleActions(l, q.defaultRule(l), groups),
		}
		if l.Protocol == "TCP" {
			listener.IdleTimeout = seconds(lookup{listenerAttributes(l.Protocol), l.Attributes}, "tcp.idle_timeout.seconds")
		}
		if !l.Secure() || len(listener.Certificates) > 0 {
			c.Listeners = append(c.Listeners, listener)
		}
	}
	c.Groups = q.groupConfigurations(groups)
	return c
}

// away are the zones in which a group of a network load balancer has no healthy
// target, so that its name does not lead there; none when all zones are so.
func away(b *state.LoadBalancer, c loadbalancer.Config) map[string]bool {
	out := map[string]bool{}
	for _, n := range b.Subnets {
		for _, g := range c.Groups {
			cross := c.Attributes.CrossZone
			if g.CrossZone != nil {
				cross = *g.CrossZone
			}
			if !slices.ContainsFunc(g.Targets, func(t loadbalancer.Target) bool {
				return t.State == loadbalancer.Healthy && (cross || t.Zone == n.AvailabilityZone || t.Zone == "all")
			}) {
				out[n.AvailabilityZone] = true
			}
		}
	}
	if len(out) == len(b.Subnets) {
		return nil
	}
	return out
}

// failOver lets the name of a network load balancer lead to the zones that work.
func (s *Service) failOver(ctx context.Context, b *state.LoadBalancer, c loadbalancer.Config) error {
	if !b.Network() {
		return nil
	}
	zones := away(b, c)
	if !slices.ContainsFunc(b.Subnets, func(n state.LoadBalancerSubnet) bool { return n.Away != zones[n.AvailabilityZone] }) {
		return nil
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		state.LoadBalancers.Update(tx, b.Key(), func(b *state.LoadBalancer) {
			b.Subnets = slices.Clone(b.Subnets)
			for i, n := range b.Subnets {
				b.Subnets[i].Away = zones[n.AvailabilityZone]
			}
		})
		return nil
	})
	s.renamed()
	return err
}

// flowAttributes gives the configuration of a network load balancer's target group
// what its attributes say.
func flowAttributes(g *state.TargetGroup, out *loadbalancer.Group) {
	a := lookup{groupAttributesOf(g), g.Attributes}
	out.PreserveClientIP, out.ProxyProtocol = g.PreservesClients(), a.truth("proxy_protocol_v2.enabled")
	out.KeepUnhealthyFlows = !a.truth("target_health_state.unhealthy.connection_termination.enabled")
	out.EndDrainedFlows = a.truth("deregistration_delay.connection_termination.enabled")
	if a.truth("stickiness.enabled") {
		out.Stickiness.Type = loadbalancer.SourceIP
	}
}
