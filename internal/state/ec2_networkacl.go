package state

import "github.com/neargate/neargate/internal/store"

// NetworkAcl is a stateless filter at the border of the subnets that name it.
// Which subnets those are is written on the subnets. Written by ec2.
type NetworkAcl struct {
	Account, Region, ID, VpcID string

	Custom bool // made by a user, else the VPC's default one
	// Entries are the numbered rules, without the last ones that deny everything.
	// Nil on a default ACL that nobody changed: it has those that it came with.
	Entries []NetworkAclEntry
	// IPv6 says that a default ACL came with entries for IPv6 too: its VPC got an
	// IPv6 range before anybody changed it.
	IPv6        bool
	ClientToken string
	Tags        []Tag
}

// NetworkAclEntry is one numbered rule of one direction. Exactly one of CIDRIPv4
// and CIDRIPv6 is set.
type NetworkAclEntry struct {
	Number int32 // 1 to 32766
	Egress bool
	Allow  bool

	// Protocol is a number as text, "-1" for all. From and To are ports for tcp
	// and udp ("6", "17"), type and code for icmp ("1", "58"; -1: all), and -1
	// for everything else.
	Protocol           string
	FromPort, ToPort   int32
	CIDRIPv4, CIDRIPv6 string
}

// Key is the record's key.
func (n *NetworkAcl) Key() string { return Key(n.Account, n.Region, n.ID) }

// NetworkAcls holds the network ACLs; index "vpc" takes the key of a VPC.
var NetworkAcls = store.Define("ec2.network-acl", (*NetworkAcl).Key,
	store.By("vpc", func(n *NetworkAcl) []string { return []string{Key(n.Account, n.Region, n.VpcID)} }))
