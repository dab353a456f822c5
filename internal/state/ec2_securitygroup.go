package state

import (
	"cmp"

	"github.com/neargate/neargate/internal/store"
)

// SecurityGroup is a stateful firewall for the network interfaces that carry
// it. Written by ec2.
type SecurityGroup struct {
	Account, Region, ID, VpcID string
	Tool                       string // the client that made it: caller.Identity.Tool

	Name        string
	Description string
	Rules       []SecurityGroupRule
	Tags        []Tag
}

// SecurityGroupRule allows traffic in or out. Exactly one of CIDRIPv4, CIDRIPv6,
// PrefixListID and ReferencedGroupID is set.
type SecurityGroupRule struct {
	ID     string // sgr-...
	Egress bool

	// Protocol is "tcp", "udp", "icmp", "icmpv6", another protocol's number, or
	// "-1" for all.
	Protocol string
	// FromPort and ToPort are ports for tcp and udp, type and code for icmp
	// (-1: all), and -1 for everything else.
	FromPort, ToPort int32

	CIDRIPv4          string
	CIDRIPv6          string
	PrefixListID      string
	ReferencedGroupID string
	// A group of a peered VPC, when it is not of the group's own: its account and
	// VPC, and the connection by which the rule was made.
	ReferencedAccount, ReferencedVpcID, VpcPeeringConnectionID string

	Description string
	Tags        []Tag
}

// Key is the record's key.
func (g *SecurityGroup) Key() string { return Key(g.Account, g.Region, g.ID) }

// SecurityGroups holds the security groups. Index "vpc" takes the key of a VPC,
// "rule" the key of a rule, "referenced" the key of a group that a rule names,
// "prefix-list" that of a prefix list.
var SecurityGroups = store.Define("ec2.security-group", (*SecurityGroup).Key,
	store.By("vpc", func(g *SecurityGroup) []string { return []string{Key(g.Account, g.Region, g.VpcID)} }),
	store.By("rule", func(g *SecurityGroup) []string {
		var keys []string
		for _, r := range g.Rules {
			keys = append(keys, Key(g.Account, g.Region, r.ID))
		}
		return keys
	}),
	store.By("referenced", func(g *SecurityGroup) []string {
		var keys []string
		for _, r := range g.Rules {
			if r.ReferencedGroupID != "" && r.ReferencedGroupID != g.ID {
				keys = append(keys, Key(cmp.Or(r.ReferencedAccount, g.Account), g.Region, r.ReferencedGroupID))
			}
		}
		return keys
	}),
	store.By("prefix-list", func(g *SecurityGroup) []string {
		var keys []string
		for _, r := range g.Rules {
			if r.PrefixListID != "" {
				keys = append(keys, Key(g.Account, g.Region, r.PrefixListID))
			}
		}
		return keys
	}))
