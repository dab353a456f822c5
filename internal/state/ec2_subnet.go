package state

import "github.com/neargate/neargate/internal/store"

// Subnet is a range of a VPC's addresses in one availability zone. Written by ec2.
type Subnet struct {
	Account, Region, ID, VpcID string

	CIDRBlock           string // canonical
	AvailabilityZone    string // us-east-1a
	AvailabilityZoneID  string // use1-az1
	DefaultForAZ        bool
	MapPublicIPOnLaunch bool

	NetworkACLID            string
	NetworkACLAssociationID string // aclassoc-...

	// LastAddress is the address that was given out last. The search for the
	// next free one begins behind it, so that an address rests before it is
	// used again.
	LastAddress string

	Tags []Tag
}

// Key is the record's key.
func (s *Subnet) Key() string { return Key(s.Account, s.Region, s.ID) }

// Subnets holds the subnets; index "vpc" takes the key of a VPC.
var Subnets = store.Define("ec2.subnet", (*Subnet).Key,
	store.By("vpc", func(s *Subnet) []string { return []string{Key(s.Account, s.Region, s.VpcID)} }))
