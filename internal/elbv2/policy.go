package elbv2

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
)

// defaultPolicy is that of listeners that are made by the API without one.
const defaultPolicy = "ELBSecurityPolicy-2016-08"

// securityPolicy is a predefined security policy of HTTPS listeners: the oldest
// and newest version of TLS, and which ciphers of each kind it has.
type securityPolicy struct {
	name           string
	oldest, newest string
	forwardSHA     bool // ECDHE with CBC and SHA-2
	forwardSHA1    bool // ECDHE with CBC and SHA-1
	rsa            bool // RSA key exchange with GCM, and CBC with SHA-2
	rsaSHA1        bool // RSA key exchange with CBC and SHA-1
}

// policies are those that we carry out, after AWS's table of them. What Go has no
// cipher for is negotiated by nobody; docs/load-balancers.md lists it.
var policies = []securityPolicy{
	{"ELBSecurityPolicy-2016-08", "TLSv1", "TLSv1.2", true, true, true, true},
	{"ELBSecurityPolicy-FS-1-1-2019-08", "TLSv1.1", "TLSv1.2", true, true, false, false},
	{"ELBSecurityPolicy-FS-1-2-2019-08", "TLSv1.2", "TLSv1.2", true, true, false, false},
	{"ELBSecurityPolicy-FS-1-2-Res-2019-08", "TLSv1.2", "TLSv1.2", true, false, false, false},
	{"ELBSecurityPolicy-FS-1-2-Res-2020-10", "TLSv1.2", "TLSv1.2", false, false, false, false},
	{"ELBSecurityPolicy-FS-2018-06", "TLSv1", "TLSv1.2", true, true, false, false},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", "TLSv1.1", "TLSv1.2", true, true, true, true},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", "TLSv1.2", "TLSv1.2", true, false, true, false},
	{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", "TLSv1.2", "TLSv1.2", true, true, true, true},
	{"ELBSecurityPolicy-TLS13-1-0-2021-06", "TLSv1", "TLSv1.3", true, true, true, true},
	{"ELBSecurityPolicy-TLS13-1-1-2021-06", "TLSv1.1", "TLSv1.3", true, true, true, true},
	{"ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2", "TLSv1.3", true, false, false, false},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", "TLSv1.2", "TLSv1.3", true, false, true, false},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", "TLSv1.2", "TLSv1.3", true, true, true, true},
	{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "TLSv1.2", "TLSv1.3", false, false, false, false},
	{"ELBSecurityPolicy-TLS13-1-3-2021-06", "TLSv1.3", "TLSv1.3", false, false, false, false},
}

// versions of TLS, the oldest first.
var versions = []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

func findPolicy(name string) (securityPolicy, bool) {
	i := slices.IndexFunc(policies, func(p securityPolicy) bool { return p.name == name })
	if i < 0 {
		return securityPolicy{}, false
	}
	return policies[i], true
}

// ciphers are the policy's ciphers by OpenSSL's names, the preferred ones first.
func (p securityPolicy) ciphers() []string {
	var out []string
	add := func(have bool, names string) {
		if have {
			out = append(out, strings.Fields(names)...)
		}
	}
	old := p.oldest != "TLSv1.3"
	add(p.newest == "TLSv1.3", "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256")
	add(old, "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256")
	add(p.forwardSHA, "ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256")
	add(p.forwardSHA1, "ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA")
	add(old, "ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384")
	add(p.forwardSHA, "ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384")
	add(p.forwardSHA1, "ECDHE-RSA-AES256-SHA ECDHE-ECDSA-AES256-SHA")
	add(p.rsa, "AES128-GCM-SHA256 AES128-SHA256")
	add(p.rsaSHA1, "AES128-SHA")
	add(p.rsa, "AES256-GCM-SHA384 AES256-SHA256")
	add(p.rsaSHA1, "AES256-SHA")
	return out
}

// DescribeSSLPolicies lists the security policies.
func (s *Service) DescribeSSLPolicies(_ context.Context, in *elbv2api.DescribeSSLPoliciesInput) (*elbv2api.DescribeSSLPoliciesOutput, error) {
	if in.LoadBalancerType != "" && in.LoadBalancerType != elbv2api.LoadBalancerTypeEnumApplication {
		return nil, unsupported("The load balancer type '" + string(in.LoadBalancerType) + "'")
	}
	found := policies
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
	found, next, err := page(found, func(p securityPolicy) string { return p.name }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeSSLPoliciesOutput{SslPolicies: []elbv2api.SslPolicy{}, NextMarker: next}
	for _, p := range found {
		policy := elbv2api.SslPolicy{Name: p.name, SupportedLoadBalancerTypes: []string{"application"}}
		policy.SslProtocols = slices.Clone(versions[slices.Index(versions, p.oldest) : slices.Index(versions, p.newest)+1])
		slices.Reverse(policy.SslProtocols)
		for i, name := range p.ciphers() {
			priority := int32(i + 1)
			policy.Ciphers = append(policy.Ciphers, elbv2api.Cipher{Name: name, Priority: &priority})
		}
		out.SslPolicies = append(out.SslPolicies, policy)
	}
	return out, nil
}
