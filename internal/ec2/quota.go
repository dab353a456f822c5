package ec2

import (
	"iter"
	"strconv"

	"github.com/neargate/neargate/internal/state"
)

// quota is one of AWS's limits: how many, and what AWS says when it is reached.
type quota struct {
	most       int
	code, text string
}

// The quotas. Where AWS raises one on request, this is a raised one: nobody's
// machine is short of VPCs. Those that templates are written around are AWS's own.
var (
	quotaVpcs               = quota{100, "VpcLimitExceeded", "The maximum number of VPCs has been reached."}
	quotaCIDRs              = quota{50, "VpcCidrBlockLimitExceeded", "The maximum number of CIDR blocks has been reached."}
	quotaCIDRs6             = quota{5, "VpcCidrBlockLimitExceeded", "The maximum number of IPv6 CIDR blocks has been reached."}
	quotaEgressOnlyGateways = quota{100, "EgressOnlyInternetGatewayLimitExceeded", "The maximum number of egress-only internet gateways has been reached."}
	quotaSubnets            = quota{200, "SubnetLimitExceeded", "The maximum number of subnets has been reached."}
	quotaRouteTables        = quota{200, "RouteTableLimitExceeded", "The maximum number of route tables has been reached."}
	quotaRoutes             = quota{500, "RouteLimitExceeded", "The maximum number of routes has been reached."}
	quotaInternetGateways   = quota{100, "InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached."}
	quotaGroups             = quota{2500, "SecurityGroupLimitExceeded", "The maximum number of security groups has been reached."}
	quotaRules              = quota{60, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."}
	quotaNetworkACLs        = quota{200, "NetworkAclLimitExceeded", "The maximum number of network ACLs has been reached."}
	quotaNetworkACLEntries  = quota{20, "NetworkAclEntryLimitExceeded", "The maximum number of network acl entries has been reached."}
	quotaPrefixLists        = quota{100, "PrefixListLimitExceeded", "The maximum number of prefix lists has been reached."}
	quotaInterfaceGroups    = quota{5, "SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface has been reached."}
	quotaEndpoints          = quota{50, "VpcEndpointLimitExceeded", "The maximum number of VPC endpoints has been reached."}
	quotaDHCPOptions        = quota{100, "DhcpOptionsLimitExceeded", "The maximum number of DHCP options has been reached."}
	quotaAddresses          = quota{100, "AddressLimitExceeded", "The maximum number of addresses has been reached."}
	quotaInsightsPaths      = quota{100, "NetworkInsightsPath.LimitExceeded", "The maximum number of network insights paths has been reached."}
	quotaAnalyses           = quota{1000, "NetworkInsightsAnalysis.LimitExceeded", "The maximum number of network insights analyses has been reached."}
	quotaNatGateways        = quota{50, "NatGatewayLimitExceeded", "The maximum number of NAT gateways has been reached."}
)

// allows returns AWS's error when the quota has no room for n.
func (l quota) allows(n int) error {
	if n > l.most {
		return errorf(l.code, "%s", l.text)
	}
	return nil
}

// oneMore returns AWS's error when seq holds as many as the quota allows.
func oneMore[T any](l quota, seq iter.Seq[T]) error { return l.allows(count(seq) + 1) }

func itoa(n int) string { return strconv.Itoa(n) }

func count[T any](seq iter.Seq[T]) int {
	n := 0
	for range seq {
		n++
	}
	return n
}

// any first record of seq.
func first[T any](seq iter.Seq[*T]) (*T, bool) {
	for rec := range seq {
		return rec, true
	}
	return nil, false
}

func exists[T any](seq iter.Seq[*T]) bool {
	_, ok := first(seq)
	return ok
}

// clone copies tags, so that a record never shares a slice with a request.
func clone(tags []state.Tag) []state.Tag { return append([]state.Tag(nil), tags...) }
