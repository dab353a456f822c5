package dns

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// Zone is what the resolver of one VPC knows. It is a value and is not changed
// after it was given to a Server.
type Zone struct {
	Region string
	CIDRs  []netip.Prefix // of the VPC: what internal names and reverse lookups exist for

	// Services and S3 are the ranges in which AWS's public names have their
	// addresses; S3's is the one of its prefix list.
	Services netip.Prefix
	S3       netip.Prefix
	// Stands lists further public names that Neargate answers for (registries whose
	// images were loaded); they resolve into Services. "*.x" stands for all below x.
	Stands []string

	Endpoints []Endpoint
	// Hosts are other names that exist in this VPC, for example of load
	// balancers, lower case and without the final dot.
	Hosts map[string][]netip.Addr
	// Hosted are the zones of Route 53: those of the VPC, and all public ones.
	Hosted []HostedZone
}

// Endpoint is an interface endpoint with the names that lead to it.
type Endpoint struct {
	ID    string
	Names []Name
}

// Name is one name of an endpoint: one of PrivateNames when private DNS is on,
// and those of its own below vpce.amazonaws.com, for all zones and for each.
type Name struct {
	Name  string // lower case, without the final dot; a leading "*." matches one or more labels
	Addrs []netip.Addr
}

// Origin says where an answer came from.
type Origin string

// The origins of answers.
const (
	FromEndpoint Origin = "endpoint"  // Answer.Endpoint says which
	FromInternal Origin = "internal"  // the name of an address of the VPC
	FromHosts    Origin = "vpc"       // another name of the VPC
	FromHosted   Origin = "route53"   // a hosted zone
	FromAWS      Origin = "aws"       // a public name that we answer for
	FromHost     Origin = "forwarded" // the resolvers of this machine
	FromNobody   Origin = "none"      // nobody may be asked
)

// Answer is what a zone knows about a question.
type Answer struct {
	Rcode   int          // dns.RcodeSuccess, or dns.RcodeNameError: there is no such name
	Addrs   []netip.Addr // A questions
	Target  string       // PTR questions
	Records []dns.RR     // of a hosted zone, with the names they belong to
	// Elsewhere is the name that the last of Records leads to, when it is not one
	// that the zone knows: somebody else is to be asked for it.
	Elsewhere string
	Origin    Origin
	Endpoint  string
}

// Lookup answers a question; false when the zone has nothing to say about the
// name. The name is without the final dot and in any case. A name that exists
// but has no record of the type gets an empty success.
func (z Zone) Lookup(name string, qtype uint16) (Answer, bool) {
	return z.lookup(strings.ToLower(name), qtype, 0)
}

// lookup is Lookup of a name that so many others led to.
func (z Zone) lookup(name string, qtype uint16, depth int) (Answer, bool) {
	if a, ok := z.endpoint(name); ok {
		return a.of(qtype), true
	}
	if a, ok := z.hosted(name, qtype, depth); ok {
		return a, true
	}
	if addrs, ok := z.Hosts[name]; ok {
		return Answer{Addrs: addrs, Origin: FromHosts}.of(qtype), true
	}
	if a, ok := z.internal(name, qtype); ok {
		return a, true
	}
	if a, ok := z.PublicAddr(name); ok {
		return Answer{Addrs: []netip.Addr{a}, Origin: FromAWS}.of(qtype), true
	}
	if name == "amazonaws.com" || strings.HasSuffix(name, ".amazonaws.com") || strings.HasSuffix(name, "."+internalDomain(z.Region)) {
		return Answer{Rcode: dns.RcodeNameError, Origin: FromAWS}, true
	}
	return Answer{}, false
}

// of leaves the addresses out of answers to other questions.
func (a Answer) of(qtype uint16) Answer {
	if qtype != dns.TypeA && qtype != dns.TypeANY {
		a.Addrs = nil
	}
	return a
}

// endpoint finds the endpoint that has a name; exact ones win over wildcards.
func (z Zone) endpoint(name string) (Answer, bool) {
	var best Answer
	length := 0
	for _, e := range z.Endpoints {
		for _, n := range e.Names {
			if matches(n.Name, name) && len(n.Name) > length {
				best, length = Answer{Addrs: n.Addrs, Origin: FromEndpoint, Endpoint: e.ID}, len(n.Name)
			}
		}
	}
	return best, length > 0
}

func matches(pattern, name string) bool {
	if below, ok := strings.CutPrefix(pattern, "*"); ok {
		return len(name) > len(below) && strings.HasSuffix(name, below)
	}
	return pattern == name
}

// internal answers for the addresses of the VPC itself, in both directions.
func (z Zone) internal(name string, qtype uint16) (Answer, bool) {
	if a, ok := internalAddr(name, z.Region); ok && z.has(a) {
		return Answer{Addrs: []netip.Addr{a}, Origin: FromInternal}.of(qtype), true
	}
	if a, ok := reverseAddr(name); ok && z.has(a) {
		answer := Answer{Origin: FromInternal}
		if qtype == dns.TypePTR {
			answer.Target = InternalName(a, z.Region)
		}
		return answer, true
	}
	return Answer{}, false
}

func (z Zone) has(a netip.Addr) bool {
	return slices.ContainsFunc(z.CIDRs, func(p netip.Prefix) bool { return p.Contains(a) })
}

// PublicAddr is the public address of one of AWS's names (or of one that
// Neargate stands for): always the same for the same name and ranges, in S3's range
// for all names of S3. False when the name is neither.
func (z Zone) PublicAddr(name string) (netip.Addr, bool) {
	name = strings.ToLower(name)
	switch {
	case IsS3(name):
		return hashed(z.S3, name)
	case IsAWS(name), slices.ContainsFunc(z.Stands, func(p string) bool { return matches(p, name) }):
		return hashed(z.Services, name)
	}
	return netip.Addr{}, false
}
