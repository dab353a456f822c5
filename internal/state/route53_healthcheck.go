package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// DNSHealthCheck is a health check of Route 53. Written by route53.
type DNSHealthCheck struct {
	Account, ID string // ID: a UUID

	CallerReference string
	Version         int64
	Config          DNSHealthCheckConfig
	// LinkedService is the service that made it for itself, which alone may change it.
	LinkedService string
	CreatedAt     time.Time
	Tags          []Tag
}

// DNSHealthCheckConfig is what a health check was made with, in the API's words; nil
// and empty is what was not given.
type DNSHealthCheckConfig struct {
	Type              string
	IPAddress         string
	Port              *int32
	ResourcePath      string
	FQDN              string
	SearchString      string
	RequestInterval   *int32
	FailureThreshold  *int32
	MeasureLatency    *bool
	Inverted          *bool
	Disabled          *bool
	HealthThreshold   *int32
	ChildHealthChecks []string
	EnableSNI         *bool
	Regions           []string
}

// IsDisabled reports whether nothing is asked.
func (c DNSHealthCheckConfig) IsDisabled() bool { return c.Disabled != nil && *c.Disabled }

// IsInverted reports whether healthy means unhealthy.
func (c DNSHealthCheckConfig) IsInverted() bool { return c.Inverted != nil && *c.Inverted }

// Key is the record's key.
func (h *DNSHealthCheck) Key() string { return DNSHealthCheckKey(h.Account, h.ID) }

// DNSHealthCheckKey is the key of a health check; Route 53 knows no regions.
func DNSHealthCheckKey(account, id string) string { return account + "/" + id }

// DNSHealthChecks holds health checks by account/id. Indexes: "id" takes the id,
// "reference" account/caller reference.
var DNSHealthChecks = store.Define("route53.health-check", (*DNSHealthCheck).Key,
	store.By("id", func(h *DNSHealthCheck) []string { return []string{h.ID} }),
	store.By("reference", func(h *DNSHealthCheck) []string { return []string{h.Account + "/" + h.CallerReference} }))

// DNSHealthCheckOpinion is what the health checkers of a region hold of an endpoint.
// Written by the loop of route53, when it changes.
type DNSHealthCheckOpinion struct {
	HealthCheckID, Region string

	Failing  bool
	Status   string // of the last request, in words
	At       time.Time
	Failure  string // of the last request that failed
	FailedAt time.Time
}

// Key is the record's key.
func (o *DNSHealthCheckOpinion) Key() string { return o.HealthCheckID + "/" + o.Region }

// DNSHealthCheckOpinions holds opinions by health check and region.
var DNSHealthCheckOpinions = store.Define("route53.health-check-opinion", (*DNSHealthCheckOpinion).Key)
