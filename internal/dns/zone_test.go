package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func addrs(all ...string) []netip.Addr {
	var out []netip.Addr
	for _, a := range all {
		out = append(out, netip.MustParseAddr(a))
	}
	return out
}

func endpoint(id, service string, at ...string) Endpoint {
	e := Endpoint{ID: id, Names: []Name{{id + "-x." + service + ".us-east-1.vpce.amazonaws.com", addrs(at...)}}}
	for _, n := range PrivateNames(service, "us-east-1") {
		e.Names = append(e.Names, Name{n, addrs(at...)})
	}
	return e
}

func exampleZone() Zone {
	return Zone{
		Region: "us-east-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")},
		Services: netip.MustParsePrefix("198.18.128.0/17"), S3: netip.MustParsePrefix("198.18.0.0/20"),
		Stands: []string{"registry-1.docker.io", "*.quay.io"},
		Endpoints: []Endpoint{
			endpoint("vpce-logs", "logs", "10.0.1.20", "10.0.2.20"),
			endpoint("vpce-api", "ecr.api", "10.0.1.21"),
			endpoint("vpce-dkr", "ecr.dkr", "10.0.1.22"),
		},
		Hosts: map[string][]netip.Addr{"web-1.us-east-1.elb.amazonaws.com": addrs("10.0.1.30")},
	}
}

func TestLookup(t *testing.T) {
	tests := []struct{ question, want string }{
		{"logs.us-east-1.amazonaws.com A", "endpoint vpce-logs 10.0.1.20 10.0.2.20"},
		{"LOGS.us-east-1.AMAZONAWS.com A", "endpoint vpce-logs 10.0.1.20 10.0.2.20"},
		{"logs.us-east-1.amazonaws.com AAAA", "endpoint vpce-logs"},
		{"vpce-logs-x.logs.us-east-1.vpce.amazonaws.com A", "endpoint vpce-logs 10.0.1.20 10.0.2.20"},
		{"vpce-none.logs.us-east-1.vpce.amazonaws.com A", "aws NXDOMAIN"},
		{"api.ecr.us-east-1.amazonaws.com A", "endpoint vpce-api 10.0.1.21"},
		{"123456789012.dkr.ecr.us-east-1.amazonaws.com A", "endpoint vpce-dkr 10.0.1.22"},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com A", "aws services"},
		{"logs.eu-west-1.amazonaws.com A", "aws services"},
		{"sts.amazonaws.com A", "aws services"},
		{"public.ecr.aws A", "aws services"},
		{"registry-1.docker.io A", "aws services"},
		{"cdn.quay.io A", "aws services"},
		{"s3.us-east-1.amazonaws.com A", "aws s3"},
		{"my.bucket.s3.amazonaws.com A", "aws s3"},
		{"bucket.s3-us-west-2.amazonaws.com A", "aws s3"},
		{"s3-x.logs.us-east-1.amazonaws.com A", "aws services"},
		{"prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com A", "aws s3"},
		{"ip-10-0-1-5.ec2.internal A", "internal 10.0.1.5"},
		{"ip-10-9-1-5.ec2.internal A", "aws NXDOMAIN"},
		{"5.1.0.10.in-addr.arpa PTR", "internal ip-10-0-1-5.ec2.internal"},
		{"5.1.9.10.in-addr.arpa PTR", "unknown"},
		{"web-1.us-east-1.elb.amazonaws.com A", "vpc 10.0.1.30"},
		{"web-2.us-east-1.elb.amazonaws.com A", "aws NXDOMAIN"},
		{"example.com A", "unknown"},
		{"evilamazonaws.com A", "unknown"},
	}
	z := exampleZone()
	for _, tt := range tests {
		t.Run(tt.question, func(t *testing.T) {
			name, kind, _ := strings.Cut(tt.question, " ")
			a, ok := z.Lookup(name, dns.StringToType[kind])
			if got := describe(z, a, ok); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// describe writes an answer in the short form of the table.
func describe(z Zone, a Answer, ok bool) string {
	if !ok {
		return "unknown"
	}
	words := []string{string(a.Origin)}
	if a.Rcode != dns.RcodeSuccess {
		return string(a.Origin) + " " + dns.RcodeToString[a.Rcode]
	}
	if a.Endpoint != "" {
		words = append(words, a.Endpoint)
	}
	for _, ip := range a.Addrs {
		switch {
		case z.S3.Contains(ip):
			words = append(words, "s3")
		case z.Services.Contains(ip):
			words = append(words, "services")
		default:
			words = append(words, ip.String())
		}
	}
	if a.Target != "" {
		words = append(words, a.Target)
	}
	return strings.Join(words, " ")
}

func TestPublicAddressesAreStableAndSpread(t *testing.T) {
	z := exampleZone()
	var seen []netip.Addr
	for i := range 100 {
		name := fmt.Sprintf("bucket-%d.s3.us-east-1.amazonaws.com", i)
		a, _ := z.PublicAddr(name)
		b, _ := exampleZone().PublicAddr(strings.ToUpper(name))
		if a != b || !z.S3.Contains(a) {
			t.Fatalf("%s: %s and then %s", name, a, b)
		}
		if !slices.Contains(seen, a) {
			seen = append(seen, a)
		}
	}
	if len(seen) < 50 {
		t.Errorf("100 buckets share %d addresses", len(seen))
	}
	if _, ok := (Zone{}).PublicAddr("s3.amazonaws.com"); ok {
		t.Error("a zone without ranges gives an address")
	}
}

func TestOtherRegionsNameTheirInstances(t *testing.T) {
	z := exampleZone()
	z.Region = "eu-west-1"
	a, _ := z.Lookup("5.1.0.10.in-addr.arpa", dns.TypePTR)
	if a.Target != "ip-10-0-1-5.eu-west-1.compute.internal" {
		t.Error(a.Target)
	}
}
