// Package healthcheck asks endpoints on the internet how they are, as the health
// checkers of Route 53 do, from several regions. Each checker counts for itself:
// so many answers in a row change its opinion (Opinion, pure); whether an endpoint
// is healthy follows from how many say so (Healthy).
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-failover-determining-health-of-endpoints.html
//
// Data plane: plain values only. The route53 service tells it what to ask.
package healthcheck

import (
	"net/netip"
	"time"
)

// Check says how an endpoint is asked.
type Check struct {
	Type string     // HTTP, HTTPS, HTTP_STR_MATCH, HTTPS_STR_MATCH or TCP
	Addr netip.Addr // zero: the name is looked up each time
	Name string     // of the Host field, of TLS, and to look up; may be empty when there is an address
	Port uint16
	Path string // of HTTP
	// Search is the text that the answer must have (..._STR_MATCH).
	Search    string
	SNI       bool // name the endpoint in TLS
	Interval  time.Duration
	Threshold int // answers in a row that change a checker's opinion
}

// Key names a check of a region's checker.
type Key struct{ ID, Region string }

// Target is a check that is to be made in a region.
type Target struct {
	Key   Key
	Check Check
	Last  Opinion // before a restart; the zero Opinion: nothing is known
}

// Result is what one request found.
type Result struct {
	Passed bool
	Status string // in words: "Success: HTTP Status Code 200, OK"
}

// Opinion is what one checker holds of an endpoint.
type Opinion struct {
	Failing   bool // healthy until it has failed often enough in a row
	Status    string
	At        time.Time // of the last request; zero: none was made
	Failure   string    // the last failed request's status
	FailedAt  time.Time
	different int // answers in a row that speak against the opinion
}

// Observe is the opinion after another result.
func (o Opinion) Observe(threshold int, r Result, now time.Time) Opinion {
	o.Status, o.At = r.Status, now
	if !r.Passed {
		o.Failure, o.FailedAt = r.Status, now
	}
	if r.Passed != o.Failing {
		o.different = 0
		return o
	}
	if o.different++; o.different >= threshold {
		o.Failing, o.different = !o.Failing, 0
	}
	return o
}

// Regions are those from which endpoints are asked when a health check names none.
var Regions = []string{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"}

// enough is the share of checkers, in percent, above which an endpoint is healthy.
const enough = 18

// Healthy reports whether an endpoint is healthy, of which so many out of all
// checkers hold that it is.
func Healthy(well, all int) bool { return well*100 > all*enough }
