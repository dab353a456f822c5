package elbv2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/loadbalancer/health"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// checks are the targets of a load balancer that are to be asked how they are.
func (q scope) checks(b *state.LoadBalancer, c loadbalancer.Config) []health.Target {
	var out []health.Target
	for _, configured := range c.Groups {
		g, ok := first(state.TargetGroups.By(q.tx, "arn", configured.ID))
		if !ok {
			continue
		}
		check := checkOf(g)
		for t := range state.Targets.By(q.tx, "group", g.Key()) {
			places := q.placesOf(g, t)
			if len(places) == 0 || t.Draining() || t.Health == state.TargetUnused {
				continue
			}
			target := health.Target{Key: health.Key{Group: configured.ID, Addr: places[0].addr}, Zone: places[0].zone, Check: check}
			if t.Health == state.TargetHealthy || t.Health == state.TargetUnhealthy {
				target.Last = health.Status{State: health.State(t.Health), Reason: t.Reason, Description: t.Description}
			}
			out = append(out, target)
		}
	}
	return out
}

// eager is how often a target is asked that is still starting, whatever the
// interval: tasks are registered here a moment after their start, before most
// programs listen, and would otherwise wait for a whole interval.
const eager = time.Second

// checkOf is how the targets of a group are asked.
func checkOf(g *state.TargetGroup) health.Check {
	h := g.HealthCheck
	port, _ := strconv.ParseUint(h.Port, 10, 16) // 0 for traffic-port
	return health.Check{
		Protocol: h.Protocol, Version: g.ProtocolVersion, Port: uint16(port), Path: h.Path,
		Interval: time.Duration(h.IntervalSeconds) * time.Second, Eager: eager, Timeout: time.Duration(h.TimeoutSeconds) * time.Second,
		Healthy: int(h.HealthyThreshold), Unhealthy: int(h.UnhealthyThreshold), Matcher: cmp.Or(h.GRPCCode, h.HTTPCode),
	}
}

func addressOf(t *state.Target) (netip.AddrPort, bool) {
	ip, err := netip.ParseAddr(t.ID)
	return netip.AddrPortFrom(ip, uint16(t.Port)), err == nil
}

// targetAt finds the target of a group that has an address.
func (q scope) targetAt(g *state.TargetGroup, addr netip.AddrPort) (*state.Target, bool) {
	if g.TargetType != targetALB {
		return state.Targets.Get(q.tx, state.TargetKey(g.Account, g.Region, g.Path, addr.Addr().String(), int32(addr.Port())))
	}
	for t := range state.Targets.By(q.tx, "group", g.Key()) {
		if slices.ContainsFunc(q.placesOf(g, t), func(p place) bool { return p.addr == addr }) {
			return t, true
		}
	}
	return nil, false
}

// report writes down what a check found, and lets the traffic follow.
func (s *Service) report(ctx context.Context, balancer string, k health.Key, found health.Status) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		g, ok := first(state.TargetGroups.By(tx, "arn", k.Group))
		if !ok {
			return nil
		}
		t, ok := scope{tx, g.Account, g.Region}.targetAt(g, k.Addr)
		if !ok || t.Draining() || t.Health == state.TargetUnused || t.Health == string(found.State) && t.Reason == found.Reason && t.Description == found.Description {
			return nil
		}
		state.Targets.Update(tx, t.Key(), func(t *state.Target) {
			if t.Health != string(found.State) {
				t.HealthSince = s.Now()
			}
			t.Health, t.Reason, t.Description = string(found.State), found.Reason, found.Description
		})
		return nil
	})
	if err != nil && ctx.Err() == nil {
		s.Log.Error("the health of a target was not stored", "group", k.Group, "target", k.Addr, "error", err)
	}
	s.balancers.Add(balancer)
}

// drainQuiet is how long a draining target must have had no requests, so that one
// that was being given to it when it was deregistered has been seen.
const drainQuiet = time.Second

// drained reports whether a draining target has no requests left, and none can come.
func (s *Service) drained(t *state.Target, users []string) bool {
	if !s.DrainEarly {
		return false
	}
	q := scope{s.DB.Read(), t.Account, t.Region}
	g, ok := state.TargetGroups.Get(q.tx, q.key(t.Group))
	if !ok {
		return false
	}
	for _, path := range users {
		s.mu.Lock()
		r := s.running[state.Key(t.Account, t.Region, path)]
		s.mu.Unlock()
		if r == nil {
			return false
		}
		for _, at := range q.placesOf(g, t) {
			since, told := r.drains(health.Key{Group: t.GroupARN(), Addr: at.addr})
			if !told || s.Now().Sub(since) < drainQuiet || r.server.Outstanding(t.GroupARN(), at.addr) > 0 {
				return false
			}
		}
	}
	return len(users) > 0
}

// drains tells since when the load balancer gives a target no more requests.
func (r *balancer) drains(k health.Key) (time.Time, bool) {
	all := r.draining.Load()
	if all == nil {
		return time.Time{}, false
	}
	since, ok := (*all)[k]
	return since, ok
}

// noticeDraining notes which targets a configuration that is in force now drains.
func (r *balancer) noticeDraining(c loadbalancer.Config, now time.Time) {
	all := map[health.Key]time.Time{}
	for _, g := range c.Groups {
		for _, t := range g.Targets {
			if t.State == loadbalancer.Draining {
				k := health.Key{Group: g.ID, Addr: t.Addr}
				all[k] = now
				if since, ok := r.drains(k); ok {
					all[k] = since
				}
			}
		}
	}
	r.draining.Store(&all)
}
