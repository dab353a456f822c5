package reach

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/network"
)

// End is one end of a question: where packets come from or go to.
type End struct {
	Name string // what people call it: "task 4f0c2a91 (service web)", "internet"
	Kind EndKind

	ENI    string     `json:",omitempty"` // the interface that it has in a VPC
	VPC    string     `json:",omitempty"`
	Task   string     `json:",omitempty"`
	Addr   netip.Addr // private address of the interface, or the address that was named
	IPv6   netip.Addr // of the interface; invalid when there is none
	Public netip.Addr // of the interface; invalid when there is none
	Host   string     `json:",omitempty"` // a name that the source's resolver must resolve first

	Ports []Port `json:",omitempty"` // that it is known to serve, for questions that name none
}

// EndKind is what an End is.
type EndKind string

// The kinds of ends.
const (
	Interface EndKind = "interface" // of a task, an endpoint, a NAT gateway, or one that a user made
	Internet  EndKind = "internet"  // anywhere outside, as the host of this machine is for VPCs
	Address   EndKind = "address"
	Name      EndKind = "name" // of a host
)

// Port is a port of a protocol.
type Port struct {
	Port     int // TCP and UDP; the type for ICMP
	Protocol int // network.TCP, network.UDP or network.ICMP
}

// Somewhere and Somewhere6 stand for any address of the internet (TEST-NET-2, and
// the range of IPv6 for documentation).
var (
	Somewhere  = netip.MustParseAddr("198.51.100.1")
	Somewhere6 = netip.MustParseAddr("3fff:ffff::1")
)

// String is "tcp 443".
func (p Port) String() string {
	return network.Flow{Port: p.Port, Protocol: p.Protocol}.String()
}

// The types of echo requests of ICMP and ICMPv6.
const (
	echo  = 8
	echo6 = 128
)

// to is the port as it is at an address: ICMP is another protocol for IPv6.
func (p Port) to(a netip.Addr) Port {
	if a.Is6() && p == (Port{echo, network.ICMP}) {
		return Port{echo6, network.ICMPv6}
	}
	return p
}

// splitPort takes the port off a target: "web:80", "10.0.0.2:53/udp", "web:icmp",
// "[2001:db8::a]:80". The port is zero when there is none.
func splitPort(target string) (string, Port) {
	if _, err := netip.ParseAddr(strings.Trim(target, "[]")); err == nil {
		return strings.Trim(target, "[]"), Port{}
	}
	i := strings.LastIndexByte(target, ':')
	if i < 0 {
		return target, Port{}
	}
	p, ok := ParsePort(target[i+1:])
	if !ok {
		return target, Port{}
	}
	return strings.Trim(target[:i], "[]"), p
}

// ParsePort reads "80", "53/udp" and "icmp".
func ParsePort(text string) (Port, bool) {
	if text == "icmp" {
		return Port{echo, network.ICMP}, true
	}
	digits, name, named := strings.Cut(text, "/")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 65535 {
		return Port{}, false
	}
	switch {
	case !named || name == "tcp":
		return Port{n, network.TCP}, true
	case name == "udp":
		return Port{n, network.UDP}, true
	}
	return Port{}, false
}
