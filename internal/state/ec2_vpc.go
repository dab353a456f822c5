package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Vpc is a virtual private cloud: one address space with its own namespace on
// the host. Written by ec2.
type Vpc struct {
	Account, Region, ID string

	CIDRBlock         string // IPv4, canonical: "10.0.0.0/16"
	CIDRAssociationID string // vpc-cidr-assoc-...
	SecondaryCIDRs    []CIDRAssociation
	IPv6CIDRs         []CIDRAssociation
	IsDefault         bool
	DHCPOptionsID     string

	EnableDNSSupport   bool
	EnableDNSHostnames bool

	Tags      []Tag
	CreatedAt time.Time
	Tool      string // the client that made it: caller.Identity.Tool
}

// CIDRAssociation is a further range of a VPC or a subnet.
type CIDRAssociation struct {
	ID        string // vpc-cidr-assoc-... or subnet-cidr-assoc-...
	CIDRBlock string // canonical
}

// Key is the record's key.
func (v *Vpc) Key() string { return Key(v.Account, v.Region, v.ID) }

// Vpcs holds the VPCs; index "bare-id" takes a bare id.
var Vpcs = store.Define("ec2.vpc", (*Vpc).Key,
	store.By("bare-id", func(v *Vpc) []string { return []string{v.ID} }))

// NetworkRegion says that the default VPC and the default DHCP options of an
// account's region have been made; a default VPC that was deleted stays
// deleted. Its key has the id "ec2". Written by ec2.
type NetworkRegion struct {
	Account, Region string

	DefaultDHCPOptionsID string
}

// NetworkRegions holds one record per account and region that was ever used.
var NetworkRegions = store.Define("ec2.region", func(r *NetworkRegion) string {
	return Key(r.Account, r.Region, "ec2")
})
