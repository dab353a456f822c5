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
	p := v.path(site, e, HostClient)
	return p.Via == viaUplink && p.NAT.ID == ""
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
// translation of NAT gateways, both at the uplink. What comes in to anything but
// a public IP is dropped.
func (f *Filter) addTranslation(site Site, v VPC) {
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
	out := Chain{Name: "postrouting", Hook: &Hook{"nat", "postrouting", 100, false}}
	for _, s := range v.bySubnet() {
		for _, p := range v.paths(site, s, true) {
			if p.Via != viaUplink {
				continue
			}
			m := []Match{OutLink(uplinkName), SourceAddr(s.CIDR.Masked())}
			if p.Prefix.Bits() > 0 {
				m = append(m, TargetAddr(p.Prefix))
			}
			verdict := Verdict{SourceBy, publicOf}
			if p.NAT.ID != "" {
				verdict = Verdict{SourceTo, p.NAT.PublicIP.String()}
			}
			out.Rules = append(out.Rules, FilterRule{Match: m, Verdict: verdict})
		}
	}
	out.Rules = append(out.Rules, FilterRule{Match: []Match{OutLink(uplinkName)}, Verdict: Verdict{Kind: Masquerade}})
	in := Chain{Name: "arrivals", Hook: &Hook{"nat", "prerouting", -100, false}, Rules: []FilterRule{
		{Match: []Match{InLink(uplinkName)}, Verdict: Verdict{TargetBy, privateOf}},
		{Match: []Match{InLink(uplinkName)}, Verdict: Verdict{Kind: Drop}},
	}}
	f.Chains = append(f.Chains, in, out)
}

// bySubnet lists the subnets by id.
func (v VPC) bySubnet() []Subnet {
	return slices.SortedFunc(slices.Values(v.Subnets), func(a, b Subnet) int { return cmp.Compare(a.ID, b.ID) })
}
