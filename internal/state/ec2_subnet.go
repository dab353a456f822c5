package state

import "github.com/neargate/neargate/internal/store"

// Subnet is a range of a VPC's addresses in one availability zone. Written by ec2.
type Subnet struct {
	Account, Region, ID, VpcID string
	Tool                       string // the client that made it: caller.Identity.Tool

	CIDRBlock           string // canonical
	AvailabilityZone    string // us-east-1a
	AvailabilityZoneID  string // use1-az1
	DefaultForAZ        bool
	MapPublicIPOnLaunch bool

	IPv6CIDR             CIDRAssociation // zero without one
	AssignIPv6OnCreation bool

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

// Subnets holds the subnets. Index "vpc" takes the key of a VPC, "acl" that of a
// network ACL, "acl-association" that of an association with one, "cidr-association"
// that of one with an IPv6 range.
var Subnets = store.Define("ec2.subnet", (*Subnet).Key,
	store.By("vpc", func(s *Subnet) []string { return []string{Key(s.Account, s.Region, s.VpcID)} }),
	store.By("acl", func(s *Subnet) []string { return []string{Key(s.Account, s.Region, s.NetworkACLID)} }),
	store.By("cidr-association", func(s *Subnet) []string {
		if s.IPv6CIDR.ID == "" {
			return nil
		}
		return []string{Key(s.Account, s.Region, s.IPv6CIDR.ID)}
	}),
	store.By("acl-association", func(s *Subnet) []string { return []string{Key(s.Account, s.Region, s.NetworkACLAssociationID)} }))
