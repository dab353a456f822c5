package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// vpc is AWS::EC2::VPC.
type vpc struct{}

var vpcSchema = &Schema{
	Type: "AWS::EC2::VPC",
	Properties: Properties{
		"CidrBlock": String.Required().Replaces(), "InstanceTenancy": String.Perhaps(),
		"EnableDnsSupport": Boolean, "EnableDnsHostnames": Boolean, "Tags": Tags,
	},
	Attributes: []string{"VpcId", "CidrBlock", "DefaultSecurityGroup", "DefaultNetworkAcl", "CidrBlockAssociations", "Ipv6CidrBlocks"},
}

// Schema is the type's schema.
func (vpc) Schema() *Schema { return vpcSchema }

// Create makes the VPC and sets its DNS attributes.
func (vpc) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, v := range out.Vpcs {
			ids = append(ids, v.VpcId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateVpc(ctx, &ec2api.CreateVpcRequest{
			CidrBlock: r.Text("CidrBlock"), InstanceTenancy: ec2api.Tenancy(r.Text("InstanceTenancy")), TagSpecifications: r.ec2Tags("vpc"),
		})
		if err != nil {
			return "", err
		}
		return out.Vpc.VpcId, nil
	})
	if err != nil {
		return Result{}, err
	}
	r.PhysicalID = id
	return vpcResult(ctx, r, vpcDNS(ctx, r, r.Properties.Get("EnableDnsSupport") != nil, r.Properties.Get("EnableDnsHostnames") != nil))
}

// vpcDNS sets the DNS attributes that are asked for; each call takes one.
func vpcDNS(ctx context.Context, r *Request, support, hostnames bool) error {
	on, off := true, false
	if support {
		value := r.Flag("EnableDnsSupport")
		if value == nil {
			value = &on
		}
		if err := r.ec2().ModifyVpcAttribute(ctx, &ec2api.ModifyVpcAttributeRequest{VpcId: r.PhysicalID, EnableDnsSupport: &ec2api.AttributeBooleanValue{Value: value}}); err != nil {
			return err
		}
	}
	if !hostnames {
		return nil
	}
	value := r.Flag("EnableDnsHostnames")
	if value == nil {
		value = &off
	}
	return r.ec2().ModifyVpcAttribute(ctx, &ec2api.ModifyVpcAttributeRequest{VpcId: r.PhysicalID, EnableDnsHostnames: &ec2api.AttributeBooleanValue{Value: value}})
}

// Update changes DNS attributes and tags.
func (vpc) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("InstanceTenancy") {
		return Result{}, &Failure{Code: "InvalidRequest", Message: "Neargate does not carry out a change of InstanceTenancy"}
	}
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	return vpcResult(ctx, r, vpcDNS(ctx, r, r.Changed("EnableDnsSupport"), r.Changed("EnableDnsHostnames")))
}

// Delete deletes the VPC.
func (vpc) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DeleteVpc(ctx, &ec2api.DeleteVpcRequest{VpcId: r.PhysicalID}), "InvalidVpcID.NotFound")
}

// Read returns the IPv6 ranges, which AWS::EC2::VPCCidrBlock gives.
func (vpc) Read(ctx context.Context, r *Request, attribute string) (*template.Value, bool, error) {
	if attribute != "Ipv6CidrBlocks" {
		return nil, false, nil
	}
	out, err := r.ec2().DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{r.PhysicalID}})
	if err != nil {
		return nil, false, err
	}
	var blocks []string
	for _, a := range out.Vpcs[0].Ipv6CidrBlockAssociationSet {
		blocks = append(blocks, a.Ipv6CidrBlock)
	}
	return template.Strings(blocks), true, nil
}

// vpcResult reads what came with the VPC.
func vpcResult(ctx context.Context, r *Request, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	attrs := attributes("VpcId", r.PhysicalID, "CidrBlock", r.Text("CidrBlock"))
	byVPC := ec2api.Filter{Name: "vpc-id", Values: []string{r.PhysicalID}}
	groups, err := r.ec2().DescribeSecurityGroups(ctx, &ec2api.DescribeSecurityGroupsRequest{Filters: []ec2api.Filter{byVPC, {Name: "group-name", Values: []string{"default"}}}})
	if err != nil {
		return Result{}, err
	}
	if len(groups.SecurityGroups) > 0 {
		addText(attrs, "DefaultSecurityGroup", groups.SecurityGroups[0].GroupId)
	}
	acls, err := r.ec2().DescribeNetworkAcls(ctx, &ec2api.DescribeNetworkAclsRequest{Filters: []ec2api.Filter{byVPC, {Name: "default", Values: []string{"true"}}}})
	if err != nil {
		return Result{}, err
	}
	if len(acls.NetworkAcls) > 0 {
		addText(attrs, "DefaultNetworkAcl", acls.NetworkAcls[0].NetworkAclId)
	}
	vpcs, err := r.ec2().DescribeVpcs(ctx, &ec2api.DescribeVpcsRequest{VpcIds: []string{r.PhysicalID}})
	if err != nil {
		return Result{}, err
	}
	var blocks []string
	for _, v := range vpcs.Vpcs {
		for _, a := range v.CidrBlockAssociationSet {
			blocks = append(blocks, a.AssociationId)
		}
	}
	addList(attrs, "CidrBlockAssociations", blocks)
	return Result{PhysicalID: r.PhysicalID, Attributes: attrs}, nil
}
