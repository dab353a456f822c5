package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// networkACL is AWS::EC2::NetworkAcl.
type networkACL struct{}

var networkACLSchema = &Schema{
	Type:       "AWS::EC2::NetworkAcl",
	Properties: Properties{"VpcId": String.Required().Replaces(), "Tags": Tags},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (networkACL) Schema() *Schema { return networkACLSchema }

// Create makes the network ACL.
func (networkACL) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeNetworkAcls(ctx, &ec2api.DescribeNetworkAclsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, a := range out.NetworkAcls {
			ids = append(ids, a.NetworkAclId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateNetworkAcl(ctx, &ec2api.CreateNetworkAclRequest{VpcId: r.Text("VpcId"), TagSpecifications: r.ec2Tags("network-acl")})
		if err != nil {
			return "", err
		}
		return out.NetworkAcl.NetworkAclId, nil
	})
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, err
}

// Update changes tags.
func (networkACL) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete deletes the network ACL.
func (networkACL) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DeleteNetworkAcl(ctx, &ec2api.DeleteNetworkAclRequest{NetworkAclId: r.PhysicalID}), "InvalidNetworkAclID.NotFound")
}

// networkACLEntry is AWS::EC2::NetworkAclEntry.
type networkACLEntry struct{}

var networkACLEntrySchema = &Schema{
	Type: "AWS::EC2::NetworkAclEntry",
	Properties: Properties{
		"NetworkAclId": String.Required().Replaces(), "RuleNumber": Integer.Required().Replaces(), "Egress": Boolean.Replaces(),
		"Protocol": Integer.Required(), "RuleAction": String.Required(), "CidrBlock": String, "Ipv6CidrBlock": String,
		"PortRange": Object(Properties{"From": Integer, "To": Integer}), "Icmp": Object(Properties{"Type": Integer, "Code": Integer}),
	},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (networkACLEntry) Schema() *Schema { return networkACLEntrySchema }

// entry is the entry as the API takes it.
func (r *Request) entry() (*ec2api.ReplaceNetworkAclEntryRequest, error) {
	in := &ec2api.ReplaceNetworkAclEntryRequest{}
	if err := bind(r.Properties, in, "Icmp"); err != nil {
		return nil, err
	}
	if icmp := r.Properties.Get("Icmp"); icmp != nil {
		in.IcmpTypeCode = &ec2api.IcmpTypeCode{}
		return in, bind(icmp, in.IcmpTypeCode)
	}
	return in, nil
}

func (r *Request) entryResult() Result {
	id := r.Name(255)
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}
}

// Create adds the entry. Its name is known before; one that an earlier attempt
// added is there already.
func (networkACLEntry) Create(ctx context.Context, r *Request) (Result, error) {
	in, err := r.entry()
	if err != nil {
		return Result{}, err
	}
	result := r.entryResult()
	if r.PhysicalID != "" {
		return result, nil
	}
	err = r.ec2().CreateNetworkAclEntry(ctx, new(ec2api.CreateNetworkAclEntryRequest(*in)))
	if err != nil && !(r.Retry && isCode(err, "NetworkAclEntryAlreadyExists")) {
		return Result{}, err
	}
	return result, r.Created(result.PhysicalID)
}

// Update changes what the entry matches and does.
func (networkACLEntry) Update(ctx context.Context, r *Request) (Result, error) {
	in, err := r.entry()
	if err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, r.ec2().ReplaceNetworkAclEntry(ctx, in)
}

// Delete takes the entry away.
func (networkACLEntry) Delete(ctx context.Context, r *Request) error {
	in, err := r.entry()
	if err != nil {
		return err
	}
	err = r.ec2().DeleteNetworkAclEntry(ctx, &ec2api.DeleteNetworkAclEntryRequest{NetworkAclId: in.NetworkAclId, RuleNumber: in.RuleNumber, Egress: in.Egress})
	return gone(err, "InvalidNetworkAclEntry.NotFound", "InvalidNetworkAclID.NotFound")
}

// networkACLAssociation is AWS::EC2::SubnetNetworkAclAssociation.
type networkACLAssociation struct{}

var networkACLAssociationSchema = &Schema{
	Type:       "AWS::EC2::SubnetNetworkAclAssociation",
	Properties: Properties{"SubnetId": String.Required().Replaces(), "NetworkAclId": String.Required().Replaces()},
	Attributes: []string{"AssociationId"},
}

// Schema is the type's schema.
func (networkACLAssociation) Schema() *Schema { return networkACLAssociationSchema }

// associationOf finds the ACL that a subnet is behind.
func (r *Request) associationOf(ctx context.Context, filter, value string) (ec2api.NetworkAclAssociation, string, error) {
	out, err := r.ec2().DescribeNetworkAcls(ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{{Name: filter, Values: []string{value}}}})
	if err != nil {
		return ec2api.NetworkAclAssociation{}, "", err
	}
	for _, acl := range out.NetworkAcls {
		for _, a := range acl.Associations {
			if a.SubnetId == value || a.NetworkAclAssociationId == value {
				return a, acl.VpcId, nil
			}
		}
	}
	return ec2api.NetworkAclAssociation{}, "", nil
}

// Create moves the subnet behind the ACL; an earlier attempt may have done it.
func (networkACLAssociation) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID != "" {
		return Result{PhysicalID: r.PhysicalID, Attributes: attributes("AssociationId", r.PhysicalID)}, nil
	}
	now, _, err := r.associationOf(ctx, "association.subnet-id", r.Text("SubnetId"))
	if err != nil {
		return Result{}, err
	}
	id := now.NetworkAclAssociationId
	switch {
	case id == "":
		return Result{}, &Failure{Code: "NotFound", Message: "The subnet ID '" + r.Text("SubnetId") + "' does not exist"}
	case now.NetworkAclId != r.Text("NetworkAclId") || !r.Retry:
		out, err := r.ec2().ReplaceNetworkAclAssociation(ctx, &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: id, NetworkAclId: r.Text("NetworkAclId")})
		if err != nil {
			return Result{}, err
		}
		id = out.NewAssociationId
	}
	return Result{PhysicalID: id, Attributes: attributes("AssociationId", id)}, r.Created(id)
}

// Update has nothing to change in place.
func (networkACLAssociation) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("AssociationId", r.PhysicalID)}, nil
}

// Delete puts the subnet back behind the VPC's default ACL, unless it was moved
// to another since.
func (networkACLAssociation) Delete(ctx context.Context, r *Request) error {
	now, vpcID, err := r.associationOf(ctx, "association.association-id", r.PhysicalID)
	if err != nil || now.NetworkAclAssociationId == "" {
		return err
	}
	out, err := r.ec2().DescribeNetworkAcls(ctx, &ec2api.DescribeNetworkAclsRequest{
		Filters: []ec2api.Filter{{Name: "vpc-id", Values: []string{vpcID}}, {Name: "default", Values: []string{"true"}}}})
	if err != nil {
		return err
	}
	for _, acl := range out.NetworkAcls {
		_, err = r.ec2().ReplaceNetworkAclAssociation(ctx, &ec2api.ReplaceNetworkAclAssociationRequest{AssociationId: r.PhysicalID, NetworkAclId: acl.NetworkAclId})
	}
	return gone(err, "InvalidAssociationID.NotFound")
}
