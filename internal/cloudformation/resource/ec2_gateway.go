package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// internetGateway is AWS::EC2::InternetGateway.
type internetGateway struct{}

var internetGatewaySchema = &Schema{
	Type:       "AWS::EC2::InternetGateway",
	Properties: Properties{"Tags": Tags},
	Attributes: []string{"InternetGatewayId"},
}

// Schema is the type's schema.
func (internetGateway) Schema() *Schema { return internetGatewaySchema }

// Create makes the gateway.
func (internetGateway) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeInternetGateways(ctx, &ec2api.DescribeInternetGatewaysRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, g := range out.InternetGateways {
			ids = append(ids, g.InternetGatewayId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateInternetGateway(ctx, &ec2api.CreateInternetGatewayRequest{TagSpecifications: r.ec2Tags("internet-gateway")})
		if err != nil {
			return "", err
		}
		return out.InternetGateway.InternetGatewayId, nil
	})
	return Result{PhysicalID: id, Attributes: attributes("InternetGatewayId", id)}, err
}

// Update changes tags.
func (internetGateway) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("InternetGatewayId", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete deletes the gateway.
func (internetGateway) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DeleteInternetGateway(ctx, &ec2api.DeleteInternetGatewayRequest{InternetGatewayId: r.PhysicalID}), "InvalidInternetGatewayID.NotFound")
}

// gatewayAttachment is AWS::EC2::VPCGatewayAttachment, for internet gateways.
type gatewayAttachment struct{}

var gatewayAttachmentSchema = &Schema{
	Type:       "AWS::EC2::VPCGatewayAttachment",
	Properties: Properties{"VpcId": String.Required().Replaces(), "InternetGatewayId": String.Required().Replaces()},
	Attributes: []string{"AttachmentType"},
}

// Schema is the type's schema.
func (gatewayAttachment) Schema() *Schema { return gatewayAttachmentSchema }

// Create attaches the gateway. An attachment to the same VPC is an earlier attempt's.
func (gatewayAttachment) Create(ctx context.Context, r *Request) (Result, error) {
	id := "IGW|" + r.Text("VpcId")
	result := Result{PhysicalID: id, Attributes: attributes("AttachmentType", "IGW")}
	if r.PhysicalID != "" {
		return result, nil
	}
	err := r.ec2().AttachInternetGateway(ctx, &ec2api.AttachInternetGatewayRequest{InternetGatewayId: r.Text("InternetGatewayId"), VpcId: r.Text("VpcId")})
	if err != nil && !(r.Retry && isCode(err, "Resource.AlreadyAssociated")) {
		return Result{}, err
	}
	return result, r.Created(id)
}

// Update has nothing to change in place.
func (gatewayAttachment) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("AttachmentType", "IGW")}, nil
}

// Delete detaches the gateway.
func (gatewayAttachment) Delete(ctx context.Context, r *Request) error {
	_, vpcID, _ := strings.Cut(r.PhysicalID, "|")
	err := r.ec2().DetachInternetGateway(ctx, &ec2api.DetachInternetGatewayRequest{InternetGatewayId: r.Text("InternetGatewayId"), VpcId: vpcID})
	return gone(err, "Gateway.NotAttached", "InvalidInternetGatewayID.NotFound", "InvalidVpcID.NotFound")
}
