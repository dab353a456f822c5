package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// peeringConnection is AWS::EC2::VPCPeeringConnection, between VPCs of one account
// and region, which accepts by itself.
type peeringConnection struct{}

var peeringConnectionSchema = &Schema{
	Type: "AWS::EC2::VPCPeeringConnection",
	Properties: Properties{
		"VpcId": String.Required().Replaces(), "PeerVpcId": String.Required().Replaces(), "PeerOwnerId": String.Replaces(), "PeerRegion": String.Replaces(), "Tags": Tags,
	},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (peeringConnection) Schema() *Schema { return peeringConnectionSchema }

// Create asks for the connection and accepts it.
func (peeringConnection) Create(ctx context.Context, r *Request) (Result, error) {
	if account := r.Or("PeerOwnerId", r.Account); account != r.Account {
		return Result{}, &Failure{Code: "InvalidRequest", Message: "Neargate does not carry out peering with another account in a template: PeerOwnerId " + account}
	}
	if region := r.Or("PeerRegion", r.Region); region != r.Region {
		return Result{}, &Failure{Code: "InvalidRequest", Message: "Neargate does not carry out peering with another region in a template: PeerRegion " + region}
	}
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeVpcPeeringConnections(ctx, &ec2api.DescribeVpcPeeringConnectionsRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, p := range out.VpcPeeringConnections {
			ids = append(ids, p.VpcPeeringConnectionId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateVpcPeeringConnection(ctx, &ec2api.CreateVpcPeeringConnectionRequest{
			VpcId: r.Text("VpcId"), PeerVpcId: r.Text("PeerVpcId"), TagSpecifications: r.ec2Tags("vpc-peering-connection"),
		})
		if err != nil {
			return "", err
		}
		return out.VpcPeeringConnection.VpcPeeringConnectionId, nil
	})
	if err != nil {
		return Result{}, err
	}
	result := Result{PhysicalID: id, Attributes: attributes("Id", id)}
	status, err := peeringStatus(ctx, r, id)
	switch {
	case err != nil:
		return Result{}, err
	case status.Code == "active":
		return result, nil
	case status.Code != "pending-acceptance":
		return Result{}, &Failure{Code: "NotStabilized", Message: "VpcPeeringConnection " + id + " is " + string(status.Code) + ": " + status.Message}
	}
	_, err = r.ec2().AcceptVpcPeeringConnection(ctx, &ec2api.AcceptVpcPeeringConnectionRequest{VpcPeeringConnectionId: id})
	return result, err
}

func peeringStatus(ctx context.Context, r *Request, id string) (*ec2api.VpcPeeringConnectionStateReason, error) {
	out, err := r.ec2().DescribeVpcPeeringConnections(ctx, &ec2api.DescribeVpcPeeringConnectionsRequest{VpcPeeringConnectionIds: []string{id}})
	if err != nil {
		return nil, err
	}
	return out.VpcPeeringConnections[0].Status, nil
}

// Update changes tags.
func (peeringConnection) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete ends the connection.
func (peeringConnection) Delete(ctx context.Context, r *Request) error {
	_, err := r.ec2().DeleteVpcPeeringConnection(ctx, &ec2api.DeleteVpcPeeringConnectionRequest{VpcPeeringConnectionId: r.PhysicalID})
	return gone(err, "InvalidVpcPeeringConnectionID.NotFound", "InvalidStateTransition")
}
