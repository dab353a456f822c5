package ec2

import (
	"context"
	"strconv"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

var networkACLResource = resource[state.NetworkAcl]{
	table: state.NetworkAcls, kind: kindNetworkACL,
	id:   func(a *state.NetworkAcl) string { return a.ID },
	tags: func(a *state.NetworkAcl) []state.Tag { return a.Tags },
	fields: fields[state.NetworkAcl]{
		"network-acl-id":             func(_ *scope, a *state.NetworkAcl) []string { return one(a.ID) },
		"vpc-id":                     func(_ *scope, a *state.NetworkAcl) []string { return one(a.VpcID) },
		"owner-id":                   func(_ *scope, a *state.NetworkAcl) []string { return one(a.Account) },
		"default":                    func(_ *scope, a *state.NetworkAcl) []string { return yes(!a.Custom) },
		"association.network-acl-id": aclSubnets(func(n *state.Subnet) string { return n.NetworkACLID }),
		"association.association-id": aclSubnets(func(n *state.Subnet) string { return n.NetworkACLAssociationID }),
		"association.subnet-id":      aclSubnets(func(n *state.Subnet) string { return n.ID }),
		"entry.cidr":                 aclEntries(func(e ec2api.NetworkAclEntry) string { return e.CidrBlock }),
		"entry.ipv6-cidr":            aclEntries(func(e ec2api.NetworkAclEntry) string { return e.Ipv6CidrBlock }),
		"entry.protocol":             aclEntries(func(e ec2api.NetworkAclEntry) string { return e.Protocol }),
		"entry.rule-action":          aclEntries(func(e ec2api.NetworkAclEntry) string { return string(e.RuleAction) }),
		"entry.rule-number":          aclEntries(func(e ec2api.NetworkAclEntry) string { return itoa(int(*e.RuleNumber)) }),
		"entry.egress":               aclEntries(func(e ec2api.NetworkAclEntry) string { return strconv.FormatBool(*e.Egress) }),
		"entry.icmp.type":            aclICMP(func(c *ec2api.IcmpTypeCode) *int32 { return c.Type }),
		"entry.icmp.code":            aclICMP(func(c *ec2api.IcmpTypeCode) *int32 { return c.Code }),
		"entry.port-range.from":      aclPorts(func(p *ec2api.PortRange) *int32 { return p.From }),
		"entry.port-range.to":        aclPorts(func(p *ec2api.PortRange) *int32 { return p.To }),
	},
}

// aclSubnets is a filter on the subnets that an ACL guards.
func aclSubnets(value func(*state.Subnet) string) func(*scope, *state.NetworkAcl) []string {
	return func(q *scope, a *state.NetworkAcl) []string {
		var values []string
		for n := range state.Subnets.By(q.tx, "acl", a.Key()) {
			values = append(values, value(n))
		}
		return values
	}
}

// aclEntries is a filter on an ACL's entries.
func aclEntries(value func(ec2api.NetworkAclEntry) string) func(*scope, *state.NetworkAcl) []string {
	return func(q *scope, a *state.NetworkAcl) []string {
		var values []string
		for _, e := range q.entriesOut(a) {
			values = append(values, one(value(e))...)
		}
		return values
	}
}

func aclICMP(value func(*ec2api.IcmpTypeCode) *int32) func(*scope, *state.NetworkAcl) []string {
	return aclEntries(func(e ec2api.NetworkAclEntry) string {
		if e.IcmpTypeCode == nil {
			return ""
		}
		return itoa(int(*value(e.IcmpTypeCode)))
	})
}

func aclPorts(value func(*ec2api.PortRange) *int32) func(*scope, *state.NetworkAcl) []string {
	return aclEntries(func(e ec2api.NetworkAclEntry) string {
		if e.PortRange == nil {
			return ""
		}
		return itoa(int(*value(e.PortRange)))
	})
}

// DescribeNetworkAcls lists network ACLs.
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
	isDefault := !a.Custom
	out := ec2api.NetworkAcl{
		NetworkAclId: a.ID, VpcId: a.VpcID, OwnerId: a.Account, IsDefault: &isDefault, Tags: apiTags(a.Tags),
		Associations: []ec2api.NetworkAclAssociation{}, Entries: q.entriesOut(a),
	}
	for n := range state.Subnets.By(q.tx, "acl", a.Key()) {
		out.Associations = append(out.Associations, ec2api.NetworkAclAssociation{NetworkAclAssociationId: n.NetworkACLAssociationID, NetworkAclId: a.ID, SubnetId: n.ID})
	}
	return out
}

// CreateNetworkAcl makes a network ACL that denies everything.
func (s *Service) CreateNetworkAcl(ctx context.Context, in *ec2api.CreateNetworkAclRequest) (*ec2api.CreateNetworkAclResult, error) {
	var out ec2api.CreateNetworkAclResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		vpc, err := get(q, state.Vpcs, kindVpc, in.VpcId)
		if err != nil {
			return err
		}
		tags, err := specifiedTags(q, in.TagSpecifications, "network-acl")
		if err != nil {
			return err
		}
		acl := &state.NetworkAcl{Account: q.account, Region: q.region, ID: ids.New("acl"), VpcID: vpc.ID, Custom: true, ClientToken: in.ClientToken, Tags: tags}
		for made := range state.NetworkAcls.By(q.tx, "vpc", vpc.Key()) {
			if in.ClientToken != "" && made.ClientToken == in.ClientToken {
				acl = made
			}
		}
		if err := oneMore(quotaNetworkACLs, state.NetworkAcls.By(q.tx, "vpc", vpc.Key())); err != nil {
			return err
		}
		state.NetworkAcls.Put(q.tx, acl)
		out.NetworkAcl, out.ClientToken = new(q.networkACLOut(acl)), in.ClientToken
		q.touch(vpc.ID)
		return nil
	})
	return &out, err
}

// DeleteNetworkAcl deletes a network ACL that guards no subnet.
func (s *Service) DeleteNetworkAcl(ctx context.Context, in *ec2api.DeleteNetworkAclRequest) error {
	return s.write(ctx, in.DryRun, func(q *scope) error {
		acl, err := get(q, state.NetworkAcls, kindNetworkACL, in.NetworkAclId)
		switch {
		case err != nil:
			return err
		case !acl.Custom:
			return errorf("InvalidParameterValue", "cannot delete default network ACL %s", acl.ID)
		case exists(state.Subnets.By(q.tx, "acl", acl.Key())):
			return errDependency("networkAcl", acl.ID)
		}
		state.NetworkAcls.Delete(q.tx, acl.Key())
		q.touch(acl.VpcID)
		return nil
	})
}

// ReplaceNetworkAclAssociation puts a subnet behind another ACL.
func (s *Service) ReplaceNetworkAclAssociation(ctx context.Context, in *ec2api.ReplaceNetworkAclAssociationRequest) (*ec2api.ReplaceNetworkAclAssociationResult, error) {
	var out ec2api.ReplaceNetworkAclAssociationResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		subnet, ok := first(state.Subnets.By(q.tx, "acl-association", q.key(in.AssociationId)))
		if !ok {
			return kindAssociation.notFound(in.AssociationId)
		}
		acl, err := get(q, state.NetworkAcls, kindNetworkACL, in.NetworkAclId)
		if err != nil {
			return err
		}
		if acl.VpcID != subnet.VpcID {
			return errorf("InvalidParameterValue", "Network ACL %s and subnet %s belong to different networks", acl.ID, subnet.ID)
		}
		out.NewAssociationId = ids.New("aclassoc")
		state.Subnets.Update(q.tx, subnet.Key(), func(n *state.Subnet) {
			n.NetworkACLID, n.NetworkACLAssociationID = acl.ID, out.NewAssociationId
		})
		q.touch(subnet.VpcID)
		return nil
	})
	return &out, err
}

// defaultACL returns the default network ACL of the VPC with the given key.
func (q *scope) defaultACL(vpcKey string) *state.NetworkAcl {
	for a := range state.NetworkAcls.By(q.tx, "vpc", vpcKey) {
		if !a.Custom {
			return a
		}
	}
	return &state.NetworkAcl{}
}
