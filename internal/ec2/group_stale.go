package ec2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// stale reports whether a rule names a group of another VPC that is gone, or that
// no active connection leads to any more. Such a rule allows nobody, and stays
// until somebody takes it away.
func (q *scope) stale(g *state.SecurityGroup, r state.SecurityGroupRule) bool {
	if r.VpcPeeringConnectionID == "" {
		return false
	}
	p, ok := state.VpcPeeringConnections.Get(q.tx, r.VpcPeeringConnectionID)
	_, there := state.SecurityGroups.Get(q.tx, state.Key(r.ReferencedAccount, g.Region, r.ReferencedGroupID))
	return !ok || p.State != "active" || !there
}

// DescribeStaleSecurityGroups lists the groups of a VPC with their stale rules.
func (s *Service) DescribeStaleSecurityGroups(ctx context.Context, in *ec2api.DescribeStaleSecurityGroupsRequest) (*ec2api.DescribeStaleSecurityGroupsResult, error) {
	out := &ec2api.DescribeStaleSecurityGroupsResult{StaleSecurityGroupSet: []ec2api.StaleSecurityGroup{}}
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		var groups []*state.SecurityGroup
		for g := range state.SecurityGroups.All(q.tx, q.prefix()) {
			if g.VpcID == vpc.ID && slices.ContainsFunc(g.Rules, func(r state.SecurityGroupRule) bool { return q.stale(g, r) }) {
				groups = append(groups, g)
			}
		}
		found, next, err := page(q, slices.Values(groups), securityGroupResource, query{max: in.MaxResults, token: in.NextToken})
		out.NextToken = next
		for _, g := range found {
			out.StaleSecurityGroupSet = append(out.StaleSecurityGroupSet, ec2api.StaleSecurityGroup{
				GroupId: g.ID, GroupName: g.Name, Description: g.Description, VpcId: g.VpcID,
				StaleIpPermissions: q.stalePermissions(g, false), StaleIpPermissionsEgress: q.stalePermissions(g, true),
			})
		}
		return err
	})
	return out, err
}

// stalePermissions are the stale rules of one direction.
func (q *scope) stalePermissions(g *state.SecurityGroup, egress bool) []ec2api.StaleIpPermission {
	only := *g
	only.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(r state.SecurityGroupRule) bool { return !q.stale(g, r) })
	return each(q.permissionsOut(&only, egress), func(p ec2api.IpPermission) ec2api.StaleIpPermission {
		return ec2api.StaleIpPermission{IpProtocol: p.IpProtocol, FromPort: p.FromPort, ToPort: p.ToPort, IpRanges: []string{}, PrefixListIds: []string{}, UserIdGroupPairs: p.UserIdGroupPairs}
	})
}

// DescribeSecurityGroupReferences lists the peered VPCs whose rules name groups.
func (s *Service) DescribeSecurityGroupReferences(ctx context.Context, in *ec2api.DescribeSecurityGroupReferencesRequest) (*ec2api.DescribeSecurityGroupReferencesResult, error) {
	out := &ec2api.DescribeSecurityGroupReferencesResult{SecurityGroupReferenceSet: []ec2api.SecurityGroupReference{}}
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		for _, id := range in.GroupId {
			g, err := q.group(id, "")
			if err != nil {
				return err
			}
			for other := range state.SecurityGroups.By(q.tx, "referenced", g.Key()) {
				for _, r := range other.Rules {
					reference := ec2api.SecurityGroupReference{GroupId: g.ID, ReferencingVpcId: other.VpcID, VpcPeeringConnectionId: r.VpcPeeringConnectionID}
					if r.ReferencedGroupID == g.ID && r.VpcPeeringConnectionID != "" && !slices.Contains(out.SecurityGroupReferenceSet, reference) {
						out.SecurityGroupReferenceSet = append(out.SecurityGroupReferenceSet, reference)
					}
				}
			}
		}
		return nil
	})
	return out, err
}
