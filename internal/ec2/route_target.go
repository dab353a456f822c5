package ec2

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// routeMembers are the members of route requests that we carry out.
var routeMembers = []string{
	"RouteTableId", "DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId", "GatewayId", "NatGatewayId",
	"NetworkInterfaceId", "InstanceId", "VpcPeeringConnectionId", "EgressOnlyInternetGatewayId", "VpcEndpointId",
}

// routeAsk is a route as a request describes it.
type routeAsk struct {
	table             string
	cidr, cidr6, list string // one of them
	targets           []routeTarget
}

// routeTarget is a target of a request: its parameter and the id.
type routeTarget struct{ name, id string }

// given are the targets that the request names.
func (a routeAsk) given() []routeTarget {
	return slices.DeleteFunc(slices.Clone(a.targets), func(t routeTarget) bool { return t.id == "" })
}

// isLocal reports whether a route's destination is one of the VPC's own ranges.
func (q *scope) isLocal(table *state.RouteTable, r state.Route) bool {
	vpc, ok := state.Vpcs.Get(q.tx, q.key(table.VpcID))
	if !ok || r.DestinationPrefixListID != "" {
		return false
	}
	return slices.Contains(append(vpcCIDRs(vpc), vpcCIDRs6(vpc)...), mustPrefix(r.Destination()))
}

// routeDestination checks the destination and returns it as a route without a target.
func (q *scope) routeDestination(ask routeAsk) (*state.RouteTable, state.Route, error) {
	var route state.Route
	table, err := get(q, state.RouteTables, kindRouteTable, ask.table)
	if err != nil {
		return nil, route, err
	}
	given := one(ask.cidr)
	given = append(append(given, one(ask.cidr6)...), one(ask.list)...)
	switch {
	case len(given) == 0:
		return nil, route, errMissing("destinationCidrBlock")
	case len(given) > 1:
		return nil, route, errorf("InvalidParameterCombination", "The request must contain only one of destinationCidrBlock, destinationIpv6CidrBlock and destinationPrefixListId.")
	case ask.list != "":
		if _, err := q.prefixList(ask.list); err != nil {
			return nil, route, err
		}
		route.DestinationPrefixListID = ask.list
	case ask.cidr6 != "":
		cidr, err := parseCIDR6(ask.cidr6, "destinationIpv6CidrBlock")
		if err != nil {
			return nil, route, err
		}
		route.DestinationIPv6CIDRBlock = cidr.String()
	default:
		cidr, err := parseCIDR(ask.cidr, "destinationCidrBlock")
		if err != nil {
			return nil, route, err
		}
		route.DestinationCIDRBlock = cidr.String()
	}
	return table, route, nil
}

// newRoute checks a route that a request describes and returns it with its table.
func (q *scope) newRoute(ask routeAsk) (*state.RouteTable, state.Route, error) {
	table, route, err := q.routeDestination(ask)
	if err != nil {
		return nil, route, err
	}
	given := ask.given()
	switch {
	case len(given) == 0:
		return nil, route, errorf("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId or instanceId.")
	case len(given) > 1:
		return nil, route, errorf("InvalidParameterCombination", "The parameter %s cannot be used with the parameter %s", given[0].name, given[1].name)
	}
	if err := checkFamily(route, given[0]); err != nil {
		return nil, route, err
	}
	if err := q.setTarget(table, &route, given[0]); err != nil {
		return nil, route, err
	}
	return table, route, q.checkInside(table, route)
}

// checkFamily refuses targets that carry the other family only: NAT gateways IPv4,
// egress-only internet gateways IPv6. NAT64 is not carried out.
func checkFamily(r state.Route, t routeTarget) error {
	switch {
	case t.name == "natGatewayId" && r.DestinationIPv6CIDRBlock == "64:ff9b::/96":
		return errUnsupported("NAT64 (a route of 64:ff9b::/96 to a NAT gateway)")
	case t.name == "natGatewayId" && r.DestinationIPv6CIDRBlock != "":
		return errorf("InvalidParameterCombination", "The parameter natGatewayId cannot be used with the parameter destinationIpv6CidrBlock")
	case t.name == "egressOnlyInternetGatewayId" && r.DestinationCIDRBlock != "":
		return errorf("InvalidParameterCombination", "The parameter egressOnlyInternetGatewayId cannot be used with the parameter destinationCidrBlock")
	}
	return nil
}

// checkInside refuses routes inside the VPC's ranges that lead out of it.
func (q *scope) checkInside(table *state.RouteTable, r state.Route) error {
	vpc, ok := state.Vpcs.Get(q.tx, q.key(table.VpcID))
	if !ok || r.DestinationPrefixListID != "" {
		return nil
	}
	cidr := mustPrefix(r.Destination())
	for _, own := range append(vpcCIDRs(vpc), vpcCIDRs6(vpc)...) {
		switch {
		case !contains(own, cidr), r.NetworkInterfaceID != "":
		case own == cidr:
			return errorf("RouteAlreadyExists", "The route identified by %s already exists.", cidr)
		default:
			return errorf("InvalidParameterValue", "The destination CIDR block %s is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance.", cidr)
		}
	}
	return nil
}

// setTarget checks the target of a route in a table.
func (q *scope) setTarget(table *state.RouteTable, r *state.Route, t routeTarget) error {
	switch t.name {
	case "gatewayId":
		r.InternetGatewayID = t.id
		return q.routeToGateway(table, t.id)
	case "natGatewayId":
		r.NATGatewayID = t.id
		return q.routeToNAT(table, t.id)
	case "networkInterfaceId":
		r.NetworkInterfaceID = t.id
		n, err := get(q, state.NetworkInterfaces, kindInterface, t.id)
		if err == nil && n.VpcID != table.VpcID {
			err = errorf("InvalidParameterValue", "route table %s and interface %s belong to different networks", table.ID, t.id)
		}
		return err
	case "vpcPeeringConnectionId":
		r.VpcPeeringConnectionID = t.id
		return q.routeToPeering(table, t.id)
	case "egressOnlyInternetGatewayId":
		r.EgressOnlyInternetGatewayID = t.id
		g, err := get(q, state.EgressOnlyInternetGateways, kindEgressOnlyGateway, t.id)
		if err == nil && g.VpcID != table.VpcID {
			err = errorf("InvalidParameterValue", "route table %s and network gateway %s belong to different networks", table.ID, t.id)
		}
		return err
	case "vpcEndpointId":
		if _, err := get(q, state.VpcEndpoints, kindEndpoint, t.id); err != nil {
			return err
		}
		return errUnsupported("A route to an endpoint of this type")
	}
	return errorf("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", t.id)
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

// routeToPeering also takes a connection that nobody has accepted yet; the route is
// a black hole until then.
func (q *scope) routeToPeering(table *state.RouteTable, id string) error {
	p, err := q.peering(id)
	if err != nil || !p.EndedAt.IsZero() {
		return kindPeering.notFound(id)
	}
	if key := q.key(table.VpcID); p.Requester.Key() != key && p.Accepter.Key() != key {
		return errorf("InvalidParameterValue", "route table %s and peering %s belong to different networks", table.ID, id)
	}
	return nil
}

// leadsSomewhere reports whether a route's target still exists in the VPC.
func (q *scope) leadsSomewhere(t *state.RouteTable, r state.Route) bool {
	switch {
	case r.InternetGatewayID != "":
		g, ok := state.InternetGateways.Get(q.tx, q.key(r.InternetGatewayID))
		return ok && g.VpcID == t.VpcID
	case r.EgressOnlyInternetGatewayID != "":
		_, ok := state.EgressOnlyInternetGateways.Get(q.tx, q.key(r.EgressOnlyInternetGatewayID))
		return ok
	case r.NATGatewayID != "":
		n, ok := state.NatGateways.Get(q.tx, q.key(r.NATGatewayID))
		return ok && alive(n)
	case r.NetworkInterfaceID != "":
		n, ok := state.NetworkInterfaces.Get(q.tx, q.key(r.NetworkInterfaceID))
		return ok && n.Attachment.ID != ""
	case r.VpcPeeringConnectionID != "":
		p, ok := state.VpcPeeringConnections.Get(q.tx, r.VpcPeeringConnectionID)
		return ok && p.State == "active"
	}
	return false
}
