package state

import "github.com/neargate/neargate/internal/store"

// RouteTable holds the routes of the subnets that are associated with it; the
// main table also those of subnets without an association. The VPC's local
// route and the prefix-list routes of gateway endpoints are not stored here:
// they follow from the VPC and the endpoints. Written by ec2.
type RouteTable struct {
	Account, Region, ID, VpcID string
	Tool                       string // the client that made it: caller.Identity.Tool

	Main              bool
	MainAssociationID string // rtbassoc-..., set when Main
	Routes            []Route
	Associations      []RouteTableAssociation
	ClientToken       string
	Tags              []Tag
}

// Route leads exactly one destination to exactly one target. One whose destination
// is a range of the VPC replaces its local route.
type Route struct {
	DestinationCIDRBlock     string // canonical IPv4
	DestinationIPv6CIDRBlock string // canonical
	DestinationPrefixListID  string // pl-...

	InternetGatewayID           string // igw-...
	NATGatewayID                string // nat-...
	NetworkInterfaceID          string // eni-...
	VpcPeeringConnectionID      string // pcx-...
	EgressOnlyInternetGatewayID string // eigw-...
}

// Destination is whichever destination the route has.
func (r Route) Destination() string {
	return r.DestinationCIDRBlock + r.DestinationIPv6CIDRBlock + r.DestinationPrefixListID
}

// RouteTableAssociation ties a subnet to a table.
type RouteTableAssociation struct {
	ID       string // rtbassoc-...
	SubnetID string
}

// Key is the record's key.
func (r *RouteTable) Key() string { return Key(r.Account, r.Region, r.ID) }

// RouteTables holds the route tables. Index "vpc" takes the key of a VPC,
// "subnet" the key of an associated subnet, "association" the key of an
// association, the main one included, "prefix-list" that of a route's destination.
var RouteTables = store.Define("ec2.route-table", (*RouteTable).Key,
	store.By("prefix-list", func(r *RouteTable) []string {
		var keys []string
		for _, route := range r.Routes {
			if route.DestinationPrefixListID != "" {
				keys = append(keys, Key(r.Account, r.Region, route.DestinationPrefixListID))
			}
		}
		return keys
	}),
	store.By("vpc", func(r *RouteTable) []string { return []string{Key(r.Account, r.Region, r.VpcID)} }),
	store.By("subnet", func(r *RouteTable) []string {
		var keys []string
		for _, a := range r.Associations {
			keys = append(keys, Key(r.Account, r.Region, a.SubnetID))
		}
		return keys
	}),
	store.By("association", func(r *RouteTable) []string {
		var keys []string
		if r.MainAssociationID != "" {
			keys = append(keys, Key(r.Account, r.Region, r.MainAssociationID))
		}
		for _, a := range r.Associations {
			keys = append(keys, Key(r.Account, r.Region, a.ID))
		}
		return keys
	}))
