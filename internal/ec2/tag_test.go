package ec2_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
)

func (w *world) tagsOf(id string) map[string]string {
	w.t.Helper()
	tags := map[string]string{}
	for _, t := range must(w.service.DescribeTags(w.ctx, &ec2api.DescribeTagsRequest{Filters: []ec2api.Filter{filter("resource-id", id)}})).Tags {
		tags[t.Key] = t.Value
	}
	return tags
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	vpc := must(w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: "10.0.0.0/16", TagSpecifications: []ec2api.TagSpecification{
		{ResourceType: "vpc", Tags: []ec2api.Tag{{Key: "Name", Value: "a"}, {Key: "empty"}}},
	}})).Vpc.VpcId
	group := w.group(vpc, "web")
	rule := must(w.authorize(group, tcp(80, "0.0.0.0/0")))[0].SecurityGroupRuleId
	create := func(ctx context.Context, tags []ec2api.Tag, ids ...string) error {
		return w.service.CreateTags(ctx, &ec2api.CreateTagsRequest{Resources: ids, Tags: tags})
	}
	if err := create(w.ctx, []ec2api.Tag{{Key: "Name", Value: "b"}, {Key: "more", Value: "c"}}, vpc, group, rule); err != nil {
		t.Fatal(err)
	}
	if got := w.tagsOf(vpc); fmt.Sprint(got) != "map[Name:b empty: more:c]" {
		t.Errorf("tags of the VPC: %v", got)
	}
	if got := w.tagsOf(rule); fmt.Sprint(got) != "map[Name:b more:c]" {
		t.Errorf("tags of the rule: %v", got)
	}
	if err := w.service.DeleteTags(w.ctx, &ec2api.DeleteTagsRequest{Resources: []string{vpc}, Tags: []ec2api.Tag{{Key: "more", Value: "other"}, {Key: "Name"}}}); err != nil {
		t.Fatal(err)
	}
	if got := w.tagsOf(vpc); fmt.Sprint(got) != "map[empty: more:c]" {
		t.Errorf("tags left: %v", got)
	}

	aws := []ec2api.Tag{{Key: "aws:cloudformation:stack-name", Value: "s"}}
	fails(t, create(w.ctx, aws, vpc), "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
	id := caller.From(w.ctx)
	id.ViaService = "cloudformation.amazonaws.com"
	if err := create(caller.With(w.ctx, id), aws, vpc); err != nil {
		t.Errorf("CloudFormation's own tag: %v", err)
	}
	fails(t, create(w.ctx, []ec2api.Tag{{Key: "a"}}, "vpc-1"), "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist")
	fails(t, create(w.ctx, []ec2api.Tag{{Key: "a"}}, "i-1"), "InvalidID", "The ID 'i-1' is not valid")
	var many []ec2api.Tag
	for i := range 51 {
		many = append(many, ec2api.Tag{Key: fmt.Sprint("k", i)})
	}
	fails(t, create(w.ctx, many, group), "TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	_, err := w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: "10.0.0.0/24", TagSpecifications: []ec2api.TagSpecification{{ResourceType: "vpc"}}})
	fails(t, err, "InvalidParameterValue", "'vpc' is not a valid taggable resource type for this operation.")
}

func TestAccountsAndRegionsAreApart(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	for _, other := range []caller.Identity{caller.ForRoot("111111111111", "eu-west-1"), caller.ForRoot("000000000000", "us-east-1")} {
		ctx := caller.With(t.Context(), other)
		_, err := w.service.DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{vpc}})
		fails(t, err, "InvalidVpcID.NotFound", vpc)
		if n := len(must(w.service.DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{})).Vpcs); n != 1 {
			t.Errorf("%s in %s has %d VPCs", other.Account, other.Region, n)
		}
	}
}

func TestTheDefaultVpcStaysDeletedUntilItIsAskedFor(t *testing.T) {
	w := newWorld(t)
	vpc := must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{})).Vpcs[0].VpcId
	_, err := w.service.CreateDefaultVpc(w.ctx, &ec2api.CreateDefaultVpcRequest{})
	fails(t, err, "DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
	for _, n := range must(w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{})).Subnets {
		if err := w.service.DeleteSubnet(w.ctx, &ec2api.DeleteSubnetRequest{SubnetId: n.SubnetId}); err != nil {
			t.Fatal(err)
		}
	}
	gateway := must(w.service.DescribeInternetGateways(w.ctx, &ec2api.DescribeInternetGatewaysRequest{})).InternetGateways[0].InternetGatewayId
	if err := w.service.DetachInternetGateway(w.ctx, &ec2api.DetachInternetGatewayRequest{VpcId: vpc, InternetGatewayId: gateway}); err != nil {
		t.Fatal(err)
	}
	if err := w.service.DeleteVpc(w.ctx, &ec2api.DeleteVpcRequest{VpcId: vpc}); err != nil {
		t.Fatal(err)
	}
	if n := len(must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{})).Vpcs); n != 0 {
		t.Fatalf("%d VPCs", n)
	}
	_, err = w.service.CreateSecurityGroup(w.ctx, &ec2api.CreateSecurityGroupRequest{GroupName: "x", Description: "x"})
	fails(t, err, "VPCIdNotSpecified", "No default VPC for this user")
	if out := must(w.service.CreateDefaultVpc(w.ctx, &ec2api.CreateDefaultVpcRequest{})); !*out.Vpc.IsDefault {
		t.Errorf("%+v", out.Vpc)
	}
}

func TestWhatAProviderReads(t *testing.T) {
	w := newWorld(t)
	if n := len(must(w.service.DescribeAvailabilityZones(w.ctx, &ec2api.DescribeAvailabilityZonesRequest{Filters: []ec2api.Filter{filter("state", "available")}})).AvailabilityZones); n != 3 {
		t.Errorf("%d zones", n)
	}
	_, err := w.service.DescribeAvailabilityZones(w.ctx, &ec2api.DescribeAvailabilityZonesRequest{ZoneNames: []string{"us-east-1a"}})
	fails(t, err, "InvalidParameterValue", "Invalid availability zone: [us-east-1a]")
	lists := must(w.service.DescribePrefixLists(w.ctx, &ec2api.DescribePrefixListsRequest{Filters: []ec2api.Filter{filter("prefix-list-name", "com.amazonaws.eu-west-1.s3")}})).PrefixLists
	if len(lists) != 1 || lists[0].PrefixListId != "pl-6da54004" || lists[0].Cidrs[0] != "198.18.0.0/20" {
		t.Errorf("prefix lists %+v", lists)
	}
	options := must(w.service.DescribeDhcpOptions(w.ctx, &ec2api.DescribeDhcpOptionsRequest{})).DhcpOptions
	if len(options) != 1 || options[0].DhcpConfigurations[0].Values[0].Value != "eu-west-1.compute.internal" {
		t.Errorf("DHCP options %+v", options)
	}
	acls := must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{filter("default", "true")}})).NetworkAcls
	if len(acls) != 1 || len(acls[0].Associations) != 3 || len(acls[0].Entries) != 4 {
		t.Errorf("network ACLs %+v", acls)
	}
	regions := must(w.service.DescribeRegions(w.ctx, &ec2api.DescribeRegionsRequest{RegionNames: []string{"eu-west-1"}})).Regions
	if len(regions) != 1 || regions[0].Endpoint != "ec2.eu-west-1.amazonaws.com" {
		t.Errorf("regions %+v", regions)
	}
	services := must(w.service.DescribeVpcEndpointServices(w.ctx, &ec2api.DescribeVpcEndpointServicesRequest{Filters: []ec2api.Filter{filter("service-type", "Gateway")}})).ServiceNames
	if fmt.Sprint(services) != "[com.amazonaws.eu-west-1.dynamodb com.amazonaws.eu-west-1.s3]" {
		t.Errorf("gateway services %v", services)
	}
}

func TestUserInterfacesHoldAddresses(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet := w.subnet(vpc, "10.0.1.0/24")
	create := func(address string) (*ec2api.CreateNetworkInterfaceResult, error) {
		return w.service.CreateNetworkInterface(w.ctx, &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet, PrivateIpAddress: address, Description: "mine"})
	}
	n := must(create("10.0.1.77")).NetworkInterface
	if n.Status != "available" || *n.RequesterManaged || n.PrivateIpAddress != "10.0.1.77" || n.Groups[0].GroupName != "default" {
		t.Errorf("interface %+v", n)
	}
	_, err := create("10.0.1.77")
	fails(t, err, "InvalidIPAddress.InUse", "already in use")
	_, err = create("10.0.1.3")
	fails(t, err, "InvalidParameterValue", "10.0.1.3")
	list := func(primary *bool, addresses ...string) (*ec2api.CreateNetworkInterfaceResult, error) {
		in := &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet}
		for _, a := range addresses {
			in.PrivateIpAddresses = append(in.PrivateIpAddresses, ec2api.PrivateIpAddressSpecification{PrivateIpAddress: a, Primary: primary})
			primary = nil
		}
		return w.service.CreateNetworkInterface(w.ctx, in)
	}
	if listed := must(list(ptr(true), "10.0.1.78")).NetworkInterface; listed.PrivateIpAddress != "10.0.1.78" {
		t.Errorf("by a list of addresses: %+v", listed)
	}
	_, err = list(ptr(true), "10.0.1.79", "10.0.1.80")
	fails(t, err, "UnsupportedOperation", "secondary private address")
	_, err = list(nil, "10.0.1.79")
	fails(t, err, "UnsupportedOperation", "secondary private address")
	group := w.group(vpc, "web")
	if err := w.service.ModifyNetworkInterfaceAttribute(w.ctx, &ec2api.ModifyNetworkInterfaceAttributeRequest{NetworkInterfaceId: n.NetworkInterfaceId, Groups: []string{group}}); err != nil {
		t.Fatal(err)
	}
	out := must(w.service.DescribeNetworkInterfaceAttribute(w.ctx, &ec2api.DescribeNetworkInterfaceAttributeRequest{NetworkInterfaceId: n.NetworkInterfaceId, Attribute: "groupSet"}))
	if len(out.Groups) != 1 || out.Groups[0].GroupId != group {
		t.Errorf("groups %+v", out.Groups)
	}
	w.attachedGateway(vpc)
	elastic := must(w.service.AllocateAddress(w.ctx, &ec2api.AllocateAddressRequest{}))
	association := must(w.service.AssociateAddress(w.ctx, &ec2api.AssociateAddressRequest{AllocationId: elastic.AllocationId, NetworkInterfaceId: n.NetworkInterfaceId})).AssociationId
	found := must(w.service.DescribeNetworkInterfaces(w.ctx, &ec2api.DescribeNetworkInterfacesRequest{Filters: []ec2api.Filter{filter("association.public-ip", elastic.PublicIp)}})).NetworkInterfaces
	if len(found) != 1 || found[0].Association.AssociationId != association {
		t.Errorf("found %+v", found)
	}
	if err := w.service.DeleteNetworkInterface(w.ctx, &ec2api.DeleteNetworkInterfaceRequest{NetworkInterfaceId: n.NetworkInterfaceId}); err != nil {
		t.Fatal(err)
	}
	if a := must(w.service.DescribeAddresses(w.ctx, &ec2api.DescribeAddressesRequest{PublicIps: []string{elastic.PublicIp}})).Addresses[0]; a.AssociationId != "" {
		t.Errorf("the address is still associated: %+v", a)
	}
}
