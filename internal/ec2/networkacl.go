package ec2

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// lastRule is the number of the rule that denies what no other allows.
const lastRule = 32767

var networkACLResource = resource[state.NetworkAcl]{
	table: state.NetworkAcls, kind: kindNetworkACL,
	id:   func(a *state.NetworkAcl) string { return a.ID },
	tags: func(a *state.NetworkAcl) []state.Tag { return a.Tags },
	fields: fields[state.NetworkAcl]{
		"network-acl-id":             func(_ *scope, a *state.NetworkAcl) []string { return one(a.ID) },
		"vpc-id":                     func(_ *scope, a *state.NetworkAcl) []string { return one(a.VpcID) },
		"owner-id":                   func(_ *scope, a *state.NetworkAcl) []string { return one(a.Account) },
		"default":                    func(*scope, *state.NetworkAcl) []string { return yes(true) },
		"association.network-acl-id": func(_ *scope, a *state.NetworkAcl) []string { return one(a.ID) },
		"association.association-id": aclSubnets(func(n *state.Subnet) string { return n.NetworkACLAssociationID }),
		"association.subnet-id":      aclSubnets(func(n *state.Subnet) string { return n.ID }),
	},
}

// aclSubnets is a filter on the subnets that an ACL guards.
func aclSubnets(value func(*state.Subnet) string) func(*scope, *state.NetworkAcl) []string {
	return func(q *scope, a *state.NetworkAcl) []string {
		var values []string
		for n := range state.Subnets.By(q.tx, "vpc", q.key(a.VpcID)) {
			if n.NetworkACLID == a.ID {
				values = append(values, value(n))
			}
		}
		return values
	}
}

// DescribeNetworkAcls lists the default ACLs, which allow everything.
func (s *Service) DescribeNetworkAcls(ctx context.Context, in *ec2api.DescribeNetworkAclsRequest) (*ec2api.DescribeNetworkAclsResult, error) {
	var out ec2api.DescribeNetworkAclsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		found, next, err := list(q, networkACLResource, query{in.NetworkAclIds, "networkAclIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.NetworkAcls = each(found, q.networkACLOut)
		return err
	})
	return &out, err
}

func (q *scope) networkACLOut(a *state.NetworkAcl) ec2api.NetworkAcl {
	yes := true
	out := ec2api.NetworkAcl{
		NetworkAclId: a.ID, VpcId: a.VpcID, OwnerId: a.Account, IsDefault: &yes, Tags: apiTags(a.Tags), Associations: []ec2api.NetworkAclAssociation{},
	}
	for n := range state.Subnets.By(q.tx, "vpc", q.key(a.VpcID)) {
		if n.NetworkACLID == a.ID {
			out.Associations = append(out.Associations, ec2api.NetworkAclAssociation{NetworkAclAssociationId: n.NetworkACLAssociationID, NetworkAclId: a.ID, SubnetId: n.ID})
		}
	}
	for _, egress := range []bool{true, false} {
		out.Entries = append(out.Entries, aclEntry(100, "allow", egress), aclEntry(lastRule, "deny", egress))
	}
	return out
}

func aclEntry(number int32, action ec2api.RuleAction, egress bool) ec2api.NetworkAclEntry {
	return ec2api.NetworkAclEntry{CidrBlock: "0.0.0.0/0", Egress: &egress, Protocol: allProtocols, RuleAction: action, RuleNumber: &number}
}
