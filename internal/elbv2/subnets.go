package elbv2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// subnets checks the subnets of a load balancer, one in each of at least two zones
// of one VPC; a network load balancer may have one alone.
func (q scope) subnets(network bool, names []string, mappings []elbv2api.SubnetMapping) (vpc string, out []state.LoadBalancerSubnet, err error) {
	if len(names) > 0 && len(mappings) > 0 {
		return "", nil, invalid("You must specify either subnets or subnet mappings, not both")
	}
	names = slices.Clone(names)
	for _, m := range mappings {
		if !network && (m.AllocationId != "" || m.PrivateIPv4Address != "" || m.IPv6Address != "" || m.SourceNatIpv6Prefix != "") {
			return "", nil, configuration("You cannot specify addresses in subnet mappings for load balancers of type 'application'")
		}
		names = append(names, m.SubnetId)
	}
	zones := map[string]bool{}
	for _, name := range unique(names) {
		n, ok := state.Subnets.Get(q.tx, q.key(name))
		switch {
		case !ok:
			return "", nil, &elbv2api.SubnetNotFoundException{Message: "The subnet ID '" + name + "' does not exist"}
		case vpc != "" && n.VpcID != vpc:
			return "", nil, configuration("All subnets must belong to the same VPC: '%s'", vpc)
		case zones[n.AvailabilityZone]:
			return "", nil, configuration("A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		vpc, zones[n.AvailabilityZone] = n.VpcID, true
		out = append(out, state.LoadBalancerSubnet{SubnetID: n.ID, AvailabilityZone: n.AvailabilityZone})
	}
	switch {
	case network && len(out) == 0:
		return "", nil, invalid("At least one subnet must be specified")
	case !network && len(out) < 2:
		return "", nil, invalid("At least two subnets in two different Availability Zones must be specified")
	}
	return vpc, out, nil
}

// securityGroups checks the groups of a load balancer; none stands for the VPC's
// default group.
func (q scope) securityGroups(vpc string, groups []string) ([]string, error) {
	if len(groups) > 5 {
		return nil, configuration("A load balancer can have at most 5 security groups")
	}
	groups = unique(groups)
	for _, name := range groups {
		g, ok := state.SecurityGroups.Get(q.tx, q.key(name))
		if !ok || g.VpcID != vpc {
			return nil, configuration("One or more security groups are invalid")
		}
	}
	if len(groups) == 0 {
		for g := range state.SecurityGroups.By(q.tx, "vpc", q.key(vpc)) {
			if g.Name == "default" {
				groups = []string{g.ID}
			}
		}
	}
	return groups, nil
}

// changeBalancer changes a load balancer's record.
func (s *Service) changeBalancer(ctx context.Context, text string, change func(scope, *state.LoadBalancer) error) (*state.LoadBalancer, error) {
	var out state.LoadBalancer
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		b, err := q.loadBalancer(text)
		if err != nil {
			return err
		}
		out = *b
		if err := change(q, &out); err != nil {
			return err
		}
		state.LoadBalancers.Put(tx, &out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// SetSubnets puts other subnets in place of a load balancer's.
func (s *Service) SetSubnets(ctx context.Context, in *elbv2api.SetSubnetsInput) (*elbv2api.SetSubnetsOutput, error) {
	if in.IpAddressType != "" && in.IpAddressType != elbv2api.IpAddressTypeIpv4 {
		return nil, unsupported("The IP address type '" + string(in.IpAddressType) + "'")
	}
	if in.EnablePrefixForIpv6SourceNat != "" {
		return nil, unsupported("EnablePrefixForIpv6SourceNat")
	}
	b, err := s.changeBalancer(ctx, in.LoadBalancerArn, func(q scope, b *state.LoadBalancer) error {
		vpc, subnets, err := q.subnets(b.Network(), in.Subnets, in.SubnetMappings)
		if err != nil {
			return err
		}
		if vpc != b.VpcID {
			return configuration("All subnets must belong to the same VPC: '%s'", b.VpcID)
		}
		for i, n := range subnets {
			if at := slices.IndexFunc(b.Subnets, func(o state.LoadBalancerSubnet) bool { return o.SubnetID == n.SubnetID }); at >= 0 {
				subnets[i] = b.Subnets[at]
			}
		}
		b.Subnets = subnets
		return q.addresses(b, in.SubnetMappings)
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.SetSubnetsOutput{AvailabilityZones: zones(b), IpAddressType: elbv2api.IpAddressTypeIpv4}, nil
}

// SetSecurityGroups puts other security groups in place of a load balancer's.
func (s *Service) SetSecurityGroups(ctx context.Context, in *elbv2api.SetSecurityGroupsInput) (*elbv2api.SetSecurityGroupsOutput, error) {
	b, err := s.changeBalancer(ctx, in.LoadBalancerArn, func(q scope, b *state.LoadBalancer) (err error) {
		switch enforce := in.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic; {
		case enforce != "" && !b.Network():
			return configuration("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic is not supported for load balancers of type 'application'")
		case enforce == "off":
			return unsupported("EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic 'off'")
		case b.Network() && len(b.SecurityGroupIDs) == 0:
			return configuration("You cannot set security groups on a Network Load Balancer which was created without any security groups.")
		case len(in.SecurityGroups) == 0:
			return invalid("A load balancer must have at least one security group")
		}
		b.SecurityGroupIDs, err = q.securityGroups(b.VpcID, in.SecurityGroups)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.SetSecurityGroupsOutput{SecurityGroupIds: b.SecurityGroupIDs}, nil
}

// SetIpAddressType accepts the one type that we carry out.
func (s *Service) SetIpAddressType(ctx context.Context, in *elbv2api.SetIpAddressTypeInput) (*elbv2api.SetIpAddressTypeOutput, error) {
	if _, err := scopeOf(ctx, s.DB.Read()).loadBalancer(in.LoadBalancerArn); err != nil {
		return nil, err
	}
	if in.IpAddressType != elbv2api.IpAddressTypeIpv4 {
		return nil, unsupported("The IP address type '" + string(in.IpAddressType) + "'")
	}
	return &elbv2api.SetIpAddressTypeOutput{IpAddressType: in.IpAddressType}, nil
}
