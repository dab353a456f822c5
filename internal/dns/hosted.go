package dns

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/miekg/dns"
)

// HostedZone is a zone of Route 53 that this VPC's resolver answers for. It is
// the whole truth about the names in it.
type HostedZone struct {
	ID      string
	Name    string              // lower case, without the final dot
	Private bool                // of this VPC; private zones win over public ones
	Records map[string][]Record // by name: lower case, without the final dot
}

// Record is a record set of a hosted zone.
type Record struct {
	Type  uint16
	RRs   []dns.RR // of one that is no alias
	Alias string   // name that its addresses are those of; lower case, without the final dot
	Routing
	// Unhealthy is true when a health check of Route 53, or of what it stands for, fails.
	Unhealthy bool
}

const (
	aliasTTL = 60 // of addresses that an alias stands for
	maxChain = 8  // CNAME and alias records that are followed
	maxMulti = 8  // multivalue answers at a time
)

// ParseRecord reads one value of a record set as a zone file has it. Relative
// names are not known: every name ends at its last label.
func ParseRecord(name string, qtype string, ttl uint32, value string) (dns.RR, error) {
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", dns.Fqdn(name), ttl, qtype, value))
	if err != nil {
		return nil, err
	}
	if rr == nil || rr.Header().Rrtype != dns.StringToType[qtype] {
		return nil, fmt.Errorf("%q is no value of type %s", value, qtype)
	}
	return rr, nil
}

// hosted answers from the hosted zones: from the private one with the longest
// name above the question's, or else from such a public one.
func (z Zone) hosted(name string, qtype uint16, depth int) (Answer, bool) {
	var best *HostedZone
	for i := range z.Hosted {
		h := &z.Hosted[i]
		if !below(name, h.Name) {
			continue
		}
		if best == nil || h.Private && !best.Private || h.Private == best.Private && len(h.Name) > len(best.Name) {
			best = h
		}
	}
	if best == nil {
		return Answer{}, false
	}
	return z.inZone(best, name, qtype, depth), true
}

func below(name, zone string) bool { return name == zone || strings.HasSuffix(name, "."+zone) }

func (z Zone) inZone(h *HostedZone, name string, qtype uint16, depth int) Answer {
	a := Answer{Origin: FromHosted}
	all, exists := h.find(name)
	if !exists {
		a.Rcode = dns.RcodeNameError
		return a
	}
	chosen := choose(all, qtype, z.Region)
	if chosen == nil && qtype != dns.TypeCNAME {
		if chosen = choose(all, dns.TypeCNAME, z.Region); chosen != nil {
			return z.follow(name, chosen, qtype, depth)
		}
	}
	if chosen == nil {
		return a // the name is there, but nothing of this type
	}
	if chosen.Alias == "" {
		a.Records = renamed(chosen.RRs, name)
		return a
	}
	if depth < maxChain {
		target, ok := z.lookup(chosen.Alias, qtype, depth+1)
		if a.Rcode = target.Rcode; !ok {
			a.Rcode = dns.RcodeServerFailure // nothing here is called so
		}
		a.Records = renamed(target.Records, name)
		for _, addr := range target.Addrs {
			a.Records = append(a.Records, address(name, addr, aliasTTL))
		}
	}
	return a
}

// follow answers with a CNAME and what it leads to; a name that is not ours is
// left to whoever asks further.
func (z Zone) follow(name string, cname *Record, qtype uint16, depth int) Answer {
	a := Answer{Origin: FromHosted, Records: renamed(cname.RRs[:1], name)}
	target := strings.ToLower(strings.TrimSuffix(cname.RRs[0].(*dns.CNAME).Target, "."))
	if depth >= maxChain {
		return a
	}
	next, ok := z.lookup(target, qtype, depth+1)
	if !ok {
		a.Elsewhere = target
		return a
	}
	a.Rcode, a.Elsewhere = next.Rcode, next.Elsewhere
	a.Records = append(a.Records, next.Records...)
	for _, addr := range next.Addrs {
		a.Records = append(a.Records, address(target, addr, ttl))
	}
	return a
}

// find returns the record sets of a name, or those of the wildcard that stands
// for it; false when there is no such name, nor one below it.
func (h *HostedZone) find(name string) ([]Record, bool) {
	if all, ok := h.Records[name]; ok {
		return all, true
	}
	for have := range h.Records {
		if strings.HasSuffix(have, "."+name) {
			return nil, true
		}
	}
	for parent := name; below(parent, h.Name) && parent != h.Name; {
		_, parent, _ = strings.Cut(parent, ".")
		if all, ok := h.Records["*."+parent]; ok {
			return all, true
		}
		if _, ok := h.Records[parent]; ok {
			break // a wildcard does not stand for what is below names that are there
		}
	}
	return nil, false
}

// renamed are copies of records under the name that was asked for, in random order.
func renamed(rrs []dns.RR, name string) []dns.RR {
	var out []dns.RR
	for _, i := range rand.Perm(len(rrs)) {
		rr := dns.Copy(rrs[i])
		rr.Header().Name = dns.Fqdn(name)
		out = append(out, rr)
	}
	return out
}

// IsAliasTarget reports whether an alias may stand for one of AWS's names: of a
// load balancer or of an interface endpoint. dualstack. may stand before it.
func IsAliasTarget(name string) bool {
	return strings.HasSuffix(name, ".elb.amazonaws.com") || strings.HasSuffix(name, ".vpce.amazonaws.com")
}
