package network

import (
	"net/netip"
	"slices"
)

// AWS does not track a TCP or UDP flow which one rule allows from or to
// everywhere, while another allows everything in the other direction: such a
// flow lives on rules alone, and ends with them. Tracked ones outlive theirs.
// The kernel tracks all flows; we mark those that AWS does not, and end them
// when rules change so that they are no longer allowed.
const (
	untrackedOut uint32 = 1 << 16 // by the groups of the source
	untrackedIn  uint32 = 1 << 17 // by the groups of the target
	untracked    uint32 = 1 << 18 // by either
)

// openTo is the set of interfaces whose groups allow a protocol's every port in a
// direction, from or to everywhere.
func openTo(egress bool, protocol int) string {
	return "open-" + direction(egress) + map[int]string{TCP: "-tcp", UDP: "-udp"}[protocol]
}

// everywhere reports whether a rule's other end is everywhere.
func (r Rule) everywhere() bool { return r.CIDR.IsValid() && r.CIDR.Bits() == 0 }

// answers reports whether one of an interface's groups lets everything of the
// protocol pass in a direction.
func (v VPC) answers(e ENI, egress bool, protocol int) bool {
	return slices.ContainsFunc(e.Groups, func(id string) bool {
		g, _ := v.SecurityGroup(id)
		rules := g.Ingress
		if egress {
			rules = g.Egress
		}
		return slices.ContainsFunc(rules, func(r Rule) bool {
			_, _, all := r.ports()
			return r.everywhere() && v.speaks(r.CIDR) && (r.Protocol == AnyProtocol || r.Protocol == protocol && all)
		})
	})
}

// addOpen adds the sets of the interfaces that are open in a direction.
func (f *Filter) addOpen(v VPC) {
	for _, protocol := range []int{TCP, UDP} {
		for _, egress := range []bool{true, false} {
			s := Set{Name: openTo(egress, protocol), Kind: AddressSet}
			for _, e := range v.ENIs {
				if e.Kind != Detached && v.answers(e, egress, protocol) {
					s.Elements = append(s.Elements, Element{Addr: e.IP})
				}
			}
			f.Sets = append(f.Sets, s)
		}
	}
}

// marksOfRule are the filter rules that mark what a rule lets pass untracked.
func (v VPC) marksOfRule(r Rule, egress bool) []FilterRule {
	if !r.everywhere() || !v.speaks(r.CIDR) {
		return nil
	}
	var rules []FilterRule
	for _, protocol := range []int{TCP, UDP} {
		if r.Protocol != AnyProtocol && r.Protocol != protocol {
			continue
		}
		only := r
		only.Protocol = protocol
		m := only.match()
		if r.Protocol == AnyProtocol {
			m = []Match{Protocol(protocol)}
		}
		if egress {
			rules = append(rules, FilterRule{Match: append(m, SourceIn(openTo(false, protocol))), Mark: untrackedOut | untracked})
		} else {
			rules = append(rules, FilterRule{Match: append(m, TargetIn(openTo(true, protocol))), Mark: untrackedIn | untracked})
		}
	}
	return rules
}

// addMarks adds the chains that mark what a group lets pass untracked: an
// interface's packets meet them before any rule accepts.
func (f *Filter) addMarks(v VPC, g SecurityGroup) {
	for _, egress := range []bool{true, false} {
		if rules := v.marks(g, egress); len(rules) > 0 {
			f.Chains = append(f.Chains, Chain{Name: marksOf(egress) + g.ID, Rules: rules})
		}
	}
}

func marksOf(egress bool) string { return "untracked-" + direction(egress) + "-" }

func (v VPC) marks(g SecurityGroup, egress bool) []FilterRule {
	rules := g.Ingress
	if egress {
		rules = g.Egress
	}
	var all []FilterRule
	for _, r := range rules {
		all = append(all, v.marksOfRule(r, egress)...)
	}
	return all
}

// jumpsToMarks lead to the chains of an interface's groups.
func (v VPC) jumpsToMarks(e ENI, egress bool) []FilterRule {
	var rules []FilterRule
	for _, id := range slices.Sorted(slices.Values(e.Groups)) {
		if g, ok := v.SecurityGroup(id); ok && len(v.marks(g, egress)) > 0 {
			rules = append(rules, FilterRule{Verdict: Verdict{Jump, marksOf(egress) + id}})
		}
	}
	return rules
}

// connection is a flow as the kernel tracks it.
type connection struct {
	Protocol   int
	From, To   netip.AddrPort // as it began
	Source     netip.AddrPort // who sends the replies: To, translated
	Mark       uint32
	identifier []byte // for the kernel
}

// keeps reports whether an untracked connection is still allowed.
func (v VPC) keeps(site Site, c connection) bool {
	v = v.viewOf(c.From.Addr())
	there := Flow{Port: int(c.Source.Port()), Protocol: c.Protocol}
	back := Flow{Port: int(c.From.Port()), Protocol: c.Protocol}
	if e, ok := v.ENIByIP(c.From.Addr()); ok && c.Mark&untrackedOut != 0 && !v.tracksAnyway(site, e, c.To.Addr()) {
		there := Flow{Port: int(c.To.Port()), Protocol: c.Protocol}
		if !v.filter(HopEgress, e, c.To.Addr(), there).Pass || !v.filter(HopIngress, e, c.To.Addr(), back).Pass {
			return false
		}
	}
	if e, ok := v.ENIByIP(c.Source.Addr()); ok && c.Mark&untrackedIn != 0 && e.Kind != InterfaceEndpoint {
		return v.filter(HopIngress, e, c.From.Addr(), there).Pass && v.filter(HopEgress, e, c.From.Addr(), back).Pass
	}
	return true
}

// tracksAnyway reports whether AWS tracks whatever goes that way: through NAT
// gateways and interface endpoints.
func (v VPC) tracksAnyway(site Site, e ENI, to netip.Addr) bool {
	if target, ok := v.ENIByIP(to); ok {
		return target.Kind == InterfaceEndpoint || target.Kind == NAT
	}
	return v.path(site, e, to).NAT.ID != ""
}

// canMark reports whether any packet can meet a rule that marks its connection.
func (f Filter) canMark() bool {
	sets := f.sets()
	for _, c := range f.Chains {
		for _, r := range c.Rules {
			if r.Mark == 0 {
				continue
			}
			for _, m := range r.Match {
				switch m := m.(type) {
				case SourceIn:
					if len(sets[string(m)].Elements) > 0 {
						return true
					}
				case TargetIn:
					if len(sets[string(m)].Elements) > 0 {
						return true
					}
				}
			}
		}
	}
	return false
}
