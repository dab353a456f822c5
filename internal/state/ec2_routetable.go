package state

import "github.com/neargate/neargate/internal/store"

// RouteTable holds the routes of the subnets that are associated with it; the
// main table also those of subnets without an association. The VPC's local
// route and the prefix-list routes of gateway endpoints are not stored here:
// they follow from the VPC and the endpoints. Written by ec2.
type RouteTable struct {
	Account, Region, ID, VpcID string

	Main              bool
	MainAssociationID string // rtbassoc-..., set when Main
	Routes            []Route
	Associations      []RouteTableAssociation
	ClientToken       string
	Tags              []Tag
}

// Route leads a destination to exactly one target.
type Route struct {
	DestinationCIDRBlock string // canonical IPv4

	InternetGatewayID string // igw-...
	NATGatewayID      string // nat-...
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
// association, the main one included.
var RouteTables = store.Define("ec2.route-table", (*RouteTable).Key,
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
