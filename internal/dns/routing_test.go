package dns

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// routed is a record set of w.test: ADDRESS POLICY..., with "sick" at the end for
// one whose health check fails.
func routed(t *testing.T, text string) Record {
	t.Helper()
	f := strings.Fields(text)
	r := set(t, "w.test", "A 10.0.0."+f[0])
	if n := len(f) - 1; f[n] == "sick" {
		r.Unhealthy, f = true, f[:n]
	}
	kind, value := f[1], ""
	if len(f) > 2 {
		value = f[2]
	}
	switch kind {
	case "weight":
		r.Weighted = true
		fmt.Sscan(value, &r.Weight)
	case "multi":
		r.MultiValue = true
	case "failover":
		r.Failover = value
	case "region":
		r.Region = value
	case "geo":
		continent, rest, _ := strings.Cut(value, "/")
		country, state, _ := strings.Cut(rest, "/")
		r.Geo = &Geo{continent, country, state}
	case "near":
		region, bias, _ := strings.Cut(value, "/")
		at, ok := PlaceOf(region)
		if !ok {
			t.Fatal(region)
		}
		r.Proximity = &Proximity{Place: at}
		fmt.Sscan(bias, &r.Proximity.Bias)
	}
	return r
}

// TestRouting: which record sets can answer, asked in a region. The answers are all
// last numbers of addresses that came in many tries.
func TestRouting(t *testing.T) {
	for _, tt := range []struct{ name, region, sets, want string }{
		{"all weights take part", "eu-west-1", "1 weight 1; 2 weight 9; 3 weight 0", "1 2"},
		{"weights of zero are equal", "eu-west-1", "1 weight 0; 2 weight 0", "1 2"},
		{"an unhealthy weighted one does not answer", "eu-west-1", "1 weight 1 sick; 2 weight 9", "2"},
		{"zero weights stand in for unhealthy ones", "eu-west-1", "1 weight 1 sick; 2 weight 0; 3 weight 0 sick", "2"},
		{"all unhealthy: the weights decide", "eu-west-1", "1 weight 1 sick; 2 weight 9 sick; 3 weight 0 sick", "1 2"},
		{"multivalue answers of healthy ones", "eu-west-1", "1 multi; 2 multi sick; 3 multi", "1 3"},
		{"all multivalue ones are unhealthy", "eu-west-1", "1 multi sick; 2 multi sick", "1 2"},
		{"primary", "eu-west-1", "1 failover SECONDARY; 2 failover PRIMARY", "2"},
		{"secondary", "eu-west-1", "1 failover SECONDARY; 2 failover PRIMARY sick", "1"},
		{"both unhealthy: primary", "eu-west-1", "1 failover SECONDARY sick; 2 failover PRIMARY sick", "2"},
		{"a lone secondary", "eu-west-1", "1 failover SECONDARY", "1"},
		{"the region itself", "eu-west-1", "1 region eu-west-2; 2 region eu-west-1", "2"},
		{"the next region", "eu-west-1", "1 region us-east-1; 2 region eu-west-2; 3 region ap-south-1", "2"},
		{"the next healthy region", "eu-west-1", "1 region us-east-1; 2 region eu-west-2 sick; 3 region ap-south-1", "1"},
		{"no healthy region: the next", "eu-west-1", "1 region us-east-1 sick; 2 region eu-west-2 sick", "2"},
		{"a region that nobody knows", "xx-north-1", "1 region us-east-1; 2 region xx-north-1", "2"},
		{"a state", "us-east-1", "1 geo NA; 2 geo /US; 3 geo /US/VA; 4 geo /*", "3"},
		{"a country", "us-west-2", "1 geo NA; 2 geo /US; 3 geo /US/VA; 4 geo /*", "2"},
		{"a continent", "ca-central-1", "1 geo NA; 2 geo /US; 3 geo /US/VA; 4 geo /*", "1"},
		{"everybody else", "eu-west-1", "1 geo NA; 2 geo /US; 4 geo /*", "4"},
		{"no such place", "eu-west-1", "1 geo NA; 2 geo /US", ""},
		{"an unhealthy country: its continent", "eu-west-1", "1 geo EU; 2 geo /IE sick; 4 geo /*", "1"},
		{"all unhealthy: the smallest area", "eu-west-1", "1 geo EU sick; 2 geo /IE sick; 4 geo /* sick", "2"},
		{"a place that nobody knows", "xx-north-1", "1 geo EU; 4 geo /*", "4"},
		{"the nearest", "eu-west-1", "1 near us-east-1; 2 near eu-central-1", "2"},
		{"a larger area", "eu-west-1", "1 near us-east-1/90; 2 near eu-central-1", "1"},
		{"a smaller area", "eu-west-1", "1 near us-east-1; 2 near eu-central-1/-90", "1"},
		{"the nearest is unhealthy", "eu-west-1", "1 near us-east-1; 2 near eu-central-1 sick", "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var sets []Record
			for text := range strings.SplitSeq(tt.sets, "; ") {
				sets = append(sets, routed(t, text))
			}
			z := Zone{Region: tt.region, Hosted: []HostedZone{{Name: "test", Records: map[string][]Record{"w.test": sets}}}}
			var seen []string
			for range 200 {
				a, _ := z.Lookup("w.test", dns.TypeA)
				for _, rr := range a.Records {
					if last := strings.TrimPrefix(rr.(*dns.A).A.String(), "10.0.0."); !slices.Contains(seen, last) {
						seen = append(seen, last)
					}
				}
			}
			slices.Sort(seen)
			if got := strings.Join(seen, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
