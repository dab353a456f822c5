package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// The types of namespaces.
const (
	NamespaceHTTP    = "HTTP"
	NamespacePrivate = "DNS_PRIVATE"
	NamespacePublic  = "DNS_PUBLIC"
)

// Namespace is a namespace of AWS Cloud Map. Written by servicediscovery.
type Namespace struct {
	Account, Region, ID string // ID: ns- and 16 lower-case letters and digits

	Name             string
	HTTPName         string // Name, or with a hash behind it where that was taken: what DiscoverInstances asks for
	Type             string // NamespaceHTTP, NamespacePrivate or NamespacePublic
	Description      string
	VpcID            string // of a private one: where its zone was associated first
	HostedZoneID     string // of those with DNS: the zone in Route 53, without /hostedzone/
	SOATTL           int64  // seconds, of those with DNS
	CreatorRequestID string
	CreatedAt        time.Time
	Tags             []Tag
}

// Key is the record's key.
func (n *Namespace) Key() string { return Key(n.Account, n.Region, n.ID) }

// ARN is the namespace's ARN.
func (n *Namespace) ARN() string {
	return "arn:aws:servicediscovery:" + n.Region + ":" + n.Account + ":namespace/" + n.ID
}

// Namespaces holds namespaces by account/region/id. Index "name":
// account/region/HTTPName.
var Namespaces = store.Define("servicediscovery.namespace", (*Namespace).Key,
	store.By("name", func(n *Namespace) []string { return []string{Key(n.Account, n.Region, n.HTTPName)} }))
