package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// subnet is AWS::EC2::Subnet.
type subnet struct{}

var subnetSchema = &Schema{
	Type: "AWS::EC2::Subnet",
	Properties: Properties{
		"VpcId": String.Required().Replaces(), "CidrBlock": String.Required().Replaces(), "AvailabilityZone": String.Replaces(),
		"AvailabilityZoneId": String.Replaces(), "MapPublicIpOnLaunch": Boolean, "Tags": Tags,
		"Ipv6CidrBlock": String.Replaces(), "AssignIpv6AddressOnCreation": Boolean,
	},
	Attributes: []string{"SubnetId", "VpcId", "CidrBlock", "AvailabilityZone", "AvailabilityZoneId", "NetworkAclAssociationId", "Ipv6CidrBlocks"},
}

// Schema is the type's schema.
func (subnet) Schema() *Schema { return subnetSchema }

// Create makes the subnet.
func (subnet) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, s := range out.Subnets {
			ids = append(ids, s.SubnetId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateSubnet(ctx, &ec2api.CreateSubnetRequest{
			VpcId: r.Text("VpcId"), CidrBlock: r.Text("CidrBlock"), Ipv6CidrBlock: r.Text("Ipv6CidrBlock"), AvailabilityZone: r.Text("AvailabilityZone"),
			AvailabilityZoneId: r.Text("AvailabilityZoneId"), TagSpecifications: r.ec2Tags("subnet"),
		})
		if err != nil {
			return "", err
		}
		return out.Subnet.SubnetId, nil
	})
	if err != nil {
		return Result{}, err
	}
	r.PhysicalID = id
	return subnetResult(ctx, r, r.Properties.Get("MapPublicIpOnLaunch") != nil, r.Properties.Get("AssignIpv6AddressOnCreation") != nil)
}

// Update changes what addresses interfaces get, and tags.
func (subnet) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	return subnetResult(ctx, r, r.Changed("MapPublicIpOnLaunch"), r.Changed("AssignIpv6AddressOnCreation"))
}

// Delete deletes the subnet.
func (subnet) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DeleteSubnet(ctx, &ec2api.DeleteSubnetRequest{SubnetId: r.PhysicalID}), "InvalidSubnetID.NotFound")
}

// Read returns the IPv6 ranges, which AWS::EC2::SubnetCidrBlock may give.
func (subnet) Read(ctx context.Context, r *Request, attribute string) (*template.Value, bool, error) {
	if attribute != "Ipv6CidrBlocks" {
		return nil, false, nil
	}
	out, err := r.ec2().DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: []string{r.PhysicalID}})
	if err != nil {
		return nil, false, err
	}
	var blocks []string
	for _, a := range out.Subnets[0].Ipv6CidrBlockAssociationSet {
		blocks = append(blocks, a.Ipv6CidrBlock)
	}
	return template.Strings(blocks), true, nil
}

func subnetResult(ctx context.Context, r *Request, setPublic, setIPv6 bool) (Result, error) {
	if setIPv6 {
		assign := r.Flag("AssignIpv6AddressOnCreation")
		if assign == nil {
			assign = new(bool)
		}
		if err := r.ec2().ModifySubnetAttribute(ctx, &ec2api.ModifySubnetAttributeRequest{SubnetId: r.PhysicalID, AssignIpv6AddressOnCreation: &ec2api.AttributeBooleanValue{Value: assign}}); err != nil {
			return Result{}, err
		}
	}
	if setPublic {
		off := false
		public := r.Flag("MapPublicIpOnLaunch")
		if public == nil {
			public = &off
		}
		if err := r.ec2().ModifySubnetAttribute(ctx, &ec2api.ModifySubnetAttributeRequest{SubnetId: r.PhysicalID, MapPublicIpOnLaunch: &ec2api.AttributeBooleanValue{Value: public}}); err != nil {
			return Result{}, err
		}
	}
	out, err := r.ec2().DescribeSubnets(ctx, &ec2api.DescribeSubnetsRequest{SubnetIds: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	attrs := attributes("SubnetId", r.PhysicalID)
	for _, s := range out.Subnets {
		addText(attrs, "VpcId", s.VpcId, "CidrBlock", s.CidrBlock, "AvailabilityZone", s.AvailabilityZone, "AvailabilityZoneId", s.AvailabilityZoneId)
	}
	acls, err := r.ec2().DescribeNetworkAcls(ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{{Name: "association.subnet-id", Values: []string{r.PhysicalID}}}})
	if err != nil {
		return Result{}, err
	}
	for _, acl := range acls.NetworkAcls {
		for _, a := range acl.Associations {
			if a.SubnetId == r.PhysicalID {
				addText(attrs, "NetworkAclAssociationId", a.NetworkAclAssociationId)
			}
		}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attrs}, nil
}
