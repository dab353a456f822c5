package network

import "net/netip"

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
}

// The ranges of a Site that nobody configured. The first is the reserved
// benchmarking range; the second is link-local, which AWS refuses for VPCs,
// without the part that holds well-known addresses.
var (
	DefaultAWS     = netip.MustParsePrefix("198.18.0.0/15")
	DefaultUplinks = netip.MustParsePrefix("169.254.64.0/18")
)

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
