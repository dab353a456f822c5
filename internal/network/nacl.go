package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// NetworkACL is a stateless filter at the border of the subnets that name it.
// It judges each packet alone, replies too: outbound entries what leaves such a
// subnet, inbound ones what enters it, and nothing what stays inside. DNS, metadata,
// credentials and routers are exempt, as on AWS.
type NetworkACL struct {
	ID      string
	Entries []ACLEntry
}

// ACLEntry is one numbered rule; the lowest number that matches decides. Ports
// and ICMP kinds are as in Rule.
type ACLEntry struct {
	Number             int // 1 to 32766; unique per direction
	Egress             bool
	Allow              bool
	Protocol           int
	FromPort, ToPort   int
	ICMPType, ICMPCode int
	CIDR               netip.Prefix // of the other end: the target of egress, the source of ingress
}

// LastEntry is the number of the entry that denies what no other decides ("*").
const LastEntry = 32767

// ACLRule names an entry.
type ACLRule struct {
	ACL    string
	Egress bool
	Number int
}

// The names of the objects that network ACLs need in the packet filter.
const (
	aclOf       = "acl-"        // before a direction: map from an address to the chain of its subnet
	exempt      = "acl-exempt"  // what network ACLs do not judge
	aclChain    = "nacl-"       // before a direction and an ACL's id: the chain of its entries
	borderChain = "border-"     // before a direction and a subnet's id
	natChain    = "nat-"        // before a direction and the id of a subnet whose packets may pass NAT gateways
	hairpin     = "translated-" // before the id of a subnet that has a NAT gateway
)

func direction(egress bool) string {
	if egress {
		return "out"
	}
	return "in"
}

// NetworkACL returns the ACL with the given id.
func (v VPC) NetworkACL(id string) (NetworkACL, bool) {
	return find(v.NetworkACLs, func(a NetworkACL) bool { return a.ID == id })
}

// rule is the entry's condition on protocol, ports and kinds.
func (e ACLEntry) rule() Rule {
	return Rule{Protocol: e.Protocol, FromPort: e.FromPort, ToPort: e.ToPort, ICMPType: e.ICMPType, ICMPCode: e.ICMPCode, CIDR: e.CIDR}
}

// ordered are the entries of one direction, the first to judge first.
func (a NetworkACL) ordered(egress bool) []ACLEntry {
	all := slices.DeleteFunc(slices.Clone(a.Entries), func(e ACLEntry) bool { return e.Egress != egress })
	slices.SortFunc(all, func(a, b ACLEntry) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

// String is the rule as it names a counter: "nacl-out-acl-1-100".
func (r ACLRule) String() string {
	return aclChain + direction(r.Egress) + "-" + r.ACL + "-" + strconv.Itoa(r.Number)
}

// parseACLRule is the reverse of String.
func parseACLRule(name string) (ACLRule, bool) {
	rest, ok := strings.CutPrefix(name, aclChain)
	if !ok {
		return ACLRule{}, false
	}
	way, rest, _ := strings.Cut(rest, "-")
	at := strings.LastIndexByte(rest, '-')
	if at < 0 || way != "out" && way != "in" {
		return ACLRule{}, false
	}
	n, err := strconv.Atoi(rest[at+1:])
	return ACLRule{rest[:at], way == "out", n}, err == nil
}

// addACLs adds the ACLs, the borders of the subnets that they guard, and who is
// behind which border.
func (f *Filter) addACLs(site Site, v VPC) {
	out, in, free := Set{Name: aclOf + "out", Kind: VerdictsMap}, Set{Name: aclOf + "in", Kind: VerdictsMap}, Set{Name: exempt, Kind: AddressSet}
	for _, a := range slices.SortedFunc(slices.Values(v.NetworkACLs), func(a, b NetworkACL) int { return cmp.Compare(a.ID, b.ID) }) {
		f.addEntries(v, a, true)
		f.addEntries(v, a, false)
	}
	guarded := map[string]bool{} // by subnet id
	for _, s := range v.bySubnet() {
		free.Elements = append(free.Elements, Element{Addr: s.Gateway()})
		guarded[s.ID] = f.addBorder(site, v, s)
	}
	for _, e := range v.ENIs {
		s, _ := v.Subnet(e.Subnet)
		if guarded[s.ID] && e.Kind != Detached {
			out.Elements = append(out.Elements, Element{Addr: e.IP, Chain: borderChain + "out-" + s.ID})
			in.Elements = append(in.Elements, Element{Addr: e.IP, Chain: borderChain + "in-" + s.ID})
		}
	}
	if !v.isSix {
		free.Elements = append(free.Elements, Element{Addr: DNSAddr}, Element{Addr: MetadataAddr})
	}
	if r := v.Resolver(); r.IsValid() && !slices.Contains(free.Elements, Element{Addr: r}) {
		free.Elements = append(free.Elements, Element{Addr: r})
	}
	f.Sets = append(f.Sets, out, in, free)
	f.addCarried(v)
	f.Chains = append(f.Chains, Chain{Name: "nacl", Rules: []FilterRule{
		{Verdict: Verdict{BySource, carriedSet}},
		{Verdict: Verdict{ByTarget, carriedSet}},
		{Match: []Match{SourceIn(exempt)}, Verdict: Verdict{Kind: Return}},
		{Match: []Match{TargetIn(exempt)}, Verdict: Verdict{Kind: Return}},
		{Verdict: Verdict{BySource, out.Name}},
		{Verdict: Verdict{ByTarget, in.Name}},
	}})
}

// addEntries adds the chain of one direction of an ACL: it returns for what is
// allowed, and drops the rest.
func (f *Filter) addEntries(v VPC, a NetworkACL, egress bool) {
	c := Chain{Name: aclChain + direction(egress) + "-" + a.ID}
	for _, e := range a.ordered(egress) {
		if !v.speaks(e.CIDR) {
			continue
		}
		match := e.rule().match()
		switch {
		case e.CIDR.Bits() == 0:
		case egress:
			match = append([]Match{TargetAddr(e.CIDR.Masked())}, match...)
		default:
			match = append([]Match{SourceAddr(e.CIDR.Masked())}, match...)
		}
		c.Rules = append(c.Rules, f.aclRules(ACLRule{a.ID, egress, e.Number}, match, e.Allow)...)
	}
	c.Rules = append(c.Rules, f.aclRules(ACLRule{a.ID, egress, LastEntry}, nil, false)...)
	f.Chains = append(f.Chains, c)
}

func (f *Filter) aclRules(r ACLRule, match []Match, allow bool) []FilterRule {
	name := r.String()
	f.Counters = append(f.Counters, name)
	if allow {
		return []FilterRule{{Match: match, Counter: name, Verdict: Verdict{Kind: Return}}}
	}
	return []FilterRule{{Match: match, Log: name}, {Match: match, Counter: name, Verdict: Verdict{Kind: Drop}}}
}

// addBorder adds what judges packets that leave or enter a subnet; false when
// nothing does. What goes through a NAT gateway in another subnet crosses that
// one's border twice, both on the way out and back.
func (f *Filter) addBorder(site Site, v VPC, s Subnet) bool {
	inside := s.CIDR.Masked()
	out, in := Chain{Name: borderChain + "out-" + s.ID}, Chain{Name: borderChain + "in-" + s.ID}
	_, own := v.NetworkACL(s.NetworkACL)
	out.Rules = []FilterRule{{Match: []Match{TargetAddr(inside)}, Verdict: Verdict{Kind: Return}}}
	if own {
		out.Rules = append(out.Rules, FilterRule{Verdict: Verdict{Jump, aclChain + "out-" + s.NetworkACL}})
	}
	in.Rules = []FilterRule{{Match: []Match{SourceAddr(inside)}, Verdict: Verdict{Kind: Return}}}
	translated := f.addNAT(site, v, s)
	if translated {
		out.Rules = append(out.Rules, FilterRule{Verdict: Verdict{Jump, natChain + "out-" + s.ID}})
		in.Rules = append(in.Rules, FilterRule{Verdict: Verdict{Jump, natChain + "in-" + s.ID}})
	}
	if own {
		in.Rules = append(in.Rules, FilterRule{Verdict: Verdict{Jump, aclChain + "in-" + s.NetworkACL}})
	}
	if !own && !translated {
		return false
	}
	f.Chains = append(f.Chains, out, in)
	return true
}

// addNAT adds the chains that find, by the other end's address, which NAT gateway
// a packet of the subnet passes; false when there is none.
func (f *Filter) addNAT(site Site, v VPC, s Subnet) bool {
	out, in := Chain{Name: natChain + "out-" + s.ID}, Chain{Name: natChain + "in-" + s.ID}
	add := func(p netip.Prefix, verdict Verdict) {
		out.Rules = append(out.Rules, FilterRule{Match: []Match{TargetAddr(p)}, Verdict: verdict})
		in.Rules = append(in.Rules, FilterRule{Match: []Match{SourceAddr(p)}, Verdict: verdict})
	}
	for _, c := range v.CIDRs {
		add(c.Masked(), Verdict{Kind: Return})
	}
	translated := false
	for _, p := range v.paths(site, s, false) {
		if p.Via == viaNone {
			continue // no packet comes here
		}
		add(p.Prefix, Verdict{Kind: Return})
		if p.NAT.ID != "" {
			translated = true
			for _, c := range []*Chain{&out, &in} {
				r := &c.Rules[len(c.Rules)-1]
				r.Counter = carriedBy + p.NAT.ID
				if border, ok := v.natACL(p, s); ok {
					r.Verdict = Verdict{Goto, f.addHairpin(border)}
				}
			}
		}
	}
	if translated {
		f.Chains = append(f.Chains, out, in)
	}
	return translated
}

// natACL is the subnet of the NAT gateway that a path leads through, when its
// border is another than s's.
func (v VPC) natACL(p path, s Subnet) (Subnet, bool) {
	if p.NAT.ID == "" || p.NAT.Subnet == s.ID {
		return Subnet{}, false
	}
	border, _ := v.Subnet(p.NAT.Subnet)
	_, ok := v.NetworkACL(border.NetworkACL)
	return border, ok
}

// addHairpin adds, once, the chain of a subnet that has a NAT gateway: in
// through the border and out through it again.
func (f *Filter) addHairpin(s Subnet) string {
	name := hairpin + s.ID
	if !slices.ContainsFunc(f.Chains, func(c Chain) bool { return c.Name == name }) {
		f.Chains = append(f.Chains, Chain{Name: name, Rules: []FilterRule{
			{Verdict: Verdict{Jump, aclChain + "in-" + s.NetworkACL}}, {Verdict: Verdict{Jump, aclChain + "out-" + s.NetworkACL}},
		}})
	}
	return name
}

// judge finds the entry that decides about a flow which crosses the subnet's
// border; peer is the other end. A subnet without an ACL lets everything pass.
func (v VPC) judge(s Subnet, egress bool, peer netip.Addr, f Flow) (Hop, bool) {
	acl, ok := v.NetworkACL(s.NetworkACL)
	if !ok || s.CIDR.Contains(peer) {
		return Hop{}, false
	}
	hop := Hop{Kind: HopNACL, ID: acl.ID, Egress: egress, Code: CodeACL}
	number := LastEntry
	for _, e := range acl.ordered(egress) {
		if e.CIDR.Contains(peer) && e.rule().allows(f) {
			number, hop.Pass, hop.Code = e.Number, e.Allow, unless(e.Allow, CodeACL)
			break
		}
	}
	verb, way, preposition := "denies", "inbound", "from"
	if hop.Pass {
		verb = "allows"
	}
	if egress {
		way, preposition = "outbound", "to"
	}
	hop.Rule = strconv.Itoa(number)
	hop.Text = fmt.Sprintf("%s entry %s of %s on %s %s %s %s %s", way, hop.Rule, acl.ID, s.ID, verb, f, preposition, peer)
	return hop, true
}
