package dns

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// set is a record set, written as TYPE VALUE VALUE ...; "ALIAS A name" is an alias.
func set(t *testing.T, name, text string) Record {
	t.Helper()
	kind, rest, _ := strings.Cut(text, " ")
	if kind == "ALIAS" {
		kind, rest, _ = strings.Cut(rest, " ")
		return Record{Type: dns.StringToType[kind], Alias: rest}
	}
	r := Record{Type: dns.StringToType[kind]}
	for value := range strings.SplitSeq(rest, " | ") {
		rr, err := ParseRecord(name, kind, 300, value)
		if err != nil {
			t.Fatal(err)
		}
		r.RRs = append(r.RRs, rr)
	}
	return r
}

func hostedZone(t *testing.T, name string, private bool, sets ...string) HostedZone {
	t.Helper()
	h := HostedZone{ID: "Z" + name, Name: name, Private: private, Records: map[string][]Record{}}
	for _, s := range sets {
		n, text, _ := strings.Cut(s, " ")
		h.Records[n] = append(h.Records[n], set(t, n, text))
	}
	return h
}

// answered is the reply of a server with the zone: its code, and its records in order.
func answered(t *testing.T, z Zone, forward Forwarder, question string) string {
	t.Helper()
	name, kind, _ := strings.Cut(question, " ")
	reply, _ := NewServer(z, forward, &Recent{}).answer(new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.StringToType[kind]))
	var lines []string
	for _, rr := range reply.Answer {
		lines = append(lines, strings.ReplaceAll(rr.String(), "\t", " "))
	}
	slices.Sort(lines)
	return strings.Join(append([]string{dns.RcodeToString[reply.Rcode]}, lines...), "; ")
}

// elsewhere answers what a CNAME leads to out of the zone.
type elsewhere struct{}

func (elsewhere) Forward(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
	reply := new(dns.Msg).SetReply(q)
	if q.Question[0].Name == "other.test." {
		rr, err := ParseRecord("other.test", "A", 9, "198.51.100.9")
		reply.Answer = []dns.RR{rr}
		return reply, err
	}
	reply.Rcode = dns.RcodeNameError
	return reply, nil
}

func TestHostedZones(t *testing.T) {
	z := Zone{
		Region: "us-east-1",
		Hosts:  map[string][]netip.Addr{"front-1.us-east-1.elb.amazonaws.com": {netip.MustParseAddr("10.0.0.5")}},
		Hosted: []HostedZone{
			hostedZone(t, "example.com", false, "example.com NS ns-1.awsdns-00.com.", "www.example.com A 198.51.100.1", "only.example.com A 198.51.100.2"),
			hostedZone(t, "example.com", true, "www.example.com A 10.0.0.1 | 10.0.0.2", "api.example.com CNAME www.example.com.", "out.example.com CNAME other.test.", "example.com ALIAS A front-1.us-east-1.elb.amazonaws.com",
				"loop.example.com CNAME loop.example.com.", "*.wild.example.com A 10.0.0.3", "here.wild.example.com TXT \"text\"", "_sip._tcp.example.com SRV 1 10 5060 www.example.com.", "lost.example.com ALIAS A nobody.test"),
			hostedZone(t, "deep.example.com", true, "deep.example.com A 10.0.0.4"),
			hostedZone(t, "public.test", false, "public.test A 198.51.100.3"),
		},
	}
	for question, want := range map[string]string{
		"www.example.com A":          "NOERROR; www.example.com. 300 IN A 10.0.0.1; www.example.com. 300 IN A 10.0.0.2",
		"WWW.Example.Com A":          "NOERROR; www.example.com. 300 IN A 10.0.0.1; www.example.com. 300 IN A 10.0.0.2",
		"www.example.com AAAA":       "NOERROR",
		"api.example.com A":          "NOERROR; api.example.com. 300 IN CNAME www.example.com.; www.example.com. 300 IN A 10.0.0.1; www.example.com. 300 IN A 10.0.0.2",
		"api.example.com CNAME":      "NOERROR; api.example.com. 300 IN CNAME www.example.com.",
		"out.example.com A":          "NOERROR; other.test. 9 IN A 198.51.100.9; out.example.com. 300 IN CNAME other.test.",
		"example.com A":              "NOERROR; example.com. 60 IN A 10.0.0.5",
		"only.example.com A":         "NXDOMAIN", // the private zone is the whole truth
		"a.b.wild.example.com A":     "NOERROR; a.b.wild.example.com. 300 IN A 10.0.0.3",
		"here.wild.example.com A":    "NOERROR",
		"x.here.wild.example.com A":  "NXDOMAIN",
		"wild.example.com A":         "NOERROR",
		"_sip._tcp.example.com SRV":  "NOERROR; _sip._tcp.example.com. 300 IN SRV 1 10 5060 www.example.com.",
		"deep.example.com A":         "NOERROR; deep.example.com. 300 IN A 10.0.0.4",
		"x.deep.example.com A":       "NXDOMAIN",
		"public.test A":              "NOERROR; public.test. 300 IN A 198.51.100.3",
		"lost.example.com A":         "SERVFAIL",
		"nothing.else A":             "NXDOMAIN",
		"here.wild.example.com TXT":  `NOERROR; here.wild.example.com. 300 IN TXT "text"`,
		"notexample.com A":           "NXDOMAIN", // asked elsewhere: it only ends like a zone
		"_sip._tcp.example.com A":    "NOERROR",
		"_tcp.example.com SRV":       "NOERROR",
		"x.y.example.com A":          "NXDOMAIN",
		"front.us-east-1.elb.test A": "NXDOMAIN",
	} {
		if got := answered(t, z, elsewhere{}, question); got != want {
			t.Errorf("%s: %s\nwant %s", question, got, want)
		}
	}
	if got := answered(t, z, elsewhere{}, "loop.example.com A"); !strings.HasPrefix(got, "NOERROR; loop.example.com. 300 IN CNAME") || strings.Count(got, "CNAME") > maxChain+1 {
		t.Errorf("a loop: %s", got)
	}
}

func TestWeightsAndMultivalueAnswers(t *testing.T) {
	weighted := func(address string, weight int64) Record {
		r := set(t, "w.test", "A "+address)
		r.Weighted, r.Weight = true, weight
		return r
	}
	count := func(sets ...Record) map[string]int {
		z := Zone{Hosted: []HostedZone{{Name: "test", Records: map[string][]Record{"w.test": sets}}}}
		got := map[string]int{}
		for range 1000 {
			a, _ := z.Lookup("w.test", dns.TypeA)
			for _, rr := range a.Records {
				got[rr.(*dns.A).A.String()]++
			}
		}
		return got
	}
	if got := count(weighted("10.0.0.1", 3), weighted("10.0.0.2", 1), weighted("10.0.0.3", 0)); got["10.0.0.1"] < 650 || got["10.0.0.2"] < 150 || got["10.0.0.3"] > 0 {
		t.Errorf("3:1:0 gave %v", got)
	}
	if got := count(weighted("10.0.0.1", 0), weighted("10.0.0.2", 0)); got["10.0.0.1"] < 300 || got["10.0.0.2"] < 300 {
		t.Errorf("0:0 gave %v", got)
	}
	var many []Record
	for _, a := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"} {
		r := set(t, "w.test", "A 10.0.0."+a)
		r.MultiValue = true
		many = append(many, r)
	}
	total := 0
	for _, n := range count(many...) {
		total += n
	}
	if total != 8000 {
		t.Errorf("%d multivalue answers in 1000, not eight each", total)
	}
}
