package placement

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestSpread(t *testing.T) {
	a1, a2, b1 := Subnet{"a1", "a"}, Subnet{"a2", "a"}, Subnet{"b1", "b"}
	for name, c := range map[string]struct {
		subnets []Subnet
		placed  []string
		n       int
		want    []string
	}{
		"no subnets":               {nil, nil, 2, nil},
		"one":                      {[]Subnet{a1}, nil, 3, []string{"a1", "a1", "a1"}},
		"zones before subnets":     {[]Subnet{a1, a2, b1}, nil, 4, []string{"a1", "b1", "a2", "b1"}},
		"fills the poorer zone":    {[]Subnet{a1, b1}, []string{"a1", "a1"}, 2, []string{"b1", "b1"}},
		"ignores foreign subnets":  {[]Subnet{a1, b1}, []string{"x", "x"}, 1, []string{"a1"}},
		"order decides when equal": {[]Subnet{b1, a1}, []string{"a1", "b1"}, 1, []string{"b1"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Spread(c.subnets, c.placed, c.n); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSpreadIsEven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zones := rapid.IntRange(1, 4).Draw(t, "zones")
		var subnets []Subnet
		for i := range rapid.IntRange(zones, 8).Draw(t, "subnets") {
			subnets = append(subnets, Subnet{ID: string(rune('p' + i)), Zone: string(rune('a' + i%zones))})
		}
		got := Spread(subnets, nil, rapid.IntRange(0, 30).Draw(t, "n"))
		zoneOf, in := map[string]string{}, map[string]int{}
		for _, s := range subnets {
			zoneOf[s.ID], in[s.Zone] = s.Zone, 0
		}
		for _, id := range got {
			in[zoneOf[id]]++
		}
		low, high := len(got), 0
		for _, n := range in {
			low, high = min(low, n), max(high, n)
		}
		if high-low > 1 {
			t.Fatalf("uneven: %v", in)
		}
	})
}

func TestProviders(t *testing.T) {
	mixed := []Provider{{"FARGATE", 1, 2}, {"FARGATE_SPOT", 3, 0}}
	for name, c := range map[string]struct {
		strategy []Provider
		placed   []string
		n        int
		want     []string
	}{
		"none":            {nil, nil, 2, nil},
		"one":             {[]Provider{{"FARGATE", 1, 0}}, nil, 2, []string{"FARGATE", "FARGATE"}},
		"base then ratio": {mixed, nil, 6, []string{"FARGATE", "FARGATE", "FARGATE", "FARGATE_SPOT", "FARGATE_SPOT", "FARGATE_SPOT"}},
		"counts placed":   {mixed, []string{"FARGATE", "FARGATE", "FARGATE"}, 1, []string{"FARGATE_SPOT"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Providers(c.strategy, c.placed, c.n); !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
