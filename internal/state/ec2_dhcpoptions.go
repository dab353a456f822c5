package state

import "github.com/neargate/neargate/internal/store"

// DhcpOptions is the set of DHCP options that every VPC of a region uses:
// Amazon's resolver and the region's internal domain. Written by ec2.
type DhcpOptions struct {
	Account, Region, ID string

	Tags []Tag
}

// Key is the record's key.
func (d *DhcpOptions) Key() string { return Key(d.Account, d.Region, d.ID) }

// DhcpOptionSets holds the sets of DHCP options.
var DhcpOptionSets = store.Define("ec2.dhcp-options", (*DhcpOptions).Key)
