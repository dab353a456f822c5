package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
)

const dualStack = `
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Six: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
  Private:
    Type: AWS::EC2::Subnet
    DependsOn: Six
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: 10.1.1.0/24
      Ipv6CidrBlock: !Select [1, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]
      AssignIpv6AddressOnCreation: true
  Late: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.2.0/24}}
  LateSix:
    Type: AWS::EC2::SubnetCidrBlock
    DependsOn: Six
    Properties: {SubnetId: !Ref Late, Ipv6CidrBlock: !Select [2, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 4, 64]]}
  Egress: {Type: AWS::EC2::EgressOnlyInternetGateway, Properties: {VpcId: !Ref Vpc}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Out: {Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, DestinationIpv6CidrBlock: '::/0', EgressOnlyInternetGatewayId: !GetAtt Egress.Id}}
  Guard: {Type: AWS::EC2::SubnetRouteTableAssociation, Properties: {SubnetId: !Ref Private, RouteTableId: !Ref Table}}
  Group:
    Type: AWS::EC2::SecurityGroup
    DependsOn: Six
    Properties:
      GroupDescription: x
      VpcId: !Ref Vpc
      SecurityGroupIngress: [{IpProtocol: icmpv6, FromPort: 128, ToPort: -1, CidrIpv6: '::/0'}]
      SecurityGroupEgress: [{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIpv6: '::/0'}]
Outputs:
  Range: {Value: !Select [0, !GetAtt Private.Ipv6CidrBlocks]}
`

// A dual-stack network as templates write it: the VPC's range is there only after
// another resource.
func TestDualStackTemplate(t *testing.T) {
	w := newWorld(t)
	s := w.create("six", dualStack)
	w.expect(s, "CREATE_COMPLETE")
	out, err := w.ec2.DescribeSubnets(w.ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: []string{physical(w, "six", "Private"), physical(w, "six", "Late")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range out.Subnets {
		private := n.SubnetId == physical(w, "six", "Private")
		if len(n.Ipv6CidrBlockAssociationSet) != 1 || *n.AssignIpv6AddressOnCreation != private || private && n.Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock != output(s, "Range") {
			t.Errorf("subnet %+v, output %s", n, output(s, "Range"))
		}
	}
	tables, err := w.ec2.DescribeRouteTables(w.ctx, &ec2api.DescribeRouteTablesRequest{RouteTableIds: []string{physical(w, "six", "Table")}})
	if err != nil || len(tables.RouteTables[0].Routes) != 3 || tables.RouteTables[0].Routes[2].EgressOnlyInternetGatewayId != physical(w, "six", "Egress") || tables.RouteTables[0].Routes[2].State != "active" {
		t.Errorf("%+v, %v", tables, err)
	}
	groups, err := w.ec2.DescribeSecurityGroups(w.ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: []string{physical(w, "six", "Group")}})
	if err != nil || len(groups.SecurityGroups[0].IpPermissionsEgress) != 1 || groups.SecurityGroups[0].IpPermissions[0].IpProtocol != "icmpv6" {
		t.Errorf("%+v, %v", groups, err)
	}
	// An update evaluates the same ranges again: nothing is replaced.
	before := physical(w, "six", "Private")
	w.expect(w.update("six", strings.Replace(dualStack, "AssignIpv6AddressOnCreation: true", "AssignIpv6AddressOnCreation: false", 1)), "UPDATE_COMPLETE")
	if physical(w, "six", "Private") != before {
		t.Error("the subnet was replaced")
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "six"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	w.nothingLeft()
}
