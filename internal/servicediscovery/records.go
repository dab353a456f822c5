package servicediscovery

import (
	"cmp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
)

// answering are the instances that DNS answers with: the healthy ones; when none
// is, the one that was healthy last.
func answering(all []*state.ServiceInstance) []*state.ServiceInstance {
	var healthy []*state.ServiceInstance
	var last *state.ServiceInstance
	for _, i := range all {
		if i.Health != state.InstanceUnhealthy {
			healthy = append(healthy, i)
		}
		if !i.HealthyAt.IsZero() && (last == nil || i.HealthyAt.After(last.HealthyAt)) {
			last = i
		}
	}
	if len(healthy) == 0 && last != nil {
		return []*state.ServiceInstance{last}
	}
	return healthy
}

// wanted are the record sets that a service should have in its namespace's zone.
func wanted(n *state.Namespace, v *state.DiscoveryService, all []*state.ServiceInstance) []*state.RecordSet {
	var out []*state.RecordSet
	name := dns.Normal(v.Name + "." + n.Name)
	for _, i := range answering(all) {
		host := dns.Normal(i.ID + "." + v.Name + "." + n.Name)
		for _, kind := range v.Records {
			r := &state.RecordSet{ZoneID: n.HostedZoneID, Name: name, Type: kind.Type, SetIdentifier: i.ID, TTL: kind.TTL, Values: value(i, kind.Type, host)}
			if r.MultiValue = v.RoutingPolicy != "WEIGHTED"; !r.MultiValue {
				r.Weight = new(int64(1))
			}
			if alias := i.Attributes[attrAlias]; alias != "" {
				r.TTL, r.Alias = 0, &state.RecordAlias{HostedZoneID: i.AliasZoneID, DNSName: dns.Normal(alias), EvaluateTargetHealth: true}
			}
			if r.Alias == nil {
				r.HealthCheckID = i.HealthCheckID
			}
			out = append(out, r)
			if kind.Type != "SRV" {
				continue
			}
			for _, address := range []string{"A", "AAAA"} { // of the name that the SRV record tells
				if values := value(i, address, ""); values != nil {
					out = append(out, &state.RecordSet{ZoneID: n.HostedZoneID, Name: host, Type: address, TTL: kind.TTL, Values: values})
				}
			}
		}
	}
	return out
}

// value is what an instance's record of a type says; nil when it has nothing to say.
func value(i *state.ServiceInstance, recordType, host string) []string {
	v := map[string]string{"A": i.Attributes[attrIPv4], "AAAA": i.Attributes[attrIPv6], "CNAME": i.Attributes[attrCNAME], "SRV": "1 1 " + i.Attributes[attrPort] + " " + host}[recordType]
	if v == "" {
		return nil
	}
	return []string{v}
}

// belongs reports whether a record set of a namespace's zone is one of a service's:
// at its name, or at an instance's name below it. Services may be named below each
// other, so the longest name counts.
func belongs(r *state.RecordSet, n *state.Namespace, v *state.DiscoveryService, services []*state.DiscoveryService) bool {
	name := func(v *state.DiscoveryService) string { return dns.Normal(v.Name + "." + n.Name) }
	if r.Name == name(v) {
		return r.SetIdentifier != ""
	}
	if r.SetIdentifier != "" || !strings.HasSuffix(r.Name, "."+name(v)) {
		return false
	}
	return !slices.ContainsFunc(services, func(o *state.DiscoveryService) bool {
		return len(o.Name) > len(v.Name) && strings.HasSuffix(r.Name, "."+name(o))
	})
}

// difference is what turns the record sets that are there into those that should
// be: deletions, then what is new or different.
func difference(have, want []*state.RecordSet) (drop, put []*state.RecordSet) {
	for _, h := range have {
		if !slices.ContainsFunc(want, func(w *state.RecordSet) bool { return w.Key() == h.Key() }) {
			drop = append(drop, h)
		}
	}
	for _, w := range want {
		if !slices.ContainsFunc(have, func(h *state.RecordSet) bool { return h.Key() == w.Key() && sameRecord(h, w) }) {
			put = append(put, w)
		}
	}
	byKey := func(a, b *state.RecordSet) int { return cmp.Compare(a.Key(), b.Key()) }
	slices.SortFunc(drop, byKey)
	slices.SortFunc(put, byKey)
	return drop, put
}

func sameRecord(a, b *state.RecordSet) bool {
	if (a.Alias == nil) != (b.Alias == nil) || a.Alias != nil && *a.Alias != *b.Alias {
		return false
	}
	return a.TTL == b.TTL && a.HealthCheckID == b.HealthCheckID && a.MultiValue == b.MultiValue && (a.Weight == nil) == (b.Weight == nil) && slices.Equal(a.Values, b.Values)
}
