package network

import (
	"encoding/binary"
	"net/netip"
)

// Site is what all VPCs of an instance have in common.
type Site struct {
	// Instance is 1 to 8 lower-case letters and digits; it is part of the
	// name of every host object, so that instances do not touch each other's.
	Instance string
	// AWS is the range in which AWS's public names resolve inside VPCs. It
	// ends at us and never leaves the machine.
	AWS netip.Prefix
	// Uplinks is the range of the /30 networks between VPCs and the host,
	// which no VPC may have.
	Uplinks netip.Prefix
	// IPv6 is the range from which VPCs get their IPv6 ranges.
	IPv6 netip.Prefix
}

// The ranges of a Site that nobody configured. The first is the reserved
// benchmarking range; the second is link-local, which AWS refuses for VPCs,
// without the part that holds well-known addresses; the third is reserved for
// documentation, so that nobody on the internet has them.
var (
	DefaultAWS     = netip.MustParsePrefix("198.18.0.0/15")
	DefaultUplinks = netip.MustParsePrefix("169.254.64.0/18")
	DefaultIPv6    = netip.MustParsePrefix("2001:db8::/32")
)

// DefaultSite is a site with the ranges that nobody configured.
func DefaultSite(instance string) Site {
	return Site{Instance: instance, AWS: DefaultAWS, Uplinks: DefaultUplinks, IPv6: DefaultIPv6}
}

// private ranges are dropped by internet gateways, as on AWS; it also keeps
// tasks out of the networks around this machine.
var private = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/8"), // unspecified, loopback, IPv4 in other clothes
	netip.MustParsePrefix("fc00::/7"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("ff00::/8"),
}

// overlap returns the smaller of two prefixes when one holds the other.
func overlap(a, b netip.Prefix) (netip.Prefix, bool) {
	switch {
	case !a.Overlaps(b):
		return netip.Prefix{}, false
	case a.Bits() >= b.Bits():
		return a, true
	default:
		return b, true
	}
}

// within reports whether all of a lies in b.
func within(a, b netip.Prefix) bool { return a.Bits() >= b.Bits() && b.Contains(a.Addr()) }

// S3 is the part of AWS's range in which the names of S3 resolve: the prefixes
// of its prefix list (pl-...).
func (s Site) S3() netip.Prefix { return part(s.AWS, 5, 0) }

// DynamoDB is the part for the other service that has gateway endpoints.
func (s Site) DynamoDB() netip.Prefix { return part(s.AWS, 5, 1) }

// Services is the part for all other public names of AWS.
func (s Site) Services() netip.Prefix { return part(s.AWS, 2, 1) }

// PublicIPs is the part for the public and elastic IPs of interfaces.
func (s Site) PublicIPs() netip.Prefix { return part(s.AWS, 1, 1) }

// part is the n-th of the 2^bits parts of a prefix.
func part(p netip.Prefix, bits, n int) netip.Prefix {
	base := p.Masked().Addr().As4()
	length := p.Bits() + bits
	at := binary.BigEndian.Uint32(base[:]) + uint32(n)<<(32-length)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, at))), length)
}
