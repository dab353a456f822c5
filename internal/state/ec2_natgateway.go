package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// NatGateway lets interfaces without a public address reach out through its own
// subnet's routes. Written by ec2.
type NatGateway struct {
	Account, Region, ID, VpcID, SubnetID string

	ConnectivityType string // "public" or "private"
	// State is "pending" until the data plane holds it, then "available";
	// "deleting" and "deleted" after DeleteNatGateway; or "failed".
	State                       string
	FailureCode, FailureMessage string // when failed

	NetworkInterfaceID string
	PrivateIPAddress   string
	AllocationID       string
	AssociationID      string
	PublicIP           string

	ClientToken string
	CreatedAt   time.Time
	DeletedAt   time.Time // also when it failed
	Tags        []Tag
}

// Key is the record's key.
func (n *NatGateway) Key() string { return Key(n.Account, n.Region, n.ID) }

// NatGateways holds the NAT gateways; index "vpc" and "subnet" take the key of
// such a resource.
var NatGateways = store.Define("ec2.nat-gateway", (*NatGateway).Key,
	store.By("vpc", func(n *NatGateway) []string { return []string{Key(n.Account, n.Region, n.VpcID)} }),
	store.By("subnet", func(n *NatGateway) []string { return []string{Key(n.Account, n.Region, n.SubnetID)} }))
