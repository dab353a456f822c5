package ec2

import (
	"context"
	"net/netip"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var vpcResource = resource[state.Vpc]{
	table: state.Vpcs, kind: kindVpc,
	id:   func(v *state.Vpc) string { return v.ID },
	tags: func(v *state.Vpc) []state.Tag { return v.Tags },
	fields: fields[state.Vpc]{
		"vpc-id":                            func(_ *scope, v *state.Vpc) []string { return one(v.ID) },
		"cidr":                              func(_ *scope, v *state.Vpc) []string { return one(v.CIDRBlock) },
		"cidrBlock":                         func(_ *scope, v *state.Vpc) []string { return one(v.CIDRBlock) },
		"dhcp-options-id":                   func(_ *scope, v *state.Vpc) []string { return one(v.DHCPOptionsID) },
		"dhcpOptionsId":                     func(_ *scope, v *state.Vpc) []string { return one(v.DHCPOptionsID) },
		"is-default":                        func(_ *scope, v *state.Vpc) []string { return yes(v.IsDefault) },
		"isDefault":                         func(_ *scope, v *state.Vpc) []string { return yes(v.IsDefault) },
		"owner-id":                          func(_ *scope, v *state.Vpc) []string { return one(v.Account) },
		"state":                             func(_ *scope, v *state.Vpc) []string { return one("available") },
		"cidr-block-association.cidr-block": func(_ *scope, v *state.Vpc) []string { return each(vpcCIDRs(v), netip.Prefix.String) },
		"cidr-block-association.association-id": func(_ *scope, v *state.Vpc) []string {
			return each(vpcAssociations(v), func(a state.CIDRAssociation) string { return a.ID })
		},
		"cidr-block-association.state":                func(_ *scope, v *state.Vpc) []string { return one("associated") },
		"ipv6-cidr-block-association.ipv6-cidr-block": func(_ *scope, v *state.Vpc) []string { return each(vpcCIDRs6(v), netip.Prefix.String) },
		"ipv6-cidr-block-association.association-id": func(_ *scope, v *state.Vpc) []string {
			return each(v.IPv6CIDRs, func(a state.CIDRAssociation) string { return a.ID })
		},
		"ipv6-cidr-block-association.state": func(_ *scope, v *state.Vpc) []string {
			return each(v.IPv6CIDRs, func(state.CIDRAssociation) string { return "associated" })
		},
	},
}

// CreateVpc makes a VPC with its main route table, default security group and
// default network ACL.
func (s *Service) CreateVpc(ctx context.Context, in *ec2api.CreateVpcRequest) (*ec2api.CreateVpcResult, error) {
	if err := unsupported(in, "CidrBlock", "AmazonProvidedIpv6CidrBlock", "InstanceTenancy", "TagSpecifications"); err != nil {
		return nil, err
	}
	if in.CidrBlock == "" {
		return nil, errMissing("cidrBlock")
	}
	if in.InstanceTenancy != "" && in.InstanceTenancy != "default" {
		return nil, errUnsupported("The instance tenancy " + string(in.InstanceTenancy))
	}
	cidr, err := s.options.parseVpcCIDR(in.CidrBlock)
	if err != nil {
		return nil, err
	}
	var out ec2api.CreateVpcResult
	err = s.write(ctx, in.DryRun, func(q *scope) error {
		if err := oneMore(quotaVpcs, state.Vpcs.All(q.tx, q.prefix())); err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "vpc")
		if err != nil {
			return err
		}
		vpc := q.makeVpc(cidr, tags, false)
		out.Vpc = q.vpcOut(vpc)
		out.Vpc.State = ec2api.VpcStatePending // as AWS answers here
		if !wire.Or(in.AmazonProvidedIpv6CidrBlock, false) {
			return nil
		}
		association, err := q.addCIDR6(vpc)
		if err != nil {
			return err
		}
		out.Vpc.Ipv6CidrBlockAssociationSet = []ec2api.VpcIpv6CidrBlockAssociation{*association}
		return nil
	})
	return &out, err
}

// makeVpc stores a new VPC and what every VPC has.
func (q *scope) makeVpc(cidr netip.Prefix, tags []state.Tag, isDefault bool) *state.Vpc {
	region, _ := state.NetworkRegions.Get(q.tx, q.key(regionID))
	vpc := &state.Vpc{
		Account: q.account, Region: q.region, ID: ids.New("vpc"),
		CIDRBlock: cidr.String(), CIDRAssociationID: ids.New("vpc-cidr-assoc"),
		IsDefault: isDefault, DHCPOptionsID: region.DefaultDHCPOptionsID,
		EnableDNSSupport: true, EnableDNSHostnames: isDefault,
		Tags: tags, CreatedAt: q.now, Tool: q.tool(),
	}
	state.Vpcs.Put(q.tx, vpc)
	state.RouteTables.Put(q.tx, &state.RouteTable{
		Account: q.account, Region: q.region, ID: ids.New("rtb"), VpcID: vpc.ID,
		Main: true, MainAssociationID: ids.New("rtbassoc"), Tool: q.tool(),
	})
	state.NetworkAcls.Put(q.tx, &state.NetworkAcl{Account: q.account, Region: q.region, ID: ids.New("acl"), VpcID: vpc.ID})
	state.SecurityGroups.Put(q.tx, defaultGroup(q, vpc.ID))
	return vpc
}

func (q *scope) vpcOut(v *state.Vpc) *ec2api.Vpc {
	return &ec2api.Vpc{
		VpcId: v.ID, OwnerId: v.Account, CidrBlock: v.CIDRBlock, State: ec2api.VpcStateAvailable,
		DhcpOptionsId: v.DHCPOptionsID, InstanceTenancy: "default", IsDefault: &v.IsDefault,
		CidrBlockAssociationSet: each(vpcAssociations(v), func(a state.CIDRAssociation) ec2api.VpcCidrBlockAssociation {
			return cidrAssociationOut(a, "associated")
		}),
		Ipv6CidrBlockAssociationSet: each(v.IPv6CIDRs, func(a state.CIDRAssociation) ec2api.VpcIpv6CidrBlockAssociation {
			return q.cidr6Out(a, "associated")
		}),
		BlockPublicAccessStates: &ec2api.BlockPublicAccessStates{InternetGatewayBlockMode: "off"},
		Tags:                    apiTags(v.Tags),
	}
}

// DescribeVpcs lists VPCs.
func (s *Service) DescribeVpcs(ctx context.Context, in *ec2api.DescribeVpcsRequest) (*ec2api.DescribeVpcsResult, error) {
	var out ec2api.DescribeVpcsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, vpcResource, query{in.VpcIds, "vpcIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.Vpcs = each(found, func(v *state.Vpc) ec2api.Vpc { return *q.vpcOut(v) })
		return err
	})
	return &out, err
}

// DeleteVpc deletes a VPC that holds nothing but what came with it.
func (s *Service) DeleteVpc(ctx context.Context, in *ec2api.DeleteVpcRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		key := vpc.Key()
		if q.vpcHasDependents(key) {
			return errDependency("vpc", vpc.ID)
		}
		for t := range state.RouteTables.By(q.tx, "vpc", key) {
			state.RouteTables.Delete(q.tx, t.Key())
		}
		for a := range state.NetworkAcls.By(q.tx, "vpc", key) {
			state.NetworkAcls.Delete(q.tx, a.Key())
		}
		for g := range state.SecurityGroups.By(q.tx, "vpc", key) {
			state.SecurityGroups.Delete(q.tx, g.Key())
		}
		for n := range state.NatGateways.By(q.tx, "vpc", key) {
			state.NatGateways.Delete(q.tx, n.Key()) // deleted ones that are still listed
		}
		q.endPeerings(vpc)
		state.Vpcs.Delete(q.tx, key)
		q.touch(vpc.ID)
		return nil
	})
}

func (q *scope) vpcHasDependents(key string) bool {
	for t := range state.RouteTables.By(q.tx, "vpc", key) {
		if !t.Main {
			return true
		}
	}
	for g := range state.SecurityGroups.By(q.tx, "vpc", key) {
		if g.Name != defaultGroupName {
			return true
		}
	}
	for a := range state.NetworkAcls.By(q.tx, "vpc", key) {
		if a.Custom {
			return true
		}
	}
	return exists(state.Subnets.By(q.tx, "vpc", key)) ||
		exists(state.InternetGateways.By(q.tx, "vpc", key)) ||
		exists(state.EgressOnlyInternetGateways.By(q.tx, "vpc", key)) ||
		exists(state.VpcEndpoints.By(q.tx, "vpc", key)) ||
		exists(state.NetworkInterfaces.By(q.tx, "vpc", key))
}

// ModifyVpcAttribute sets one of a VPC's DNS attributes.
func (s *Service) ModifyVpcAttribute(ctx context.Context, in *ec2api.ModifyVpcAttributeRequest) error {
	given := 0
	for _, a := range []*ec2api.AttributeBooleanValue{in.EnableDnsSupport, in.EnableDnsHostnames, in.EnableNetworkAddressUsageMetrics} {
		if a != nil {
			given++
		}
	}
	switch {
	case given > 1:
		return errorf("InvalidParameterCombination", "Fields for multiple attribute types specified")
	case given == 0:
		return errMissing("attribute")
	case in.EnableNetworkAddressUsageMetrics != nil && wire.Or(in.EnableNetworkAddressUsageMetrics.Value, false):
		return errUnsupported("The attribute enableNetworkAddressUsageMetrics")
	}
	return s.write(ctx, nil, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		state.Vpcs.Update(q.tx, vpc.Key(), func(v *state.Vpc) {
			if in.EnableDnsSupport != nil {
				v.EnableDNSSupport = wire.Or(in.EnableDnsSupport.Value, false)
			}
			if in.EnableDnsHostnames != nil {
				v.EnableDNSHostnames = wire.Or(in.EnableDnsHostnames.Value, false)
			}
		})
		q.touch(vpc.ID)
		return nil
	})
}

// DescribeVpcAttribute reads one of a VPC's attributes.
func (s *Service) DescribeVpcAttribute(ctx context.Context, in *ec2api.DescribeVpcAttributeRequest) (*ec2api.DescribeVpcAttributeResult, error) {
	var out ec2api.DescribeVpcAttributeResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		out.VpcId = vpc.ID
		switch in.Attribute {
		case "enableDnsSupport":
			out.EnableDnsSupport = &ec2api.AttributeBooleanValue{Value: &vpc.EnableDNSSupport}
		case "enableDnsHostnames":
			out.EnableDnsHostnames = &ec2api.AttributeBooleanValue{Value: &vpc.EnableDNSHostnames}
		case "enableNetworkAddressUsageMetrics":
			out.EnableNetworkAddressUsageMetrics = &ec2api.AttributeBooleanValue{Value: new(bool)}
		default:
			return errParameter(in.Attribute, "attribute", "Unknown attribute.")
		}
		return nil
	})
	return &out, err
}
