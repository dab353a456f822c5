package elbv2

import (
	"context"
	"maps"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// gaugeEvery is how often targets are counted; connections are once a minute, because
// their useful statistic is the sum.
const gaugeEvery = 10 * time.Second

// measure counts what no request tells of, until ctx ends: hosts and connections.
func (s *Service) measure(ctx context.Context) error {
	ticker := time.NewTicker(gaugeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.measureAll(s.Now())
		}
	}
}

func (s *Service) measureAll(now time.Time) {
	s.mu.Lock()
	running := maps.Clone(s.running)
	s.mu.Unlock()
	for key, r := range running {
		b, ok := state.LoadBalancers.Get(s.DB.Read(), key)
		if !ok || b.Status != state.LoadBalancerActive {
			continue
		}
		q := scope{s.DB.Read(), b.Account, b.Region}
		r.meters.hosts(q, b, now)
		if now.Sub(r.measured) >= time.Minute {
			r.meters.connections(r.server.Counts(), r.measured, now)
			r.measured = now
		}
	}
}

// hosts counts the targets of a load balancer's groups that are healthy and not.
func (m *meters) hosts(q scope, b *state.LoadBalancer, now time.Time) {
	shares := map[string]float64{}
	for g := range state.TargetGroups.All(q.tx, state.Prefix(b.Account, b.Region)) {
		users := q.usersOf(g.ARN())
		if len(users) == 0 || users[0] != b.Path {
			continue
		}
		healthy, unhealthy := map[string]float64{}, map[string]float64{}
		targets := 0
		for t := range state.Targets.By(q.tx, "group", g.Key()) {
			zones := []string{"", q.zoneOf(g, t)}
			if zones[1] == "all" {
				zones = zones[:1]
			}
			for _, zone := range zones {
				switch t.Health {
				case state.TargetHealthy:
					healthy[zone]++
				case state.TargetUnhealthy:
					unhealthy[zone]++
				}
			}
			if !t.Draining() {
				targets++
			}
		}
		if targets == 0 {
			continue
		}
		shares[g.ARN()] = 1 / float64(targets)
		if healthy[""] > 0 {
			shares[g.ARN()] = 1 / healthy[""]
		}
		m.gauge("HealthyHostCount", m.grouped(cell{group: g.ARN()})[0], now, healthy[""])
		m.gauge("UnHealthyHostCount", m.grouped(cell{group: g.ARN()})[0], now, unhealthy[""])
		for _, n := range b.Subnets {
			dims := m.grouped(cell{n.AvailabilityZone, g.ARN()})[1]
			m.gauge("HealthyHostCount", dims, now, healthy[n.AvailabilityZone])
			m.gauge("UnHealthyHostCount", dims, now, unhealthy[n.AvailabilityZone])
		}
	}
	m.shares.Store(&shares)
}

func (m *meters) gauge(name string, dims metrics.Dimensions, now time.Time, value float64) {
	m.metric(name, unitCount, dims).Record(now, value)
}

// What one capacity unit of an application load balancer is good for, by AWS's
// price list.
const (
	unitNewConnections    = 25     // per second
	unitActiveConnections = 3000   // per minute
	unitProcessedBytes    = 1e9    // per hour
	unitRuleEvaluations   = 1000.0 // per second
)

// connections records the connections that are open, those made since a time, and
// the capacity units that this and the requests since then come to.
func (m *meters) connections(c loadbalancer.Counts, since, now time.Time) {
	var opened, open int64
	active, fresh, unitActive, unitOpened := m.connectionNames()
	for zone, n := range c.Zones {
		opened, open = opened+n.Opened, open+n.Open
		if n.Open > 0 {
			m.metric(active, unitCount, m.whole(zone)...).Record(now, float64(n.Open))
		}
		if n.Opened > 0 {
			m.metric(fresh, unitCount, m.whole(zone)...).RecordMany(now, 1, float64(n.Opened))
		}
	}
	processed, evaluated := m.processed.Swap(0), m.evaluated.Swap(0)
	seconds := now.Sub(since).Seconds()
	units := max(float64(opened)/seconds/unitOpened, float64(open)/unitActive,
		float64(processed)/seconds*3600/unitProcessedBytes, float64(evaluated)/seconds/unitRuleEvaluations)
	if units > 0 {
		m.metric("ConsumedLCUs", unitCount, m.whole("")[0]).Record(now, units)
	}
}
