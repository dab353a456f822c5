package state

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// DiscoveryService is a service of AWS Cloud Map: a name in a namespace under
// which instances are found. Written by servicediscovery.
type DiscoveryService struct {
	Account, Region, ID string // ID: srv- and 16 lower-case letters and digits

	NamespaceID      string
	Name             string
	Description      string
	HTTPOnly         bool // found by DiscoverInstances only, also in a namespace with DNS
	RoutingPolicy    string
	Records          []DiscoveryRecord // kinds of DNS records that each instance gets
	CustomHealth     bool              // somebody tells the health of instances
	HealthCheck      *DiscoveryHealthCheck
	Attributes       map[string]string
	Revision         int64 // grows with every registration and deregistration
	CreatorRequestID string
	CreatedAt        time.Time
	Tags             []Tag
}

// DiscoveryRecord is a kind of DNS records of a service.
type DiscoveryRecord struct {
	Type string // A, AAAA, SRV or CNAME
	TTL  int64  // seconds
}

// DiscoveryHealthCheck is how Route 53 checks the instances of a service.
type DiscoveryHealthCheck struct {
	Type             string // HTTP, HTTPS or TCP
	Path             string
	FailureThreshold int
}

// Key is the record's key.
func (s *DiscoveryService) Key() string { return Key(s.Account, s.Region, s.ID) }

// ARN is the service's ARN.
func (s *DiscoveryService) ARN() string {
	return "arn:aws:servicediscovery:" + s.Region + ":" + s.Account + ":service/" + s.ID
}

// NamespaceKey is the key of the service's namespace.
func (s *DiscoveryService) NamespaceKey() string { return Key(s.Account, s.Region, s.NamespaceID) }

// HasRecord reports whether instances get DNS records of a type.
func (s *DiscoveryService) HasRecord(recordType string) bool {
	for _, r := range s.Records {
		if r.Type == recordType {
			return true
		}
	}
	return false
}

// DiscoveryServices holds services of Cloud Map by account/region/id. Indexes:
// "namespace" takes a namespace's key, "name" what DiscoveryServiceName makes.
var DiscoveryServices = store.Define("servicediscovery.service", (*DiscoveryService).Key,
	store.By("namespace", func(s *DiscoveryService) []string { return []string{s.NamespaceKey()} }),
	store.By("name", func(s *DiscoveryService) []string { return []string{DiscoveryServiceName(s.NamespaceKey(), s.Name)} }))

// DiscoveryServiceName is the value of the index "name" of DiscoveryServices:
// names are told apart without case.
func DiscoveryServiceName(namespaceKey, name string) string {
	return namespaceKey + "/" + strings.ToLower(name)
}
