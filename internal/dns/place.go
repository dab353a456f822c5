package dns

import (
	"cmp"
	"math"
	"slices"
)

// Place is where somebody is: a country (ISO 3166-1), its continent (as Route 53
// names them), the state in the United States, and degrees north and east.
type Place struct {
	Continent, Country, Subdivision string
	Latitude, Longitude             float64
}

// places are where AWS's regions are. Who asks a VPC's resolver is there.
var places = map[string]Place{
	"us-east-1":      {"NA", "US", "VA", 38.9, -77.4},
	"us-east-2":      {"NA", "US", "OH", 40.0, -83.0},
	"us-west-1":      {"NA", "US", "CA", 37.4, -121.9},
	"us-west-2":      {"NA", "US", "OR", 45.8, -119.7},
	"us-gov-east-1":  {"NA", "US", "OH", 40.0, -83.0},
	"us-gov-west-1":  {"NA", "US", "OR", 45.8, -119.7},
	"ca-central-1":   {"NA", "CA", "", 45.5, -73.6},
	"ca-west-1":      {"NA", "CA", "", 51.0, -114.1},
	"mx-central-1":   {"NA", "MX", "", 20.6, -100.4},
	"sa-east-1":      {"SA", "BR", "", -23.5, -46.6},
	"eu-central-1":   {"EU", "DE", "", 50.1, 8.7},
	"eu-central-2":   {"EU", "CH", "", 47.4, 8.5},
	"eu-west-1":      {"EU", "IE", "", 53.3, -6.3},
	"eu-west-2":      {"EU", "GB", "", 51.5, -0.1},
	"eu-west-3":      {"EU", "FR", "", 48.9, 2.4},
	"eu-north-1":     {"EU", "SE", "", 59.3, 18.1},
	"eu-south-1":     {"EU", "IT", "", 45.5, 9.2},
	"eu-south-2":     {"EU", "ES", "", 41.6, -0.9},
	"eusc-de-east-1": {"EU", "DE", "", 52.4, 13.1},
	"af-south-1":     {"AF", "ZA", "", -33.9, 18.4},
	"il-central-1":   {"AS", "IL", "", 32.1, 34.8},
	"me-central-1":   {"AS", "AE", "", 25.2, 55.3},
	"me-south-1":     {"AS", "BH", "", 26.1, 50.6},
	"ap-south-1":     {"AS", "IN", "", 19.1, 72.9},
	"ap-south-2":     {"AS", "IN", "", 17.4, 78.5},
	"ap-southeast-1": {"AS", "SG", "", 1.4, 103.8},
	"ap-southeast-2": {"OC", "AU", "", -33.9, 151.2},
	"ap-southeast-3": {"AS", "ID", "", -6.2, 106.8},
	"ap-southeast-4": {"OC", "AU", "", -37.8, 145.0},
	"ap-southeast-5": {"AS", "MY", "", 3.1, 101.7},
	"ap-southeast-6": {"OC", "NZ", "", -36.8, 174.8},
	"ap-southeast-7": {"AS", "TH", "", 13.8, 100.5},
	"ap-east-1":      {"AS", "HK", "", 22.3, 114.2},
	"ap-east-2":      {"AS", "TW", "", 25.0, 121.5},
	"ap-northeast-1": {"AS", "JP", "", 35.7, 139.7},
	"ap-northeast-2": {"AS", "KR", "", 37.6, 127.0},
	"ap-northeast-3": {"AS", "JP", "", 34.7, 135.5},
	"cn-north-1":     {"AS", "CN", "", 39.9, 116.4},
	"cn-northwest-1": {"AS", "CN", "", 37.5, 105.2},
}

// PlaceOf is where a region is; false for one that is not known.
func PlaceOf(region string) (Place, bool) {
	p, ok := places[region]
	return p, ok
}

// nearest sorts record sets by how far off they are, nearest first. Among equals
// the order stays as it is.
func nearest(sets []*Record, far func(*Record) float64) {
	slices.SortStableFunc(sets, func(a, b *Record) int { return cmp.Compare(far(a), far(b)) })
}

// distance is kilometres on the surface of the earth.
func distance(a, b Place) float64 {
	rad := math.Pi / 180
	lat, lon := (b.Latitude-a.Latitude)*rad, (b.Longitude-a.Longitude)*rad
	h := math.Pow(math.Sin(lat/2), 2) + math.Cos(a.Latitude*rad)*math.Cos(b.Latitude*rad)*math.Pow(math.Sin(lon/2), 2)
	return 2 * 6371 * math.Asin(math.Min(1, math.Sqrt(h)))
}
