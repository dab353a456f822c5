package ec2_test

import (
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
)

func TestSecondaryRanges(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	add := func(cidr string) (*ec2api.AssociateVpcCidrBlockResult, error) {
		return w.service.AssociateVpcCidrBlock(w.ctx, &ec2api.AssociateVpcCidrBlockRequest{VpcId: vpc, CidrBlock: cidr})
	}
	a := must(add("10.1.0.0/16")).CidrBlockAssociation
	if a.CidrBlockState.State != "associating" {
		t.Errorf("%+v", a.CidrBlockState)
	}
	_, err := add("10.1.128.0/17")
	fails(t, err, "InvalidVpc.Range", "10.1.128.0/17")
	_, err = add("192.168.0.0/16")
	fails(t, err, "InvalidVpc.Range", "The CIDR '192.168.0.0/16' is restricted. Use a CIDR from the same private address range as the current VPC CIDR")
	subnet := w.subnet(vpc, "10.1.2.0/24")
	_, err = w.service.DisassociateVpcCidrBlock(w.ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: a.AssociationId})
	fails(t, err, "InvalidCidrBlock.InUse", "currently has a subnet within CIDR block 10.1.0.0/16")
	if routes := w.mainTable(vpc).Routes; len(routes) != 2 || routes[1].DestinationCidrBlock != "10.1.0.0/16" || routes[1].GatewayId != "local" {
		t.Errorf("routes %+v", routes)
	}
	w.ok(w.service.DeleteSubnet(w.ctx, &ec2api.DeleteSubnetRequest{SubnetId: subnet}))
	must(w.service.DisassociateVpcCidrBlock(w.ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: a.AssociationId}))
	v := must(w.service.DescribeVpcs(w.ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{vpc}})).Vpcs[0]
	if len(v.CidrBlockAssociationSet) != 1 {
		t.Errorf("ranges %+v", v.CidrBlockAssociationSet)
	}
	_, err = w.service.DisassociateVpcCidrBlock(w.ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: v.CidrBlockAssociationSet[0].AssociationId})
	fails(t, err, "OperationNotPermitted", "It is the primary IPv4 CIDR block of the VPC")
	_, err = w.service.DisassociateVpcCidrBlock(w.ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: a.AssociationId})
	fails(t, err, "InvalidVpcCidrBlockAssociationID.NotFound", a.AssociationId)
}

// Every kind of target, and what AWS says of those that cannot be.
func TestRouteTargets(t *testing.T) {
	w := newWorld(t)
	w.run()
	vpc, other := w.vpc("10.0.0.0/16"), w.vpc("10.9.0.0/16")
	subnet, table := w.subnet(vpc, "10.0.1.0/24"), w.createTable(vpc)
	task := must(w.service.EnsureInterface(w.ctx, taskSpec("task", subnet)))
	idle := must(w.service.CreateNetworkInterface(w.ctx, &ec2api.CreateNetworkInterfaceRequest{SubnetId: subnet})).NetworkInterface.NetworkInterfaceId
	foreign := must(w.service.CreateNetworkInterface(w.ctx, &ec2api.CreateNetworkInterfaceRequest{SubnetId: w.subnet(other, "10.9.1.0/24")})).NetworkInterface.NetworkInterfaceId
	gateway := w.attachedGateway(vpc)
	s3 := must(w.service.DescribePrefixLists(w.ctx, &ec2api.DescribePrefixListsRequest{Filters: []ec2api.Filter{filter("prefix-list-name", "com.amazonaws.eu-west-1.s3")}})).PrefixLists[0].PrefixListId
	create := func(in ec2api.CreateRouteRequest) error {
		in.RouteTableId = table
		_, err := w.service.CreateRoute(w.ctx, &in)
		return err
	}
	for _, in := range []ec2api.CreateRouteRequest{
		{DestinationCidrBlock: "172.16.0.0/12", NetworkInterfaceId: task.ID},
		{DestinationCidrBlock: "192.168.0.0/16", NetworkInterfaceId: idle},
		{DestinationCidrBlock: "10.0.1.0/24", NetworkInterfaceId: task.ID}, // more specific than local
		{DestinationPrefixListId: s3, GatewayId: gateway},
	} {
		w.ok(create(in))
	}
	for _, tt := range []struct {
		in         ec2api.CreateRouteRequest
		code, text string
	}{
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", NetworkInterfaceId: foreign}, "InvalidParameterValue", "belong to different networks"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", NetworkInterfaceId: "eni-0123456789abcdef0"}, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-0123456789abcdef0' does not exist"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", InstanceId: "i-0123456789abcdef0"}, "InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", VpcPeeringConnectionId: "pcx-0123456789abcdef0"}, "InvalidVpcPeeringConnectionID.NotFound", "pcx-0123456789abcdef0"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", GatewayId: gateway, NetworkInterfaceId: idle}, "InvalidParameterCombination", "The parameter gatewayId cannot be used with the parameter networkInterfaceId"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", DestinationPrefixListId: s3, GatewayId: gateway}, "InvalidParameterCombination", "only one of"},
		{ec2api.CreateRouteRequest{DestinationPrefixListId: "pl-00000000", GatewayId: gateway}, "InvalidPrefixListID.NotFound", "The prefix list ID 'pl-00000000' does not exist"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "1.0.0.0/8", TransitGatewayId: "tgw-1"}, "UnsupportedOperation", "TransitGatewayId"},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "10.0.2.0/24", GatewayId: gateway}, "InvalidParameterValue", "This route can target only an interface or an instance."},
		{ec2api.CreateRouteRequest{DestinationCidrBlock: "10.0.0.0/16", NetworkInterfaceId: idle}, "RouteAlreadyExists", "10.0.0.0/16"},
	} {
		fails(t, create(tt.in), tt.code, tt.text)
	}
	states := map[string]string{}
	for _, r := range must(w.service.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{RouteTableIds: []string{table}})).RouteTables[0].Routes {
		states[r.DestinationCidrBlock+r.DestinationIpv6CidrBlock+r.DestinationPrefixListId] = string(r.State)
	}
	for destination, want := range map[string]string{"10.0.0.0/16": "active", "172.16.0.0/12": "active", "192.168.0.0/16": "blackhole", s3: "active"} {
		if states[destination] != want {
			t.Errorf("%s is %q, want %s", destination, states[destination], want)
		}
	}

	// The local route is replaced, and comes back.
	local := &ec2api.ReplaceRouteRequest{RouteTableId: table, DestinationCidrBlock: "10.0.0.0/16", NetworkInterfaceId: task.ID}
	w.ok(w.service.ReplaceRoute(w.ctx, local))
	must(w.service.AssociateRouteTable(w.ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: table, SubnetId: subnet}))
	reaches := func() bool {
		v, _ := w.service.VPCView(vpc)
		site := network.DefaultSite("test")
		hops := network.Explain(site, v, network.Flow{From: task.ID, To: v.CIDRs[0].Addr().Next(), Port: 80, Protocol: network.TCP})
		return hops[len(hops)-1].Kind == network.HopTarget
	}
	if reaches() {
		t.Error("with the local route replaced packets stay in the VPC")
	}
	w.ok(w.service.ReplaceRoute(w.ctx, &ec2api.ReplaceRouteRequest{RouteTableId: table, DestinationCidrBlock: "10.0.0.0/16", LocalTarget: ptr(true)}))
	if !reaches() {
		t.Error("with the local route back packets leave the VPC")
	}
	w.ok(w.service.RemoveInterface(w.ctx, task.Account, task.Region, task.ID))
}
