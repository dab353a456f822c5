package ec2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// routesOut lists all routes of a table: the VPC's own, those that were
// created, and those of gateway endpoints.
func (q *scope) routesOut(t *state.RouteTable) []ec2api.Route {
	var routes []ec2api.Route
	if vpc, ok := state.Vpcs.Get(q.tx, q.key(t.VpcID)); ok {
		for _, c := range vpcCIDRs(vpc) {
			local := state.Route{DestinationCIDRBlock: c.String()}
			if !slices.ContainsFunc(t.Routes, sameDestination(local)) { // otherwise it was replaced
				routes = append(routes, ec2api.Route{DestinationCidrBlock: c.String(), GatewayId: "local", Origin: "CreateRouteTable", State: "active"})
			}
		}
	}
	if vpc, ok := state.Vpcs.Get(q.tx, q.key(t.VpcID)); ok {
		for _, c := range vpcCIDRs6(vpc) {
			local := state.Route{DestinationIPv6CIDRBlock: c.String()}
			if !slices.ContainsFunc(t.Routes, sameDestination(local)) {
				routes = append(routes, ec2api.Route{DestinationIpv6CidrBlock: c.String(), GatewayId: "local", Origin: "CreateRouteTable", State: "active"})
			}
		}
	}
	for _, r := range t.Routes {
		routes = append(routes, q.routeOut(t, r))
	}
	for e := range state.VpcEndpoints.By(q.tx, "route-table", t.Key()) {
		routes = append(routes, ec2api.Route{
			DestinationPrefixListId: prefixListID(q.region, serviceSuffix(e.ServiceName)), GatewayId: e.ID, Origin: "CreateRoute", State: "active",
		})
	}
	return routes
}

func (q *scope) routeOut(t *state.RouteTable, r state.Route) ec2api.Route {
	out := ec2api.Route{
		DestinationCidrBlock: r.DestinationCIDRBlock, DestinationIpv6CidrBlock: r.DestinationIPv6CIDRBlock, DestinationPrefixListId: r.DestinationPrefixListID,
		GatewayId: r.InternetGatewayID, NatGatewayId: r.NATGatewayID, NetworkInterfaceId: r.NetworkInterfaceID,
		VpcPeeringConnectionId: r.VpcPeeringConnectionID, EgressOnlyInternetGatewayId: r.EgressOnlyInternetGatewayID,
		Origin: "CreateRoute", State: "active",
	}
	if !q.leadsSomewhere(t, r) {
		out.State = "blackhole"
	}
	return out
}

// CreateRoute adds a route.
func (s *Service) CreateRoute(ctx context.Context, in *ec2api.CreateRouteRequest) (*ec2api.CreateRouteResult, error) {
	if err := unsupported(in, routeMembers...); err != nil {
		return nil, err
	}
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		table, route, err := q.newRoute(routeAsk{
			table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
			targets: []routeTarget{
				{"gatewayId", in.GatewayId}, {"natGatewayId", in.NatGatewayId}, {"networkInterfaceId", in.NetworkInterfaceId}, {"instanceId", in.InstanceId},
				{"vpcPeeringConnectionId", in.VpcPeeringConnectionId}, {"egressOnlyInternetGatewayId", in.EgressOnlyInternetGatewayId}, {"vpcEndpointId", in.VpcEndpointId},
			},
		})
		if err != nil {
			return err
		}
		if q.isLocal(table, route) {
			return errorf("RouteAlreadyExists", "The route identified by %s already exists.", route.Destination())
		}
		if i := slices.IndexFunc(table.Routes, sameDestination(route)); i >= 0 {
			if table.Routes[i] == route {
				return nil // AWS takes the same route again
			}
			return errorf("RouteAlreadyExists", "The route identified by %s already exists.", route.Destination())
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

// ReplaceRoute changes a route's target, also that of the local route, which
// LocalTarget brings back.
func (s *Service) ReplaceRoute(ctx context.Context, in *ec2api.ReplaceRouteRequest) error {
	if err := unsupported(in, append([]string{"LocalTarget"}, routeMembers...)...); err != nil {
		return err
	}
	return s.write(ctx, in.DryRun, func(q *scope) error {
		ask := routeAsk{
			table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
			targets: []routeTarget{
				{"gatewayId", in.GatewayId}, {"natGatewayId", in.NatGatewayId}, {"networkInterfaceId", in.NetworkInterfaceId}, {"instanceId", in.InstanceId},
				{"vpcPeeringConnectionId", in.VpcPeeringConnectionId}, {"egressOnlyInternetGatewayId", in.EgressOnlyInternetGatewayId}, {"vpcEndpointId", in.VpcEndpointId},
			},
		}
		if wire.Or(in.LocalTarget, false) {
			return q.restoreLocal(ask)
		}
		table, route, err := q.newRoute(ask)
		if err != nil {
			return err
		}
		routes := slices.Clone(table.Routes)
		switch i := slices.IndexFunc(routes, sameDestination(route)); {
		case i >= 0:
			routes[i] = route
		case q.isLocal(table, route):
			routes = append(routes, route)
		default:
			return errorf("InvalidParameterValue", "There is no route defined for '%s' in the route table. Use CreateRoute instead.", route.Destination())
		}
		q.setRoutes(table, routes)
		return nil
	})
}

// restoreLocal puts the local route back.
func (q *scope) restoreLocal(ask routeAsk) error {
	if given := ask.given(); len(given) > 0 {
		return errorf("InvalidParameterCombination", "The parameter localTarget cannot be used with the parameter %s", given[0].name)
	}
	table, route, err := q.routeDestination(ask)
	if err != nil {
		return err
	}
	if !q.isLocal(table, route) {
		return errorf("InvalidParameterValue", "The destination CIDR block %s is not one of this VPC's CIDR blocks.", route.Destination())
	}
	q.setRoutes(table, slices.DeleteFunc(slices.Clone(table.Routes), sameDestination(route)))
	return nil
}

// DeleteRoute takes a route off a table.
func (s *Service) DeleteRoute(ctx context.Context, in *ec2api.DeleteRouteRequest) error {
	if err := unsupported(in, "RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"); err != nil {
		return err
	}
	return s.write(ctx, in.DryRun, func(q *scope) error {
		table, route, err := q.routeDestination(routeAsk{table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId})
		if err != nil {
			return err
		}
		if q.isLocal(table, route) {
			return errorf("InvalidParameterValue", "cannot remove local route %s in route table %s", route.Destination(), table.ID)
		}
		i := slices.IndexFunc(table.Routes, sameDestination(route))
		if i < 0 {
			kind := "destination-cidr-block"
			switch {
			case route.DestinationIPv6CIDRBlock != "":
				kind = "destination-ipv6-cidr-block"
			case route.DestinationPrefixListID != "":
				kind = "destination-prefix-list-id"
			}
			return errorf("InvalidRoute.NotFound", "no route with %s %s in route table %s", kind, route.Destination(), table.ID)
		}
		q.setRoutes(table, slices.Delete(slices.Clone(table.Routes), i, i+1))
		return nil
	})
}

func sameDestination(r state.Route) func(state.Route) bool {
	return func(o state.Route) bool { return o.Destination() == r.Destination() }
}

func (q *scope) setRoutes(table *state.RouteTable, routes []state.Route) {
	state.RouteTables.Update(q.tx, table.Key(), func(t *state.RouteTable) { t.Routes = routes })
	q.touch(table.VpcID)
}
