// Package netmap draws VPCs: zones, subnets, what has an address in them, route
// tables, gateways and security groups, as text, SVG and Mermaid. [Build] gathers
// a VPC into a plain value; the drawings are pure functions of it.
package netmap

import (
	"cmp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/reach"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// VPC is what a drawing shows of one VPC.
type VPC struct {
	ID, Name string
	CIDRs    []string
	Zones    []Zone
	Tables   []Table
	Gateways []Gateway // internet gateways, gateway endpoints, peering connections
	Groups   []Group
	// Notes say what is not as usual, for example that DNS is off.
	Notes []string
}

// Zone is an availability zone.
type Zone struct {
	Name    string
	Subnets []Subnet
}

// Subnet is a subnet. Way is where packets for the internet go: Public, NAT,
// Isolated.
type Subnet struct {
	ID, Name, CIDR string
	Way            Way
	Table, ACL     string
	Interfaces     []Interface
}

// Way is how a subnet reaches the internet.
type Way string

// The ways.
const (
	Public   Way = "public"   // through an internet gateway
	NATed    Way = "NAT"      // through a NAT gateway
	Isolated Way = "isolated" // not at all
)

// Interface is a network interface.
type Interface struct {
	ID     string
	Kind   Kind
	Title  string // what it is: "task 4f0c2a91"
	Detail string // of which service
	IP     string // private, and IPv6 when there is one
	Public string
	Groups []string // ids
}

// Kind is what an interface belongs to.
type Kind string

// The kinds.
const (
	Task         Kind = "task"
	Endpoint     Kind = "endpoint"
	NATGateway   Kind = "NAT gateway"
	LoadBalancer Kind = "load balancer"
	Other        Kind = "interface"
)

// Table is a route table.
type Table struct {
	ID, Name string
	Main     bool
	Routes   []Route
}

// Route is one route, the local one included.
type Route struct {
	To, By string
	Dead   bool // a black hole
}

// Gateway is a way out of a VPC at its border.
type Gateway struct {
	ID, Name string
	What     string // "internet gateway", "gateway endpoint s3", "peering with vpc-..."
}

// Group is a security group with its rules in words.
type Group struct {
	ID, Name string
	In, Out  []string
}

// Build gathers a VPC: view is the VPC as the data plane has it.
func Build(tx *store.Tx, rec *state.Vpc, view network.VPC) VPC {
	n := names{tx, rec.Account, rec.Region}
	v := VPC{ID: rec.ID, Name: n.name(rec.ID, rec.Tags)}
	for _, c := range append(slices.Clone(view.CIDRs), view.IPv6CIDRs...) {
		v.CIDRs = append(v.CIDRs, c.String())
	}
	if !rec.EnableDNSSupport {
		v.Notes = append(v.Notes, "DNS support is off")
	}
	v.Zones = n.zones(rec, view)
	v.Tables = n.tables(rec, view)
	v.Gateways = n.gateways(rec, view)
	for _, g := range view.SecurityGroups {
		if r, ok := state.SecurityGroups.Get(tx, state.Key(rec.Account, rec.Region, g.ID)); ok && n.used(r, view) {
			v.Groups = append(v.Groups, n.group(r, g))
		}
	}
	slices.SortFunc(v.Groups, func(a, b Group) int { return cmp.Compare(a.Name, b.Name) })
	return v
}

func (n names) zones(rec *state.Vpc, view network.VPC) []Zone {
	byZone := map[string][]Subnet{}
	for s := range state.Subnets.By(n.tx, "vpc", rec.Key()) {
		seen, _ := view.Subnet(s.ID)
		out := Subnet{ID: s.ID, Name: n.name(s.ID, s.Tags), CIDR: s.CIDRBlock, Table: seen.RouteTable, ACL: s.NetworkACLID, Way: wayOf(view, seen.RouteTable)}
		for i := range state.NetworkInterfaces.By(n.tx, "subnet", s.Key()) {
			out.Interfaces = append(out.Interfaces, n.iface(i, view))
		}
		slices.SortFunc(out.Interfaces, func(a, b Interface) int {
			return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Detail+a.Title, b.Detail+b.Title))
		})
		byZone[s.AvailabilityZone] = append(byZone[s.AvailabilityZone], out)
	}
	var zones []Zone
	for name, subnets := range byZone {
		slices.SortFunc(subnets, func(a, b Subnet) int {
			return cmp.Or(cmp.Compare(wayRank(a.Way), wayRank(b.Way)), cmp.Compare(a.CIDR, b.CIDR))
		})
		zones = append(zones, Zone{name, subnets})
	}
	slices.SortFunc(zones, func(a, b Zone) int { return cmp.Compare(a.Name, b.Name) })
	return zones
}

func rank(k Kind) int {
	return slices.Index([]Kind{LoadBalancer, NATGateway, Task, Endpoint, Other}, k)
}
func wayRank(w Way) int { return slices.Index([]Way{Public, NATed, Isolated}, w) }

// wayOf is where the default route of a table leads, that of IPv4: addresses of IPv6
// are public wherever a gateway leads.
func wayOf(view network.VPC, table string) Way {
	t, _ := view.RouteTable(table)
	for _, r := range t.Routes {
		if !r.Destination.IsValid() || r.Destination.Bits() != 0 || !r.Destination.Addr().Is4() {
			continue
		}
		switch r.Target.Kind {
		case network.InternetGateway:
			return Public
		case network.NATGateway:
			return NATed
		}
	}
	return Isolated
}

func (n names) iface(rec *state.NetworkInterface, view network.VPC) Interface {
	end := reach.EndOf(n.tx, rec)
	i := Interface{ID: rec.ID, Kind: Other, Title: rec.ID, Detail: rec.Description, IP: strings.TrimSpace(rec.PrivateIPAddress + " " + rec.IPv6Address), Public: rec.PublicIPAddress, Groups: rec.SecurityGroupIDs}
	e, _ := view.ENI(rec.ID)
	switch {
	case end.Task != "":
		i.Kind = Task
		i.Title, i.Detail, _ = strings.Cut(end.Name, " of ")
	case e.Kind == network.InterfaceEndpoint:
		i.Kind = Endpoint
		if owner, ok := state.VpcEndpoints.Get(n.tx, state.Key(n.account, n.region, rec.Owner)); ok {
			i.Title, i.Detail = "endpoint "+suffix(owner), n.name(owner.ID, owner.Tags)
		}
	case e.Kind == network.NAT:
		i.Kind, i.Title, i.Detail = NATGateway, "NAT gateway", n.label(rec.Owner)
	case e.Kind == network.LoadBalancer, e.Kind == network.FlowBalancer:
		i.Kind, i.Title = LoadBalancer, "load balancer"
	}
	return i
}

// suffix is a service as people call it: "ecr.api".
func suffix(e *state.VpcEndpoint) string {
	return strings.TrimPrefix(e.ServiceName, "com.amazonaws."+e.Region+".")
}

func (n names) tables(rec *state.Vpc, view network.VPC) []Table {
	var tables []Table
	for r := range state.RouteTables.By(n.tx, "vpc", rec.Key()) {
		t := Table{ID: r.ID, Name: n.name(r.ID, r.Tags), Main: r.Main}
		for _, c := range append(slices.Clone(view.CIDRs), view.IPv6CIDRs...) {
			t.Routes = append(t.Routes, Route{To: c.String(), By: "local"})
		}
		seen, _ := view.RouteTable(r.ID)
		for _, route := range seen.Routes {
			to := route.PrefixList
			if to == "" {
				to = route.Destination.String()
			}
			t.Routes = append(t.Routes, Route{To: to, By: n.label(route.Target.String()), Dead: route.Target.Kind == network.Blackhole})
		}
		tables = append(tables, t)
	}
	slices.SortFunc(tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	return tables
}

func (n names) gateways(rec *state.Vpc, view network.VPC) []Gateway {
	var all []Gateway
	for g := range state.InternetGateways.By(n.tx, "vpc", rec.Key()) {
		all = append(all, Gateway{g.ID, n.name(g.ID, g.Tags), "internet gateway"})
	}
	for g := range state.EgressOnlyInternetGateways.By(n.tx, "vpc", rec.Key()) {
		all = append(all, Gateway{g.ID, n.name(g.ID, g.Tags), "egress-only internet gateway"})
	}
	for e := range state.VpcEndpoints.By(n.tx, "vpc", rec.Key()) {
		if e.Type == "Gateway" {
			all = append(all, Gateway{e.ID, n.name(e.ID, e.Tags), "gateway endpoint " + suffix(e)})
		}
	}
	for _, p := range view.Peerings {
		all = append(all, Gateway{p.ID, n.label(p.ID), "peering with " + p.VPC})
	}
	return all
}

// used leaves out the groups that nothing carries and that have no name of
// somebody's: the default ones of VPCs that do not use them.
func (n names) used(g *state.SecurityGroup, view network.VPC) bool {
	return g.Name != "default" || slices.ContainsFunc(view.ENIs, func(e network.ENI) bool { return slices.Contains(e.Groups, g.ID) })
}

func (n names) group(rec *state.SecurityGroup, g network.SecurityGroup) Group {
	words := func(rules []network.Rule, way string) (all []string) {
		for _, r := range rules {
			peer := r.CIDR.String()
			if other := cmp.Or(r.Group, r.PrefixList); other != "" {
				peer = n.label(other)
			}
			all = append(all, r.Ports()+" "+way+" "+peer)
		}
		slices.Sort(all)
		return slices.Compact(all)
	}
	return Group{ID: g.ID, Name: n.groupName(rec), In: words(g.Ingress, "from"), Out: words(g.Egress, "to")}
}
