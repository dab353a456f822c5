package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// elasticIP is AWS::EC2::EIP. Its Ref is the address.
type elasticIP struct{}

var elasticIPSchema = &Schema{
	Type: "AWS::EC2::EIP",
	Properties: Properties{
		"Domain": String.Replaces(), "NetworkBorderGroup": String.Replaces(), "PublicIpv4Pool": String.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"AllocationId", "PublicIp"},
}

// Schema is the type's schema.
func (elasticIP) Schema() *Schema { return elasticIPSchema }

// Create takes an address.
func (elasticIP) Create(ctx context.Context, r *Request) (Result, error) {
	ip, err := r.once(func(mine []ec2api.Filter) (ips []string, err error) {
		out, err := r.ec2().DescribeAddresses(ctx, &ec2api.DescribeAddressesRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, a := range out.Addresses {
			ips = append(ips, a.PublicIp)
		}
		return ips, nil
	}, func() (string, error) {
		in := &ec2api.AllocateAddressRequest{TagSpecifications: r.ec2Tags("elastic-ip")}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return "", err
		}
		out, err := r.ec2().AllocateAddress(ctx, in)
		if err != nil {
			return "", err
		}
		return out.PublicIp, nil
	})
	if err != nil {
		return Result{}, err
	}
	return elasticIPResult(ctx, r, ip)
}

func elasticIPResult(ctx context.Context, r *Request, ip string) (Result, error) {
	out, err := r.ec2().DescribeAddresses(ctx, &ec2api.DescribeAddressesRequest{PublicIps: []string{ip}})
	if err != nil {
		return Result{}, err
	}
	attrs := attributes("PublicIp", ip)
	for _, a := range out.Addresses {
		addText(attrs, "AllocationId", a.AllocationId)
	}
	return Result{PhysicalID: ip, Attributes: attrs}, nil
}

// Update changes tags.
func (elasticIP) Update(ctx context.Context, r *Request) (Result, error) {
	result, err := elasticIPResult(ctx, r, r.PhysicalID)
	if err != nil {
		return Result{}, err
	}
	tagged := *r
	tagged.PhysicalID = result.Attributes["AllocationId"].Str()
	return result, tagged.ec2Retag(ctx)
}

// Delete gives the address back.
func (elasticIP) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().ReleaseAddress(ctx, &ec2api.ReleaseAddressRequest{PublicIp: r.PhysicalID}), "InvalidAddress.NotFound", "InvalidAllocationID.NotFound")
}

// elasticIPAssociation is AWS::EC2::EIPAssociation.
type elasticIPAssociation struct{}

var elasticIPAssociationSchema = &Schema{
	Type: "AWS::EC2::EIPAssociation",
	Properties: Properties{
		"AllocationId": String.Replaces(), "EIP": String.Replaces(), "NetworkInterfaceId": String.Replaces(), "PrivateIpAddress": String.Replaces(),
	},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (elasticIPAssociation) Schema() *Schema { return elasticIPAssociationSchema }

// Create associates the address; doing so again gives the same association.
func (elasticIPAssociation) Create(ctx context.Context, r *Request) (Result, error) {
	id := r.PhysicalID
	if id == "" {
		in := &ec2api.AssociateAddressRequest{PublicIp: r.Text("EIP")}
		if err := bind(r.Properties, in, "EIP"); err != nil {
			return Result{}, err
		}
		out, err := r.ec2().AssociateAddress(ctx, in)
		if err != nil {
			return Result{}, err
		}
		id = out.AssociationId
		if err := r.Created(id); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, nil
}

// Update has nothing to change in place.
func (elasticIPAssociation) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Delete ends the association.
func (elasticIPAssociation) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DisassociateAddress(ctx, &ec2api.DisassociateAddressRequest{AssociationId: r.PhysicalID}), "InvalidAssociationID.NotFound")
}
