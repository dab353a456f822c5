package network

import (
	"cmp"
	"net/netip"
	"slices"
)

// The names of the objects in a VPC's packet filter.
const (
	bindings  = "bindings"   // which address may come from which link
	egressOf  = "egress-of"  // the chain of a source address
	ingressOf = "ingress-of" // the chain of a target address
	spoofed   = "spoofed"
	outDrops  = "out-" // before the id of an ENI: its chain of egress, and what that drops
	inDrops   = "in-"
)

// planFilter turns security groups into a packet filter. A packet meets the
// egress chains of its source, whose rules go to the ingress chains of its
// target, whose rules accept: so both directions are judged without marks, in
// one pass, wherever source and target are. Between the two, and for packets of
// known connections alone, are the network ACLs.
func planFilter(site Site, v VPC) Filter {
	f := Filter{
		Sets:     []Set{{Name: bindings, Kind: BindingSet}, {Name: egressOf, Kind: VerdictsMap}, {Name: ingressOf, Kind: VerdictsMap}},
		Counters: []string{spoofed},
		Chains:   baseChains(site, v),
	}
	f.addACLs(site, v)
	f.addOpen(v)
	if len(v.Peerings) > 0 {
		f.addPeers(v)
	}
	f.addFlows(v)
	for _, g := range slices.SortedFunc(slices.Values(v.SecurityGroups), func(a, b SecurityGroup) int { return cmp.Compare(a.ID, b.ID) }) {
		f.addGroup(v, g)
	}
	for _, g := range slices.SortedFunc(slices.Values(v.PeerGroups), func(a, b PeerGroup) int { return cmp.Compare(a.ID, b.ID) }) {
		f.addMembers(v, g.ID)
	}
	for _, e := range v.sorted() {
		if e.Kind != Detached {
			f.addENI(v, e)
		}
	}
	for i := range f.Sets {
		slices.SortFunc(f.Sets[i].Elements, func(a, b Element) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.Link, b.Link)) })
	}
	return f
}

// baseChains are the chains that packets enter.
func baseChains(site Site, v VPC) []Chain {
	keep := []FilterRule{
		{Match: []Match{established}, Verdict: Verdict{Goto, "tracked"}},
		{Match: []Match{invalid}, Verdict: Verdict{Kind: Drop}},
	}
	anyENI := InLink(eniPrefix + "*")
	leave := FilterRule{Match: []Match{anyENI}, Verdict: Verdict{Jump, "egress"}}
	arrive := []FilterRule{
		{Match: []Match{InLink(uplinkName)}, Verdict: Verdict{Jump, "ingress"}}, // to a public IP
		{Match: []Match{InLink(peerPrefix + "*")}, Verdict: Verdict{Jump, "ingress"}},
	}

	input := append(slices.Clone(keep), FilterRule{Match: []Match{InLink("lo")}, Verdict: Verdict{Kind: Accept}})
	input = append(input, arrive...)
	input = append(input, wellKnown(v)...)
	input = append(input, leave)
	output := slices.Concat(keep, v.jumpsToFlows(), []FilterRule{{Verdict: Verdict{BySource, egressOf}}})

	enter := []FilterRule{{Match: []Match{anyENI, Unbound(bindings)}, Counter: spoofed, Verdict: Verdict{Kind: Drop}}}
	ends := []FilterRule{{Match: []Match{TargetAddr(site.AWS)}, Verdict: Verdict{Kind: Accept}}}
	if v.isSix {
		// What a host says to its neighbours unasked is no spoofing. Nobody listens.
		enter = append([]FilterRule{
			{Match: []Match{anyENI, TargetAddr(linkMulticast)}, Verdict: Verdict{Kind: Drop}}, {Match: []Match{anyENI, SourceAddr(linkLocal)}, Verdict: Verdict{Kind: Drop}},
		}, enter...)
		ends = nil // AWS's services have no IPv6 addresses here
	}
	return []Chain{
		{Name: "prerouting", Hook: &Hook{"filter", "prerouting", -300, false}, Rules: enter},
		{Name: "input", Hook: &Hook{"filter", "input", 0, true}, Rules: input},
		{Name: "forward", Hook: &Hook{"filter", "forward", 0, true}, Rules: append(append(slices.Clone(keep), arrive...), leave)},
		// What we send ourselves from the address of an ENI obeys its groups.
		{Name: "output", Hook: &Hook{"filter", "output", 0, false}, Rules: output},
		// Network ACLs know no connections.
		{Name: "tracked", Rules: []FilterRule{{Verdict: Verdict{Jump, "nacl"}}, {Verdict: Verdict{Kind: Accept}}}},
		{Name: "egress", Rules: []FilterRule{{Verdict: Verdict{BySource, egressOf}}, {Verdict: Verdict{Kind: Drop}}}},
		{Name: "ingress", Rules: slices.Concat([]FilterRule{
			{Verdict: Verdict{Jump, "nacl"}},
			{Verdict: Verdict{ByTarget, ingressOf}},
		}, ends, []FilterRule{
			{Match: []Match{OutLink(uplinkName)}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{OutLink(peerPrefix + "*")}, Verdict: Verdict{Kind: Accept}},
			{Verdict: Verdict{Kind: Drop}},
		})},
	}
}

// The addresses that IPv6 hosts use with their neighbours only.
var (
	linkLocal     = netip.MustParsePrefix("fe80::/10")
	linkMulticast = netip.MustParsePrefix("ff02::/16")
)

// wellKnown lets in what AWS's security groups do not filter: DNS and metadata.
func wellKnown(v VPC) []FilterRule {
	pass := func(a netip.Addr, protocol, port int) FilterRule {
		return FilterRule{Match: []Match{TargetAddr(host(a)), Protocol(protocol), Ports{port, port}}, Verdict: Verdict{Kind: Accept}}
	}
	if v.isSix {
		return nil
	}
	rules := []FilterRule{pass(MetadataAddr, TCP, 80)}
	if r := v.Resolver(); v.DNSSupport && r.IsValid() {
		rules = append(rules, pass(DNSAddr, UDP, 53), pass(DNSAddr, TCP, 53), pass(r, UDP, 53), pass(r, TCP, 53))
	}
	return rules
}

// addGroup adds a group's members and its rules.
func (f *Filter) addGroup(v VPC, g SecurityGroup) {
	f.addMembers(v, g.ID)
	egress, ingress := Chain{Name: "egress-" + g.ID}, Chain{Name: "ingress-" + g.ID}
	for _, r := range g.Egress {
		egress.Rules = append(egress.Rules, f.ruleOf(v, r, true)...)
	}
	for _, r := range g.Ingress {
		ingress.Rules = append(ingress.Rules, f.ruleOf(v, r, false)...)
	}
	f.Chains = append(f.Chains, egress, ingress)
	f.addMarks(v, g)
}

// addMembers adds the set of the addresses that carry a group.
func (f *Filter) addMembers(v VPC, group string) {
	members := Set{Name: membersOf(group), Kind: AddressSet}
	for _, a := range v.members(group) {
		members.Elements = append(members.Elements, Element{Addr: a})
	}
	f.Sets = append(f.Sets, members)
}

// ruleOf turns a security group rule into filter rules: one, or one per prefix
// of a list. They share a counter.
func (f *Filter) ruleOf(v VPC, r Rule, egress bool) []FilterRule {
	f.Counters = append(f.Counters, r.ID)
	verdict := Verdict{Kind: Accept}
	if egress {
		verdict = Verdict{Goto, "ingress"}
	}
	var rules []FilterRule
	for _, peer := range peers(v, r, egress) {
		m := append(peer, r.match()...)
		rules = append(rules, FilterRule{Match: m, Counter: r.ID, Verdict: verdict})
	}
	return rules
}

// peers are the conditions on the other end, each for a rule of its own.
func peers(v VPC, r Rule, egress bool) [][]Match {
	if r.Group != "" {
		_, own := v.SecurityGroup(r.Group)
		if _, peer := v.peerGroup(r.Group); !own && !peer {
			return nil // the group is gone: the rule is stale and allows nobody
		}
		if egress {
			return [][]Match{{TargetIn(membersOf(r.Group))}}
		}
		return v.sourcesIn(r.Group)
	}
	prefixes := []netip.Prefix{r.CIDR}
	if r.PrefixList != "" {
		prefixes = v.PrefixList(r.PrefixList)
	}
	var all [][]Match
	for _, p := range prefixes {
		switch {
		case !v.speaks(p):
		case p.Bits() == 0:
			all = append(all, []Match{})
		case egress:
			all = append(all, []Match{TargetAddr(p.Masked())})
		default:
			all = append(all, []Match{SourceAddr(p.Masked())})
		}
	}
	return all
}

// match is the rule's condition on protocol and ports.
func (r Rule) match() []Match {
	if r.Protocol == AnyProtocol {
		return nil
	}
	m := []Match{Protocol(r.Protocol)}
	switch r.Protocol {
	case TCP, UDP:
		if from, to, all := r.ports(); !all {
			m = append(m, Ports{from, to})
		}
	case ICMP, ICMPv6:
		if r.ICMPType >= 0 {
			m = append(m, ICMPKind{r.ICMPType, r.ICMPCode})
		}
	}
	return m
}

// addENI adds an interface's own chains: its groups, and then the end.
func (f *Filter) addENI(v VPC, e ENI) {
	out, in := outDrops+e.ID, inDrops+e.ID
	f.Counters = append(f.Counters, out, in)
	chainOut, chainIn := Chain{Name: out, Rules: v.jumpsToMarks(e, true)}, Chain{Name: in, Rules: v.jumpsToMarks(e, false)}
	for _, g := range slices.Sorted(slices.Values(e.Groups)) {
		if _, ok := v.SecurityGroup(g); ok {
			chainOut.Rules = append(chainOut.Rules, FilterRule{Verdict: Verdict{Jump, "egress-" + g}})
			chainIn.Rules = append(chainIn.Rules, FilterRule{Verdict: Verdict{Jump, "ingress-" + g}})
		}
	}
	if e.unfiltered() {
		chainOut.Rules, chainIn.Rules = []FilterRule{{Verdict: Verdict{Goto, "ingress"}}}, []FilterRule{{Verdict: Verdict{Kind: Accept}}}
	}
	chainOut.Rules = append(chainOut.Rules, FilterRule{Log: out}, FilterRule{Counter: out, Verdict: Verdict{Kind: Drop}})
	chainIn.Rules = append(chainIn.Rules, FilterRule{Log: in}, FilterRule{Counter: in, Verdict: Verdict{Kind: Drop}})
	f.Chains = append(f.Chains, chainOut, chainIn)
	f.Sets[1].Elements = append(f.Sets[1].Elements, Element{Addr: e.IP, Chain: out})
	f.Sets[2].Elements = append(f.Sets[2].Elements, Element{Addr: e.IP, Chain: in})
	if e.Kind == Attached {
		f.Sets[0].Elements = append(f.Sets[0].Elements, Element{Link: linkName(e.ID), Addr: e.IP})
	}
}

func membersOf(group string) string { return "members-" + group }
