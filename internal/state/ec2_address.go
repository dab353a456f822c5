package state

import "github.com/neargate/neargate/internal/store"

// Address is an elastic IP address. Written by ec2.
type Address struct {
	Account, Region, AllocationID string

	PublicIP string

	AssociationID      string // eipassoc-... while it is associated
	NetworkInterfaceID string // what it is associated with
	PrivateIPAddress   string

	Tags []Tag
}

// Key is the record's key.
func (a *Address) Key() string { return Key(a.Account, a.Region, a.AllocationID) }

// Addresses holds the elastic IP addresses. Index "public" takes the address,
// "association" the key of an association.
var Addresses = store.Define("ec2.address", (*Address).Key,
	store.By("public", func(a *Address) []string { return []string{a.PublicIP} }),
	store.By("association", func(a *Address) []string {
		if a.AssociationID == "" {
			return nil
		}
		return []string{Key(a.Account, a.Region, a.AssociationID)}
	}))
