package ec2

import (
	"cmp"
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// AuthorizeSecurityGroupIngress adds inbound rules.
func (s *Service) AuthorizeSecurityGroupIngress(ctx context.Context, in *ec2api.AuthorizeSecurityGroupIngressRequest) (*ec2api.AuthorizeSecurityGroupIngressResult, error) {
	if err := unsupported(in, "GroupId", "GroupName", "IpPermissions", "IpProtocol", "FromPort", "ToPort", "CidrIp", "TagSpecifications"); err != nil {
		return nil, err
	}
	permissions, err := withSimple(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp)
	if err != nil {
		return nil, err
	}
	rules, err := s.addRules(ctx, in.DryRun, in.GroupId, in.GroupName, false, permissions, in.TagSpecifications)
	yes := true
	return &ec2api.AuthorizeSecurityGroupIngressResult{Return: &yes, SecurityGroupRules: rules}, err
}

// AuthorizeSecurityGroupEgress adds outbound rules.
func (s *Service) AuthorizeSecurityGroupEgress(ctx context.Context, in *ec2api.AuthorizeSecurityGroupEgressRequest) (*ec2api.AuthorizeSecurityGroupEgressResult, error) {
	if err := unsupported(in, "GroupId", "IpPermissions", "IpProtocol", "FromPort", "ToPort", "CidrIp", "TagSpecifications"); err != nil {
		return nil, err
	}
	permissions, err := withSimple(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp)
	if err != nil {
		return nil, err
	}
	rules, err := s.addRules(ctx, in.DryRun, in.GroupId, "", true, permissions, in.TagSpecifications)
	yes := true
	return &ec2api.AuthorizeSecurityGroupEgressResult{Return: &yes, SecurityGroupRules: rules}, err
}

// withSimple takes the one rule that a request may describe by its own members
// into the list of permissions.
func withSimple(permissions []ec2api.IpPermission, protocol string, from, to *int32, cidr string) ([]ec2api.IpPermission, error) {
	if protocol == "" && cidr == "" && from == nil && to == nil {
		return permissions, nil
	}
	if len(permissions) > 0 {
		return nil, errorf("InvalidParameterCombination", "The parameter ipPermissions cannot be used with the parameter ipProtocol")
	}
	simple := ec2api.IpPermission{IpProtocol: protocol, FromPort: from, ToPort: to}
	if cidr != "" {
		simple.IpRanges = []ec2api.IpRange{{CidrIp: cidr}}
	}
	return []ec2api.IpPermission{simple}, nil
}

func (s *Service) addRules(ctx context.Context, dryRun *bool, groupID, groupName string, egress bool, permissions []ec2api.IpPermission, specs []ec2api.TagSpecification) ([]ec2api.SecurityGroupRule, error) {
	var out []ec2api.SecurityGroupRule
	err := s.write(ctx, dryRun, func(q *scope) error {
		g, err := q.group(groupID, groupName)
		if err != nil {
			return err
		}
		tags, err := specifiedTags(q, specs, "security-group-rule")
		if err != nil {
			return err
		}
		rules, err := q.parseRules(g, egress, permissions)
		if err != nil {
			return err
		}
		all := slices.Clone(g.Rules)
		for _, r := range withIDs(rules, tags) {
			if slices.ContainsFunc(all, func(o state.SecurityGroupRule) bool { return same(o, r) }) {
				return errorf("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", ruleText(r))
			}
			all = append(all, r)
			out = append(out, q.ruleOut(g, r))
		}
		if err := q.checkRules(all, egress, nil); err != nil {
			return err
		}
		q.setRules(g, all)
		return nil
	})
	return out, err
}

// checkRules counts as AWS does: each direction, IPv4 and IPv6 apart; a prefix
// list counts as many as it may have entries. resized is a list as it is to be, or nil.
func (q *scope) checkRules(rules []state.SecurityGroupRule, egress bool, resized *state.ManagedPrefixList) error {
	v4, v6 := 0, 0
	for _, r := range rules {
		switch {
		case r.Egress != egress:
		case r.CIDRIPv6 != "":
			v6++
		case r.PrefixListID == "":
			v4++
		default:
			l, ok := state.ManagedPrefixLists.Get(q.tx, q.key(r.PrefixListID))
			if resized != nil && resized.ID == r.PrefixListID {
				l = resized
			}
			switch {
			case !ok: // AWS's
				v4++
			case l.AddressFamily == "IPv6":
				v6 += int(l.MaxEntries)
			default:
				v4 += int(l.MaxEntries)
			}
		}
	}
	return quotaRules.allows(max(v4, v6))
}

func (q *scope) setRules(g *state.SecurityGroup, rules []state.SecurityGroupRule) {
	state.SecurityGroups.Update(q.tx, g.Key(), func(g *state.SecurityGroup) { g.Rules = rules })
	q.touch(g.VpcID)
}

// RevokeSecurityGroupIngress takes inbound rules away.
func (s *Service) RevokeSecurityGroupIngress(ctx context.Context, in *ec2api.RevokeSecurityGroupIngressRequest) (*ec2api.RevokeSecurityGroupIngressResult, error) {
	if err := unsupported(in, "GroupId", "GroupName", "IpPermissions", "IpProtocol", "FromPort", "ToPort", "CidrIp", "SecurityGroupRuleIds"); err != nil {
		return nil, err
	}
	permissions, err := withSimple(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp)
	if err != nil {
		return nil, err
	}
	revoked, unknown, err := s.revokeRules(ctx, in.DryRun, in.GroupId, in.GroupName, false, permissions, in.SecurityGroupRuleIds)
	yes := true
	return &ec2api.RevokeSecurityGroupIngressResult{Return: &yes, RevokedSecurityGroupRules: revoked, UnknownIpPermissions: unknown}, err
}

// RevokeSecurityGroupEgress takes outbound rules away.
func (s *Service) RevokeSecurityGroupEgress(ctx context.Context, in *ec2api.RevokeSecurityGroupEgressRequest) (*ec2api.RevokeSecurityGroupEgressResult, error) {
	if err := unsupported(in, "GroupId", "IpPermissions", "IpProtocol", "FromPort", "ToPort", "CidrIp", "SecurityGroupRuleIds"); err != nil {
		return nil, err
	}
	permissions, err := withSimple(in.IpPermissions, in.IpProtocol, in.FromPort, in.ToPort, in.CidrIp)
	if err != nil {
		return nil, err
	}
	revoked, unknown, err := s.revokeRules(ctx, in.DryRun, in.GroupId, "", true, permissions, in.SecurityGroupRuleIds)
	yes := true
	return &ec2api.RevokeSecurityGroupEgressResult{Return: &yes, RevokedSecurityGroupRules: revoked, UnknownIpPermissions: unknown}, err
}

func (s *Service) revokeRules(ctx context.Context, dryRun *bool, groupID, groupName string, egress bool, permissions []ec2api.IpPermission, ruleIDs []string) (revoked []ec2api.RevokedSecurityGroupRule, unknown []ec2api.IpPermission, err error) {
	err = s.write(ctx, dryRun, func(q *scope) error {
		g, err := q.group(groupID, groupName)
		if err != nil {
			return err
		}
		var goes []string
		if len(ruleIDs) > 0 {
			goes, err = idsOfGroup(g, egress, ruleIDs)
		} else {
			goes, unknown, err = q.idsOfPermissions(g, egress, permissions)
		}
		if err != nil {
			return err
		}
		var keep []state.SecurityGroupRule
		for _, r := range g.Rules {
			if slices.Contains(goes, r.ID) {
				revoked = append(revoked, revokedOut(g, r))
			} else {
				keep = append(keep, r)
			}
		}
		q.setRules(g, keep)
		return nil
	})
	return revoked, unknown, err
}

// idsOfGroup checks that rules belong to a group and a direction.
func idsOfGroup(g *state.SecurityGroup, egress bool, ruleIDs []string) ([]string, error) {
	for _, id := range ruleIDs {
		if !slices.ContainsFunc(g.Rules, func(r state.SecurityGroupRule) bool { return r.ID == id && r.Egress == egress }) {
			return nil, kindRule.notFound(id)
		}
	}
	return ruleIDs, nil
}

// idsOfPermissions finds the rules that permissions describe. One that is not
// there is an error, but only listed as unknown in the default VPC.
func (q *scope) idsOfPermissions(g *state.SecurityGroup, egress bool, permissions []ec2api.IpPermission) (goes []string, unknown []ec2api.IpPermission, err error) {
	if len(permissions) == 0 {
		return nil, nil, errorf("MissingParameter", "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.")
	}
	for _, p := range permissions {
		rules, err := q.parseRules(g, egress, []ec2api.IpPermission{p})
		if err != nil {
			return nil, nil, err
		}
		for _, r := range rules {
			i := slices.IndexFunc(g.Rules, func(o state.SecurityGroupRule) bool { return same(o, r) })
			if i >= 0 {
				goes = append(goes, g.Rules[i].ID)
				continue
			}
			if vpc, ok := q.defaultVpc(); !ok || vpc.ID != g.VpcID {
				return nil, nil, errorf("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			one := ec2api.IpPermission{IpProtocol: r.Protocol}
			if hasPorts(r.Protocol) {
				one.FromPort, one.ToPort = &r.FromPort, &r.ToPort
			}
			q.addPeer(&one, g, r)
			unknown = append(unknown, one)
		}
	}
	return goes, unknown, nil
}

func revokedOut(g *state.SecurityGroup, r state.SecurityGroupRule) ec2api.RevokedSecurityGroupRule {
	return ec2api.RevokedSecurityGroupRule{
		SecurityGroupRuleId: r.ID, GroupId: g.ID, IsEgress: &r.Egress, IpProtocol: r.Protocol, FromPort: &r.FromPort, ToPort: &r.ToPort,
		CidrIpv4: r.CIDRIPv4, CidrIpv6: r.CIDRIPv6, PrefixListId: r.PrefixListID, ReferencedGroupId: r.ReferencedGroupID, Description: r.Description,
	}
}

func (q *scope) ruleOut(g *state.SecurityGroup, r state.SecurityGroupRule) ec2api.SecurityGroupRule {
	out := ec2api.SecurityGroupRule{
		SecurityGroupRuleId: r.ID, GroupId: g.ID, GroupOwnerId: g.Account, IsEgress: &r.Egress,
		IpProtocol: r.Protocol, FromPort: &r.FromPort, ToPort: &r.ToPort,
		CidrIpv4: r.CIDRIPv4, CidrIpv6: r.CIDRIPv6, PrefixListId: r.PrefixListID, Description: r.Description,
		SecurityGroupRuleArn: resourceARN(g.Account, g.Region, "security-group-rule", r.ID), Tags: apiTags(r.Tags),
	}
	if r.ReferencedGroupID != "" {
		pair := q.pairOut(g, r)
		out.ReferencedGroupInfo = &ec2api.ReferencedSecurityGroup{GroupId: pair.GroupId, UserId: pair.UserId, VpcId: cmp.Or(pair.VpcId, g.VpcID), VpcPeeringConnectionId: pair.VpcPeeringConnectionId, PeeringStatus: pair.PeeringStatus}
	}
	return out
}
