package state

import (
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// HostedZone is a zone of Route 53. Written by route53.
type HostedZone struct {
	Account, ID string // ID: Z and upper-case letters and digits

	Name            string // lower case, with the final dot
	CallerReference string
	Comment         string
	Private         bool
	VPCs            []ZoneVPC // of a private zone
	NameServers     []string
	CreatedAt       time.Time
	Tags            []Tag
	// LinkedService is the service that alone changes the zone's records, and
	// LinkedTo the ARN of what the zone is for there; "" for zones of one's own.
	LinkedService, LinkedTo string
}

// ZoneVPC is a VPC whose resolver answers for a private zone.
type ZoneVPC struct{ Region, VpcID string }

// Key is the record's key.
func (z *HostedZone) Key() string { return HostedZoneKey(z.Account, z.ID) }

// HostedZoneKey is the key of a zone; Route 53 knows no regions.
func HostedZoneKey(account, id string) string { return account + "/" + id }

// HostedZones holds zones by account/id. Indexes: "vpc" takes the id of a VPC,
// "public" "yes" for public zones, "reference" account/caller reference.
var HostedZones = store.Define("route53.hosted-zone", (*HostedZone).Key,
	store.By("vpc", func(z *HostedZone) []string {
		var ids []string
		for _, v := range z.VPCs {
			ids = append(ids, v.VpcID)
		}
		return ids
	}),
	store.By("public", func(z *HostedZone) []string {
		if z.Private {
			return nil
		}
		return []string{"yes"}
	}),
	store.By("reference", func(z *HostedZone) []string { return []string{z.Account + "/" + z.CallerReference} }))

// RecordSet is a resource record set of a hosted zone. Written by route53.
type RecordSet struct {
	ZoneID        string
	Name          string // lower case, with the final dot
	Type          string // A, CNAME ...
	SetIdentifier string // tells those of a name and type apart that share a routing policy; "" for the simple one

	// At most one of these is set: the routing policy.
	Weight     *int64
	MultiValue bool
	Failover   string // PRIMARY or SECONDARY
	Region     string // latency
	Geo        *RecordGeo
	Proximity  *RecordProximity

	HealthCheckID string
	TTL           int64    // seconds; not of an alias
	Values        []string // as zone files have them; not of an alias
	Alias         *RecordAlias
}

// RecordGeo is whom a geolocation record answers: a continent, a country ("*" for
// all others) or a subdivision of one, by their codes.
type RecordGeo struct{ Continent, Country, Subdivision string }

// RecordProximity is where the resource of a geoproximity record is: in a region,
// or at coordinates, which are kept as they were written.
type RecordProximity struct {
	Region              string
	Latitude, Longitude string
	Bias                int32
}

// RecordAlias is what an alias stands for.
type RecordAlias struct {
	HostedZoneID         string
	DNSName              string // lower case, with the final dot
	EvaluateTargetHealth bool
}

// Key is the record's key: the order of keys is the order in which Route 53
// lists, by name from its last label to its first.
func (r *RecordSet) Key() string {
	return RecordSetKey(r.ZoneID, r.Name, r.Type, r.SetIdentifier)
}

// RecordSetKey is the key of a record set.
func RecordSetKey(zoneID, name, recordType, identifier string) string {
	return RecordSetPrefix(zoneID, name, recordType) + identifier
}

// RecordSetPrefix is how the keys of the record sets of a name and type begin.
func RecordSetPrefix(zoneID, name, recordType string) string {
	labels := strings.Split(strings.TrimSuffix(name, "."), ".")
	slices.Reverse(labels)
	return zoneID + "/" + strings.Join(labels, "\x02") + "\x01" + recordType + "\x01"
}

// Policy names the record's routing policy by the field that sets it; "" for a simple record.
func (r *RecordSet) Policy() string {
	switch {
	case r.Weight != nil:
		return "Weight"
	case r.Region != "":
		return "Region"
	case r.Failover != "":
		return "Failover"
	case r.Geo != nil:
		return "GeoLocation"
	case r.MultiValue:
		return "MultiValueAnswer"
	case r.Proximity != nil:
		return "GeoProximityLocation"
	}
	return ""
}

// Judged reports whether the record's answers depend on the health of something.
func (r *RecordSet) Judged() bool {
	return r.HealthCheckID != "" || r.Alias != nil && r.Alias.EvaluateTargetHealth
}

// RecordSets holds record sets by zone, name, type and identifier. Index "judged"
// takes "yes" for those whose answers depend on health, "health-check" the id of one.
var RecordSets = store.Define("route53.record-set", (*RecordSet).Key,
	store.By("judged", func(r *RecordSet) []string {
		if !r.Judged() {
			return nil
		}
		return []string{"yes"}
	}),
	store.By("health-check", func(r *RecordSet) []string {
		if r.HealthCheckID == "" {
			return nil
		}
		return []string{r.HealthCheckID}
	}))

// ZoneChange is a change of hosted zones that was accepted, and took effect with it.
type ZoneChange struct {
	Account, ID string // ID: C and upper-case letters and digits
	SubmittedAt time.Time
	Comment     string
}

// Key is the record's key.
func (c *ZoneChange) Key() string { return c.Account + "/" + c.ID }

// ZoneChanges holds changes by account/id.
var ZoneChanges = store.Define("route53.change", (*ZoneChange).Key)
