package dns

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"slices"
	"strings"
)

// privateNames are the private DNS names of interface endpoints whose service
// name does not tell them. %s is the region.
var privateNames = map[string][]string{
	"ecr.dkr":         {"dkr.ecr.%s.amazonaws.com", "*.dkr.ecr.%s.amazonaws.com"},
	"ecs-agent":       {"ecs-a.%s.amazonaws.com"},
	"ecs-telemetry":   {"ecs-t.%s.amazonaws.com"},
	"kinesis-streams": {"kinesis.%s.amazonaws.com"},
	"execute-api":     {"execute-api.%s.amazonaws.com", "*.execute-api.%s.amazonaws.com"},
	"s3":              {"s3.%s.amazonaws.com", "*.s3.%s.amazonaws.com"},
}

// PrivateNames are the names that an interface endpoint takes over inside its
// VPC when private DNS is on. The service is as in com.amazonaws.REGION.SERVICE,
// for example "logs" or "ecr.api". The first name is the one that
// DescribeVpcEndpointServices shows; a leading "*." matches one or more labels.
func PrivateNames(service, region string) []string {
	names, ok := privateNames[service]
	if !ok {
		labels := strings.Split(service, ".")
		slices.Reverse(labels) // ecr.api is api.ecr
		names = []string{strings.Join(labels, ".") + ".%s.amazonaws.com"}
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ReplaceAll(n, "%s", region)
	}
	return out
}

// InternalName is the private DNS name of an address in a region's VPCs.
func InternalName(a netip.Addr, region string) string {
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + "." + internalDomain(region)
}

func internalDomain(region string) string {
	if region == "us-east-1" {
		return "ec2.internal"
	}
	return region + ".compute.internal"
}

// internalAddr is the reverse of InternalName.
func internalAddr(name, region string) (netip.Addr, bool) {
	label, ok := strings.CutSuffix(name, "."+internalDomain(region))
	if !ok {
		return netip.Addr{}, false
	}
	label, ok = strings.CutPrefix(label, "ip-")
	if !ok {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.ReplaceAll(label, "-", "."))
	return a, err == nil && a.Is4()
}

// reverseAddr reads the address out of a name below in-addr.arpa.
func reverseAddr(name string) (netip.Addr, bool) {
	labels, ok := strings.CutSuffix(name, ".in-addr.arpa")
	if !ok {
		return netip.Addr{}, false
	}
	parts := strings.Split(labels, ".")
	slices.Reverse(parts)
	a, err := netip.ParseAddr(strings.Join(parts, "."))
	return a, err == nil && a.Is4()
}

// IsS3 reports whether a name is one of S3's: an endpoint, a bucket as a host
// in any of the spellings in use, or the bucket that holds image layers.
func IsS3(name string) bool {
	rest, ok := strings.CutSuffix(name, ".amazonaws.com")
	if !ok {
		return false
	}
	labels := strings.Split(rest, ".")
	for i, label := range labels {
		// As in BUCKET.s3-eu-west-1 and s3-fips.eu-west-1; a bucket whose own
		// name starts so has more behind it.
		if label == "s3" || strings.HasPrefix(label, "s3-") && i >= len(labels)-2 {
			return true
		}
	}
	return false
}

// IsAWS reports whether a name is one of AWS's public names that Neargate answers
// for, with a service or with a clear error. Names that AWS hands out one by one
// (load balancers, endpoints, databases) are not: they exist or they do not.
func IsAWS(name string) bool {
	for _, own := range []string{".vpce.amazonaws.com", ".elb.amazonaws.com", ".rds.amazonaws.com", ".cache.amazonaws.com", ".compute.amazonaws.com", ".compute-1.amazonaws.com"} {
		if strings.HasSuffix(name, own) {
			return false
		}
	}
	for _, all := range []string{"amazonaws.com", "api.aws", "public.ecr.aws"} {
		if name == all || strings.HasSuffix(name, "."+all) {
			return true
		}
	}
	return false
}

// hashed picks an address of a prefix by name: always the same one, and neither
// the first nor the last of the prefix. False when there is no prefix.
func hashed(p netip.Prefix, name string) (netip.Addr, bool) {
	if !p.IsValid() || !p.Addr().Is4() {
		return netip.Addr{}, false
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	size := uint64(1) << (32 - p.Bits())
	base := p.Masked().Addr().As4()
	offset := uint64(0)
	if size > 2 {
		offset = 1 + h.Sum64()%(size-2)
	}
	n := binary.BigEndian.Uint32(base[:]) + uint32(offset)
	return netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n))), true
}

// Normal is a domain name as Route 53 keeps it: lower case, with the final dot,
// characters beyond those of host names as \ooo.
func Normal(name string) string {
	var b strings.Builder
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case c == '\\' && i+3 < len(name), c == '-', c == '_', c == '.', c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteByte(c)
		default:
			b.WriteString("\\" + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
		}
	}
	if name = b.String(); !strings.HasSuffix(name, ".") {
		name += "."
	}
	return name
}
