package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
)

// routeTable is AWS::EC2::RouteTable.
type routeTable struct{}

var routeTableSchema = &Schema{
	Type:       "AWS::EC2::RouteTable",
	Properties: Properties{"VpcId": String.Required().Replaces(), "Tags": Tags},
	Attributes: []string{"RouteTableId"},
}

// Schema is the type's schema.
func (routeTable) Schema() *Schema { return routeTableSchema }

// Create makes the route table.
func (routeTable) Create(ctx context.Context, r *Request) (Result, error) {
	id, err := r.once(func(mine []ec2api.Filter) (ids []string, err error) {
		out, err := r.ec2().DescribeRouteTables(ctx, &ec2api.DescribeRouteTablesRequest{Filters: mine})
		if err != nil {
			return nil, err
		}
		for _, t := range out.RouteTables {
			ids = append(ids, t.RouteTableId)
		}
		return ids, nil
	}, func() (string, error) {
		out, err := r.ec2().CreateRouteTable(ctx, &ec2api.CreateRouteTableRequest{VpcId: r.Text("VpcId"), TagSpecifications: r.ec2Tags("route-table")})
		if err != nil {
			return "", err
		}
		return out.RouteTable.RouteTableId, nil
	})
	return Result{PhysicalID: id, Attributes: attributes("RouteTableId", id)}, err
}

// Update changes tags.
func (routeTable) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("RouteTableId", r.PhysicalID)}, r.ec2Retag(ctx)
}

// Delete deletes the route table.
func (routeTable) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DeleteRouteTable(ctx, &ec2api.DeleteRouteTableRequest{RouteTableId: r.PhysicalID}), "InvalidRouteTableID.NotFound")
}

// route is AWS::EC2::Route.
type route struct{}

var routeSchema = &Schema{
	Type: "AWS::EC2::Route",
	Properties: Properties{
		"RouteTableId": String.Required().Replaces(), "DestinationCidrBlock": String.Replaces(), "DestinationIpv6CidrBlock": String.Replaces(),
		"DestinationPrefixListId": String.Replaces(), "GatewayId": String, "NatGatewayId": String, "NetworkInterfaceId": String,
		"InstanceId": String, "VpcPeeringConnectionId": String, "VpcEndpointId": String, "EgressOnlyInternetGatewayId": String, "TransitGatewayId": String,
	},
	Attributes: []string{"CidrBlock"},
}

// Schema is the type's schema.
func (route) Schema() *Schema { return routeSchema }

func (r *Request) destination() string {
	return r.Text("DestinationCidrBlock") + r.Text("DestinationIpv6CidrBlock") + r.Text("DestinationPrefixListId")
}

func (r *Request) routeResult() Result {
	return Result{PhysicalID: r.Text("RouteTableId") + "|" + r.destination(), Attributes: attributes("CidrBlock", r.destination())}
}

// Create makes the route. Its id is known before; a route that an earlier
// attempt made is there already.
func (route) Create(ctx context.Context, r *Request) (Result, error) {
	in := &ec2api.CreateRouteRequest{}
	if err := bind(r.Properties, in); err != nil {
		return Result{}, err
	}
	result := r.routeResult()
	if r.PhysicalID != "" {
		return result, nil
	}
	if _, err := r.ec2().CreateRoute(ctx, in); err != nil && !(r.Retry && isCode(err, "RouteAlreadyExists")) {
		return Result{}, err
	}
	return result, r.Created(result.PhysicalID)
}

// Update changes the target.
func (route) Update(ctx context.Context, r *Request) (Result, error) {
	in := &ec2api.ReplaceRouteRequest{}
	if err := bind(r.Properties, in); err != nil {
		return Result{}, err
	}
	return r.routeResult(), r.ec2().ReplaceRoute(ctx, in)
}

// Delete deletes the route.
func (route) Delete(ctx context.Context, r *Request) error {
	table, destination, _ := strings.Cut(r.PhysicalID, "|")
	in := &ec2api.DeleteRouteRequest{RouteTableId: table}
	switch {
	case strings.HasPrefix(destination, "pl-"):
		in.DestinationPrefixListId = destination
	case strings.Contains(destination, ":"):
		in.DestinationIpv6CidrBlock = destination
	default:
		in.DestinationCidrBlock = destination
	}
	return gone(r.ec2().DeleteRoute(ctx, in), "InvalidRoute.NotFound", "InvalidRouteTableID.NotFound")
}

// routeTableAssociation is AWS::EC2::SubnetRouteTableAssociation.
type routeTableAssociation struct{}

var routeTableAssociationSchema = &Schema{
	Type:       "AWS::EC2::SubnetRouteTableAssociation",
	Properties: Properties{"RouteTableId": String.Required().Replaces(), "SubnetId": String.Required().Replaces()},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (routeTableAssociation) Schema() *Schema { return routeTableAssociationSchema }

// Create associates the subnet. A subnet has one explicit association: one with
// this table is what an earlier attempt made, one with another is moved.
func (routeTableAssociation) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID != "" {
		return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
	}
	tables, err := r.ec2().DescribeRouteTables(ctx, &ec2api.DescribeRouteTablesRequest{
		Filters: []ec2api.Filter{{Name: "association.subnet-id", Values: []string{r.Text("SubnetId")}}}})
	if err != nil {
		return Result{}, err
	}
	id := ""
	for _, t := range tables.RouteTables {
		for _, a := range t.Associations {
			if a.SubnetId != r.Text("SubnetId") {
				continue
			}
			if id = a.RouteTableAssociationId; t.RouteTableId != r.Text("RouteTableId") {
				out, err := r.ec2().ReplaceRouteTableAssociation(ctx, &ec2api.ReplaceRouteTableAssociationRequest{AssociationId: id, RouteTableId: r.Text("RouteTableId")})
				if err != nil {
					return Result{}, err
				}
				id = out.NewAssociationId
			}
		}
	}
	if id == "" {
		out, err := r.ec2().AssociateRouteTable(ctx, &ec2api.AssociateRouteTableRequest{RouteTableId: r.Text("RouteTableId"), SubnetId: r.Text("SubnetId")})
		if err != nil {
			return Result{}, err
		}
		id = out.AssociationId
	}
	return Result{PhysicalID: id, Attributes: attributes("Id", id)}, r.Created(id)
}

// Update has nothing to change in place.
func (routeTableAssociation) Update(_ context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// Delete ends the association.
func (routeTableAssociation) Delete(ctx context.Context, r *Request) error {
	return gone(r.ec2().DisassociateRouteTable(ctx, &ec2api.DisassociateRouteTableRequest{AssociationId: r.PhysicalID}), "InvalidAssociationID.NotFound")
}
