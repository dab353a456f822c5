package resource

import (
	"context"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// rule is one security group rule in a comparable form: two rules that are
// equal but for their description are the same rule to EC2.
type rule struct {
	egress   bool
	protocol string // "-1", tcp, udp, icmp ... as EC2 spells it
	from, to int32  // -1 for all
	peer     string // CIDR block, group or prefix list
}

// protocols are the numbers that EC2 spells as names.
var protocols = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": "-1"}

// ruleOf reads a rule of a template.
func ruleOf(v *template.Value, egress bool) rule {
	out := rule{egress: egress, protocol: strings.ToLower(v.Get("IpProtocol").Str()), from: port(v.Get("FromPort")), to: port(v.Get("ToPort"))}
	if name, ok := protocols[out.protocol]; ok {
		out.protocol = name
	}
	if out.protocol == "-1" {
		out.from, out.to = -1, -1
	}
	for _, name := range []string{"CidrIp", "CidrIpv6", "SourceSecurityGroupId", "SourcePrefixListId", "DestinationSecurityGroupId", "DestinationPrefixListId"} {
		out.peer += v.Get(name).Str()
	}
	return out
}

func port(v *template.Value) int32 {
	n, err := strconv.ParseInt(v.Str(), 10, 32)
	if err != nil {
		return -1
	}
	return int32(n)
}

// permission is the rule as the API takes it.
func (u rule) permission(description string) ec2api.IpPermission {
	p := ec2api.IpPermission{IpProtocol: u.protocol}
	if u.protocol != "-1" {
		p.FromPort, p.ToPort = &u.from, &u.to
	}
	switch {
	case strings.HasPrefix(u.peer, "sg-"):
		p.UserIdGroupPairs = []ec2api.UserIdGroupPair{{GroupId: u.peer, Description: description}}
	case strings.HasPrefix(u.peer, "pl-"):
		p.PrefixListIds = []ec2api.PrefixListId{{PrefixListId: u.peer, Description: description}}
	case strings.Contains(u.peer, ":"):
		p.Ipv6Ranges = []ec2api.Ipv6Range{{CidrIpv6: u.peer, Description: description}}
	case u.peer != "":
		p.IpRanges = []ec2api.IpRange{{CidrIp: u.peer, Description: description}}
	}
	return p
}

// is reports whether u is a rule that EC2 has.
func (u rule) is(have ec2api.SecurityGroupRule) bool {
	peer := have.CidrIpv4 + have.CidrIpv6 + have.PrefixListId
	if have.ReferencedGroupInfo != nil {
		peer += have.ReferencedGroupInfo.GroupId
	}
	return wire.Or(have.IsEgress, false) == u.egress && have.IpProtocol == u.protocol && peer == u.peer &&
		wire.Or(have.FromPort, -1) == u.from && wire.Or(have.ToPort, -1) == u.to
}

// findRule returns the id of a group's rule, "" when the group has no such rule.
func (r *Request) findRule(ctx context.Context, groupID string, u rule) (string, error) {
	in := &ec2api.DescribeSecurityGroupRulesRequest{Filters: []ec2api.Filter{{Name: "group-id", Values: []string{groupID}}}}
	for {
		out, err := r.ec2().DescribeSecurityGroupRules(ctx, in)
		if err != nil {
			return "", err
		}
		for _, have := range out.SecurityGroupRules {
			if u.is(have) {
				return have.SecurityGroupRuleId, nil
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == "" {
			return "", nil
		}
	}
}

// authorize adds a rule to a group and returns its id. A rule that is there
// already is taken over: several resources may declare the same one.
func (r *Request) authorize(ctx context.Context, groupID string, u rule, description string) (string, error) {
	permissions := []ec2api.IpPermission{u.permission(description)}
	var err error
	if u.egress {
		_, err = r.ec2().AuthorizeSecurityGroupEgress(ctx, &ec2api.AuthorizeSecurityGroupEgressRequest{GroupId: groupID, IpPermissions: permissions})
	} else {
		_, err = r.ec2().AuthorizeSecurityGroupIngress(ctx, &ec2api.AuthorizeSecurityGroupIngressRequest{GroupId: groupID, IpPermissions: permissions})
	}
	if err != nil && !isCode(err, "InvalidPermission.Duplicate") {
		return "", err
	}
	return r.findRule(ctx, groupID, u)
}

// describe brings the description of a rule up to date; EC2 changes it apart.
func (r *Request) describe(ctx context.Context, groupID string, u rule, description string) error {
	permissions := []ec2api.IpPermission{u.permission(description)}
	var err error
	if u.egress {
		_, err = r.ec2().UpdateSecurityGroupRuleDescriptionsEgress(ctx, &ec2api.UpdateSecurityGroupRuleDescriptionsEgressRequest{GroupId: groupID, IpPermissions: permissions})
	} else {
		_, err = r.ec2().UpdateSecurityGroupRuleDescriptionsIngress(ctx, &ec2api.UpdateSecurityGroupRuleDescriptionsIngressRequest{GroupId: groupID, IpPermissions: permissions})
	}
	return err
}

// revoke removes a rule from a group, unless another resource of a stack
// declares the same one.
func (r *Request) revoke(ctx context.Context, groupID string, u rule) error {
	if r.declaredElsewhere(groupID, u) {
		return nil
	}
	permissions := []ec2api.IpPermission{u.permission("")}
	var err error
	if u.egress {
		_, err = r.ec2().RevokeSecurityGroupEgress(ctx, &ec2api.RevokeSecurityGroupEgressRequest{GroupId: groupID, IpPermissions: permissions})
	} else {
		_, err = r.ec2().RevokeSecurityGroupIngress(ctx, &ec2api.RevokeSecurityGroupIngressRequest{GroupId: groupID, IpPermissions: permissions})
	}
	return gone(err, "InvalidPermission.NotFound", "InvalidGroup.NotFound")
}

// declaredElsewhere looks for another resource that wants the rule: the group
// itself, inline, or a separate rule.
func (r *Request) declaredElsewhere(groupID string, u rule) bool {
	inline, separate := "SecurityGroupIngress", "AWS::EC2::SecurityGroupIngress"
	if u.egress {
		inline, separate = "SecurityGroupEgress", "AWS::EC2::SecurityGroupEgress"
	}
	for _, peer := range r.Peers() {
		switch {
		case peer.Type == "AWS::EC2::SecurityGroup" && peer.PhysicalID == groupID:
			for _, item := range items(peer.Properties.Get(inline)) {
				if ruleOf(item, u.egress) == u {
					return true
				}
			}
		case peer.Type == separate && peer.Properties.Get("GroupId").Str() == groupID && ruleOf(peer.Properties, u.egress) == u:
			return true
		}
	}
	return false
}

func items(v *template.Value) []*template.Value {
	if v == nil {
		return nil
	}
	return v.Items
}
