package loadbalancer

import (
	"math/rand/v2"
	"time"
)

// pick chooses the member that gets a new request from a node in zone, nil when
// there is none.
func (g *group) pick(zone string, now time.Time) *member {
	members := g.candidates(zone)
	switch {
	case len(members) == 0:
		return nil
	case g.Algorithm == LeastOutstanding:
		return leastOutstanding(members, int(g.turn.Add(1)))
	}
	n := g.turn.Add(1) - 1
	first := members[n%uint64(len(members))]
	if g.SlowStart == 0 {
		return first
	}
	for i := range members { // who is warming up passes some of its turns on
		m := members[(n+uint64(i))%uint64(len(members))]
		if share := m.share(g.SlowStart, now); share >= 1 || rand.Float64() < share {
			return m
		}
	}
	return first
}

// share is how much of its part of the traffic a target takes: it grows evenly
// from nothing to all in the duration of slow start.
func (m *member) share(slow time.Duration, now time.Time) float64 {
	age := now.Sub(m.Since)
	if m.Since.IsZero() || age >= slow {
		return 1
	}
	return max(float64(age)/float64(slow), 0.01)
}

// leastOutstanding returns the member with the fewest requests that are being
// carried; from is where equals begin to be asked.
func leastOutstanding(members []*member, from int) *member {
	var best *member
	least := int64(0)
	for i := range members {
		m := members[(from+i)%len(members)]
		if n := m.outstanding.Load(); best == nil || n < least {
			best, least = m, n
		}
	}
	return best
}

// find returns the candidate at an address that a cookie names.
func (g *group) find(zone, addr string) *member {
	for _, m := range g.candidates(zone) {
		if m.name() == addr {
			return m
		}
	}
	return nil
}
