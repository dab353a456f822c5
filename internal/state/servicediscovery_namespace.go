package state

import (
	"strings"
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
// account/region/name, in lower case.
var Namespaces = store.Define("servicediscovery.namespace", (*Namespace).Key,
	store.By("name", func(n *Namespace) []string { return []string{NamespaceName(n.Account, n.Region, n.Name)} }))

// NamespaceName is the value of the index "name" of Namespaces.
func NamespaceName(account, region, name string) string {
	return Key(account, region, strings.ToLower(name))
}
