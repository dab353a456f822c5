package ec2_test

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

func tcp(port int32, cidr string) ec2api.IpPermission {
	return ec2api.IpPermission{IpProtocol: "tcp", FromPort: &port, ToPort: &port, IpRanges: []ec2api.IpRange{{CidrIp: cidr}}}
}

func (w *world) authorize(group string, permissions ...ec2api.IpPermission) ([]ec2api.SecurityGroupRule, error) {
	out, err := w.service.AuthorizeSecurityGroupIngress(w.ctx, &ec2api.AuthorizeSecurityGroupIngressRequest{GroupId: group, IpPermissions: permissions})
	if err != nil {
		return nil, err
	}
	return out.SecurityGroupRules, nil
}

func (w *world) revoke(group string, permissions ...ec2api.IpPermission) error {
	_, err := w.service.RevokeSecurityGroupIngress(w.ctx, &ec2api.RevokeSecurityGroupIngressRequest{GroupId: group, IpPermissions: permissions})
	return err
}

func (w *world) describeGroup(id string) ec2api.SecurityGroup {
	w.t.Helper()
	return must(w.service.DescribeSecurityGroups(w.ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: []string{id}})).SecurityGroups[0]
}

func TestGroupNames(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	w.group(vpc, "web")
	for _, test := range []struct{ name, description, vpc, code, part string }{
		{"web", "x", vpc, "InvalidGroup.Duplicate", "The security group 'web' already exists for VPC '" + vpc + "'"},
		{"default", "x", vpc, "InvalidParameterValue", "Cannot use reserved security group name: default"},
		{"sg-1", "x", vpc, "InvalidParameterValue", "Group names may not be in the format sg-*."},
		{"web2", "a<b", vpc, "InvalidParameterValue", "Invalid security group description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"},
		{"web2", "x", "vpc-1", "InvalidVpcID.NotFound", "vpc-1"},
	} {
		_, err := w.service.CreateSecurityGroup(w.ctx, &ec2api.CreateSecurityGroupRequest{GroupName: test.name, Description: test.description, VpcId: test.vpc})
		fails(t, err, test.code, test.part)
	}
	_, err := w.service.DescribeSecurityGroups(w.ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: []string{"sg-1"}})
	fails(t, err, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist")
	_, err = w.service.DescribeSecurityGroups(w.ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: []string{"web"}})
	fails(t, err, "InvalidGroupId.Malformed", `Invalid id: "web" (expecting "sg-...")`)
}

func TestRulesAreAddedAndTakenAway(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	group, peer := w.group(vpc, "web"), w.group(vpc, "peer")
	rules := must(w.authorize(group, tcp(80, "10.0.0.7/24"), tcp(443, "0.0.0.0/0"),
		ec2api.IpPermission{IpProtocol: "6", FromPort: ptr(int32(80)), ToPort: ptr(int32(80)), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: peer, Description: "from the peer"}}}))
	if len(rules) != 3 || rules[0].CidrIpv4 != "10.0.0.0/24" || rules[2].ReferencedGroupInfo.GroupId != peer || rules[2].Description != "from the peer" {
		t.Fatalf("rules %+v", rules)
	}
	g := w.describeGroup(group)
	if len(g.IpPermissions) != 2 || len(g.IpPermissions[0].IpRanges) != 1 || len(g.IpPermissions[0].UserIdGroupPairs) != 1 {
		t.Errorf("permissions are not gathered by ports: %+v", g.IpPermissions)
	}
	if out := g.IpPermissionsEgress; len(out) != 1 || out[0].IpProtocol != "-1" || out[0].FromPort != nil {
		t.Errorf("outbound %+v", out)
	}
	_, err := w.authorize(group, tcp(80, "10.0.0.0/24"))
	fails(t, err, "InvalidPermission.Duplicate", `the specified rule "peer: 10.0.0.0/24, TCP, from port: 80, to port: 80, ALLOW" already exists`)

	_, err = w.service.DeleteSecurityGroup(w.ctx, &ec2api.DeleteSecurityGroupRequest{GroupId: peer})
	fails(t, err, "DependencyViolation", "resource "+peer+" has a dependent object")
	if err := w.revoke(group, tcp(443, "0.0.0.0/0")); err != nil {
		t.Fatal(err)
	}
	fails(t, w.revoke(group, tcp(443, "0.0.0.0/0")), "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
	out := must(w.service.RevokeSecurityGroupIngress(w.ctx, &ec2api.RevokeSecurityGroupIngressRequest{GroupId: group, SecurityGroupRuleIds: []string{rules[2].SecurityGroupRuleId}}))
	if len(out.RevokedSecurityGroupRules) != 1 || out.RevokedSecurityGroupRules[0].ReferencedGroupId != peer {
		t.Errorf("revoked %+v", out.RevokedSecurityGroupRules)
	}
	must(w.service.DeleteSecurityGroup(w.ctx, &ec2api.DeleteSecurityGroupRequest{GroupId: peer}))
}

func TestTerraformEmptiesTheOutboundRules(t *testing.T) {
	w := newWorld(t)
	group := w.group(w.vpc("10.0.0.0/16"), "web")
	revoke := func(p ec2api.IpPermission) error {
		_, err := w.service.RevokeSecurityGroupEgress(w.ctx, &ec2api.RevokeSecurityGroupEgressRequest{GroupId: group, IpPermissions: []ec2api.IpPermission{p}})
		return err
	}
	if err := revoke(ec2api.IpPermission{IpProtocol: "-1", FromPort: ptr(int32(0)), ToPort: ptr(int32(0)), IpRanges: []ec2api.IpRange{{CidrIp: "0.0.0.0/0"}}}); err != nil {
		t.Fatal(err)
	}
	err := revoke(ec2api.IpPermission{IpProtocol: "-1", Ipv6Ranges: []ec2api.Ipv6Range{{CidrIpv6: "::/0"}}})
	fails(t, err, "InvalidPermission.NotFound", "The specified rule does not exist")
	if out := w.describeGroup(group).IpPermissionsEgress; len(out) != 0 {
		t.Errorf("outbound %+v", out)
	}
}

func TestRulesAreChecked(t *testing.T) {
	w := newWorld(t)
	group := w.group(w.vpc("10.0.0.0/16"), "web")
	foreign := w.group(w.vpc("10.1.0.0/16"), "web")
	ports := func(protocol string, from, to int32) ec2api.IpPermission {
		return ec2api.IpPermission{IpProtocol: protocol, FromPort: &from, ToPort: &to, IpRanges: []ec2api.IpRange{{CidrIp: "0.0.0.0/0"}}}
	}
	for _, test := range []struct {
		permission ec2api.IpPermission
		code, part string
	}{
		{tcp(80, "10.0.0.0/33"), "InvalidParameterValue", "CIDR block 10.0.0.0/33 is malformed"},
		{ports("tcp", 90, 80), "InvalidParameterValue", "Invalid TCP/UDP port range (90:80)"},
		{ports("tcp", 0, 70000), "InvalidParameterValue", "70000"},
		{ports("http", 80, 80), "InvalidParameterValue", "Invalid value 'http' for IP protocol. Unknown protocol."},
		{ports("256", -1, -1), "InvalidParameterValue", "Unknown protocol"},
		{ports("icmp", -1, 3), "InvalidParameterValue", "ICMP code (3) and type (-1)"},
		{ec2api.IpPermission{IpProtocol: "tcp", IpRanges: []ec2api.IpRange{{CidrIp: "0.0.0.0/0"}}}, "InvalidParameterValue", "Must specify both from and to ports with TCP/UDP."},
		{ec2api.IpPermission{IpProtocol: "-1"}, "MissingParameter", "ipPermissions"},
		{ec2api.IpPermission{IpProtocol: "-1", PrefixListIds: []ec2api.PrefixListId{{PrefixListId: "pl-1"}}}, "InvalidPrefixListID.NotFound", "pl-1"},
		{ec2api.IpPermission{IpProtocol: "-1", UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: foreign}}}, "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."},
		{ec2api.IpPermission{IpProtocol: "-1", UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: "sg-1"}}}, "InvalidGroup.NotFound", "The security group 'sg-1' does not exist"},
	} {
		_, err := w.authorize(group, test.permission)
		fails(t, err, test.code, test.part)
	}
	var many []ec2api.IpPermission
	for port := range int32(61) {
		many = append(many, tcp(port, "0.0.0.0/0"))
	}
	_, err := w.authorize(group, many...)
	fails(t, err, "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
	must(w.authorize(group, many[:60]...))
}

func TestRulesAreModified(t *testing.T) {
	w := newWorld(t)
	group := w.group(w.vpc("10.0.0.0/16"), "web")
	rules := must(w.authorize(group, tcp(80, "10.0.0.0/24"), tcp(81, "10.0.0.0/24")))
	id := rules[0].SecurityGroupRuleId
	modify := func(want ec2api.SecurityGroupRuleRequest) error {
		_, err := w.service.ModifySecurityGroupRules(w.ctx, &ec2api.ModifySecurityGroupRulesRequest{
			GroupId: group, SecurityGroupRules: []ec2api.SecurityGroupRuleUpdate{{SecurityGroupRuleId: id, SecurityGroupRule: &want}},
		})
		return err
	}
	port := func(p int32) ec2api.SecurityGroupRuleRequest {
		return ec2api.SecurityGroupRuleRequest{IpProtocol: "tcp", FromPort: &p, ToPort: &p, CidrIpv4: "10.0.0.0/24", Description: "changed"}
	}
	fails(t, modify(port(81)), "InvalidPermission.Duplicate", "81")
	fails(t, modify(ec2api.SecurityGroupRuleRequest{IpProtocol: "-1", CidrIpv6: "::/0"}), "InvalidParameterValue", "cannot be changed")
	if err := modify(port(82)); err != nil {
		t.Fatal(err)
	}
	got := must(w.service.DescribeSecurityGroupRules(w.ctx, &ec2api.DescribeSecurityGroupRulesRequest{SecurityGroupRuleIds: []string{id}})).SecurityGroupRules
	if len(got) != 1 || *got[0].FromPort != 82 || got[0].Description != "changed" || *got[0].IsEgress {
		t.Errorf("rule %+v", got)
	}
	must(w.service.UpdateSecurityGroupRuleDescriptionsIngress(w.ctx, &ec2api.UpdateSecurityGroupRuleDescriptionsIngressRequest{
		GroupId: group, SecurityGroupRuleDescriptions: []ec2api.SecurityGroupRuleDescription{{SecurityGroupRuleId: id, Description: "again"}},
	}))
	all := must(w.service.DescribeSecurityGroupRules(w.ctx, &ec2api.DescribeSecurityGroupRulesRequest{Filters: []ec2api.Filter{filter("group-id", group)}})).SecurityGroupRules
	if len(all) != 3 || !slices.ContainsFunc(all, func(r ec2api.SecurityGroupRule) bool { return r.Description == "again" }) {
		t.Errorf("rules %+v", all)
	}
	_, err := w.service.DescribeSecurityGroupRules(w.ctx, &ec2api.DescribeSecurityGroupRulesRequest{SecurityGroupRuleIds: []string{"sgr-1"}})
	fails(t, err, "InvalidSecurityGroupRuleId.NotFound", "sgr-1")
}
