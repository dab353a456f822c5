package reach

import (
	"slices"

	"github.com/neargate/neargate/internal/network"
)

// maxPorts bounds how many ports of a range are tried.
const maxPorts = 256

// Ports are the ports of a range among which one passes a VPC's rules if any
// does: the first one, and those at which a rule or an entry begins or ends.
func Ports(v network.VPC, protocol, from, to int) []int {
	all := []int{from}
	edge := func(p int) {
		if from <= p && p <= to {
			all = append(all, p)
		}
	}
	if from == to {
		return all
	}
	for _, g := range v.SecurityGroups {
		for _, r := range slices.Concat(g.Ingress, g.Egress) {
			if r.Protocol == protocol {
				edge(r.FromPort)
			}
		}
	}
	for _, a := range v.NetworkACLs {
		for _, e := range a.Entries {
			if e.Protocol == protocol {
				edge(e.FromPort)
				edge(e.ToPort + 1)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxPorts)]
}
