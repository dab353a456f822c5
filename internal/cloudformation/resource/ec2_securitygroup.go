package resource

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// securityGroup is AWS::EC2::SecurityGroup.
type securityGroup struct{}

var (
	ingressFields = Properties{
		"IpProtocol": String.Required(), "FromPort": Integer, "ToPort": Integer, "CidrIp": String, "CidrIpv6": String, "Description": String,
		"SourceSecurityGroupId": String, "SourcePrefixListId": String, "SourceSecurityGroupOwnerId": String,
	}
	egressFields = Properties{
		"IpProtocol": String.Required(), "FromPort": Integer, "ToPort": Integer, "CidrIp": String, "CidrIpv6": String, "Description": String,
		"DestinationSecurityGroupId": String, "DestinationPrefixListId": String,
	}
	securityGroupSchema = &Schema{
		Type: "AWS::EC2::SecurityGroup",
		Properties: Properties{
			"GroupDescription": String.Required().Replaces(), "GroupName": String.Replaces(), "VpcId": String.Replaces(),
			"SecurityGroupIngress": ListOf(Object(ingressFields)), "SecurityGroupEgress": ListOf(Object(egressFields)), "Tags": Tags,
		},
		Attributes: []string{"GroupId", "Id", "VpcId", "GroupName"},
		Name:       "GroupName",
	}
)

// Schema is the type's schema.
func (securityGroup) Schema() *Schema { return securityGroupSchema }

// Create makes the group and its inline rules.
func (securityGroup) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeSecurityGroups(ctx, &ec2api.DescribeSecurityGroupsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, g := range out.SecurityGroups {
			ids = append(ids, g.GroupId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateSecurityGroup(ctx, &ec2api.CreateSecurityGroupRequest{
			GroupName: r.Or("GroupName", r.Name(255)), Description: r.Text("GroupDescription"), VpcId: r.Text("VpcId"), TagSpecifications: r.ec2Tags("security-group"),
		})
		if err != nil {
			return "", err
		}
		return out.GroupId, nil
	})
	if err != nil {
		return Result{}, err
	}
	r.PhysicalID = id
	if err := r.setRules(ctx, nil); err != nil {
		return Result{}, err
	}
	return securityGroupResult(ctx, r)
}

// Update changes inline rules and tags.
func (securityGroup) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	if err := r.setRules(ctx, r.Previous); err != nil {
		return Result{}, err
	}
	return securityGroupResult(ctx, r)
}

// Delete deletes the group.
func (securityGroup) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteSecurityGroup(ctx, &ec2api.DeleteSecurityGroupRequest{GroupId: r.PhysicalID})
	return gone(err, "InvalidGroup.NotFound")
}

// everywhere is the egress rule that EC2 gives each new group. A template that
// names egress rules of its own takes it away.
var everywhere = rule{egress: true, protocol: "-1", from: -1, to: -1, peer: "0.0.0.0/0"}

// everywhere6 is the one that it gives each new group of a VPC with IPv6.
var everywhere6 = rule{egress: true, protocol: "-1", from: -1, to: -1, peer: "::/0"}

// setRules brings the inline rules from those of old to those that are wanted:
// adding before removing, so that no traffic is cut in between.
func (r *Request) setRules(ctx context.Context, old *template.Value) error {
	for _, kind := range []struct {
		name   string
		egress bool
	}{{"SecurityGroupIngress", false}, {"SecurityGroupEgress", true}} {
		wanted, had := items(r.Properties.Get(kind.name)), items(old.Get(kind.name))
		var keep []rule
		for _, v := range wanted {
			u := ruleOf(v, kind.egress)
			keep = append(keep, u)
			if _, err := r.authorize(ctx, r.PhysicalID, u, v.Get("Description").Str()); err != nil {
				return err
			}
			same := func(o *template.Value) bool {
				return ruleOf(o, kind.egress) == u && o.Get("Description").Str() != v.Get("Description").Str()
			}
			if slices.ContainsFunc(had, same) {
				if err := r.describe(ctx, r.PhysicalID, u, v.Get("Description").Str()); err != nil {
					return err
				}
			}
		}
		var remove []rule
		for _, v := range had {
			remove = append(remove, ruleOf(v, kind.egress))
		}
		if kind.egress && len(wanted) > 0 {
			remove = append(remove, everywhere, everywhere6)
		}
		for _, u := range remove {
			if slices.Contains(keep, u) {
				continue
			}
			if err := r.revoke(ctx, r.PhysicalID, u); err != nil {
				return err
			}
		}
		if kind.egress && len(wanted) == 0 && len(had) > 0 {
			if _, err := r.authorize(ctx, r.PhysicalID, everywhere, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func securityGroupResult(ctx context.Context, r *Request) (Result, error) {
	out, err := r.ec2().DescribeSecurityGroups(ctx, &ec2api.DescribeSecurityGroupsRequest{GroupIds: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	attrs := attributes("GroupId", r.PhysicalID, "Id", r.PhysicalID)
	for _, g := range out.SecurityGroups {
		addText(attrs, "VpcId", g.VpcId, "GroupName", g.GroupName)
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attrs}, nil
}

// securityGroupRule is AWS::EC2::SecurityGroupIngress or, with egress, AWS::EC2::SecurityGroupEgress.
type securityGroupRule struct{ egress bool }

func ruleSchema(typ string, fields Properties) *Schema {
	properties := Properties{"GroupId": String.Required().Replaces()}
	for name, p := range fields {
		if name != "Description" {
			p = p.Replaces()
		}
		properties[name] = p
	}
	return &Schema{Type: typ, Properties: properties, Attributes: []string{"Id"}}
}

var (
	ingressSchema = ruleSchema("AWS::EC2::SecurityGroupIngress", ingressFields)
	egressSchema  = ruleSchema("AWS::EC2::SecurityGroupEgress", egressFields)
)

// Schema is the type's schema.
func (t securityGroupRule) Schema() *Schema {
	if t.egress {
		return egressSchema
	}
	return ingressSchema
}

// Create adds the rule to its group.
func (t securityGroupRule) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		id, err := r.authorize(ctx, r.Text("GroupId"), ruleOf(r.Properties, t.egress), r.Text("Description"))
		if err != nil {
			return Result{}, err
		}
		if err := r.Created(id); err != nil {
			return Result{}, err
		}
		r.PhysicalID = id
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Update changes the description.
func (t securityGroupRule) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("Description") {
		if err := r.describe(ctx, r.Text("GroupId"), ruleOf(r.Properties, t.egress), r.Text("Description")); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Delete removes the rule, unless the group or another rule declares it too.
func (t securityGroupRule) Delete(ctx context.Context, r *Request) error {
	return r.revoke(ctx, r.Text("GroupId"), ruleOf(r.Properties, t.egress))
}
