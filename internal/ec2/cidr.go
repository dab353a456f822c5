package ec2

import (
	"net/netip"
)

// The sizes that AWS allows for VPCs and subnets.
const (
	minBits = 16
	maxBits = 28
)

// reservedRanges are addresses that no VPC may have, as on AWS.
var reservedRanges = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"),
}

// parseCIDR reads an IPv4 range and makes it canonical, as AWS does.
func parseCIDR(text, parameter string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, errParameter(text, parameter, "This is not a valid CIDR block.")
	}
	return p.Masked(), nil
}

// parseCIDR6 reads an IPv6 range and makes it canonical.
func parseCIDR6(text, parameter string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil || !p.Addr().Is6() || p.Addr().Is4In6() {
		return netip.Prefix{}, errParameter(text, parameter, "This is not a valid CIDR block.")
	}
	return p.Masked(), nil
}

// parseSize reads a range for a VPC or a subnet; code is the error's for a
// range of the wrong size.
func parseSize(text, parameter, code string) (netip.Prefix, error) {
	p, err := parseCIDR(text, parameter)
	if err != nil {
		return p, err
	}
	if p.Bits() < minBits || p.Bits() > maxBits {
		return p, errorf(code, "The CIDR '%s' is invalid.", text)
	}
	return p, nil
}

// parseVpcCIDR reads the range of a VPC, which must not overlap with what AWS
// reserves nor with the ranges that this instance's data plane needs.
func (o *Options) parseVpcCIDR(text string) (netip.Prefix, error) {
	p, err := parseSize(text, "cidrBlock", "InvalidVpc.Range")
	if err != nil {
		return p, err
	}
	for _, r := range append(reservedRanges, o.Site.AWS, o.Site.Uplinks) {
		if r.IsValid() && r.Overlaps(p) {
			return p, errorf("InvalidVpc.Range", "The CIDR '%s' is invalid. It overlaps with the reserved range %s.", text, r)
		}
	}
	return p, nil
}

// contains reports whether all of inner lies in outer.
func contains(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// mustPrefix parses what a record holds.
func mustPrefix(text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// mustAddr parses what a record holds; the zero Addr for "".
func mustAddr(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return a
}
