package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// NetworkUse counts what a rule, an endpoint or a NAT gateway was used for, from
// the packet filter's and the edge's own counters. Written by package unused,
// half a minute late at most; what was never used has none.
type NetworkUse struct {
	Account, Region, ID string // sgr-..., vpce-..., nat-...

	Connections uint64
	Bytes       uint64 // endpoints only
	Last        time.Time
}

// Key is the record's key.
func (u *NetworkUse) Key() string { return Key(u.Account, u.Region, u.ID) }

// NetworkUses holds the uses.
var NetworkUses = store.Define("ec2.network-use", (*NetworkUse).Key)
