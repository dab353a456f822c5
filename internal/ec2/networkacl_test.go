package ec2_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/network"
)

func (w *world) createACL(vpc string) string {
	w.t.Helper()
	return must(w.service.CreateNetworkAcl(w.ctx, &ec2api.CreateNetworkAclRequest{VpcId: vpc})).NetworkAcl.NetworkAclId
}

func (w *world) acl(id string) ec2api.NetworkAcl {
	w.t.Helper()
	return must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{NetworkAclIds: []string{id}})).NetworkAcls[0]
}

func entries(a ec2api.NetworkAcl) string {
	var lines []string
	for _, e := range a.Entries {
		way := map[bool]string{true: "out", false: "in"}[*e.Egress]
		line := fmt.Sprintf("%s %d %s %s %s%s", way, *e.RuleNumber, e.RuleAction, e.Protocol, e.CidrBlock, e.Ipv6CidrBlock)
		if e.PortRange != nil {
			line += fmt.Sprintf(" %d-%d", *e.PortRange.From, *e.PortRange.To)
		}
		if e.IcmpTypeCode != nil {
			line += fmt.Sprintf(" %d/%d", *e.IcmpTypeCode.Type, *e.IcmpTypeCode.Code)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "; ")
}

// The default ACL allows everything, and its entries can be changed as any other's.
func TestDefaultNetworkACL(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet := w.subnet(vpc, "10.0.1.0/24")
	find := func() ec2api.NetworkAcl {
		found := must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{filter("vpc-id", vpc), filter("default", "true")}})).NetworkAcls
		if len(found) != 1 {
			t.Fatalf("%d default ACLs", len(found))
		}
		return found[0]
	}
	a := find()
	const want = "out 100 allow -1 0.0.0.0/0; out 32767 deny -1 0.0.0.0/0; in 100 allow -1 0.0.0.0/0; in 32767 deny -1 0.0.0.0/0"
	if got := entries(a); got != want || !*a.IsDefault || len(a.Associations) != 1 || a.Associations[0].SubnetId != subnet {
		t.Errorf("%s, %+v", got, a.Associations)
	}
	for _, egress := range []bool{true, false} {
		if err := w.service.DeleteNetworkAclEntry(w.ctx, &ec2api.DeleteNetworkAclEntryRequest{NetworkAclId: a.NetworkAclId, RuleNumber: 100, Egress: egress}); err != nil {
			t.Error(err)
		}
	}
	if got := entries(find()); got != "out 32767 deny -1 0.0.0.0/0; in 32767 deny -1 0.0.0.0/0" {
		t.Error(got)
	}
	fails(t, w.service.DeleteNetworkAcl(w.ctx, &ec2api.DeleteNetworkAclRequest{NetworkAclId: a.NetworkAclId}), "InvalidParameterValue", "cannot delete default network ACL "+a.NetworkAclId)
}

func TestNetworkACLEntries(t *testing.T) {
	w := newWorld(t)
	id := w.createACL(w.vpc("10.0.0.0/16"))
	port := func(from, to int32) *ec2api.PortRange { return &ec2api.PortRange{From: &from, To: &to} }
	icmp := func(kind, code int32) *ec2api.IcmpTypeCode { return &ec2api.IcmpTypeCode{Type: &kind, Code: &code} }
	add := func(e ec2api.CreateNetworkAclEntryRequest) error {
		e.NetworkAclId = id
		return w.service.CreateNetworkAclEntry(w.ctx, &e)
	}
	for _, e := range []ec2api.CreateNetworkAclEntryRequest{
		{RuleNumber: 200, Protocol: "tcp", RuleAction: "allow", CidrBlock: "10.1.2.3/16", PortRange: port(80, 443)},
		{RuleNumber: 100, Protocol: "17", RuleAction: "deny", CidrBlock: "0.0.0.0/0", PortRange: port(53, 53)},
		{RuleNumber: 100, Protocol: "1", RuleAction: "allow", Egress: true, CidrBlock: "0.0.0.0/0", IcmpTypeCode: icmp(8, -1)},
		{RuleNumber: 110, Protocol: "-1", RuleAction: "allow", Ipv6CidrBlock: "::/0", PortRange: port(1, 2)},
	} {
		if err := add(e); err != nil {
			t.Errorf("%d: %v", e.RuleNumber, err)
		}
	}
	if got, want := entries(w.acl(id)), "out 100 allow 1 0.0.0.0/0 8/-1; out 32767 deny -1 0.0.0.0/0; in 100 deny 17 0.0.0.0/0 53-53; in 110 allow -1 ::/0; in 200 allow 6 10.1.0.0/16 80-443; in 32767 deny -1 0.0.0.0/0"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	fails(t, add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: 100, Protocol: "-1", RuleAction: "allow", CidrBlock: "0.0.0.0/0"}), "NetworkAclEntryAlreadyExists", "The network acl entry identified by 100 already exists.")
	fails(t, add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: 32767, Protocol: "-1", RuleAction: "allow", CidrBlock: "0.0.0.0/0"}), "InvalidParameterValue", "ruleNumber")
	fails(t, add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: 1, Protocol: "6", RuleAction: "allow", CidrBlock: "0.0.0.0/0"}), "MissingParameter", "portRange")
	fails(t, add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: 1, Protocol: "1", RuleAction: "allow", CidrBlock: "0.0.0.0/0"}), "MissingParameter", "icmpTypeCode")
	fails(t, add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: 1, Protocol: "6", RuleAction: "allow", CidrBlock: "10.0.0.0", PortRange: port(1, 2)}), "InvalidParameterValue", "cidrBlock")
	fails(t, add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: 1, Protocol: "6", RuleAction: "allow", PortRange: port(1, 2)}), "MissingParameter", "ipv6CidrBlock")
	fails(t, w.service.DeleteNetworkAclEntry(w.ctx, &ec2api.DeleteNetworkAclEntryRequest{NetworkAclId: id, RuleNumber: 200, Egress: true}), "InvalidNetworkAclEntry.NotFound", "no egress entry with number 200")
	fails(t, w.service.ReplaceNetworkAclEntry(w.ctx, &ec2api.ReplaceNetworkAclEntryRequest{NetworkAclId: id, RuleNumber: 201, Protocol: "-1", RuleAction: "deny", CidrBlock: "0.0.0.0/0"}), "InvalidNetworkAclEntry.NotFound", "no ingress entry with number 201")
	if err := w.service.ReplaceNetworkAclEntry(w.ctx, &ec2api.ReplaceNetworkAclEntryRequest{NetworkAclId: id, RuleNumber: 200, Protocol: "-1", RuleAction: "deny", CidrBlock: "0.0.0.0/0"}); err != nil {
		t.Error(err)
	}
	if got := entries(w.acl(id)); !strings.Contains(got, "in 200 deny -1 0.0.0.0/0") {
		t.Error(got)
	}
	var err error
	for n := int32(1000); err == nil && n < 1030; n++ {
		err = add(ec2api.CreateNetworkAclEntryRequest{RuleNumber: n, Protocol: "-1", RuleAction: "allow", CidrBlock: "0.0.0.0/0"})
	}
	fails(t, err, "NetworkAclEntryLimitExceeded", "The maximum number of network acl entries has been reached.")
}

func TestNetworkACLAssociation(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet, id := w.subnet(vpc, "10.0.1.0/24"), w.createACL(vpc)
	old := must(w.service.DescribeNetworkAcls(w.ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{filter("association.subnet-id", subnet)}})).NetworkAcls[0].Associations[0]
	moved := must(w.service.ReplaceNetworkAclAssociation(w.ctx, &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: old.NetworkAclAssociationId, NetworkAclId: id})).NewAssociationId
	if a := w.acl(id).Associations; len(a) != 1 || a[0].NetworkAclAssociationId != moved || moved == old.NetworkAclAssociationId || a[0].SubnetId != subnet {
		t.Errorf("associations: %+v", a)
	}
	_, err := w.service.ReplaceNetworkAclAssociation(w.ctx, &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: old.NetworkAclAssociationId, NetworkAclId: id})
	fails(t, err, "InvalidAssociationID.NotFound", "The association ID '"+old.NetworkAclAssociationId+"' does not exist")
	_, err = w.service.ReplaceNetworkAclAssociation(w.ctx, &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: moved, NetworkAclId: w.createACL(w.vpc("10.1.0.0/16"))})
	fails(t, err, "InvalidParameterValue", "belong to different networks")
	fails(t, w.service.DeleteNetworkAcl(w.ctx, &ec2api.DeleteNetworkAclRequest{NetworkAclId: id}), "DependencyViolation", "The networkAcl '"+id+"' has dependencies and cannot be deleted.")
	fails(t, w.service.DeleteVpc(w.ctx, &ec2api.DeleteVpcRequest{VpcId: vpc}), "DependencyViolation", vpc)

	must(w.service.ReplaceNetworkAclAssociation(w.ctx, &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: moved, NetworkAclId: old.NetworkAclId}))
	if err := w.service.DeleteNetworkAcl(w.ctx, &ec2api.DeleteNetworkAclRequest{NetworkAclId: id}); err != nil {
		t.Error(err)
	}
}

// What the records say of network ACLs is what the data plane is told.
func TestNetworkACLView(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	w.subnet(vpc, "10.0.1.0/24")
	id := w.createACL(vpc)
	kind, code, from, to := int32(8), int32(-1), int32(80), int32(443)
	for _, e := range []ec2api.CreateNetworkAclEntryRequest{
		{RuleNumber: 10, Protocol: "icmp", RuleAction: "allow", CidrBlock: "10.0.0.0/8", IcmpTypeCode: &ec2api.IcmpTypeCode{Type: &kind, Code: &code}},
		{RuleNumber: 20, Protocol: "6", RuleAction: "deny", CidrBlock: "0.0.0.0/0", Egress: true, PortRange: &ec2api.PortRange{From: &from, To: &to}},
	} {
		e.NetworkAclId = id
		if err := w.service.CreateNetworkAclEntry(w.ctx, &e); err != nil {
			t.Fatal(err)
		}
	}
	view, _ := w.service.VPCView(vpc)
	if err := view.Validate(network.DefaultSite("")); err != nil {
		t.Error(err)
	}
	own, ok := view.NetworkACL(id)
	if got, want := fmt.Sprint(own.Entries), "[{10 false true 1 -1 -1 8 -1 10.0.0.0/8} {20 true false 6 80 443 -1 -1 0.0.0.0/0}]"; got != want || !ok {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if guard, ok := view.NetworkACL(view.Subnets[0].NetworkACL); !ok || len(guard.Entries) != 2 || !slices.ContainsFunc(guard.Entries, func(e network.ACLEntry) bool { return e.Allow && e.Egress }) {
		t.Errorf("the default ACL: %+v", guard)
	}
}
