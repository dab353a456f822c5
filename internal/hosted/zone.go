// Package hosted makes what resolvers answer from (dns.HostedZone) of the hosted
// zones and record sets of Route 53, for the resolvers of VPCs and for the one that
// this machine may ask. It judges which record sets are healthy: by the health
// checks that they name, and by the targets of their aliases, as
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
// has it. A Watcher tells when a judgement changes.
//
// It only reads records, and belongs to no service.
package hosted

import (
	"strconv"
	"strings"

	wire "github.com/miekg/dns"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Public are all public zones, whosever they are: as if their domains were delegated here.
func Public(tx *store.Tx) []dns.HostedZone {
	var out []dns.HostedZone
	j := newJudge(tx)
	for z := range state.HostedZones.By(tx, "public", "yes") {
		out = append(out, zone(tx, j, z))
	}
	return out
}

// Private are the private zones of a VPC.
func Private(tx *store.Tx, vpcID string) []dns.HostedZone {
	var out []dns.HostedZone
	j := newJudge(tx)
	for z := range state.HostedZones.By(tx, "vpc", vpcID) {
		out = append(out, zone(tx, j, z))
	}
	return out
}

func zone(tx *store.Tx, j *judge, z *state.HostedZone) dns.HostedZone {
	out := dns.HostedZone{ID: z.ID, Name: bare(z.Name), Private: z.Private, Records: map[string][]dns.Record{}}
	for r := range state.RecordSets.All(tx, z.ID+"/") {
		name := strings.ReplaceAll(bare(r.Name), `\052`, "*")
		record := dns.Record{Type: wire.StringToType[r.Type], Routing: routing(r), Unhealthy: !j.healthy(r, 0)}
		if r.Alias != nil {
			record.Alias = aliasName(r.Alias)
		}
		for _, value := range r.Values {
			if rr, err := dns.ParseRecord(name, r.Type, uint32(r.TTL), value); err == nil { // route53 has checked it
				record.RRs = append(record.RRs, rr)
			}
		}
		out.Records[name] = append(out.Records[name], record)
	}
	return out
}

func bare(name string) string { return strings.TrimSuffix(name, ".") }

// aliasName is the name that an alias stands for, without the dot and the prefix
// that asks for both kinds of addresses.
func aliasName(a *state.RecordAlias) string { return strings.TrimPrefix(bare(a.DNSName), "dualstack.") }

func routing(r *state.RecordSet) dns.Routing {
	out := dns.Routing{MultiValue: r.MultiValue, Failover: r.Failover, Region: r.Region}
	if r.Weight != nil {
		out.Weighted, out.Weight = true, *r.Weight
	}
	if g := r.Geo; g != nil {
		out.Geo = &dns.Geo{Continent: g.Continent, Country: g.Country, Subdivision: g.Subdivision}
	}
	if p := r.Proximity; p != nil {
		at, ok := dns.PlaceOf(p.Region)
		if !ok { // route53 has checked them
			at.Latitude, _ = strconv.ParseFloat(p.Latitude, 64)
			at.Longitude, _ = strconv.ParseFloat(p.Longitude, 64)
		}
		out.Proximity = &dns.Proximity{Place: at, Bias: int(p.Bias)}
	}
	return out
}
