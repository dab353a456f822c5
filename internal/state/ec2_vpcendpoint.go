package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// VpcEndpoint is a private way from a VPC to an AWS service: an interface
// endpoint has an address in each of its subnets, a gateway endpoint is a
// prefix-list route in each of its route tables. Written by ec2.
type VpcEndpoint struct {
	Account, Region, ID, VpcID string

	Type        string // "Interface" or "Gateway"
	ServiceName string // com.amazonaws.REGION.SERVICE
	// State is "pending" until the data plane holds the endpoint, then "available".
	State          string
	PolicyDocument string // JSON as given; "" is AWS's default: everything allowed

	RouteTableIDs []string // Gateway

	SubnetIDs           []string // Interface
	SecurityGroupIDs    []string // Interface
	NetworkInterfaceIDs []string // Interface, one per subnet in the order of SubnetIDs
	PrivateDNSEnabled   bool     // Interface
	DNSLabel            string   // Interface: the random part of vpce-...-LABEL.SERVICE.REGION.vpce.amazonaws.com

	ClientToken string
	CreatedAt   time.Time
	Tool        string // the client that made it: caller.Identity.Tool
	Tags        []Tag
}

// Key is the record's key.
func (e *VpcEndpoint) Key() string { return Key(e.Account, e.Region, e.ID) }

// VpcEndpoints holds the endpoints. Index "vpc" takes the key of a VPC,
// "route-table" and "group" those of what an endpoint names, "bare-id" a bare id.
var VpcEndpoints = store.Define("ec2.vpc-endpoint", (*VpcEndpoint).Key,
	store.By("vpc", func(e *VpcEndpoint) []string { return []string{Key(e.Account, e.Region, e.VpcID)} }),
	store.By("bare-id", func(e *VpcEndpoint) []string { return []string{e.ID} }),
	store.By("route-table", func(e *VpcEndpoint) []string { return keys(e.Account, e.Region, e.RouteTableIDs) }),
	store.By("group", func(e *VpcEndpoint) []string { return keys(e.Account, e.Region, e.SecurityGroupIDs) }))
