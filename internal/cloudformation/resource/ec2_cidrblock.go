package resource

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
)

// vpcCIDRBlock is AWS::EC2::VPCCidrBlock: a further IPv4 range, or an IPv6 range
// that Amazon provides.
type vpcCIDRBlock struct{}

var vpcCIDRBlockSchema = &Schema{
	Type:       "AWS::EC2::VPCCidrBlock",
	Properties: Properties{"VpcId": String.Required().Replaces(), "CidrBlock": String.Replaces(), "AmazonProvidedIpv6CidrBlock": Boolean.Replaces()},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (vpcCIDRBlock) Schema() *Schema { return vpcCIDRBlockSchema }

// Create gives the VPC the range; one that it has is an earlier attempt's.
func (vpcCIDRBlock) Create(ctx context.Context, r *Request) (Result, error) {
	id, six := r.PhysicalID, r.Flag("AmazonProvidedIpv6CidrBlock")
	if id == "" && r.Retry {
		out, err := r.ec2().DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{r.Text("VpcId")}})
		if err != nil {
			return Result{}, err
		}
		id = r.madeCIDR(out.Vpcs[0], wire.Or(six, false))
	}
	if id == "" {
		out, err := r.ec2().AssociateVpcCidrBlock(ctx, &ec2api.AssociateVpcCidrBlockRequest{VpcId: r.Text("VpcId"), CidrBlock: r.Text("CidrBlock"), AmazonProvidedIpv6CidrBlock: six})
		if err != nil {
			return Result{}, err
		}
		if out.Ipv6CidrBlockAssociation != nil {
			id = out.Ipv6CidrBlockAssociation.AssociationId
		} else {
			id = out.CidrBlockAssociation.AssociationId
		}
	}
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, r.Created(id)
}

// madeCIDR is the association that an earlier attempt made, "" when there is none:
// the one with the range, or an IPv6 range that no other resource made.
func (r *Request) madeCIDR(v ec2api.Vpc, six bool) string {
	for _, a := range v.CidrBlockAssociationSet[1:] {
		if !six && a.CidrBlock == r.Text("CidrBlock") {
			return a.AssociationId
		}
	}
	for _, a := range v.Ipv6CidrBlockAssociationSet {
		if six && !slices.ContainsFunc(r.Peers(), func(p Peer) bool { return p.PhysicalID == a.AssociationId }) {
			return a.AssociationId
		}
	}
	return ""
}

// Update has nothing to change in place.
func (vpcCIDRBlock) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Delete takes the range off the VPC.
func (vpcCIDRBlock) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DisassociateVpcCidrBlock(ctx, &ec2api.DisassociateVpcCidrBlockRequest{AssociationId: r.PhysicalID})
	return gone(err, "InvalidVpcCidrBlockAssociationID.NotFound", "InvalidVpcID.NotFound")
}

// subnetCIDRBlock is AWS::EC2::SubnetCidrBlock: the IPv6 range of a subnet.
type subnetCIDRBlock struct{}

var subnetCIDRBlockSchema = &Schema{
	Type:       "AWS::EC2::SubnetCidrBlock",
	Properties: Properties{"SubnetId": String.Required().Replaces(), "Ipv6CidrBlock": String.Required().Replaces()},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (subnetCIDRBlock) Schema() *Schema { return subnetCIDRBlockSchema }

// Create gives the subnet the range; one that it has is an earlier attempt's.
func (subnetCIDRBlock) Create(ctx context.Context, r *Request) (Result, error) {
	id := r.PhysicalID
	if id == "" && r.Retry {
		out, err := r.ec2().DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: []string{r.Text("SubnetId")}})
		if err != nil {
			return Result{}, err
		}
		for _, a := range out.Subnets[0].Ipv6CidrBlockAssociationSet {
			if a.Ipv6CidrBlock == r.Text("Ipv6CidrBlock") {
				id = a.AssociationId
			}
		}
	}
	if id == "" {
		out, err := r.ec2().AssociateSubnetCidrBlock(ctx, &ec2api.AssociateSubnetCidrBlockRequest{SubnetId: r.Text("SubnetId"), Ipv6CidrBlock: r.Text("Ipv6CidrBlock")})
		if err != nil {
			return Result{}, err
		}
		id = out.Ipv6CidrBlockAssociation.AssociationId
	}
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, r.Created(id)
}

// Update has nothing to change in place.
func (subnetCIDRBlock) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Delete takes the range off the subnet.
func (subnetCIDRBlock) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DisassociateSubnetCidrBlock(ctx, &ec2api.DisassociateSubnetCidrBlockRequest{AssociationId: r.PhysicalID})
	return gone(err, "InvalidSubnetCidrBlockAssociationID.NotFound")
}
