package network

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Host is the state of the host that makes a VPC real, as data: one network
// namespace with links, addresses, routes, policy rules and a packet filter.
// Its String is the golden text of tests and of `neargate` diagnosis.
type Host struct {
	Namespace string       // name of the VPC's namespace
	Uplink    *Uplink      // nil when no route of the VPC leads to the internet
	Public    []netip.Addr // public IPs, which the host routes to the uplink
	Links     []Link
	Peers     []PeerLink
	Addresses []netip.Addr // on lo
	Routes    []HostRoute
	Rules     []PolicyRule
	Filter    Filter
	Filter6   Filter // of IPv6: a table of its own, so that IPv4 pays nothing for it; empty without an IPv6 range
}

// Uplink is a veth from up0 in the VPC's namespace to the host's.
type Uplink struct {
	HostLink string // name of the host's end
	Host     netip.Prefix
	VPC      netip.Prefix
}

// Link is the veth of an attached ENI: Name in the VPC's namespace, eth0 in
// the ENI's.
type Link struct {
	Name      string
	Namespace string // name of the ENI's namespace
	MAC       net.HardwareAddr
	Address   netip.Prefix // of eth0, with the length of the subnet
	Gateway   netip.Addr
	IPv6      netip.Addr // of eth0; its router is router6
}

// HostRoute is a route of a kernel table in the VPC's namespace.
type HostRoute struct {
	Table   uint32
	To      netip.Prefix
	Type    RouteType
	Link    string     // Unicast
	Gateway netip.Addr // Unicast: invalid means on the link
	Metric  int
}

// RouteType is the kernel's type of a route.
type RouteType string

// The types of routes that a VPC needs.
const (
	Unicast     RouteType = "unicast"
	LocalRoute  RouteType = "local"     // delivered to listeners in the VPC's namespace
	BlackholeRT RouteType = "blackhole" // dropped in silence: a time-out, as on AWS
)

// PolicyRule sends packets from a range, or with a mark, to a kernel table.
type PolicyRule struct {
	Priority int
	From     netip.Prefix // invalid: from anywhere
	Mark     uint32       // of packets; 0: any
	Table    uint32
}

// Names and numbers that a VPC's namespace uses.
const (
	uplinkName   = "up0"
	eniPrefix    = "eni"
	eniIDs       = "eni-" // what the ids of ENIs start with, and of nothing else
	mainTable    = 254
	insideRules  = 32700 // from a subnet that routes part of the VPC elsewhere; before the main table
	publicRules  = 32800 // from one ENI with a public IP; after the main table (32766)
	subnetRules  = 32900 // from a subnet
	lastResort   = 4096  // metric of the blackhole that ends every table
	attachedMTU  = 9001  // as on Fargate
	internetMTU  = 1500  // as an internet gateway carries
	maxLinkName  = 15
	namespaceDir = "/run/netns/"
)

// String is the state as text, one object a line, in the words of iproute2 and nft.
func (h Host) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "namespace %s\n", h.Namespace)
	if u := h.Uplink; u != nil {
		fmt.Fprintf(&b, "uplink %s %s peer %s %s\n", uplinkName, u.VPC, u.HostLink, u.Host)
	}
	for _, a := range h.Public {
		fmt.Fprintf(&b, "public %s\n", a)
	}
	for _, l := range h.Links {
		fmt.Fprintf(&b, "link %s peer eth0 in %s address %s via %s lladdr %s\n", l.Name, l.Namespace, l.Address, l.Gateway, l.MAC)
		if l.IPv6.IsValid() {
			fmt.Fprintf(&b, "link %s address %s via %s\n", l.Name, l.IPv6, router6)
		}
	}
	for _, p := range h.Peers {
		fmt.Fprintf(&b, "peer %s in %s lladdr %s peer %s\n", p.Name, p.Namespace, p.MAC, p.Peer)
	}
	for _, a := range h.Addresses {
		fmt.Fprintf(&b, "address %s dev lo\n", host(a))
	}
	for _, r := range h.Rules {
		fmt.Fprintf(&b, "rule %s\n", r)
	}
	for _, r := range h.Routes {
		fmt.Fprintf(&b, "route %s\n", r)
	}
	b.WriteString(h.Filter.String())
	if h.six() {
		b.WriteString("table ip6\n" + inSix.Replace(h.Filter6.String()))
	}
	return b.String()
}

// six reports whether the VPC has IPv6.
func (h Host) six() bool { return len(h.Filter6.Chains) > 0 }

// inSix says in nft's words of IPv6 what a Filter says of IPv4.
var inSix = strings.NewReplacer("ipv4_addr", "ipv6_addr", "ip saddr", "ip6 saddr", "ip daddr", "ip6 daddr", "icmp type", "icmpv6 type", "icmp code", "icmpv6 code")

func (r PolicyRule) String() string {
	if !r.From.IsValid() {
		return fmt.Sprintf("%d from all fwmark %#x lookup %s", r.Priority, r.Mark, tableName(r.Table))
	}
	return fmt.Sprintf("%d from %s lookup %s", r.Priority, r.From, tableName(r.Table))
}

func (r HostRoute) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Type, r.To)
	if r.Gateway.IsValid() {
		fmt.Fprintf(&b, " via %s", r.Gateway)
	}
	if r.Link != "" {
		fmt.Fprintf(&b, " dev %s", r.Link)
	}
	if r.Metric != 0 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	fmt.Fprintf(&b, " table %s", tableName(r.Table))
	return b.String()
}

// tableName writes a table's number as the address that it was made of.
func tableName(n uint32) string {
	if n == mainTable {
		return "main"
	}
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String()
}
