package ec2_test

import (
	"net/netip"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
)

// dualVpc makes a VPC with an IPv6 range and returns the range too.
func (w *world) dualVpc(cidr string) (vpc string, six netip.Prefix) {
	w.t.Helper()
	out := must(w.service.CreateVpc(w.ctx, &ec2api.CreateVpcRequest{CidrBlock: cidr, AmazonProvidedIpv6CidrBlock: ptr(true)})).Vpc
	return out.VpcId, netip.MustParsePrefix(out.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock)
}

// sub is the /64 with a number of a /56.
func sub(in netip.Prefix, n byte) string {
	b := in.Addr().As16()
	b[7] = n
	return netip.PrefixFrom(netip.AddrFrom16(b), 64).String()
}

func (w *world) dualSubnet(vpc, cidr, six string) string {
	w.t.Helper()
	return must(w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: cidr, Ipv6CidrBlock: six})).Subnet.SubnetId
}

// The IPv6 ranges of VPCs and subnets, from the beginning to the end.
func TestIPv6Ranges(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	group := w.group(vpc, "before")
	a := must(w.service.AssociateVpcCidrBlock(w.ctx, &ec2api.AssociateVpcCidrBlockRequest{VpcId: vpc, AmazonProvidedIpv6CidrBlock: ptr(true)})).Ipv6CidrBlockAssociation
	six := netip.MustParsePrefix(a.Ipv6CidrBlock)
	if six.Bits() != 56 || !network.DefaultIPv6.Contains(six.Addr()) || a.Ipv6CidrBlockState.State != "associating" || a.Ipv6Pool != "Amazon" {
		t.Errorf("association %+v", a)
	}
	found := must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{Filters: []ec2api.Filter{filter("ipv6-cidr-block-association.ipv6-cidr-block", a.Ipv6CidrBlock)}})).Vpcs
	if len(found) != 1 || found[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlockState.State != "associated" {
		t.Errorf("VPCs %+v", found)
	}
	if routes := w.mainTable(vpc).Routes; len(routes) != 2 || routes[1].DestinationIpv6CidrBlock != a.Ipv6CidrBlock || routes[1].GatewayId != "local" {
		t.Errorf("routes %+v", routes)
	}
	// Groups that come after the range send IPv6 too; those from before do not, but the default one.
	if p := w.describeGroup(group).IpPermissionsEgress; len(p[0].Ipv6Ranges) != 0 {
		t.Errorf("%+v", p)
	}
	if p := w.describeGroup(w.group(vpc, "after")).IpPermissionsEgress; len(p) != 1 || len(p[0].Ipv6Ranges) != 1 || len(p[0].IpRanges) != 1 {
		t.Errorf("%+v", p)
	}
	acl := must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{filter("vpc-id", vpc)}})).NetworkAcls[0]
	if n := len(acl.Entries); n != 8 || *acl.Entries[1].RuleNumber != 101 || acl.Entries[1].Ipv6CidrBlock != "::/0" || *acl.Entries[3].RuleNumber != 32768 {
		t.Errorf("%d entries %+v", n, acl.Entries)
	}

	for text, want := range map[string][2]string{
		"10.0.0.0/24":         {"InvalidParameterValue", "This is not a valid CIDR block."},
		"2001:db8::/64":       {"InvalidSubnet.Range", "The CIDR '2001:db8::/64' is invalid."},
		"2001:db8:0:1::/65":   {"InvalidParameterValue", "invalid value for parameter ipv6-cidr-block: 2001:db8:0:1::/65"},
		"2001:db8:0:100::/60": {"UnsupportedOperation", "larger than a /64"},
	} {
		if text == "2001:db8::/64" && six.Contains(netip.MustParseAddr("2001:db8::")) {
			continue
		}
		_, err := w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: "10.0.9.0/24", Ipv6CidrBlock: text})
		fails(t, err, want[0], want[1])
	}
	subnet := w.dualSubnet(vpc, "10.0.1.0/24", sub(six, 1))
	_, err := w.service.CreateSubnet(w.ctx, &ec2api.CreateSubnetRequest{VpcId: vpc, CidrBlock: "10.0.9.0/24", Ipv6CidrBlock: sub(six, 1)})
	fails(t, err, "InvalidSubnet.Conflict", "conflicts with another subnet")
	plain := w.subnet(vpc, "10.0.2.0/24")
	on := &ec2api.AttributeBooleanValue{Value: ptr(true)}
	err = w.service.ModifySubnetAttribute(w.ctx, &ec2api.ModifySubnetAttributeRequest{SubnetId: plain, AssignIpv6AddressOnCreation: on})
	fails(t, err, "InvalidParameterValue", "Cannot set assign-ipv6-address-on-creation to true unless the subnet ("+plain+") has an IPv6 CIDR block associated with it.")
	w.ok(w.service.ModifySubnetAttribute(w.ctx, &ec2api.ModifySubnetAttributeRequest{SubnetId: subnet, AssignIpv6AddressOnCreation: on}))
	n := must(w.service.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: []string{subnet}})).Subnets[0]
	if !*n.AssignIpv6AddressOnCreation || n.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock != sub(six, 1) {
		t.Errorf("subnet %+v", n)
	}
	made := must(w.service.CreateNetworkInterface(w.ctx, &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet})).NetworkInterface
	if got := netip.MustParseAddr(made.Ipv6Addresses[0].Ipv6Address); !netip.MustParsePrefix(sub(six, 1)).Contains(got) {
		t.Errorf("address %s", got)
	}

	_, err = w.service.DisassociateVpcCidrBlock(w.ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: a.AssociationId})
	fails(t, err, "InvalidCidrBlock.InUse", "currently has a subnet within CIDR block "+six.String())
	end := &ec2api.DisassociateSubnetCidrBlockRequest{AssociationId: n.Ipv6CidrBlockAssociationSet[0].AssociationId}
	_, err = w.service.DisassociateSubnetCidrBlock(w.ctx, end)
	fails(t, err, "InvalidCidrBlock.InUse", "because its subnet has assign-ipv6-address-on-creation set to true.")
	w.ok(w.service.ModifySubnetAttribute(w.ctx, &ec2api.ModifySubnetAttributeRequest{SubnetId: subnet, AssignIpv6AddressOnCreation: &ec2api.AttributeBooleanValue{Value: ptr(false)}}))
	_, err = w.service.DisassociateSubnetCidrBlock(w.ctx, end)
	fails(t, err, "InvalidCidrBlock.InUse", "have an IPv6 address")
	w.ok(w.service.DeleteNetworkInterface(w.ctx, &ec2api.DeleteNetworkInterfaceRequest{NetworkInterfaceId: made.NetworkInterfaceId}))
	must(w.service.DisassociateSubnetCidrBlock(w.ctx, end))
	_, err = w.service.DisassociateSubnetCidrBlock(w.ctx, end)
	fails(t, err, "InvalidSubnetCidrBlockAssociationID.NotFound", end.AssociationId)
	again := must(w.service.AssociateSubnetCidrBlock(w.ctx, &ec2api.AssociateSubnetCidrBlockRequest{SubnetId: plain, Ipv6CidrBlock: sub(six, 1)}))
	_, err = w.service.AssociateSubnetCidrBlock(w.ctx, &ec2api.AssociateSubnetCidrBlockRequest{SubnetId: plain, Ipv6CidrBlock: sub(six, 2)})
	fails(t, err, "SubnetCidrBlockLimitExceeded", plain)
	must(w.service.DisassociateSubnetCidrBlock(w.ctx, &ec2api.DisassociateSubnetCidrBlockRequest{AssociationId: again.Ipv6CidrBlockAssociation.AssociationId}))
	must(w.service.DisassociateVpcCidrBlock(w.ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: a.AssociationId}))
}

// The IPv6 address of an interface comes and goes.
func TestIPv6Addresses(t *testing.T) {
	w := newWorld(t)
	vpc, six := w.dualVpc("10.0.0.0/16")
	subnet := w.dualSubnet(vpc, "10.0.1.0/24", sub(six, 1))
	eni := must(w.service.CreateNetworkInterface(w.ctx, &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet})).NetworkInterface
	if len(eni.Ipv6Addresses) != 0 {
		t.Errorf("an address that nobody asked for: %+v", eni.Ipv6Addresses)
	}
	assign := func(in ec2api.AssignIpv6AddressesRequest) error {
		in.NetworkInterfaceId = eni.NetworkInterfaceId
		_, err := w.service.AssignIpv6Addresses(w.ctx, &in)
		return err
	}
	base := netip.MustParsePrefix(sub(six, 1)).Addr()
	fails(t, assign(ec2api.AssignIpv6AddressesRequest{}), "MissingParameter", "ipv6AddressCount")
	fails(t, assign(ec2api.AssignIpv6AddressesRequest{Ipv6AddressCount: ptr(int32(2))}), "UnsupportedOperation", "More than one IPv6 address")
	fails(t, assign(ec2api.AssignIpv6AddressesRequest{Ipv6Addresses: []string{base.Next().String()}}), "InvalidParameterValue", "does not fall within")
	want := base.Next().Next().Next().Next().String()
	w.ok(assign(ec2api.AssignIpv6AddressesRequest{Ipv6Addresses: []string{want}}))
	_, err := w.service.CreateNetworkInterface(w.ctx, &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet, Ipv6Addresses: []ec2api.InstanceIpv6Address{{Ipv6Address: want}}})
	fails(t, err, "InvalidIPAddress.InUse", "already in use")
	found := must(w.service.DescribeNetworkInterfaces(w.ctx, &ec2api.DescribeNetworkInterfacesRequest{Filters: []ec2api.Filter{filter("ipv6-addresses.ipv6-address", want)}})).NetworkInterfaces
	if len(found) != 1 || found[0].Ipv6Addresses[0].Ipv6Address != want {
		t.Errorf("interfaces %+v", found)
	}
	_, err = w.service.UnassignIpv6Addresses(w.ctx, &ec2api.UnassignIpv6AddressesRequest{NetworkInterfaceId: eni.NetworkInterfaceId, Ipv6Addresses: []string{base.String()}})
	fails(t, err, "InvalidParameterValue", "not assigned")
	must(w.service.UnassignIpv6Addresses(w.ctx, &ec2api.UnassignIpv6AddressesRequest{NetworkInterfaceId: eni.NetworkInterfaceId, Ipv6Addresses: []string{want}}))
	w.ok(assign(ec2api.AssignIpv6AddressesRequest{Ipv6AddressCount: ptr(int32(1))}))
}

// Routes to IPv6 destinations: by what AWS allows.
func TestIPv6Routes(t *testing.T) {
	w := newWorld(t)
	vpc, six := w.dualVpc("10.0.0.0/16")
	other, _ := w.dualVpc("10.9.0.0/16")
	table, gateway := w.createTable(vpc), w.attachedGateway(vpc)
	egress := must(w.service.CreateEgressOnlyInternetGateway(w.ctx, &ec2api.CreateEgressOnlyInternetGatewayRequest{VpcId: vpc, ClientToken: "once"})).EgressOnlyInternetGateway
	twice := must(w.service.CreateEgressOnlyInternetGateway(w.ctx, &ec2api.CreateEgressOnlyInternetGatewayRequest{VpcId: vpc, ClientToken: "once"})).EgressOnlyInternetGateway
	foreign := must(w.service.CreateEgressOnlyInternetGateway(w.ctx, &ec2api.CreateEgressOnlyInternetGatewayRequest{VpcId: other})).EgressOnlyInternetGateway
	if egress.EgressOnlyInternetGatewayId != twice.EgressOnlyInternetGatewayId || egress.Attachments[0].State != "attached" || egress.Attachments[0].VpcId != vpc {
		t.Errorf("%+v and %+v", egress, twice)
	}
	create := func(in ec2api.CreateRouteRequest) error {
		in.RouteTableId = table
		_, err := w.service.CreateRoute(w.ctx, &in)
		return err
	}
	w.ok(create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: "::/0", EgressOnlyInternetGatewayId: egress.EgressOnlyInternetGatewayId}))
	w.ok(create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: "2000::/3", GatewayId: gateway}))
	fails(t, create(ec2api.CreateRouteRequest{DestinationCidrBlock: "0.0.0.0/0", EgressOnlyInternetGatewayId: egress.EgressOnlyInternetGatewayId}), "InvalidParameterCombination", "destinationCidrBlock")
	fails(t, create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: "3000::/4", NatGatewayId: "nat-1"}), "InvalidParameterCombination", "natGatewayId")
	fails(t, create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: "64:ff9b::/96", NatGatewayId: "nat-1"}), "UnsupportedOperation", "NAT64")
	fails(t, create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: six.String(), GatewayId: gateway}), "RouteAlreadyExists", six.String())
	fails(t, create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: sub(six, 7), GatewayId: gateway}), "InvalidParameterValue", "more specific than one of this VPC's CIDR blocks")
	fails(t, create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: "3000::/4", EgressOnlyInternetGatewayId: foreign.EgressOnlyInternetGatewayId}), "InvalidParameterValue", "belong to different networks")
	fails(t, create(ec2api.CreateRouteRequest{DestinationIpv6CidrBlock: "3000::/4", EgressOnlyInternetGatewayId: "eigw-1"}), "InvalidEgressOnlyInternetGatewayId.NotFound", "eigw-1")
	fails(t, w.service.DeleteVpc(w.ctx, &ec2api.DeleteVpcRequest{VpcId: other}), "DependencyViolation", other)

	if got := must(w.service.DeleteEgressOnlyInternetGateway(w.ctx, &ec2api.DeleteEgressOnlyInternetGatewayRequest{EgressOnlyInternetGatewayId: egress.EgressOnlyInternetGatewayId})); !*got.ReturnCode {
		t.Errorf("%+v", got)
	}
	routes := must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{RouteTableIds: []string{table}})).RouteTables[0].Routes
	if len(routes) != 4 || routes[2].DestinationIpv6CidrBlock != "::/0" || routes[2].State != "blackhole" || routes[3].State != "active" {
		t.Errorf("routes %+v", routes)
	}
	if all := must(w.service.DescribeEgressOnlyInternetGateways(w.ctx, &ec2api.DescribeEgressOnlyInternetGatewaysRequest{})).EgressOnlyInternetGateways; len(all) != 1 {
		t.Errorf("%+v", all)
	}
}
