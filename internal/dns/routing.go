package dns

import (
	"math/rand/v2"
	"slices"

	"github.com/miekg/dns"
)

// Routing is how a record set shares its name and type with others: at most one
// policy is set, and record sets of a name and type have the same one.
type Routing struct {
	Weighted   bool
	Weight     int64
	MultiValue bool
	Failover   string // PRIMARY or SECONDARY
	Region     string // latency
	Geo        *Geo
	Proximity  *Proximity
}

// Geo is whom a geolocation record set answers: a continent, a country, a state of
// one, or everybody else when the country is "*".
type Geo struct{ Continent, Country, Subdivision string }

// Proximity is where the resource of a geoproximity record set is, and how much
// larger (to 99) or smaller (to -99) its area is made.
type Proximity struct {
	Place
	Bias int
}

// choose returns what answers a question of a type that is asked in a region: a
// record set, or several multivalue ones together; nil for none. Unhealthy ones are
// passed over, as long as there are others.
func choose(all []Record, qtype uint16, region string) *Record {
	var fits []*Record
	for i, r := range all {
		if r.Type == qtype || qtype == dns.TypeANY && r.Alias == "" {
			fits = append(fits, &all[i])
		}
	}
	if len(fits) == 0 {
		return nil
	}
	if qtype == dns.TypeANY {
		return join(qtype, fits, len(fits))
	}
	switch policy := fits[0].Routing; {
	case policy.MultiValue:
		return join(qtype, healthy(fits), maxMulti)
	case policy.Weighted:
		return weighted(fits)
	case policy.Failover != "":
		slices.SortStableFunc(fits, func(a, b *Record) int { return rank(a) - rank(b) })
		return firstHealthy(fits)
	case policy.Region != "":
		nearest(fits, func(r *Record) float64 { return latency(region, r.Region) })
		return firstHealthy(fits)
	case policy.Proximity != nil:
		here := places[region]
		nearest(fits, func(r *Record) float64 { return biased(distance(here, r.Proximity.Place), r.Proximity.Bias) })
		return firstHealthy(fits)
	case policy.Geo != nil:
		return firstHealthy(located(fits, places[region]))
	}
	return fits[0]
}

// healthy are the healthy ones of record sets, or all when none is: Route 53 fails open.
func healthy(sets []*Record) []*Record {
	var out []*Record
	for _, r := range sets {
		if !r.Unhealthy {
			out = append(out, r)
		}
	}
	if out == nil {
		return sets
	}
	return out
}

// firstHealthy is the first of record sets that are in order, if none is healthy
// the very first; nil for none.
func firstHealthy(sets []*Record) *Record {
	if len(sets) == 0 {
		return nil
	}
	return healthy(sets)[0]
}

// join is the values of at most so many record sets, by chance.
func join(qtype uint16, sets []*Record, most int) *Record {
	joined := &Record{Type: qtype}
	for _, i := range rand.Perm(len(sets))[:min(len(sets), most)] {
		joined.RRs = append(joined.RRs, sets[i].RRs...)
	}
	return joined
}

// weighted picks one by chance and weight. Those of weight 0 answer only when no
// other is healthy, or there is no other.
func weighted(sets []*Record) *Record {
	var heavy, light []*Record
	for _, r := range sets {
		if r.Weight > 0 {
			heavy = append(heavy, r)
		} else {
			light = append(light, r)
		}
	}
	well := func(r *Record) bool { return !r.Unhealthy }
	if len(heavy) == 0 || !slices.ContainsFunc(heavy, well) && slices.ContainsFunc(light, well) {
		light = healthy(light)
		return light[rand.IntN(len(light))]
	}
	heavy = healthy(heavy)
	total := int64(0)
	for _, r := range heavy {
		total += r.Weight
	}
	for at, i := rand.Int64N(total), 0; ; i++ {
		if at -= heavy[i].Weight; at < 0 {
			return heavy[i]
		}
	}
}

func rank(r *Record) int {
	if r.Failover == "PRIMARY" {
		return 0
	}
	return 1
}

// latency is a stand-in for AWS's measurements: none inside a region, otherwise the
// distance, and regions that are not known last.
func latency(from, to string) float64 {
	if from == to {
		return -1
	}
	a, known := places[from]
	b, ok := places[to]
	if !known || !ok {
		return 1e6
	}
	return distance(a, b)
}

// biased is a distance as Route 53 changes it by a bias.
func biased(km float64, bias int) float64 {
	if bias >= 0 {
		return km * (1 - float64(bias)/100)
	}
	return km / (1 + float64(bias)/100)
}

// located are the geolocation record sets that stand for a place, the one of the
// smallest area first.
func located(sets []*Record, at Place) []*Record {
	var out []*Record
	for _, g := range []Geo{{Country: at.Country, Subdivision: at.Subdivision}, {Country: at.Country}, {Continent: at.Continent}, {Country: "*"}} {
		if g == (Geo{}) || g.Country != "*" && at.Country == "" {
			continue // nobody knows where this is
		}
		if i := slices.IndexFunc(sets, func(r *Record) bool { return *r.Geo == g }); i >= 0 && !slices.Contains(out, sets[i]) {
			out = append(out, sets[i])
		}
	}
	return out
}
