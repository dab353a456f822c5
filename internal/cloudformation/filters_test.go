package cloudformation_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
)

const networkACLs = `
Parameters:
  Port: {Type: Number, Default: 443}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.1.0.0/24}}
  Acl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc, Tags: [{Key: a, Value: b}]}}
  In:
    Type: AWS::EC2::NetworkAclEntry
    Properties: {NetworkAclId: !Ref Acl, RuleNumber: '100', Protocol: 6, RuleAction: allow, CidrBlock: 10.0.0.0/8, PortRange: {From: !Ref Port, To: '443'}}
  Out:
    Type: AWS::EC2::NetworkAclEntry
    Properties: {NetworkAclId: !GetAtt Acl.Id, RuleNumber: 100, Protocol: 1, Egress: true, RuleAction: deny, CidrBlock: 0.0.0.0/0, Icmp: {Type: 8, Code: -1}}
  Guard: {Type: AWS::EC2::SubnetNetworkAclAssociation, Properties: {SubnetId: !Ref Subnet, NetworkAclId: !Ref Acl}}
Outputs:
  Association: {Value: !GetAtt Guard.AssociationId}
`

func TestNetworkACLs(t *testing.T) {
	w := newWorld(t)
	s := w.create("acl", networkACLs)
	w.expect(s, "CREATE_COMPLETE")
	find := func(id string) ec2api.NetworkAcl {
		out, err := w.ec2.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{NetworkAclIds: []string{id}})
		if err != nil {
			t.Fatal(err)
		}
		return out.NetworkAcls[0]
	}
	id, subnet := physical(w, "acl", "Acl"), physical(w, "acl", "Subnet")
	a := find(id)
	if len(a.Entries) != 4 || *a.Entries[0].IcmpTypeCode.Type != 8 || *a.Entries[0].Egress != true || *a.Entries[2].PortRange.From != 443 || a.Entries[2].RuleAction != "allow" {
		t.Errorf("entries: %+v", a.Entries)
	}
	if len(a.Associations) != 1 || a.Associations[0].SubnetId != subnet || a.Associations[0].NetworkAclAssociationId != output(s, "Association") {
		t.Errorf("associations: %+v", a.Associations)
	}
	w.expect(w.update("acl", networkACLs, "Port", "80"), "UPDATE_COMPLETE")
	if a = find(id); *a.Entries[2].PortRange.From != 80 || *a.Entries[2].PortRange.To != 443 {
		t.Errorf("entries after an update: %+v", a.Entries)
	}
	// Without the association the subnet is behind the default ACL again.
	alone := networkACLs[:strings.Index(networkACLs, "  Guard:")]
	w.expect(w.update("acl", alone, "Port", "80"), "UPDATE_COMPLETE")
	out, err := w.ec2.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{{Name: "association.subnet-id", Values: []string{subnet}}}})
	if err != nil || len(out.NetworkAcls) != 1 || !*out.NetworkAcls[0].IsDefault {
		t.Errorf("%+v, %v", out, err)
	}
	moved := strings.ReplaceAll(networkACLs, "RuleNumber: '100'", "RuleNumber: '90'")
	w.expect(w.update("acl", moved, "Port", "80"), "UPDATE_COMPLETE")
	if a = find(id); len(a.Entries) != 4 || *a.Entries[2].RuleNumber != 90 {
		t.Errorf("entries after a replacement: %+v", a.Entries)
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "acl"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	w.nothingLeft()
}

const prefixLists = `
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.1.0.0/16}}
  List:
    Type: AWS::EC2::PrefixList
    Properties: {PrefixListName: offices, AddressFamily: IPv4, MaxEntries: 3, Entries: [{Cidr: 10.0.0.0/8, Description: ten}]}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g, VpcId: !Ref Vpc}}
  Rule:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Group, IpProtocol: icmp, FromPort: 8, ToPort: -1, SourcePrefixListId: !Ref List}
Outputs:
  Version: {Value: !GetAtt List.Version}
`

func TestPrefixLists(t *testing.T) {
	w := newWorld(t)
	s := w.create("pl", prefixLists)
	w.expect(s, "CREATE_COMPLETE")
	if output(s, "Version") != "1" {
		t.Errorf("version %s", output(s, "Version"))
	}
	w.expect(w.update("pl", strings.ReplaceAll(prefixLists, "MaxEntries: 3, Entries: [{Cidr: 10.0.0.0/8, Description: ten}]", "Entries: [{Cidr: 10.2.0.0/16}, {Cidr: 10.3.0.0/16}]")), "UPDATE_COMPLETE")
	out, err := w.ec2.GetManagedPrefixListEntries(w.ctx, &ec2api.GetManagedPrefixListEntriesRequest{PrefixListId: physical(w, "pl", "List")})
	if err != nil || len(out.Entries) != 2 || out.Entries[0].Cidr != "10.2.0.0/16" {
		t.Errorf("%+v, %v", out, err)
	}
	if err := w.api.DeleteStack(w.ctx, &cloudformationapi.DeleteStackInput{StackName: "pl"}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.ended(s.StackId), "DELETE_COMPLETE")
	w.nothingLeft()
}
