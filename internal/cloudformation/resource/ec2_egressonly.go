package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// egressOnlyGateway is AWS::EC2::EgressOnlyInternetGateway.
type egressOnlyGateway struct{}

var egressOnlyGatewaySchema = &Schema{
	Type:       "AWS::EC2::EgressOnlyInternetGateway",
	Properties: Properties{"VpcId": String.Required().Replaces(), "Tags": Tags},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (egressOnlyGateway) Schema() *Schema { return egressOnlyGatewaySchema }

// Create makes the gateway.
func (egressOnlyGateway) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeEgressOnlyInternetGateways(ctx, &ec2api.DescribeEgressOnlyInternetGatewaysRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, g := range out.EgressOnlyInternetGateways {
			ids = append(ids, g.EgressOnlyInternetGatewayId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateEgressOnlyInternetGateway(ctx, &ec2api.CreateEgressOnlyInternetGatewayRequest{VpcId: r.Text("VpcId"), TagSpecifications: r.ec2Tags("egress-only-internet-gateway")})
		if err != nil {
			return "", err
		}
		return out.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId, nil
	})
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, err
}

// Update changes tags.
func (egressOnlyGateway) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete deletes the gateway.
func (egressOnlyGateway) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteEgressOnlyInternetGateway(ctx, &ec2api.DeleteEgressOnlyInternetGatewayRequest{EgressOnlyInternetGatewayId: r.PhysicalID})
	return gone(err, "InvalidEgressOnlyInternetGatewayId.NotFound")
}
