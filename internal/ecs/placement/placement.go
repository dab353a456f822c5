// Package placement decides where a task of Fargate goes: it spreads the tasks
// of a service, or of one RunTask call, evenly over the Availability Zones of
// the subnets that the caller gave, and over the subnets inside a zone.
//
// It is pure; the scheduler and RunTask in package ecs use it.
package placement

import "cmp"

// Subnet is a subnet that tasks may be placed in.
type Subnet struct {
	ID   string
	Zone string // Availability Zone, for example us-east-1a
}

// Spread returns the subnets for n new tasks, one id each. Placed are the ids
// of the subnets of the tasks that run already. With no subnets there is no
// place: it returns nil. Among equals the order of subnets decides.
func Spread(subnets []Subnet, placed []string, n int) []string {
	if len(subnets) == 0 {
		return nil
	}
	zoneOf := make(map[string]string, len(subnets))
	for _, s := range subnets {
		zoneOf[s.ID] = s.Zone
	}
	inZone, inSubnet := map[string]int{}, map[string]int{}
	for _, id := range placed {
		if zone, ok := zoneOf[id]; ok {
			inZone[zone]++
			inSubnet[id]++
		}
	}
	out := make([]string, 0, n)
	for range n {
		best := subnets[0]
		for _, s := range subnets[1:] {
			if cmp.Or(cmp.Compare(inZone[s.Zone], inZone[best.Zone]), cmp.Compare(inSubnet[s.ID], inSubnet[best.ID])) < 0 {
				best = s
			}
		}
		inZone[best.Zone]++
		inSubnet[best.ID]++
		out = append(out, best.ID)
	}
	return out
}
