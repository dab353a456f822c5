package ec2

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// routesOut lists all routes of a table: the VPC's own, those that were
// created, and those of gateway endpoints.
func (q *scope) routesOut(t *state.RouteTable) []ec2api.Route {
	var routes []ec2api.Route
	if vpc, ok := state.Vpcs.Get(q.tx, q.key(t.VpcID)); ok {
		routes = append(routes, ec2api.Route{DestinationCidrBlock: vpc.CIDRBlock, GatewayId: "local", Origin: "CreateRouteTable", State: "active"})
	}
	for _, r := range t.Routes {
		out := ec2api.Route{
			DestinationCidrBlock: r.DestinationCIDRBlock, GatewayId: r.InternetGatewayID, NatGatewayId: r.NATGatewayID,
			Origin: "CreateRoute", State: "active",
		}
		if !q.leadsSomewhere(t, r) {
			out.State = "blackhole"
		}
		routes = append(routes, out)
	}
	for e := range state.VpcEndpoints.By(q.tx, "route-table", t.Key()) {
		routes = append(routes, ec2api.Route{
			DestinationPrefixListId: prefixListID(q.region, serviceSuffix(e.ServiceName)), GatewayId: e.ID, Origin: "CreateRoute", State: "active",
		})
	}
	return routes
}

// leadsSomewhere reports whether a route's target still exists in the VPC.
func (q *scope) leadsSomewhere(t *state.RouteTable, r state.Route) bool {
	switch {
	case r.InternetGatewayID != "":
		g, ok := state.InternetGateways.Get(q.tx, q.key(r.InternetGatewayID))
		return ok && g.VpcID == t.VpcID
	case r.NATGatewayID != "":
		n, ok := state.NatGateways.Get(q.tx, q.key(r.NATGatewayID))
		return ok && alive(n)
	}
	return false
}

// CreateRoute adds a route to an internet gateway or a NAT gateway.
func (s *Service) CreateRoute(ctx context.Context, in *ec2api.CreateRouteRequest) (*ec2api.CreateRouteResult, error) {
	if err := unsupported(in, "RouteTableId", "DestinationCidrBlock", "GatewayId", "NatGatewayId"); err != nil {
		return nil, err
	}
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		table, route, err := q.newRoute(in.RouteTableId, in.DestinationCidrBlock, in.GatewayId, in.NatGatewayId)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(table.Routes, sameDestination(route)); i >= 0 {
			if table.Routes[i] == route {
				return nil // AWS takes the same route again
			}
			return errorf("RouteAlreadyExists", "The route identified by %s already exists.", route.DestinationCIDRBlock)
		}
		if err := quotaRoutes.allows(len(table.Routes) + 2); err != nil {
			return err
		}
		q.setRoutes(table, append(slices.Clone(table.Routes), route))
		return nil
	})
	yes := true
	return &ec2api.CreateRouteResult{Return: &yes}, err
}

// ReplaceRoute changes a route's target.
func (s *Service) ReplaceRoute(ctx context.Context, in *ec2api.ReplaceRouteRequest) error {
	if err := unsupported(in, "RouteTableId", "DestinationCidrBlock", "GatewayId", "NatGatewayId"); err != nil {
		return err
	}
	return s.write(ctx, in.DryRun, func(q *scope) error {
		table, route, err := q.newRoute(in.RouteTableId, in.DestinationCidrBlock, in.GatewayId, in.NatGatewayId)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(table.Routes, sameDestination(route))
		if i < 0 {
			return errorf("InvalidParameterValue", "There is no route defined for '%s' in the route table. Use CreateRoute instead.", route.DestinationCIDRBlock)
		}
		routes := slices.Clone(table.Routes)
		routes[i] = route
		q.setRoutes(table, routes)
		return nil
	})
}

// DeleteRoute takes a route off a table.
func (s *Service) DeleteRoute(ctx context.Context, in *ec2api.DeleteRouteRequest) error {
	if err := unsupported(in, "RouteTableId", "DestinationCidrBlock"); err != nil {
		return err
	}
	return s.write(ctx, in.DryRun, func(q *scope) error {
		table, err := get(q, state.RouteTables, kindRouteTable, in.RouteTableId)
		if err != nil {
			return err
		}
		if in.DestinationCidrBlock == "" {
			return errMissing("destinationCidrBlock")
		}
		destination, err := parseCIDR(in.DestinationCidrBlock, "destinationCidrBlock")
		if err != nil {
			return err
		}
		if vpc, ok := state.Vpcs.Get(q.tx, q.key(table.VpcID)); ok && vpc.CIDRBlock == destination.String() {
			return errorf("InvalidParameterValue", "cannot remove local route %s in route table %s", destination, table.ID)
		}
		i := slices.IndexFunc(table.Routes, sameDestination(state.Route{DestinationCIDRBlock: destination.String()}))
		if i < 0 {
			return errorf("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", destination, table.ID)
		}
		q.setRoutes(table, slices.Delete(slices.Clone(table.Routes), i, i+1))
		return nil
	})
}

func sameDestination(r state.Route) func(state.Route) bool {
	return func(o state.Route) bool { return o.DestinationCIDRBlock == r.DestinationCIDRBlock }
}

func (q *scope) setRoutes(table *state.RouteTable, routes []state.Route) {
	state.RouteTables.Update(q.tx, table.Key(), func(t *state.RouteTable) { t.Routes = routes })
	q.touch(table.VpcID)
}

// newRoute checks a route that a request describes and returns it with its table.
func (q *scope) newRoute(tableID, destination, gatewayID, natID string) (*state.RouteTable, state.Route, error) {
	var route state.Route
	table, err := get(q, state.RouteTables, kindRouteTable, tableID)
	if err != nil {
		return nil, route, err
	}
	if destination == "" {
		return nil, route, errMissing("destinationCidrBlock")
	}
	cidr, err := parseCIDR(destination, "destinationCidrBlock")
	if err != nil {
		return nil, route, err
	}
	if vpc, ok := state.Vpcs.Get(q.tx, q.key(table.VpcID)); ok && contains(mustPrefix(vpc.CIDRBlock), cidr) {
		if vpc.CIDRBlock == cidr.String() {
			return nil, route, errorf("RouteAlreadyExists", "The route identified by %s already exists.", cidr)
		}
		return nil, route, errorf("InvalidParameterValue", "The destination CIDR block %s is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance.", cidr)
	}
	route.DestinationCIDRBlock = cidr.String()
	switch {
	case gatewayID != "" && natID != "":
		return nil, route, errorf("InvalidParameterCombination", "The parameter gatewayId cannot be used with the parameter natGatewayId")
	case natID != "":
		err = q.routeToNAT(table, natID)
		route.NATGatewayID = natID
	case gatewayID != "":
		err = q.routeToGateway(table, gatewayID)
		route.InternetGatewayID = gatewayID
	default:
		err = errorf("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId or instanceId.")
	}
	return table, route, err
}

func (q *scope) routeToGateway(table *state.RouteTable, id string) error {
	if !strings.HasPrefix(id, "igw-") {
		if strings.HasPrefix(id, "vgw-") || strings.HasPrefix(id, "vpce-") || id == "local" {
			return errUnsupported("A route to " + id)
		}
		return kindGateway.notFound(id)
	}
	gateway, err := get(q, state.InternetGateways, kindInternetGateway, id)
	if err != nil {
		return err
	}
	if gateway.VpcID != table.VpcID {
		return errorf("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", table.ID, id)
	}
	return nil
}

func (q *scope) routeToNAT(table *state.RouteTable, id string) error {
	nat, ok := state.NatGateways.Get(q.tx, q.key(id))
	if !ok || !alive(nat) {
		return errorf("InvalidNatGatewayID.NotFound", "The natGateway ID '%s' does not exist", id)
	}
	if nat.VpcID != table.VpcID {
		return errorf("InvalidParameterValue", "route table %s and NAT gateway %s belong to different networks", table.ID, id)
	}
	return nil
}
