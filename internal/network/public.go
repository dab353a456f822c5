package network

import (
	"cmp"
	"net/netip"
	"slices"
)

// HostClient is the internet address as which whoever calls from this machine
// comes into VPCs: for security groups, network ACLs and the task itself.
var HostClient = netip.MustParseAddr("203.0.113.1")

// publicOf is the map from the public IPs of a VPC's interfaces to their
// private addresses. It holds those that answer on them: NAT gateways do not.
const publicOf, privateOf = "public-of", "private-of"

// public lists the interfaces that have a public IP, by id, each IP once.
func (v VPC) public() []ENI {
	var all []ENI
	seen := map[netip.Addr]bool{}
	for _, e := range v.sorted() {
		if e.PublicIP.IsValid() && e.Kind != Detached && !seen[e.PublicIP] {
			seen[e.PublicIP] = true
			all = append(all, e)
		}
	}
	return all
}

// reachable reports whether the internet reaches an interface on its public IP:
// its own answers must leave by an internet gateway.
func (v VPC) reachable(site Site, e ENI) bool {
	if e.Kind == NAT {
		return false
	}
	p := v.path(site, e, v.hostClient())
	return p.Via == viaUplink && p.Route.Target.Kind == InternetGateway
}

// planPublic lists the addresses that the host routes to the VPC.
func planPublic(v VPC) []netip.Addr {
	var all []netip.Addr
	for _, e := range v.public() {
		all = append(all, e.PublicIP)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	return all
}

// addTranslation adds the 1:1 translation of internet gateways and the n:1
// translation of NAT gateways, at the uplink and, for private ones, at peering links.
// What comes in by the uplink to anything but a public IP is dropped.
func (f *Filter) addTranslation(site Site, v VPC, uplink bool) {
	out := Chain{Name: "postrouting", Hook: &Hook{"nat", "postrouting", 100, false}}
	for _, s := range v.bySubnet() {
		for _, p := range v.paths(site, s, true) {
			if r, ok := p.translation(s); ok && (uplink || p.Via != viaUplink) {
				out.Rules = append(out.Rules, r)
			}
		}
	}
	if uplink {
		f.addPublic(site, v)
		out.Rules = append(out.Rules, FilterRule{Match: []Match{OutLink(uplinkName)}, Verdict: Verdict{Kind: Masquerade}})
	}
	if len(out.Rules) > 0 {
		f.Chains = append(f.Chains, out)
	}
}

// translation is the rule that gives a path's packets another source; false for
// paths on which they keep their own.
func (p path) translation(s Subnet) (FilterRule, bool) {
	var m []Match
	var verdict Verdict
	switch {
	case p.Via == viaUplink && p.NAT.ID != "":
		m, verdict = []Match{OutLink(uplinkName)}, Verdict{SourceTo, p.NAT.PublicIP.String()}
	case p.Via == viaUplink:
		m, verdict = []Match{OutLink(uplinkName)}, Verdict{SourceBy, publicOf}
	case p.Via == viaPeering && p.NAT.ID != "":
		m, verdict = []Match{OutLink(peerLink(p.target().ID))}, Verdict{SourceTo, p.NAT.IP.String()}
	default:
		return FilterRule{}, false
	}
	m = append(m, SourceAddr(s.CIDR.Masked()))
	if p.Prefix.Bits() > 0 {
		m = append(m, TargetAddr(p.Prefix))
	}
	return FilterRule{Match: m, Verdict: verdict}, true
}

// addPublic adds the maps between public IPs and private addresses, and the chain
// in which packets to public IPs arrive.
func (f *Filter) addPublic(site Site, v VPC) {
	public, private := Set{Name: publicOf, Kind: AddressMap}, Set{Name: privateOf, Kind: AddressMap}
	for _, e := range v.public() {
		public.Elements = append(public.Elements, Element{Addr: e.IP, To: e.PublicIP})
		if v.reachable(site, e) {
			private.Elements = append(private.Elements, Element{Addr: e.PublicIP, To: e.IP})
		}
	}
	for _, s := range []*Set{&public, &private} {
		slices.SortFunc(s.Elements, func(a, b Element) int { return a.Addr.Compare(b.Addr) })
	}
	f.Sets = append(f.Sets, public, private)
	in := Chain{Name: "arrivals", Hook: &Hook{"nat", "prerouting", -100, false}, Rules: []FilterRule{
		{Match: []Match{InLink(uplinkName)}, Verdict: Verdict{TargetBy, privateOf}},
		{Match: []Match{InLink(uplinkName)}, Verdict: Verdict{Kind: Drop}},
	}}
	f.Chains = append(f.Chains, in)
}

// bySubnet lists the subnets by id.
func (v VPC) bySubnet() []Subnet {
	return slices.SortedFunc(slices.Values(v.Subnets), func(a, b Subnet) int { return cmp.Compare(a.ID, b.ID) })
}
