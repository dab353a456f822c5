package network

import (
	"net/netip"
	"slices"
)

// everywhere6 matches every IPv6 address.
var everywhere6 = netip.MustParsePrefix("::/0")

// HostClient6 is HostClient for callers by IPv6.
var HostClient6 = netip.MustParseAddr("3fff::1")

// six is the VPC as its IPv6 packets see it: the ranges, subnets and interfaces
// that have IPv6 addresses, with those in the place of the others. Plan and
// Explain judge both families by the same code, each by its own view.
//
// An IPv6 address is public where a gateway leads out: it is its own public IP,
// and what is translated for IPv4 is translated into itself.
func (v VPC) six() VPC {
	if v.isSix {
		return v
	}
	w := v
	w.isSix, w.CIDRs, w.DNSSupport, w.Nameservers = true, v.IPv6CIDRs, false, nil
	w.Subnets, w.ENIs, w.Peerings, w.PeerGroups = nil, nil, nil, nil
	for _, g := range v.PeerGroups {
		w.PeerGroups = append(w.PeerGroups, PeerGroup{ID: g.ID, Members: g.IPv6Members})
	}
	for _, s := range v.Subnets {
		if s.IPv6CIDR.IsValid() {
			s.numbered, s.CIDR = s.CIDR, s.IPv6CIDR
			w.Subnets = append(w.Subnets, s)
		}
	}
	for _, e := range v.ENIs {
		s, ok := w.Subnet(e.Subnet)
		if !ok || !e.IPv6.IsValid() {
			continue
		}
		e.IP, e.PublicIP = e.IPv6, netip.Addr{}
		if v.leadsOut(s) {
			e.PublicIP = e.IPv6
		}
		w.ENIs = append(w.ENIs, e)
	}
	for _, p := range v.Peerings {
		p.CIDRs = p.IPv6CIDRs
		if p.Remote != nil {
			p.Remote = new(p.Remote.six())
		}
		w.Peerings = append(w.Peerings, p)
	}
	return w
}

// leadsOut reports whether a subnet's route table has a gateway to the IPv6 internet.
func (v VPC) leadsOut(s Subnet) bool {
	t, _ := v.RouteTable(s.RouteTable)
	return slices.ContainsFunc(t.Routes, func(r Route) bool {
		return !r.Destination.Addr().Is4() && (r.Target.Kind == InternetGateway || r.Target.Kind == EgressOnlyGateway)
	})
}

// viewOf is the VPC as packets to or from an address see it.
func (v VPC) viewOf(a netip.Addr) VPC {
	if a.Is6() {
		return v.six()
	}
	return v
}

// speaks reports whether a prefix is of the family that the view is about.
func (v VPC) speaks(p netip.Prefix) bool { return p.IsValid() && p.Addr().Is6() == v.isSix }

// everywhere is the prefix of all addresses of the view's family.
func (v VPC) everywhere() netip.Prefix {
	if v.isSix {
		return everywhere6
	}
	return defaultRoute
}

// hostClient is who calls from this machine.
func (v VPC) hostClient() netip.Addr {
	if v.isSix {
		return HostClient6
	}
	return HostClient
}

// publicRange is where the public addresses of interfaces are.
func (v VPC) publicRange(site Site) netip.Prefix {
	if v.isSix {
		return site.IPv6
	}
	return site.PublicIPs()
}
