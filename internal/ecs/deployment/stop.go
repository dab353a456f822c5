package deployment

import (
	"cmp"
	"slices"
)

// stop chooses the tasks to stop: what is too much of the PRIMARY deployment,
// its unhealthy tasks once replaced, and the tasks of older deployments.
func stop(s Service, p *Plan, c counts) {
	spare := c.healthy - s.Lower()
	if excess := len(c.news) - c.sickNew - s.Desired; excess > 0 {
		// Scaling in was asked for, so the lower limit of the new count is met
		// by what remains: the healthy ones go last.
		for _, t := range stopOrder(c.news, c.rank) {
			if excess == 0 {
				break
			}
			if c.rank[t.ID] == unhealthy {
				continue
			}
			p.Stop = append(p.Stop, t.ID)
			excess--
			if c.rank[t.ID] == healthy {
				spare--
			}
		}
	}
	crowded := p.Start == 0 && c.missing(s) > 0 && c.alive() >= s.Upper() && s.Upper() > 0
	stopSick(s, p, c, crowded)
	if p.Deployments[0].Rollout == Failed {
		return // nothing will replace the older tasks: they keep running
	}
	for _, t := range stopOrder(c.olds, c.rank) {
		switch c.rank[t.ID] {
		case unhealthy, pending:
			// These serve nobody. They go when the new ones need their place
			// or can do without them.
			if spare < 0 && !crowded {
				continue
			}
		case warming:
			if spare < 0 {
				continue
			}
		case healthy:
			if spare <= 0 {
				continue
			}
			spare--
		}
		p.Stop = append(p.Stop, t.ID)
	}
}

// stopSick stops unhealthy tasks of the PRIMARY deployment: all of them once
// there are enough healthy ones, one when there is no room to replace it first.
func stopSick(s Service, p *Plan, c counts, crowded bool) {
	if c.sickNew == 0 || (c.healthyNew < s.Desired && !crowded) {
		return
	}
	for _, t := range stopOrder(c.news, c.rank) {
		if c.rank[t.ID] != unhealthy {
			continue
		}
		p.Stop = append(p.Stop, t.ID)
		if c.healthyNew < s.Desired {
			return
		}
	}
}

// stopOrder sorts tasks by which to stop first: the least useful, then those
// in the zone with the most tasks, then the youngest.
func stopOrder(tasks []Task, rank map[string]standing) []Task {
	left := slices.Clone(tasks)
	zones := map[string]int{}
	for _, t := range left {
		zones[t.Zone]++
	}
	out := make([]Task, 0, len(left))
	for len(left) > 0 {
		at := 0
		for i := range left {
			if before(left[i], left[at], rank, zones) < 0 {
				at = i
			}
		}
		zones[left[at].Zone]--
		out = append(out, left[at])
		left = slices.Delete(left, at, at+1)
	}
	return out
}

func before(a, b Task, rank map[string]standing, zones map[string]int) int {
	return cmp.Or(
		cmp.Compare(rank[a.ID], rank[b.ID]),
		cmp.Compare(zones[b.Zone], zones[a.Zone]),
		b.CreatedAt.Compare(a.CreatedAt),
		cmp.Compare(a.ID, b.ID),
	)
}
