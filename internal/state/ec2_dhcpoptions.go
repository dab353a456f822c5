package state

import "github.com/neargate/neargate/internal/store"

// DhcpOptions is a set of DHCP options that VPCs use. Written by ec2.
type DhcpOptions struct {
	Account, Region, ID string

	// Options are as given; none for the region's own set: Amazon's resolver and the
	// region's internal domain.
	Options []DhcpOption
	Tags    []Tag
}

// DhcpOption is one option of a set.
type DhcpOption struct {
	Key    string // "domain-name", "domain-name-servers", ...
	Values []string
}

// Key is the record's key.
func (d *DhcpOptions) Key() string { return Key(d.Account, d.Region, d.ID) }

// DhcpOptionSets holds the sets of DHCP options.
var DhcpOptionSets = store.Define("ec2.dhcp-options", (*DhcpOptions).Key)
