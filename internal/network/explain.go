package network

import (
	"fmt"
	"net/netip"
	"slices"
)

// Flow is a connection that somebody wants to open: from an ENI to an address.
type Flow struct {
	From     string // id of the ENI
	To       netip.Addr
	Port     int // TCP and UDP: destination port; ICMP: type
	Protocol int // IANA number
	Code     int // ICMP: code
	FromPort int // TCP and UDP: source port; 0 means any that Linux chooses
	// Client is set when From is a node of a network load balancer that opens the flow
	// in the name of this client: the target's groups judge by it.
	Client netip.Addr
}

// Hop is one thing on a flow's way that lets it pass or drops it.
type Hop struct {
	Kind HopKind
	ID   string // what decides: ENI, group, route table, endpoint, gateway
	Rule string // the rule of it: security group rule id, or destination of the route; empty when none matches
	Pass bool
	// Reply says that it judges what comes back. Only network ACLs do, which know
	// no connections, and routes of peers.
	Reply  bool
	Egress bool   // HopNACL: an outbound entry
	Code   Code   // why it does not pass
	Text   string // one sentence for people
}

// HopKind is the kind of a Hop.
type HopKind string

// The kinds of hops, in the order in which a flow meets them.
const (
	HopENI      HopKind = "eni"      // the source
	HopLink     HopKind = "link"     // link-local: resolver or metadata, which nothing filters
	HopEgress   HopKind = "egress"   // outbound rules of the source's groups
	HopNACL     HopKind = "nacl"     // network ACL of a subnet whose border is crossed, its Rule the entry's number; also for replies
	HopRoute    HopKind = "route"    // route table of the source's subnet
	HopNAT      HopKind = "nat"      // NAT gateway
	HopGateway  HopKind = "gateway"  // internet gateway
	HopEndpoint HopKind = "endpoint" // gateway endpoint, or the interface endpoint that owns the target
	HopPeering  HopKind = "peering"  // VPC peering connection
	HopTarget   HopKind = "target"   // the ENI that has the destination address
	HopIngress  HopKind = "ingress"  // inbound rules of the target's groups
	HopAWS      HopKind = "aws"      // one of AWS's public addresses, answered by us
	HopInternet HopKind = "internet" // left to the internet
)

// Explain follows a flow through the VPC, and stops at the first hop that does
// not let it pass. It judges by the same values and in the same order as the
// host state that Plan makes of them. It is never empty; the flow passes when
// its last hop does.
func Explain(site Site, v VPC, f Flow) []Hop {
	e, ok := v.ENI(f.From)
	if !ok {
		return []Hop{{Kind: HopENI, ID: f.From, Code: CodeNoDestination, Text: fmt.Sprintf("%s does not exist in %s", f.From, v.ID)}}
	}
	hops := []Hop{{Kind: HopENI, ID: e.ID, Pass: e.Kind != Detached, Text: fmt.Sprintf("%s has the address %s in %s", e.ID, e.IP, e.Subnet)}}
	if e.Kind == Detached {
		hops[0].Text, hops[0].Code = e.ID+" is attached to nothing", CodeAttachment
		return hops
	}
	if v = v.viewOf(f.To); v.isSix {
		if e, ok = v.ENI(f.From); !ok {
			hops[0].Pass, hops[0].Code, hops[0].Text = false, CodeNoRoute, f.From+" has no IPv6 address"
			return hops
		}
		hops[0].Text = fmt.Sprintf("%s has the address %s in %s", e.ID, e.IP, e.Subnet)
	}
	if f.To == e.IP {
		return hops
	}
	if hop, ok := v.linkLocal(f); ok {
		return append(hops, hop)
	}
	out := v.filter(HopEgress, e, f.To, f)
	if hops = append(hops, out); !out.Pass {
		return hops
	}
	s, _ := v.Subnet(e.Subnet)
	if hop, ok := v.judge(s, true, f.To, f); ok {
		if hops = append(hops, hop); !hop.Pass {
			return hops
		}
	}
	p := v.path(site, e, f.To)
	hops = append(hops, v.throughNAT(p, e, f)...)
	switch {
	case p.Via == viaVPC:
		hops = append(hops, v.arrive(e.IP, f)...)
	case p.Via == viaPeering && hops[len(hops)-1].Pass:
		hops = append(hops, v.arrivePeer(site, p, p.source(e), f)...)
	case hops[len(hops)-1].Kind == HopInternet && v.publicRange(site).Contains(f.To):
		hops = v.arrivePublic(site, hops, p.seen(e), f)
	}
	if !hops[len(hops)-1].Pass {
		return hops
	}
	if replies := v.replyHops(e, p, f); len(replies) > 0 && !replies[len(replies)-1].Pass {
		hops = append(hops, replies[len(replies)-1])
	}
	return hops
}

// throughNAT tells a path, with the borders of the NAT gateway's subnet.
func (v VPC) throughNAT(p path, e ENI, f Flow) []Hop {
	hops := p.hops(e, f.To)
	at := slices.IndexFunc(hops, func(h Hop) bool { return h.Kind == HopNAT })
	if at < 0 || !hops[at].Pass || p.NAT.Subnet == e.Subnet {
		return hops
	}
	s, _ := v.Subnet(p.NAT.Subnet)
	all := hops[: at+1 : at+1]
	for _, b := range []struct {
		egress bool
		peer   netip.Addr
	}{{false, e.IP}, {true, f.To}} {
		if hop, ok := v.judge(s, b.egress, b.peer, f); ok {
			if all = append(all, hop); !hop.Pass {
				return all
			}
		}
	}
	return append(all, hops[at+1:]...)
}

// linkLocal judges flows to the addresses that every VPC has.
func (v VPC) linkLocal(f Flow) (Hop, bool) {
	dns := f.Port == 53 && (f.Protocol == TCP || f.Protocol == UDP)
	switch f.To {
	case MetadataAddr:
		ok := f.Port == 80 && f.Protocol == TCP
		return Hop{Kind: HopLink, ID: f.To.String(), Pass: ok, Code: unless(ok, CodeProtocol), Text: "task metadata and credentials answer on TCP port 80 only"}, true
	case DNSAddr, v.Resolver():
		if !v.DNSSupport {
			return Hop{Kind: HopLink, ID: f.To.String(), Code: CodeNoDestination, Text: "DNS support is off in " + v.ID}, true
		}
		return Hop{Kind: HopLink, ID: f.To.String(), Pass: dns, Code: unless(dns, CodeProtocol), Text: "the VPC's resolver answers on port 53 only"}, true
	}
	return Hop{}, false
}

// unless is the code of a hop that does not pass.
func unless(pass bool, code Code) Code {
	if pass {
		return ""
	}
	return code
}

// hops tells a path: the route, and what it leads through.
func (p path) hops(e ENI, to netip.Addr) []Hop {
	route := Hop{Kind: HopRoute, ID: p.Table, Pass: p.Via != viaNone || p.NAT.ID != ""}
	if !p.Route.Destination.IsValid() {
		route.Text, route.Code = fmt.Sprintf("no route of %s leads to %s", p.Table, to), CodeNoRoute
		return []Hop{route}
	}
	t := p.Route.Target
	route.Rule = p.Route.Destination.String()
	route.Text = fmt.Sprintf("%s routes %s to %s", p.Table, route.Rule, t)
	if !route.Pass {
		route.Text, route.Code = route.Text+": "+p.Why, p.Code
		return []Hop{route}
	}
	hops := []Hop{route}
	if p.NAT.ID != "" {
		nat := Hop{Kind: HopNAT, ID: p.Route.Target.ID, Pass: p.Via != viaNone, Text: fmt.Sprintf("%s translates %s to %s", p.Route.Target.ID, e.IP, p.NAT.PublicIP)}
		if !nat.Pass {
			nat.Text, nat.Code = p.Route.Target.ID+": "+p.Why, p.Code
			return append(hops, nat)
		}
		hops = append(hops, nat)
		t = p.Onward.Target
	}
	switch t.Kind {
	case InternetGateway, EgressOnlyGateway:
		hops = append(hops, Hop{Kind: HopGateway, ID: t.ID, Pass: true, Text: t.ID + " leads to the internet"})
	case GatewayEndpoint:
		hops = append(hops, Hop{Kind: HopEndpoint, ID: t.ID, Pass: true, Text: t.ID + " leads to the service"})
	}
	switch p.Via {
	case viaAWS:
		hops = append(hops, Hop{Kind: HopAWS, ID: to.String(), Pass: true, Text: to.String() + " is a public address of AWS, which Neargate answers"})
	case viaUplink:
		hops = append(hops, Hop{Kind: HopInternet, ID: to.String(), Pass: true, Text: to.String() + " is on the internet of this machine"})
	}
	return hops
}

// String names the target as a person would.
func (t Target) String() string {
	if t.ID == "" {
		return string(t.Kind)
	}
	return t.ID
}

// seen is the source address with which packets of an interface leave the VPC.
func (p path) seen(e ENI) netip.Addr {
	if p.NAT.ID != "" {
		return p.NAT.PublicIP
	}
	return e.PublicIP
}

// source is the address with which packets of an interface cross a peering connection.
func (p path) source(e ENI) netip.Addr {
	if p.NAT.ID != "" {
		return p.NAT.IP
	}
	return e.IP
}

// arrivePublic judges a flow that an internet gateway took to a public IP, the
// last of the hops. It knows those of this VPC only.
func (v VPC) arrivePublic(site Site, hops []Hop, from netip.Addr, f Flow) []Hop {
	last := &hops[len(hops)-1]
	target, ok := find(v.public(), func(e ENI) bool { return e.PublicIP == f.To })
	if !ok {
		last.Text = f.To.String() + " is a public IP outside of " + v.ID + ", if it is anybody's"
		return hops
	}
	*last = Hop{Kind: HopTarget, ID: target.ID, Pass: true, Text: fmt.Sprintf("%s is the public IP of %s", f.To, target.ID)}
	if !v.reachable(site, target) {
		last.Pass, last.Code, last.Text = false, CodeNoRoute, last.Text+", whose own route to the internet is no internet gateway"
		return hops
	}
	s, _ := v.Subnet(target.Subnet)
	if hop, ok := v.judge(s, false, from, f); ok {
		if hops = append(hops, hop); !hop.Pass {
			return hops
		}
	}
	in := v.filter(HopIngress, target, from, f)
	if hops = append(hops, in); !in.Pass {
		return hops
	}
	for _, reply := range v.replies(f, border{s, true}) {
		if hop, ok := v.judge(s, true, from, reply); ok && !hop.Pass {
			hop.Text = "of the reply: " + hop.Text
			return append(hops, hop)
		}
	}
	return hops
}

// arrive judges the target of a flow inside the VPC.
func (v VPC) arrive(from netip.Addr, f Flow) []Hop {
	target, ok := v.ENIByIP(f.To)
	if !ok || target.Kind == Detached {
		return []Hop{{Kind: HopTarget, ID: f.To.String(), Code: CodeNoDestination, Text: fmt.Sprintf("no interface of %s has the address %s", v.ID, f.To)}}
	}
	hops := []Hop{{Kind: HopTarget, ID: target.ID, Pass: true, Text: fmt.Sprintf("%s has the address %s", target.ID, f.To)}}
	if target.Kind == InterfaceEndpoint {
		hops[0].Kind, hops[0].ID = HopEndpoint, target.Owner
		hops[0].Text = fmt.Sprintf("%s is the interface %s of the endpoint %s", f.To, target.ID, target.Owner)
	}
	s, _ := v.Subnet(target.Subnet)
	if hop, ok := v.judge(s, false, from, f); ok {
		if hops = append(hops, hop); !hop.Pass {
			return hops
		}
	}
	return append(hops, v.filter(HopIngress, target, from, f))
}

// filter judges a flow by one direction of an ENI's groups. The peer is the
// other end: the target of egress, the source of ingress.
func (v VPC) filter(kind HopKind, e ENI, peer netip.Addr, f Flow) Hop {
	if e.unfiltered() {
		return Hop{Kind: kind, ID: e.ID, Pass: true, Text: e.ID + " is a node of a load balancer without security groups"}
	}
	code, covers := CodeGroupEmpty, v.covers
	if node, ok := v.ENI(f.From); ok && f.Client.IsValid() && kind == HopIngress {
		peer = f.Client
		covers = func(r Rule, client netip.Addr) bool { return v.coversFlow(r, client, node) }
	}
	for _, id := range e.Groups {
		g, _ := v.SecurityGroup(id)
		rules := g.Egress
		if kind == HopIngress {
			rules = g.Ingress
		}
		for _, r := range rules {
			code = CodeGroupRules
			if r.allows(f) && covers(r, peer) {
				return Hop{Kind: kind, ID: id, Rule: r.ID, Pass: true, Text: fmt.Sprintf("%s rule %s of %s allows %s", kind, r.ID, id, f)}
			}
		}
	}
	id := e.ID
	if len(e.Groups) > 0 {
		id = e.Groups[0]
	}
	preposition := "to"
	if kind == HopIngress {
		preposition = "from"
	}
	return Hop{Kind: kind, ID: id, Code: code, Text: fmt.Sprintf("no %s rule of %v on %s allows %s %s %s", kind, e.Groups, e.ID, f, preposition, peer)}
}

// String is the flow's protocol and port, for example "tcp 443".
func (f Flow) String() string {
	switch f.Protocol {
	case TCP:
		return fmt.Sprintf("tcp %d", f.Port)
	case UDP:
		return fmt.Sprintf("udp %d", f.Port)
	case ICMP:
		return fmt.Sprintf("icmp type %d", f.Port)
	case ICMPv6:
		return fmt.Sprintf("icmpv6 type %d", f.Port)
	}
	return fmt.Sprintf("protocol %d", f.Protocol)
}

// allows reports whether protocol and port match.
func (r Rule) allows(f Flow) bool {
	if r.Protocol == AnyProtocol {
		return true
	}
	if r.Protocol != f.Protocol {
		return false
	}
	switch f.Protocol {
	case TCP, UDP:
		from, to, all := r.ports()
		return all || (from <= f.Port && f.Port <= to)
	case ICMP, ICMPv6:
		return r.ICMPType < 0 || r.ICMPType == f.Port && (r.ICMPCode < 0 || r.ICMPCode == f.Code)
	}
	return true
}

// ports is the range of ports; all when it does not restrict.
func (r Rule) ports() (from, to int, all bool) {
	return r.FromPort, r.ToPort, r.FromPort < 0 || (r.FromPort == 0 && r.ToPort == 65535)
}

// covers reports whether the rule's peers include an address.
func (v VPC) covers(r Rule, a netip.Addr) bool {
	switch {
	case r.Group != "":
		_, ok := find(v.members(r.Group), func(m netip.Addr) bool { return m == a })
		return ok
	case r.PrefixList != "":
		_, ok := find(v.PrefixList(r.PrefixList), func(p netip.Prefix) bool { return p.Contains(a) })
		return ok
	}
	return r.CIDR.Contains(a)
}

// peerGroup returns the group of a peered VPC with the given id.
func (v VPC) peerGroup(id string) (PeerGroup, bool) {
	return find(v.PeerGroups, func(g PeerGroup) bool { return g.ID == id })
}

// members are the addresses of the ENIs that carry a group; nobody is a member
// of a group that is gone.
func (v VPC) members(group string) []netip.Addr {
	var all []netip.Addr
	if _, ok := v.SecurityGroup(group); !ok {
		peer, _ := v.peerGroup(group)
		return peer.Members
	}
	for _, e := range v.ENIs {
		if _, ok := find(e.Groups, func(g string) bool { return g == group }); ok {
			all = append(all, e.IP)
		}
	}
	return all
}
