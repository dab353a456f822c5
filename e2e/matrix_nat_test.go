package e2e

import (
	"fmt"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
)

const anywhere = "0.0.0.0/0"

var routeRows = []row{
	{element: "default route of the private subnets", code: "net.no-route", resource: id("PrivateRoutes"), reason: noECR, do: noDefault("PrivateRoutes")},
	{element: "default route of the private subnets, mended in the template", code: "net.no-route", resource: id("PrivateRoutes"), reason: noECR, cloudformation: true, do: noDefault("PrivateRoutes")},
	{element: "default route of the NAT gateway's subnet", code: "net.nat-no-route", resource: id("PublicRoutes"), reason: noECR, do: noDefault("PublicRoutes")},
	{element: "egress rule of the task's security group, mended in the template", code: "net.sg-egress", reason: noECR, cloudformation: true, do: noEgress, resource: taskGroup},
	{element: "network ACL of the private subnets that denies outbound 443", code: "net.nacl", reason: noWay, resource: id("acl"), do: denyEntry(true, 443, 443)},
	{element: "network ACL of the private subnets that denies the replies", code: "net.nacl", reason: noWay, resource: id("acl"), do: denyEntry(false, 1024, 65535)},
	{element: "network ACL without entries on the private subnets, mended in the template", code: "net.nacl", reason: noWay, resource: id("acl"), cloudformation: true, do: emptyACL},
	{element: "enableDnsSupport of the VPC behind NAT", code: "net.dns-off", reason: noECR, resource: func(s *site) string { return s.vpc }, do: func(s *site) {
		s.ok(s.ec2.ModifyVpcAttribute(s.t.Context(), &ec2api.ModifyVpcAttributeRequest{VpcId: s.vpc, EnableDnsSupport: &ec2api.AttributeBooleanValue{Value: ptr(false)}}))
		s.replace()
	}},
}

// gatewayRows move the service from subnet to subnet: their order counts.
var gatewayRows = []row{
	{element: "private subnet exchanged for a public one, no public IP", code: "net.igw-no-public-ip", reason: noECR, do: func(s *site) {
		s.move(s.ids["FirstPublic"], "DISABLED")
	}},
	{element: "size of the subnet", code: "net.subnet-full", reason: `^Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet 'subnet-[0-9a-f]+': InsufficientFreeAddressesInSubnet$`, resource: id("small"), do: func(s *site) {
		s.ids["small"] = got(s.ec2.CreateSubnet(s.t.Context(), &ec2api.CreateSubnetRequest{VpcId: s.vpc, CidrBlock: "10.30.2.0/28", AvailabilityZone: s.Region + "a"})).by(s).Subnet.SubnetId
		got(s.ec2.AssociateRouteTable(s.t.Context(), &ec2api.AssociateRouteTableRequest{SubnetId: s.ids["small"], RouteTableId: s.ids["PublicRoutes"]})).by(s)
		for range 11 {
			got(s.ec2.CreateNetworkInterface(s.t.Context(), &ec2api.CreateNetworkInterfaceRequest{SubnetId: s.ids["small"]})).by(s)
		}
		s.move(s.ids["small"], "ENABLED")
	}},
	{element: "NAT gateway", code: "net.blackhole", resource: id("PrivateRoutes"), reason: noECR, do: func(s *site) {
		s.move(s.ids["FirstPrivate"], "DISABLED")
		s.steady()
		got(s.ec2.DeleteNatGateway(s.t.Context(), &ec2api.DeleteNatGatewayRequest{NatGatewayId: s.ids["Nat"]})).by(s)
		s.replace()
	}},
	{element: "attachment of the internet gateway", code: "net.blackhole", resource: id("InternetGateway"), reason: noECR, do: func(s *site) {
		// AWS detaches no gateway while addresses are mapped: the service rests and the
		// NAT gateway goes.
		s.move(s.ids["FirstPublic"], "ENABLED")
		s.scale(0)
		out := got(s.ec2.DescribeNatGateways(s.t.Context(), &ec2api.DescribeNatGatewaysRequest{Filter: []ec2api.Filter{{Name: "vpc-id", Values: []string{s.vpc}}}})).by(s)
		for _, n := range out.NatGateways {
			if n.State == "available" {
				got(s.ec2.DeleteNatGateway(s.t.Context(), &ec2api.DeleteNatGatewayRequest{NatGatewayId: n.NatGatewayId})).by(s)
			}
		}
		s.eventually(waits, "the internet gateway lets go", func() error {
			return s.ec2.DetachInternetGateway(s.t.Context(), &ec2api.DetachInternetGatewayRequest{InternetGatewayId: s.ids["InternetGateway"], VpcId: s.vpc})
		})
		s.scale(1)
	}},
}

// noDefault deletes the default route of a table.
func noDefault(table string) func(*site) {
	return func(s *site) {
		s.ok(s.ec2.DeleteRoute(s.t.Context(), &ec2api.DeleteRouteRequest{RouteTableId: s.ids[table], DestinationCidrBlock: anywhere}))
		s.replace()
	}
}

// move puts the service into another subnet.
func (s *site) move(subnet, public string) {
	s.t.Helper()
	got(s.ecs.UpdateService(s.t.Context(), &ecsapi.UpdateServiceRequest{Cluster: s.cluster, Service: s.service, NetworkConfiguration: &ecsapi.NetworkConfiguration{
		AwsvpcConfiguration: &ecsapi.AwsVpcConfiguration{Subnets: []string{subnet}, SecurityGroups: s.groups, AssignPublicIp: ecsapi.AssignPublicIp(public)}}})).by(s)
}

// scale gives the service a number of tasks and waits until it has them, or none.
func (s *site) scale(n int32) {
	s.t.Helper()
	got(s.ecs.UpdateService(s.t.Context(), &ecsapi.UpdateServiceRequest{Cluster: s.cluster, Service: s.service, DesiredCount: &n})).by(s)
	if n > 0 {
		return
	}
	s.eventually(waits, "no task any more", func() error {
		out, err := s.ecs.ListTasks(s.t.Context(), &ecsapi.ListTasksRequest{Cluster: s.cluster, ServiceName: s.service})
		if err != nil || len(out.TaskArns) > 0 {
			return fmt.Errorf("%v, %w", out, err)
		}
		return nil
	})
}
