package ec2

import (
	"strings"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"

	wire "github.com/miekg/dns"
)

// hostedZones are the zones of Route 53 that a VPC's resolver answers for: its
// private ones, when both DNS attributes of the VPC are on, and all public ones.
func hostedZones(tx *store.Tx, vpc *state.Vpc) []dns.HostedZone {
	var all []dns.HostedZone
	if vpc.EnableDNSSupport && vpc.EnableDNSHostnames {
		for z := range state.HostedZones.By(tx, "vpc", vpc.ID) {
			all = append(all, hostedZone(tx, z))
		}
	}
	for z := range state.HostedZones.By(tx, "public", "yes") {
		all = append(all, hostedZone(tx, z))
	}
	return all
}

func hostedZone(tx *store.Tx, z *state.HostedZone) dns.HostedZone {
	out := dns.HostedZone{ID: z.ID, Name: strings.TrimSuffix(z.Name, "."), Private: z.Private, Records: map[string][]dns.Record{}}
	for r := range state.RecordSets.All(tx, z.ID+"/") {
		name := strings.ReplaceAll(strings.TrimSuffix(r.Name, "."), `\052`, "*")
		record := dns.Record{Type: wire.StringToType[r.Type], MultiValue: r.MultiValue}
		if r.Weight != nil {
			record.Weighted, record.Weight = true, *r.Weight
		}
		if r.Alias != nil {
			record.Alias = strings.TrimPrefix(strings.TrimSuffix(r.Alias.DNSName, "."), "dualstack.")
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
