package ec2

import (
	"cmp"
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// groupRule is a rule with its group, as one line of DescribeSecurityGroupRules.
type groupRule struct {
	group *state.SecurityGroup
	rule  state.SecurityGroupRule
}

var ruleResource = resource[groupRule]{
	id:   func(r *groupRule) string { return r.rule.ID },
	tags: func(r *groupRule) []state.Tag { return r.rule.Tags },
	fields: fields[groupRule]{
		"group-id":               func(_ *scope, r *groupRule) []string { return one(r.group.ID) },
		"security-group-rule-id": func(_ *scope, r *groupRule) []string { return one(r.rule.ID) },
	},
}

// DescribeSecurityGroupRules lists rules one by one.
func (s *Service) DescribeSecurityGroupRules(ctx context.Context, in *ec2api.DescribeSecurityGroupRulesRequest) (*ec2api.DescribeSecurityGroupRulesResult, error) {
	var out ec2api.DescribeSecurityGroupRulesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		var all []*groupRule
		for g := range state.SecurityGroups.All(q.tx, q.prefix()) {
			for _, r := range g.Rules {
				if len(in.SecurityGroupRuleIds) == 0 || slices.Contains(in.SecurityGroupRuleIds, r.ID) {
					all = append(all, &groupRule{g, r})
				}
			}
		}
		for _, id := range in.SecurityGroupRuleIds {
			if !slices.ContainsFunc(all, func(r *groupRule) bool { return r.rule.ID == id }) {
				return kindRule.notFound(id)
			}
		}
		slices.SortFunc(all, func(a, b *groupRule) int { return cmp.Compare(a.rule.ID, b.rule.ID) })
		found, next, err := page(q, slices.Values(all), ruleResource, query{in.SecurityGroupRuleIds, "securityGroupRuleIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.SecurityGroupRules = each(found, func(r *groupRule) ec2api.SecurityGroupRule { return q.ruleOut(r.group, r.rule) })
		return err
	})
	return &out, err
}

// ModifySecurityGroupRules changes rules in place; they keep ids, directions and tags.
func (s *Service) ModifySecurityGroupRules(ctx context.Context, in *ec2api.ModifySecurityGroupRulesRequest) (*ec2api.ModifySecurityGroupRulesResult, error) {
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		g, err := q.group(in.GroupId, "")
		if err != nil {
			return err
		}
		rules := slices.Clone(g.Rules)
		for _, update := range in.SecurityGroupRules {
			i := slices.IndexFunc(rules, func(r state.SecurityGroupRule) bool { return r.ID == update.SecurityGroupRuleId })
			if i < 0 {
				return kindRule.notFound(update.SecurityGroupRuleId)
			}
			if update.SecurityGroupRule == nil {
				return errMissing("securityGroupRule")
			}
			changed, err := q.changeRule(g, rules[i], *update.SecurityGroupRule)
			if err != nil {
				return err
			}
			rules[i] = changed
		}
		for i, r := range rules {
			if slices.ContainsFunc(rules[:i], func(o state.SecurityGroupRule) bool { return same(o, r) }) {
				return errorf("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", ruleText(r))
			}
		}
		q.setRules(g, rules)
		return nil
	})
	yes := true
	return &ec2api.ModifySecurityGroupRulesResult{Return: &yes}, err
}

// changeRule returns old as a request wants it. The kind of peer stays.
func (q *scope) changeRule(g *state.SecurityGroup, old state.SecurityGroupRule, want ec2api.SecurityGroupRuleRequest) (state.SecurityGroupRule, error) {
	p := ec2api.IpPermission{IpProtocol: want.IpProtocol, FromPort: want.FromPort, ToPort: want.ToPort}
	if want.CidrIpv4 != "" {
		p.IpRanges = []ec2api.IpRange{{CidrIp: want.CidrIpv4, Description: want.Description}}
	}
	if want.CidrIpv6 != "" {
		p.Ipv6Ranges = []ec2api.Ipv6Range{{CidrIpv6: want.CidrIpv6, Description: want.Description}}
	}
	if want.PrefixListId != "" {
		p.PrefixListIds = []ec2api.PrefixListId{{PrefixListId: want.PrefixListId, Description: want.Description}}
	}
	if want.ReferencedGroupId != "" {
		p.UserIdGroupPairs = []ec2api.UserIdGroupPair{{GroupId: want.ReferencedGroupId, Description: want.Description}}
	}
	rules, err := q.parseRules(g, old.Egress, []ec2api.IpPermission{p})
	if err != nil {
		return old, err
	}
	if len(rules) != 1 || peerKind(rules[0]) != peerKind(old) {
		return old, errorf("InvalidParameterValue", "The type of the source or destination of the security group rule %s cannot be changed.", old.ID)
	}
	rules[0].ID, rules[0].Tags = old.ID, old.Tags
	return rules[0], nil
}

func peerKind(r state.SecurityGroupRule) string {
	switch {
	case r.CIDRIPv4 != "":
		return "ipv4"
	case r.CIDRIPv6 != "":
		return "ipv6"
	case r.PrefixListID != "":
		return "prefix-list"
	}
	return "group"
}

// UpdateSecurityGroupRuleDescriptionsIngress sets descriptions of inbound rules.
func (s *Service) UpdateSecurityGroupRuleDescriptionsIngress(ctx context.Context, in *ec2api.UpdateSecurityGroupRuleDescriptionsIngressRequest) (*ec2api.UpdateSecurityGroupRuleDescriptionsIngressResult, error) {
	err := s.describeRules(ctx, in.DryRun, in.GroupId, in.GroupName, false, in.IpPermissions, in.SecurityGroupRuleDescriptions)
	yes := true
	return &ec2api.UpdateSecurityGroupRuleDescriptionsIngressResult{Return: &yes}, err
}

// UpdateSecurityGroupRuleDescriptionsEgress sets descriptions of outbound rules.
func (s *Service) UpdateSecurityGroupRuleDescriptionsEgress(ctx context.Context, in *ec2api.UpdateSecurityGroupRuleDescriptionsEgressRequest) (*ec2api.UpdateSecurityGroupRuleDescriptionsEgressResult, error) {
	err := s.describeRules(ctx, in.DryRun, in.GroupId, in.GroupName, true, in.IpPermissions, in.SecurityGroupRuleDescriptions)
	yes := true
	return &ec2api.UpdateSecurityGroupRuleDescriptionsEgressResult{Return: &yes}, err
}

func (s *Service) describeRules(ctx context.Context, dryRun *bool, groupID, groupName string, egress bool, permissions []ec2api.IpPermission, byID []ec2api.SecurityGroupRuleDescription) error {
	return s.write(ctx, dryRun, func(q *scope) error {
		g, err := q.group(groupID, groupName)
		if err != nil {
			return err
		}
		if len(permissions) > 0 && len(byID) > 0 {
			return errorf("InvalidParameterCombination", "The parameter ipPermissions cannot be used with the parameter securityGroupRuleDescriptions")
		}
		rules := slices.Clone(g.Rules)
		if len(byID) > 0 {
			err = describeByID(rules, egress, byID)
		} else {
			err = q.describeByPermission(g, rules, egress, permissions)
		}
		if err != nil {
			return err
		}
		q.setRules(g, rules)
		return nil
	})
}

func describeByID(rules []state.SecurityGroupRule, egress bool, byID []ec2api.SecurityGroupRuleDescription) error {
	for _, d := range byID {
		i := slices.IndexFunc(rules, func(r state.SecurityGroupRule) bool { return r.ID == d.SecurityGroupRuleId && r.Egress == egress })
		if i < 0 {
			return kindRule.notFound(d.SecurityGroupRuleId)
		}
		if err := checkRuleDescription(d.Description); err != nil {
			return err
		}
		rules[i].Description = d.Description
	}
	return nil
}

func (q *scope) describeByPermission(g *state.SecurityGroup, rules []state.SecurityGroupRule, egress bool, permissions []ec2api.IpPermission) error {
	wanted, err := q.parseRules(g, egress, permissions)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		i := slices.IndexFunc(rules, func(r state.SecurityGroupRule) bool { return same(r, w) })
		if i < 0 {
			return errorf("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
		}
		rules[i].Description = w.Description
	}
	return nil
}
