package network

import (
	"net"
	"net/netip"
)

// VPC is everything about one VPC that decides where its packets go. It is a
// value: whoever gives one to an Engine does not change its slices afterwards.
type VPC struct {
	ID         string         // for example vpc-0123456789abcdef0; unique within the engine
	CIDRs      []netip.Prefix // IPv4, the primary one first
	IPv6CIDRs  []netip.Prefix
	DNSSupport bool // enableDnsSupport: the resolver at base+2 and 169.254.169.253 answers
	// Nameservers are whom connections of ENIs ask for names, in this order; none
	// means the VPC's resolver.
	Nameservers []netip.Addr

	Subnets        []Subnet
	RouteTables    []RouteTable
	NetworkACLs    []NetworkACL
	SecurityGroups []SecurityGroup
	PrefixLists    []PrefixList
	ENIs           []ENI
	Peerings       []Peering
	PeerGroups     []PeerGroup

	isSix bool // it is the view that six returns
}

// PeerGroup is a security group of a peered VPC that rules of this one name: the
// addresses of the ENIs that carry it.
type PeerGroup struct {
	ID                   string
	Members, IPv6Members []netip.Addr
}

// Subnet is a range of a VPC and the route table that its packets follow.
type Subnet struct {
	ID         string
	CIDR       netip.Prefix
	IPv6CIDR   netip.Prefix // a /64; invalid when there is none
	RouteTable string       // id of the associated (or else the main) route table
	NetworkACL string       // id; without one that exists everything may cross the subnet's border

	numbered netip.Prefix // what its kernel tables are numbered by, when not the CIDR
}

// RouteTable is a list of routes; the longest matching prefix decides. The local
// route of the VPC's own ranges is always there and need not be listed.
type RouteTable struct {
	ID     string
	Routes []Route
}

// Route leads a destination to a target. Exactly one of Destination and
// PrefixList is set.
type Route struct {
	Destination netip.Prefix
	PrefixList  string // id; stands for every prefix of the list
	Target      Target
}

// Target is where a route leads.
type Target struct {
	Kind TargetKind
	ID   string // igw-..., nat-..., vpce-..., pcx-..., eni-...; empty for local and blackhole
}

// TargetKind is the kind of a route's target.
type TargetKind string

// The kinds of targets. A target that no longer exists is a Blackhole.
const (
	Local           TargetKind = "local"
	InternetGateway TargetKind = "internet-gateway"
	// EgressOnlyGateway lets IPv6 connections out, and none in.
	EgressOnlyGateway TargetKind = "egress-only-internet-gateway"
	NATGateway        TargetKind = "nat-gateway"
	GatewayEndpoint   TargetKind = "gateway-endpoint"
	VPCPeering        TargetKind = "vpc-peering-connection"
	// Interface is a network interface; its source/destination check drops what is
	// not addressed to it.
	Interface TargetKind = "network-interface"
	Blackhole TargetKind = "blackhole"
)

// PrefixList is a named set of prefixes, such as the addresses of S3.
type PrefixList struct {
	ID       string
	Prefixes []netip.Prefix
}

// SecurityGroup is a stateful filter on the ENIs that carry it. What no rule
// allows is dropped.
type SecurityGroup struct {
	ID      string
	Ingress []Rule
	Egress  []Rule
}

// AnyProtocol allows every protocol in a Rule; others are IANA numbers.
const AnyProtocol = -1

// The protocol numbers that have ports or types.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// Rule allows one kind of traffic between the ENI and a peer. Exactly one of
// CIDR, Group and PrefixList is set.
type Rule struct {
	ID       string // sgr-...; unique within the VPC
	Protocol int    // IANA number, or AnyProtocol

	// TCP and UDP: the inclusive range of destination ports. From 0 to 65535, or
	// -1 to -1, means all. Other protocols ignore them.
	FromPort, ToPort int
	// ICMP and ICMPv6: -1 means any. Other protocols ignore them.
	ICMPType, ICMPCode int

	CIDR       netip.Prefix
	Group      string // id of a group of this VPC, or of its PeerGroups: the addresses of the ENIs that carry it
	PrefixList string // id of a prefix list of this VPC value
}

// ENI is an elastic network interface: an address of a subnet with its groups.
type ENI struct {
	ID       string // eni-...; unique within the engine
	Kind     ENIKind
	Owner    string // what it is for: id of the task, endpoint, load balancer or NAT gateway
	Subnet   string // id
	IP       netip.Addr
	IPv6     netip.Addr       // invalid when there is none
	MAC      net.HardwareAddr // Attached only; nil lets the engine derive one from the id
	Groups   []string         // security group ids
	PublicIP netip.Addr       // invalid when there is none
}

// ENIKind says where the ENI's address lives.
type ENIKind string

// The kinds of ENIs.
const (
	// Attached ENIs have a network namespace of their own, whose eth0 they are:
	// tasks, instances.
	Attached ENIKind = "attached"
	// Detached ENIs hold their address and are nowhere.
	Detached ENIKind = "detached"
	// The following are hosted by us: their addresses are local to the VPC's
	// namespace, where Engine.Listen serves them.
	InterfaceEndpoint ENIKind = "interface-endpoint"
	LoadBalancer      ENIKind = "load-balancer"
	// FlowBalancer is a node of a network load balancer: without security groups
	// nothing filters it, and it may speak with its clients' addresses.
	FlowBalancer ENIKind = "network-load-balancer"
	NAT          ENIKind = "nat"
)

// Hosted reports whether the address is local to the VPC's namespace.
func (k ENIKind) Hosted() bool {
	return k == InterfaceEndpoint || k == LoadBalancer || k == FlowBalancer || k == NAT
}

// Addresses that answer in every VPC, whatever its security groups and routes say.
var (
	// DNSAddr is the resolver's link-local address; the other one is Resolver.
	DNSAddr = netip.MustParseAddr("169.254.169.253")
	// MetadataAddr serves task metadata and credentials on port 80.
	MetadataAddr = netip.MustParseAddr("169.254.170.2")
)

// Gateway is the address of a subnet's router: base plus one.
func (s Subnet) Gateway() netip.Addr { return s.CIDR.Masked().Addr().Next() }

// Resolver is the address of the VPC's DNS resolver: base plus two of the
// primary range. It is invalid when the VPC has no range.
func (v VPC) Resolver() netip.Addr {
	if len(v.CIDRs) == 0 || v.isSix {
		return netip.Addr{}
	}
	return v.CIDRs[0].Masked().Addr().Next().Next()
}

// ENI returns the interface with the given id.
func (v VPC) ENI(id string) (ENI, bool) {
	return find(v.ENIs, func(e ENI) bool { return e.ID == id })
}

// ENIByIP returns the interface that has the given private address.
func (v VPC) ENIByIP(ip netip.Addr) (ENI, bool) {
	return find(v.ENIs, func(e ENI) bool { return e.IP == ip || e.IPv6.IsValid() && e.IPv6 == ip })
}

// Subnet returns the subnet with the given id.
func (v VPC) Subnet(id string) (Subnet, bool) {
	return find(v.Subnets, func(s Subnet) bool { return s.ID == id })
}

// RouteTable returns the route table with the given id.
func (v VPC) RouteTable(id string) (RouteTable, bool) {
	return find(v.RouteTables, func(t RouteTable) bool { return t.ID == id })
}

// SecurityGroup returns the group with the given id.
func (v VPC) SecurityGroup(id string) (SecurityGroup, bool) {
	return find(v.SecurityGroups, func(g SecurityGroup) bool { return g.ID == id })
}

// PrefixList returns the prefixes of the list with the given id; none when
// there is no such list.
func (v VPC) PrefixList(id string) []netip.Prefix {
	l, _ := find(v.PrefixLists, func(l PrefixList) bool { return l.ID == id })
	return l.Prefixes
}

func find[T any](all []T, is func(T) bool) (T, bool) {
	for _, t := range all {
		if is(t) {
			return t, true
		}
	}
	var zero T
	return zero, false
}
