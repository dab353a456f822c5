package network

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
)

// via is how packets of a path go on.
type via string

const (
	viaVPC     via = "vpc"     // stays in the VPC: to an ENI
	viaAWS     via = "aws"     // ends at us: one of AWS's public addresses
	viaUplink  via = "uplink"  // to the internet of the host
	viaPeering via = "peering" // to the other VPC of a peering connection
	viaNone    via = "none"    // dropped in silence
)

// path is one destination prefix as a subnet sees it: the route of its table
// that matches, and where that route really leads.
type path struct {
	Prefix netip.Prefix
	Via    via
	Table  string // id of the subnet's route table
	Route  Route  // of that table; zero when none matches
	NAT    ENI    // the NAT gateway's interface, when the route leads to one
	Onward Route  // the route of the NAT gateway's own subnet
	Why    string // why Via is viaNone
	Code   Code   // the same as a code
}

// defaultRoute matches everything.
var defaultRoute = netip.MustParsePrefix("0.0.0.0/0")

// paths lists where a subnet's packets go outside the VPC, longest prefix
// first. The internet gateway carries them only for ENIs with a public IP.
func (v VPC) paths(site Site, s Subnet, public bool) []path {
	table, _ := v.RouteTable(s.RouteTable)
	found := map[netip.Prefix]path{}
	for _, r := range v.expand(table) {
		for _, p := range v.follow(site, r, public) {
			p.Table = table.ID
			if old, ok := found[p.Prefix]; ok && !p.outranks(old) {
				continue
			}
			found[p.Prefix] = p
		}
	}
	all := slices.Collect(maps.Values(found))
	slices.SortFunc(all, func(a, b path) int {
		return cmp.Or(cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	return slices.DeleteFunc(all, func(p path) bool { return p.shadowed(found) })
}

// inside lists the paths of a subnet that lead parts of the VPC itself, or all of
// it, to something else than the interfaces there.
func (v VPC) inside(site Site, s Subnet) []path {
	table, _ := v.RouteTable(s.RouteTable)
	var all []path
	for _, r := range v.expand(table) {
		if _, ok := find(v.CIDRs, func(c netip.Prefix) bool { return within(r.Destination, c) }); ok && r.Target.Kind == Interface {
			p := v.follow(site, r, false)[0]
			p.Table = table.ID
			all = append(all, p)
		}
	}
	slices.SortFunc(all, func(a, b path) int { return cmp.Compare(b.Prefix.Bits(), a.Prefix.Bits()) })
	return all
}

// expand returns the table's routes of the view's family, a prefix list's as one per prefix.
func (v VPC) expand(t RouteTable) []Route {
	var routes []Route
	for _, r := range t.Routes {
		prefixes := []netip.Prefix{r.Destination}
		if r.PrefixList != "" {
			prefixes = v.PrefixList(r.PrefixList)
		}
		for _, p := range prefixes {
			if v.speaks(p) && r.Target.Kind != Local {
				r.Destination = p.Masked()
				routes = append(routes, r)
			}
		}
	}
	return routes
}

// follow returns the paths that one route opens or closes.
func (v VPC) follow(site Site, r Route, public bool) []path {
	p := path{Prefix: r.Destination, Route: r, Via: viaNone}
	switch r.Target.Kind {
	case GatewayEndpoint:
		p.Via = viaAWS
		return []path{p}
	case InternetGateway:
		if !public {
			p.Why, p.Code = "an internet gateway carries only interfaces with a public IP", CodeNoPublicIP
			return []path{p}
		}
		return internet(v, site, p)
	case EgressOnlyGateway:
		if !v.isSix {
			p.Why, p.Code = "an egress-only internet gateway carries IPv6 only", CodeRouteState
			return []path{p}
		}
		return internet(v, site, p)
	case NATGateway:
		return v.translate(site, p)
	case VPCPeering:
		return v.cross(p)
	case Interface:
		p.Why, p.Code = "the source/destination check of "+r.Target.ID+" drops what is not addressed to it", CodeRouteState
		return []path{p}
	default:
		p.Why, p.Code = "the target of the route does not exist (blackhole)", CodeRouteState
		return []path{p}
	}
}

// internet splits an internet gateway's path into what ends at us, what an
// internet gateway drops, and the rest.
func internet(v VPC, site Site, p path) []path {
	p.Via = viaUplink
	all := []path{p}
	if part, ok := overlap(p.Prefix, site.AWS); ok {
		q := p
		q.Prefix, q.Via = part, viaAWS
		all = append(all, q)
	}
	if part, ok := overlap(p.Prefix, v.publicRange(site)); ok {
		q := p
		q.Prefix = part // of interfaces, here and in other VPCs
		all = append(all, q)
	}
	for _, r := range private {
		if part, ok := overlap(p.Prefix, r); ok {
			q := p
			q.Prefix, q.Via, q.Code, q.Why = part, viaNone, CodePrivateTarget, "an internet gateway carries no private addresses"
			all = append(all, q)
		}
	}
	return all
}

// translate continues a path at the subnet of its NAT gateway.
func (v VPC) translate(site Site, p path) []path {
	nat, ok := find(v.ENIs, func(e ENI) bool { return e.Kind == NAT && e.Owner == p.Route.Target.ID })
	subnet, ok2 := v.Subnet(nat.Subnet)
	if !ok || !ok2 {
		p.Why, p.Code = "the NAT gateway does not exist (blackhole)", CodeRouteState
		return []path{p}
	}
	p.NAT = nat
	p.Why, p.Code = "the NAT gateway's own subnet has no route to the destination", CodeNoRoute
	all := []path{p}
	table, _ := v.RouteTable(subnet.RouteTable)
	for _, onward := range v.expand(table) {
		if onward.Target.Kind == NATGateway {
			if part, ok := overlap(p.Prefix, onward.Destination); ok {
				q := p
				q.Prefix, q.Onward, q.Why, q.Code = part, onward, "the NAT gateway's own subnet leads there by a NAT gateway, which carries nothing of another", CodeNoRoute
				all = append(all, q)
			}
			continue
		}
		for _, q := range v.follow(site, onward, nat.PublicIP.IsValid()) {
			if part, ok := overlap(p.Prefix, q.Prefix); ok {
				q.Prefix, q.Route, q.Onward, q.NAT = part, p.Route, onward, nat
				all = append(all, q)
			}
		}
	}
	return all
}

// outranks decides between two paths to the very same prefix: a longer route of
// the subnet's own table, then of the NAT gateway's, then what is dropped before
// what ends at us before what goes out.
func (p path) outranks(old path) bool {
	return cmp.Or(
		cmp.Compare(p.Route.Destination.Bits(), old.Route.Destination.Bits()),
		cmp.Compare(bits(p.Onward), bits(old.Onward)),
		cmp.Compare(rank(p.Via), rank(old.Via)),
	) > 0
}

func bits(r Route) int {
	if !r.Destination.IsValid() {
		return -1
	}
	return r.Destination.Bits()
}

func rank(v via) int {
	return slices.Index([]via{viaUplink, viaPeering, viaAWS, viaNone}, v)
}

// shadowed reports whether a longer route of the same table covers the path,
// which came out of a shorter one by being cut in parts: of the subnet's own
// table, or of that of the NAT gateway to which the same route leads.
func (p path) shadowed(all map[netip.Prefix]path) bool {
	for _, q := range all {
		own := q.Route.Destination
		if own.Bits() > p.Route.Destination.Bits() && within(p.Prefix, own) {
			return true
		}
		if p.NAT.ID != "" && own == p.Route.Destination && bits(q.Onward) > bits(p.Onward) && within(p.Prefix, q.Onward.Destination) {
			return true
		}
	}
	return false
}

// path returns what decides about packets from e to an address.
func (v VPC) path(site Site, e ENI, to netip.Addr) path {
	s, _ := v.Subnet(e.Subnet)
	for _, p := range v.inside(site, s) {
		if p.Prefix.Contains(to) {
			return p
		}
	}
	for _, c := range v.CIDRs {
		if c.Contains(to) {
			return path{Prefix: c, Via: viaVPC, Table: s.RouteTable, Route: Route{Destination: c, Target: Target{Kind: Local}}}
		}
	}
	for _, p := range v.paths(site, s, e.PublicIP.IsValid()) {
		if p.Prefix.Contains(to) {
			return p
		}
	}
	return path{Prefix: v.everywhere(), Via: viaNone, Table: s.RouteTable, Code: CodeNoRoute, Why: "no route leads there"}
}
