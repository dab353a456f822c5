package elbv2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// hostedZones are the Route 53 zones of load balancers' names, by region, as
// AWS's General Reference lists them.
var hostedZones = map[string]string{
	"us-east-1": "Z35SXDOTRQ7X7K", "us-east-2": "Z3AADJGX6KTTL2", "us-west-1": "Z368ELLRRE2KJ0", "us-west-2": "Z1H1FL5HABSF5",
	"af-south-1": "Z268VQBMOI5EKX", "ap-east-1": "Z3DQVH9N71FHZ0", "ap-northeast-1": "Z14GRHDCWA56QT", "ap-northeast-2": "ZWKZPGTI48KDX",
	"ap-northeast-3": "Z5LXEXXYW11ES", "ap-south-1": "ZP97RAFLXTNZK", "ap-southeast-1": "Z1LMS91P8CMLE5", "ap-southeast-2": "Z1GM3OXH4ZPM65",
	"ca-central-1": "ZQSVJUPU6J1EY", "eu-central-1": "Z215JYRZR1TBD5", "eu-north-1": "Z23TAZ6LKFMNIO", "eu-south-1": "Z3ULH7SSC9OV64",
	"eu-west-1": "Z32O12XQLNTSW2", "eu-west-2": "ZHURV8PSTC4K8", "eu-west-3": "Z3Q77PNBQS71R4", "me-south-1": "ZS929ML54UICD", "sa-east-1": "Z2P70J7HTTTPLU",
}

// networkZones are those of the names of network load balancers.
var networkZones = map[string]string{
	"us-east-1": "Z26RNL4JYFTOTI", "us-east-2": "ZLMOA37VPKANP", "us-west-1": "Z24FKFUX50B4VW", "us-west-2": "Z18D5FSROUN65G",
	"af-south-1": "Z203XCE67M25HM", "ap-east-1": "Z12Y7K3UBGUAD1", "ap-northeast-1": "Z31USIVHYNEOWT", "ap-northeast-2": "ZIBE1TIR4HY56",
	"ap-northeast-3": "Z1GWIQ4HH19I5X", "ap-south-1": "ZVDDRBQ08TROA", "ap-southeast-1": "ZKVM4W9LS7TM", "ap-southeast-2": "ZCT6FZBF4DROD",
	"ca-central-1": "Z2EPGBW3API2WT", "eu-central-1": "Z3F0SRJ5LGBH90", "eu-north-1": "Z1UDT6IFJ4EJM", "eu-south-1": "Z23146JA1KNAFP",
	"eu-west-1": "Z2IFOLAFXWLO4F", "eu-west-2": "ZD4D7Y8KGAS4G", "eu-west-3": "Z1CMS0P5QUZ6D5", "me-south-1": "Z3QSRYVP46NYYV", "sa-east-1": "ZTK26PT1VY4CU",
}

// DescribeLoadBalancers lists load balancers.
func (s *Service) DescribeLoadBalancers(ctx context.Context, in *elbv2api.DescribeLoadBalancersInput) (*elbv2api.DescribeLoadBalancersOutput, error) {
	if len(in.LoadBalancerArns) > 0 && len(in.Names) > 0 {
		return nil, invalid("Load balancer ARNs and load balancer names cannot be specified at the same time")
	}
	q := scopeOf(ctx, s.DB.Read())
	var found []*state.LoadBalancer
	for _, text := range unique(in.LoadBalancerArns) {
		b, err := q.loadBalancer(text)
		if err != nil {
			return nil, err
		}
		found = append(found, b)
	}
	for _, name := range unique(in.Names) {
		b, ok := q.balancerNamed(name)
		if !ok {
			return nil, noLoadBalancers(name)
		}
		found = append(found, b)
	}
	if len(in.LoadBalancerArns)+len(in.Names) == 0 {
		for b := range state.LoadBalancers.All(q.tx, state.Prefix(q.account, q.region)) {
			if b.Status != state.LoadBalancerDeleting {
				found = append(found, b)
			}
		}
	}
	found, next, err := page(found, (*state.LoadBalancer).Key, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeLoadBalancersOutput{LoadBalancers: []elbv2api.LoadBalancer{}, NextMarker: next}
	for _, b := range found {
		out.LoadBalancers = append(out.LoadBalancers, describe(b))
	}
	return out, nil
}

func describe(b *state.LoadBalancer) elbv2api.LoadBalancer {
	zone := hostedZones[b.Region]
	if b.Network() {
		zone = networkZones[b.Region]
	}
	return elbv2api.LoadBalancer{
		LoadBalancerArn: b.ARN(), DNSName: b.DNSName, CanonicalHostedZoneId: zone, CreatedTime: b.CreatedAt, LoadBalancerName: b.Name,
		Scheme: elbv2api.LoadBalancerSchemeEnum(b.Scheme), VpcId: b.VpcID, State: &elbv2api.LoadBalancerState{Code: elbv2api.LoadBalancerStateEnum(b.Status)},
		Type: elbv2api.LoadBalancerTypeEnum(b.Type), AvailabilityZones: zones(b), SecurityGroups: b.SecurityGroupIDs, IpAddressType: elbv2api.IpAddressTypeIpv4,
	}
}

func zones(b *state.LoadBalancer) []elbv2api.AvailabilityZone {
	out := []elbv2api.AvailabilityZone{}
	for _, n := range b.Subnets {
		zone := elbv2api.AvailabilityZone{ZoneName: n.AvailabilityZone, SubnetId: n.SubnetID, LoadBalancerAddresses: []elbv2api.LoadBalancerAddress{}}
		switch {
		case n.AllocationID != "":
			zone.LoadBalancerAddresses = append(zone.LoadBalancerAddresses, elbv2api.LoadBalancerAddress{IpAddress: n.PublicIP, AllocationId: n.AllocationID})
		case n.Address != "":
			zone.LoadBalancerAddresses = append(zone.LoadBalancerAddresses, elbv2api.LoadBalancerAddress{PrivateIPv4Address: n.Address})
		}
		out = append(out, zone)
	}
	return out
}

// DescribeLoadBalancerAttributes lists the attributes of a load balancer.
func (s *Service) DescribeLoadBalancerAttributes(ctx context.Context, in *elbv2api.DescribeLoadBalancerAttributesInput) (*elbv2api.DescribeLoadBalancerAttributesOutput, error) {
	b, err := scopeOf(ctx, s.DB.Read()).loadBalancer(in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeLoadBalancerAttributesOutput{Attributes: balancerAttributesOut(b)}, nil
}

func balancerAttributesOut(b *state.LoadBalancer) []elbv2api.LoadBalancerAttribute {
	var out []elbv2api.LoadBalancerAttribute
	for _, a := range balancerAttributesOf(b) {
		out = append(out, elbv2api.LoadBalancerAttribute{Key: a.key, Value: valueOf(b.Attributes, a)})
	}
	return out
}

// ModifyLoadBalancerAttributes changes attributes of a load balancer.
func (s *Service) ModifyLoadBalancerAttributes(ctx context.Context, in *elbv2api.ModifyLoadBalancerAttributesInput) (*elbv2api.ModifyLoadBalancerAttributesOutput, error) {
	more := map[string]string{}
	for _, a := range in.Attributes {
		more[a.Key] = a.Value
	}
	old, err := scopeOf(ctx, s.DB.Read()).loadBalancer(in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	planned := *old
	if planned.Attributes, err = setAttributes(balancerAttributesOf(old), old.Attributes, more, "Load balancer"); err != nil {
		return nil, err
	}
	if err := s.checkLogs(ctx, old, &planned); err != nil {
		return nil, err
	}
	b, err := s.changeBalancer(ctx, in.LoadBalancerArn, func(_ scope, b *state.LoadBalancer) (err error) {
		b.Attributes, err = setAttributes(balancerAttributesOf(b), b.Attributes, more, "Load balancer")
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyLoadBalancerAttributesOutput{Attributes: balancerAttributesOut(b)}, nil
}
