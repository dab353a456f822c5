package elbv2

import (
	"context"
	"strconv"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// AWS's quotas, as far as they are held.
const (
	maxBalancers    = 50   // application load balancers
	maxGroups       = 3000 // target groups
	maxTargets      = 1000 // of a group and load balancer
	maxListeners    = 50
	maxRules        = 100 // without default rules
	maxCertificates = 25  // without the default one
	maxTrustStores  = 20
	maxAuthorities  = 25     // of a trust store
	maxRevoked      = 500000 // certificates of a trust store
)

// DescribeAccountLimits tells the quotas.
func (s *Service) DescribeAccountLimits(_ context.Context, in *elbv2api.DescribeAccountLimitsInput) (*elbv2api.DescribeAccountLimitsOutput, error) {
	var all []elbv2api.Limit
	for _, l := range []struct {
		name string
		most int
	}{
		{"network-load-balancers", maxBalancers}, {"listeners-per-network-load-balancer", maxListeners}, {"certificates-per-network-load-balancer", maxCertificates},
		{"targets-per-network-load-balancer", maxTargets}, {"target-groups-per-action-on-network-load-balancer", 5},
		{"application-load-balancers", maxBalancers}, {"certificates-per-application-load-balancer", maxCertificates}, {"condition-values-per-alb-rule", maxValues},
		{"condition-wildcards-per-alb-rule", 6}, {"listeners-per-application-load-balancer", maxListeners}, {"rules-per-application-load-balancer", maxRules},
		{"target-groups", maxGroups}, {"target-groups-per-action-on-application-load-balancer", 5}, {"target-groups-per-application-load-balancer", 100},
		{"trust-stores", maxTrustStores},
		{"target-id-registrations-per-application-load-balancer", 1000}, {"targets-per-application-load-balancer", maxTargets},
	} {
		all = append(all, elbv2api.Limit{Name: l.name, Max: strconv.Itoa(l.most)})
	}
	all, next, err := page(all, func(l elbv2api.Limit) string { return l.Name }, in.Marker, in.PageSize)
	return &elbv2api.DescribeAccountLimitsOutput{Limits: all, NextMarker: next}, err
}
