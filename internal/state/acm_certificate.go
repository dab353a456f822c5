package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Certificate is a certificate of AWS Certificate Manager, issued by the local
// authority or imported. Written by acm.
type Certificate struct {
	Account, Region, ID string

	Imported   bool
	DomainName string   // that was asked for; of an imported one its common name or first name
	Names      []string // subject alternative names; of an issued one DomainName first
	CreatedAt  time.Time
	IssuedAt   time.Time // or imported, the last time
	Tags       []Tag
	NoLogging  bool // certificate transparency logging was declined

	// Of a requested certificate.
	Method            string            // DNS or EMAIL
	ValidationDomains map[string]string // by name, where mail is sent instead of to the name itself
	Token, Request    string            // idempotency token, and a digest of what was asked with it
	RenewedAt         time.Time         // zero before the first renewal

	KeyAlgorithm        string // RSA_2048, EC_prime256v1 ...
	NotBefore, NotAfter time.Time
	Body, Chain         string // PEM; an imported one may have no chain
	SealedKey           []byte // PKCS #8, under the instance's key, by package seal
}

// Key is the record's key.
func (c *Certificate) Key() string { return Key(c.Account, c.Region, c.ID) }

// ARN is the certificate's ARN.
func (c *Certificate) ARN() string {
	return "arn:aws:acm:" + c.Region + ":" + c.Account + ":certificate/" + c.ID
}

// Certificates holds certificates by account/region/id.
var Certificates = store.Define("acm.certificate", (*Certificate).Key)
