package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// TrustStore is the authorities whose certificates a listener takes from clients,
// and what they revoked. Written by elbv2.
type TrustStore struct {
	Account, Region string
	Path            string // the end of its ARN: NAME/ID
	Name            string

	Authorities [][]byte // certificates, DER
	Revocations []TrustStoreRevocation
	NextID      int64 // of the next revocation list

	CreatedAt time.Time
	Tags      []Tag
}

// TrustStoreRevocation is a list of certificates that an authority has revoked.
type TrustStoreRevocation struct {
	ID      int64
	Entries int64
	List    []byte // DER
}

// Key is the record's key.
func (t *TrustStore) Key() string { return Key(t.Account, t.Region, t.Path) }

// ARN is the trust store's ARN.
func (t *TrustStore) ARN() string { return elbARN(t.Account, t.Region, "truststore", t.Path) }

// TrustStores holds trust stores by account/region/path. Index "name" takes
// account/region/name.
var TrustStores = store.Define("elbv2.trust-store", (*TrustStore).Key,
	store.By("name", func(t *TrustStore) []string { return []string{Key(t.Account, t.Region, t.Name)} }))
