package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// natGateway is AWS::EC2::NatGateway.
type natGateway struct{}

var natGatewaySchema = &Schema{
	Type: "AWS::EC2::NatGateway",
	Properties: Properties{
		"SubnetId": String.Required().Replaces(), "AllocationId": String.Replaces(), "ConnectivityType": String.Replaces(),
		"PrivateIpAddress": String.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"NatGatewayId", "EniId"},
}

// Schema is the type's schema.
func (natGateway) Schema() *Schema { return natGatewaySchema }

// Create makes the NAT gateway and waits until it is available.
func (natGateway) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &ec2api.CreateNatGatewayRequest{ClientToken: r.Token, TagSpecifications: r.ec2Tags("natgateway")}
		if err := bind(r.Properties, in, "Tags"); err != nil {
			return Result{}, err
		}
		out, err := r.ec2().CreateNatGateway(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.NatGateway.NatGatewayId
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return natGatewayReady(ctx, r)
}

func natGatewayReady(ctx context.Context, r *Request) (Result, error) {
	eni := ""
	err := r.Wait(ctx, func(ctx context.Context) (bool, error) {
		nat, err := describeNatGateway(ctx, r)
		switch {
		case err != nil:
			return false, err
		case nat == nil:
			return false, &Failure{Code: "NotFound", Message: "The NAT gateway " + r.PhysicalID + " does not exist"}
		case nat.State == "failed":
			return false, &Failure{Code: "NotStabilized", Message: "NatGateway " + r.PhysicalID + " is in state failed and hence failed to stabilize. Detailed failure message: " + nat.FailureMessage}
		}
		for _, a := range nat.NatGatewayAddresses {
			eni = a.NetworkInterfaceId
		}
		return nat.State == "available", nil
	})
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("NatGatewayId", r.PhysicalID, "EniId", eni)}, err
}

func describeNatGateway(ctx context.Context, r *Request) (*ec2api.NatGateway, error) {
	out, err := r.ec2().DescribeNatGateways(ctx, &ec2api.DescribeNatGatewaysRequest{NatGatewayIds: []string{r.PhysicalID}})
	if err != nil || len(out.NatGateways) == 0 {
		return nil, gone(err, "NatGatewayNotFound")
	}
	return &out.NatGateways[0], nil
}

// Update changes tags.
func (natGateway) Update(ctx context.Context, r *Request) (Result, error) {
	if err := r.ec2Retag(ctx); err != nil {
		return Result{}, err
	}
	return natGatewayReady(ctx, r)
}

// Delete deletes the NAT gateway and waits until its address is free.
func (natGateway) Delete(ctx context.Context, r *Request) error {
	if _, err := r.ec2().DeleteNatGateway(ctx, &ec2api.DeleteNatGatewayRequest{NatGatewayId: r.PhysicalID}); err != nil {
		return gone(err, "NatGatewayNotFound")
	}
	return r.Wait(ctx, func(ctx context.Context) (bool, error) {
		nat, err := describeNatGateway(ctx, r)
		return err == nil && (nat == nil || nat.State == "deleted"), err
	})
}
