package elbv2

import (
	"cmp"
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/loadbalancer"
)

func findPolicy(name string) (loadbalancer.Policy, bool) {
	i := slices.IndexFunc(loadbalancer.Policies, func(p loadbalancer.Policy) bool { return p.Name == name })
	if i < 0 {
		return loadbalancer.Policy{}, false
	}
	return loadbalancer.Policies[i], true
}

// DescribeSSLPolicies lists the security policies of HTTPS listeners. What Go has no
// cipher for is listed, as on AWS, but negotiated with nobody.
func (s *Service) DescribeSSLPolicies(_ context.Context, in *elbv2api.DescribeSSLPoliciesInput) (*elbv2api.DescribeSSLPoliciesOutput, error) {
	if in.LoadBalancerType == elbv2api.LoadBalancerTypeEnumGateway {
		return nil, unsupported("The load balancer type '" + string(in.LoadBalancerType) + "'")
	}
	found := slices.Clone(loadbalancer.Policies)
	if len(in.Names) > 0 {
		found = nil
		for _, name := range unique(in.Names) {
			p, ok := findPolicy(name)
			if !ok {
				return nil, &elbv2api.SSLPolicyNotFoundException{Message: "SSL policy '" + name + "' not found"}
			}
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b loadbalancer.Policy) int { return cmp.Compare(a.Name, b.Name) })
	found, next, err := page(found, func(p loadbalancer.Policy) string { return p.Name }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeSSLPoliciesOutput{SslPolicies: []elbv2api.SslPolicy{}, NextMarker: next}
	for _, p := range found {
		policy := elbv2api.SslPolicy{Name: p.Name, SslProtocols: p.Protocols, SupportedLoadBalancerTypes: []string{typeApplication, typeNetwork}}
		for i, name := range p.Ciphers {
			policy.Ciphers = append(policy.Ciphers, elbv2api.Cipher{Name: name, Priority: new(int32(i + 1))})
		}
		out.SslPolicies = append(out.SslPolicies, policy)
	}
	return out, nil
}
