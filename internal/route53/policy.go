package route53

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/state"
)

// setPolicy reads the routing policy of a record set into its record; an error
// names what is not carried out.
func setPolicy(r *state.RecordSet, in *route53api.ResourceRecordSet) error {
	for _, f := range []struct {
		set  bool
		name string
	}{
		{in.CidrRoutingConfig != nil, "CidrRoutingConfig"}, {in.TrafficPolicyInstanceId != "", "TrafficPolicyInstanceId"},
		{in.GeoProximityLocation != nil && in.GeoProximityLocation.LocalZoneGroup != "", "GeoProximityLocation.LocalZoneGroup"},
	} {
		if f.set {
			return refused("ResourceRecordSet." + f.name)
		}
	}
	r.Weight, r.MultiValue = in.Weight, in.MultiValueAnswer != nil && *in.MultiValueAnswer
	r.Failover, r.Region = string(in.Failover), string(in.Region)
	if g := in.GeoLocation; g != nil {
		r.Geo = &state.RecordGeo{Continent: g.ContinentCode, Country: g.CountryCode, Subdivision: g.SubdivisionCode}
	}
	if p := in.GeoProximityLocation; p != nil {
		r.Proximity = &state.RecordProximity{Region: p.AWSRegion, Bias: p.Bias}
		if p.Coordinates != nil {
			r.Proximity.Latitude, r.Proximity.Longitude = p.Coordinates.Latitude, p.Coordinates.Longitude
		}
	}
	return nil
}

// viewPolicy is the reverse of setPolicy.
func viewPolicy(out *route53api.ResourceRecordSet, r *state.RecordSet) {
	out.Weight, out.Failover, out.Region = r.Weight, route53api.ResourceRecordSetFailover(r.Failover), route53api.ResourceRecordSetRegion(r.Region)
	if r.MultiValue {
		out.MultiValueAnswer = new(true)
	}
	if g := r.Geo; g != nil {
		out.GeoLocation = &route53api.GeoLocation{ContinentCode: g.Continent, CountryCode: g.Country, SubdivisionCode: g.Subdivision}
	}
	if p := r.Proximity; p != nil {
		out.GeoProximityLocation = &route53api.GeoProximityLocation{AWSRegion: p.Region, Bias: p.Bias}
		if p.Latitude != "" {
			out.GeoProximityLocation.Coordinates = &route53api.Coordinates{Latitude: p.Latitude, Longitude: p.Longitude}
		}
	}
}

const policyNames = "[Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig]"

// policyFault says what is wrong with the routing policy of a record set by itself.
func policyFault(r *state.RecordSet) string {
	policies := 0
	for _, set := range []bool{r.Weight != nil, r.Region != "", r.Failover != "", r.Geo != nil, r.MultiValue, r.Proximity != nil} {
		if set {
			policies++
		}
	}
	what := fmt.Sprintf("with DNS name %s, type %s", r.Name, r.Type)
	switch {
	case policies > 1 || policies == 0 && r.SetIdentifier != "":
		return fmt.Sprintf("Invalid request: Expected exactly one of %s, but found %s in Change with [Name=%s, Type=%s, SetIdentifier=%s]", policyNames, []string{"none", "one", "more than one"}[min(policies, 2)], r.Name, r.Type, or(r.SetIdentifier, "null"))
	case policies == 1 && r.SetIdentifier == "":
		return fmt.Sprintf("Invalid request: Missing field 'SetIdentifier' in Change with [Name=%s, Type=%s]", r.Name, r.Type)
	case policies == 1 && (r.Type == "NS" || r.Type == "SOA"):
		return "Routing policies are not permitted for the record set " + what
	case r.MultiValue && (r.Alias != nil || r.Type == "CNAME"):
		return "Multivalue answers are not permitted for the record set " + what
	case r.MultiValue && len(r.Values) > 1:
		return "Only one value is permitted in the multivalue answer record set " + what
	case r.Failover == "PRIMARY" && r.Alias == nil && r.HealthCheckID == "":
		return "A non-alias primary ResourceRecordSet must have an associated health check. No changes made."
	case r.Geo != nil:
		return geoFault(*r.Geo)
	case r.Proximity != nil:
		return proximityFault(*r.Proximity)
	}
	return ""
}

// continents and countries are the codes of places that Route 53 knows.
var (
	continents = strings.Fields("AF AN AS EU OC NA SA")
	countries  = strings.Fields(`AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BW BY BZ CA CC CD CF CG CH CI CK
		CL CM CN CO CR CU CV CW CY CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HN HR HT HU
		ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT
		MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO
		SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`)
	states = strings.Fields(`AK AL AR AZ CA CO CT DC DE FL GA HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH OK OR PA RI SC SD TN TX UT VA VT WA
		WI WV WY`)
)

func geoFault(g state.RecordGeo) string {
	ok := false
	switch {
	case g.Continent != "":
		ok = g.Country == "" && g.Subdivision == "" && slices.Contains(continents, g.Continent)
	case g.Subdivision != "":
		ok = g.Country == "US" && slices.Contains(states, g.Subdivision) || g.Country == "UA"
	default:
		ok = g.Country == "*" || slices.Contains(countries, g.Country)
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("The geolocation [ContinentCode=%s, CountryCode=%s, SubdivisionCode=%s] is not valid", or(g.Continent, "null"), or(g.Country, "null"), or(g.Subdivision, "null"))
}

func proximityFault(p state.RecordProximity) string {
	within := func(degrees string, most float64) bool {
		d, err := strconv.ParseFloat(degrees, 64)
		return err == nil && d >= -most && d <= most
	}
	if p.Region != "" {
		if _, ok := dns.PlaceOf(p.Region); ok && p.Latitude == "" {
			return ""
		}
	} else if within(p.Latitude, 90) && within(p.Longitude, 180) {
		return ""
	}
	return fmt.Sprintf("The geoproximity location [AWSRegion=%s, Latitude=%s, Longitude=%s] is not valid", or(p.Region, "null"), or(p.Latitude, "null"), or(p.Longitude, "null"))
}

// policyKinds are how Route 53 calls record sets of a policy when another is in
// their way. Those of weighted and multivalue answer records are known from AWS.
var policyKinds = map[string]string{"Weight": "weighted", "Region": "latency", "Failover": "failover", "GeoLocation": "geolocation", "GeoProximityLocation": "geoproximity"}

// conflict says why a record set cannot stand beside another of its name and type.
func conflict(r, other *state.RecordSet) string {
	policy := r.Policy()
	cannot := fmt.Sprintf("RRSet with DNS name %s, type %s, SetIdentifier %s cannot be created ", r.Name, r.Type, r.SetIdentifier)
	switch {
	case policy == "":
		return fmt.Sprintf("RRSet with DNS name %s, type %s cannot be created as other RRSets exist with the same name and type.", r.Name, r.Type)
	case policy != other.Policy() && policy == "MultiValueAnswer":
		return cannot + "because a non multivalue answer rrset exists with the same name and type."
	case policy != other.Policy():
		return cannot + "as a non-" + policyKinds[policy] + " set exists with the same name and type."
	case policy == "Weight" && r.Alias == nil && other.Alias == nil && r.TTL != other.TTL:
		return cannot + "as weighted sets must contain the same TTL."
	case policy == "Failover" && r.Failover == other.Failover:
		return cannot + "as a " + strings.ToLower(r.Failover) + " failover set exists with the same name and type."
	case policy == "Region" && r.Region == other.Region:
		return cannot + "as a latency set of the region " + r.Region + " exists with the same name and type."
	case policy == "GeoLocation" && *r.Geo == *other.Geo:
		return cannot + "as a geolocation set of the same location exists with the same name and type."
	}
	return ""
}
