package ec2

import (
	"net"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// vpcRecords are the records of one VPC.
type vpcRecords struct {
	vpc        *state.Vpc
	subnets    []*state.Subnet
	tables     []*state.RouteTable
	acls       []*state.NetworkAcl
	groups     []*state.SecurityGroup
	endpoints  []*state.VpcEndpoint
	interfaces []*state.NetworkInterface
	nats       []*state.NatGateway
	gateway    string   // id of the internet gateway that is attached
	egressOnly []string // ids of egress-only internet gateways
	lists      []*prefixList
	peers      []peerRecord
	dhcp       *state.DhcpOptions // nil for none
	peerGroups []network.PeerGroup
}

// peerRecord is an active peering connection and the VPC at its other end.
type peerRecord struct {
	id      string
	vpc     *state.Vpc
	present bool // on the host too
}

// loadVPC reads the records of the VPC with the given key.
func loadVPC(tx *store.Tx, options *Options, key string) (vpcRecords, bool) {
	vpc, ok := state.Vpcs.Get(tx, key)
	if !ok {
		return vpcRecords{}, false
	}
	r := vpcRecords{
		vpc:        vpc,
		subnets:    slices.Collect(state.Subnets.By(tx, "vpc", key)),
		tables:     slices.Collect(state.RouteTables.By(tx, "vpc", key)),
		acls:       slices.Collect(state.NetworkAcls.By(tx, "vpc", key)),
		groups:     slices.Collect(state.SecurityGroups.By(tx, "vpc", key)),
		endpoints:  slices.Collect(state.VpcEndpoints.By(tx, "vpc", key)),
		interfaces: slices.Collect(state.NetworkInterfaces.By(tx, "vpc", key)),
		nats:       slices.Collect(state.NatGateways.By(tx, "vpc", key)),
		lists:      options.prefixLists(tx, vpc.Account, vpc.Region),
	}
	if g, ok := first(state.InternetGateways.By(tx, "vpc", key)); ok {
		r.gateway = g.ID
	}
	for g := range state.EgressOnlyInternetGateways.By(tx, "vpc", key) {
		r.egressOnly = append(r.egressOnly, g.ID)
	}
	r.dhcp, _ = state.DhcpOptionSets.Get(tx, state.Key(vpc.Account, vpc.Region, vpc.DHCPOptionsID))
	for p := range state.VpcPeeringConnections.By(tx, "vpc", key) {
		other := p.Other(key).Key()
		if v, ok := state.Vpcs.Get(tx, other); ok && p.State == "active" {
			r.peers = append(r.peers, peerRecord{p.ID, v, exists(state.NetworkInterfaces.By(tx, "vpc", other))})
		}
	}
	r.peerGroups = r.loadPeerGroups(tx)
	return r, true
}

// onHost reports whether the VPC needs to be on the host: something has an address in it.
func (r vpcRecords) onHost() bool { return len(r.interfaces) > 0 }

// hostView says what the records of a VPC mean for packets. It is pure.
func hostView(r vpcRecords) network.VPC {
	v := network.VPC{ID: r.vpc.ID, CIDRs: vpcCIDRs(r.vpc), IPv6CIDRs: vpcCIDRs6(r.vpc), DNSSupport: r.vpc.EnableDNSSupport}
	follows := map[string]string{} // subnet to route table
	main := ""
	for _, t := range r.tables {
		if t.Main {
			main = t.ID
		}
		for _, a := range t.Associations {
			follows[a.SubnetID] = t.ID
		}
		v.RouteTables = append(v.RouteTables, network.RouteTable{ID: t.ID, Routes: r.routes(t)})
	}
	for _, n := range r.subnets {
		table := follows[n.ID]
		if table == "" {
			table = main
		}
		v.Subnets = append(v.Subnets, network.Subnet{ID: n.ID, CIDR: mustPrefix(n.CIDRBlock), IPv6CIDR: mustPrefix(n.IPv6CIDR.CIDRBlock), RouteTable: table, NetworkACL: n.NetworkACLID})
	}
	for _, a := range r.acls {
		v.NetworkACLs = append(v.NetworkACLs, aclView(a))
	}
	for _, g := range r.groups {
		v.SecurityGroups = append(v.SecurityGroups, groupView(g))
	}
	for _, l := range r.lists {
		v.PrefixLists = append(v.PrefixLists, network.PrefixList{ID: l.id, Prefixes: l.prefixes})
	}
	if r.dhcp != nil {
		_, v.Nameservers = nameService(r.vpc, r.dhcp)
	}
	for _, p := range r.peers {
		v.Peerings = append(v.Peerings, network.Peering{ID: p.id, VPC: p.vpc.ID, CIDRs: vpcCIDRs(p.vpc), IPv6CIDRs: vpcCIDRs6(p.vpc), Present: p.present})
	}
	v.PeerGroups = r.peerGroups
	for _, n := range r.interfaces {
		if n.InterfaceType == state.InterfaceTypeNAT && !r.natAlive(n.Owner) {
			continue // being deleted
		}
		v.ENIs = append(v.ENIs, interfaceView(n))
	}
	return v
}

// routes are a table's routes and those of gateway endpoints; without a target
// that exists they are black holes.
func (r vpcRecords) routes(t *state.RouteTable) []network.Route {
	var routes []network.Route
	for _, route := range t.Routes {
		out := network.Route{PrefixList: route.DestinationPrefixListID, Target: r.target(route)}
		if c := route.DestinationCIDRBlock + route.DestinationIPv6CIDRBlock; c != "" {
			out.Destination = mustPrefix(c)
		}
		routes = append(routes, out)
	}
	for _, e := range r.endpoints {
		if e.Type == typeGateway && slices.Contains(e.RouteTableIDs, t.ID) {
			routes = append(routes, network.Route{
				PrefixList: prefixListID(e.Region, serviceSuffix(e.ServiceName)), Target: network.Target{Kind: network.GatewayEndpoint, ID: e.ID},
			})
		}
	}
	return routes
}

// target is where a route leads.
func (r vpcRecords) target(route state.Route) network.Target {
	switch {
	case route.InternetGatewayID != "" && route.InternetGatewayID == r.gateway:
		return network.Target{Kind: network.InternetGateway, ID: r.gateway}
	case slices.Contains(r.egressOnly, route.EgressOnlyInternetGatewayID):
		return network.Target{Kind: network.EgressOnlyGateway, ID: route.EgressOnlyInternetGatewayID}
	case route.NATGatewayID != "" && r.natAlive(route.NATGatewayID):
		return network.Target{Kind: network.NATGateway, ID: route.NATGatewayID}
	case slices.ContainsFunc(r.peers, func(p peerRecord) bool { return p.id == route.VpcPeeringConnectionID }):
		return network.Target{Kind: network.VPCPeering, ID: route.VpcPeeringConnectionID}
	case slices.ContainsFunc(r.interfaces, func(n *state.NetworkInterface) bool { return n.ID == route.NetworkInterfaceID && n.Attachment.ID != "" }):
		return network.Target{Kind: network.Interface, ID: route.NetworkInterfaceID}
	}
	return network.Target{Kind: network.Blackhole}
}

func (r vpcRecords) natAlive(id string) bool {
	return slices.ContainsFunc(r.nats, func(n *state.NatGateway) bool { return n.ID == id && alive(n) })
}

func aclView(a *state.NetworkAcl) network.NetworkACL {
	v := network.NetworkACL{ID: a.ID}
	for _, e := range aclRules(a) {
		n := network.ACLEntry{Number: int(e.Number), Egress: e.Egress, Allow: e.Allow, FromPort: -1, ToPort: -1, ICMPType: -1, ICMPCode: -1, CIDR: mustPrefix(e.CIDRIPv4 + e.CIDRIPv6)}
		n.Protocol, _ = strconv.Atoi(e.Protocol)
		switch n.Protocol {
		case network.TCP, network.UDP:
			n.FromPort, n.ToPort = int(e.FromPort), int(e.ToPort)
		case network.ICMP, network.ICMPv6:
			n.ICMPType, n.ICMPCode = int(e.FromPort), int(e.ToPort)
		}
		v.Entries = append(v.Entries, n)
	}
	return v
}

func groupView(g *state.SecurityGroup) network.SecurityGroup {
	v := network.SecurityGroup{ID: g.ID}
	for _, r := range g.Rules {
		rule, ok := ruleView(r)
		switch {
		case !ok:
		case r.Egress:
			v.Egress = append(v.Egress, rule)
		default:
			v.Ingress = append(v.Ingress, rule)
		}
	}
	return v
}

// ruleView is a rule for packets; false for one that matches none.
func ruleView(r state.SecurityGroupRule) (network.Rule, bool) {
	v := network.Rule{ID: r.ID, Group: r.ReferencedGroupID, PrefixList: r.PrefixListID, FromPort: -1, ToPort: -1, ICMPType: -1, ICMPCode: -1}
	switch r.Protocol {
	case allProtocols:
		v.Protocol = network.AnyProtocol
	case "tcp", "udp":
		v.Protocol = map[string]int{"tcp": network.TCP, "udp": network.UDP}[r.Protocol]
		v.FromPort, v.ToPort = int(r.FromPort), int(r.ToPort)
	case "icmp":
		v.Protocol, v.ICMPType, v.ICMPCode = network.ICMP, int(r.FromPort), int(r.ToPort)
	case "icmpv6":
		v.Protocol, v.ICMPType, v.ICMPCode = network.ICMPv6, int(r.FromPort), int(r.ToPort)
	default:
		n, err := strconv.Atoi(r.Protocol)
		if err != nil {
			return v, false
		}
		v.Protocol = n
	}
	if cidr := r.CIDRIPv4 + r.CIDRIPv6; cidr != "" {
		v.CIDR = mustPrefix(cidr)
	}
	return v, true
}

func interfaceView(n *state.NetworkInterface) network.ENI {
	mac, _ := net.ParseMAC(n.MACAddress)
	return network.ENI{
		ID: n.ID, Kind: interfaceKind(n), Owner: n.Owner, Subnet: n.SubnetID, IP: mustAddr(n.PrivateIPAddress), IPv6: mustAddr(n.IPv6Address), MAC: mac,
		Groups: n.SecurityGroupIDs, PublicIP: mustAddr(n.PublicIPAddress),
	}
}

func interfaceKind(n *state.NetworkInterface) network.ENIKind {
	switch {
	case n.InterfaceType == state.InterfaceTypeEndpoint:
		return network.InterfaceEndpoint
	case n.InterfaceType == state.InterfaceTypeNAT:
		return network.NAT
	case n.InterfaceType == state.InterfaceTypeNLB:
		return network.FlowBalancer
	case n.Attachment.ID == "":
		return network.Detached
	case n.Attachment.InstanceOwnerID == state.OwnerELB:
		return network.LoadBalancer
	}
	return network.Attached
}
