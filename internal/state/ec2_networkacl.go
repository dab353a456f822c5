package state

import "github.com/neargate/neargate/internal/store"

// NetworkAcl is a VPC's default network ACL, which allows everything. Which
// subnets it guards is written on the subnets. Written by ec2.
type NetworkAcl struct {
	Account, Region, ID, VpcID string

	Tags []Tag
}

// Key is the record's key.
func (n *NetworkAcl) Key() string { return Key(n.Account, n.Region, n.ID) }

// NetworkAcls holds the network ACLs; index "vpc" takes the key of a VPC.
var NetworkAcls = store.Define("ec2.network-acl", (*NetworkAcl).Key,
	store.By("vpc", func(n *NetworkAcl) []string { return []string{Key(n.Account, n.Region, n.VpcID)} }))
