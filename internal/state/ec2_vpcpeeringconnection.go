package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// VpcPeeringConnection connects two VPCs, of the same or of different accounts
// and regions. Both sides see it. Written by ec2.
type VpcPeeringConnection struct {
	ID string // pcx-...

	Requester, Accepter PeeringSide
	// State is AWS's status code: "pending-acceptance", "active", "rejected",
	// "deleted" or "failed"; Message is AWS's word on it.
	State, Message string

	ExpiresAt time.Time // when nobody accepts it until then, it is expired
	EndedAt   time.Time // when it was rejected or deleted, or failed
}

// PeeringSide is one of the two VPCs.
type PeeringSide struct {
	Account, Region, VpcID string

	// AllowDNS says that public host names of this VPC resolve to private
	// addresses in the other one.
	AllowDNS bool
	Tags     []Tag // each side has its own
}

// Key is the key of the VPC.
func (s PeeringSide) Key() string { return Key(s.Account, s.Region, s.VpcID) }

// Key is the record's key.
func (p *VpcPeeringConnection) Key() string { return p.ID }

// Other is the side across from the VPC with the given key.
func (p *VpcPeeringConnection) Other(vpcKey string) PeeringSide {
	if p.Requester.Key() == vpcKey {
		return p.Accepter
	}
	return p.Requester
}

// VpcPeeringConnections holds the peering connections. Index "vpc" takes the key of
// either VPC.
var VpcPeeringConnections = store.Define("ec2.vpc-peering-connection", (*VpcPeeringConnection).Key,
	store.By("vpc", func(p *VpcPeeringConnection) []string {
		keys := []string{p.Requester.Key()}
		if k := p.Accepter.Key(); k != keys[0] {
			keys = append(keys, k)
		}
		return keys
	}))
