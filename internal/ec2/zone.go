package ec2

import (
	"strings"
)

// zone is an availability zone.
type zone struct {
	Name string // us-east-1a
	ID   string // use1-az1
}

// zoneLetters are the zones of regions that do not simply have a, b and c.
var zoneLetters = map[string]string{
	"us-east-1":      "abcdef",
	"us-west-1":      "ac",
	"us-west-2":      "abcd",
	"ap-northeast-1": "acd",
	"ap-northeast-2": "abcd",
	"ca-central-1":   "abd",
}

// zones lists the availability zones of a region in order.
func zones(region string) []zone {
	letters := zoneLetters[region]
	if letters == "" {
		letters = "abc"
	}
	var all []zone
	for i, l := range letters {
		all = append(all, zone{Name: region + string(l), ID: zonePrefix(region) + "-az" + string(rune('1'+i))})
	}
	return all
}

// zonePrefix is the region's part of zone ids: us-east-1 becomes use1,
// ap-southeast-2 apse2, us-gov-west-1 usgw1.
func zonePrefix(region string) string {
	parts := strings.Split(region, "-")
	var b strings.Builder
	for i, p := range parts {
		switch {
		case i == 0 || i == len(parts)-1:
			b.WriteString(p)
		case p == "northeast", p == "northwest", p == "southeast", p == "southwest":
			b.WriteString(p[:1] + p[5:6])
		case p != "":
			b.WriteString(p[:1])
		}
	}
	return b.String()
}

// findZone returns the zone with the given name or id.
func findZone(region, nameOrID string) (zone, bool) {
	for _, z := range zones(region) {
		if z.Name == nameOrID || z.ID == nameOrID {
			return z, true
		}
	}
	return zone{}, false
}

func zoneNames(region string) string {
	var names []string
	for _, z := range zones(region) {
		names = append(names, z.Name)
	}
	return strings.Join(names, ", ")
}
