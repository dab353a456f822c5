package reach

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/network"
)

// shownPeers is how many peers or rules a sentence lists.
const shownPeers = 5

// allowed says what the groups of an interface do allow in one direction: the
// peers of rules for the port, else the rules that there are.
func allowed(v network.VPC, e network.ENI, egress bool, port Port) string {
	var peers, others []string
	for _, id := range e.Groups {
		g, _ := v.SecurityGroup(id)
		rules := g.Ingress
		if egress {
			rules = g.Egress
		}
		for _, r := range rules {
			if r.Covers(port.Protocol, port.Port) {
				peers = append(peers, peer(r))
			} else {
				others = append(others, r.Ports()+preposition(egress)+peer(r))
			}
		}
	}
	switch {
	case len(peers) > 0:
		return fmt.Sprintf("they allow %s only%s%s", port, preposition(egress), enumerate(peers))
	case len(others) > 0:
		return "they allow only " + enumerate(others)
	}
	return "they have no rules"
}

func preposition(egress bool) string {
	if egress {
		return " to "
	}
	return " from "
}

// peer is the other end of a rule.
func peer(r network.Rule) string {
	switch {
	case r.Group != "":
		return r.Group
	case r.PrefixList != "":
		return r.PrefixList
	}
	return r.CIDR.String()
}

// enumerate lists each thing once.
func enumerate(all []string) string {
	slices.Sort(all)
	all = slices.Compact(all)
	text := strings.Join(all[:min(shownPeers, len(all))], ", ")
	if more := len(all) - shownPeers; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
