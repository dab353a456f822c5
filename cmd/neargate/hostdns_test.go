package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	wire "github.com/miekg/dns"

	"github.com/neargate/neargate/internal/hostsfile"
	"github.com/neargate/neargate/internal/loopback"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

func TestDNSAddresses(t *testing.T) {
	for address, want := range map[string]string{"": "", "127.0.0.54:53": "", "[::1]:53": "", "0.0.0.0:53": "is not a loopback address", "192.0.2.1:53": "is not a loopback address", "localhost": "is no address and port"} {
		err := dnsConfig{address: address}.check()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if err := (dnsConfig{address: "0.0.0.0:53", open: true}).check(); err != nil {
		t.Error(err)
	}
}

// TestHostDNS asks over UDP and TCP what anybody on the internet could.
func TestHostDNS(t *testing.T) {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	write := func(do func(tx *store.Tx)) {
		t.Helper()
		if err := db.Write(t.Context(), func(tx *store.Tx) error { do(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *store.Tx) {
		state.HostedZones.Put(tx, &state.HostedZone{Account: "1", ID: "Z1", Name: "shop.test."})
		state.HostedZones.Put(tx, &state.HostedZone{Account: "1", ID: "Z2", Name: "inside.test.", Private: true, VPCs: []state.ZoneVPC{{Region: "eu-west-1", VpcID: "vpc-1"}}})
		for _, r := range []*state.RecordSet{
			{ZoneID: "Z1", Name: "www.shop.test.", Type: "A", TTL: 60, Values: []string{"198.51.100.1"}},
			{ZoneID: "Z1", Name: "far.shop.test.", Type: "CNAME", TTL: 60, Values: []string{"www.example.net."}},
			{ZoneID: "Z1", Name: "lb.shop.test.", Type: "A", Alias: &state.RecordAlias{HostedZoneID: "ZELB", DNSName: "web-1.eu-west-1.elb.amazonaws.com."}},
			{ZoneID: "Z1", Name: "long.shop.test.", Type: "TXT", TTL: 60, Values: []string{`"` + strings.Repeat("x", 250) + `" "` + strings.Repeat("y", 250) + `" "` + strings.Repeat("z", 250) + `"`}},
			{ZoneID: "Z2", Name: "db.inside.test.", Type: "A", TTL: 60, Values: []string{"10.0.0.1"}},
		} {
			state.RecordSets.Put(tx, r)
		}
		for scheme, address := range map[string]state.LoadBalancerSubnet{"internet-facing": {PublicIP: "198.19.0.7"}, "internal": {PrivateIP: "10.0.0.7"}} {
			name := map[string]string{"internet-facing": "web-1", "internal": "internal-web-1"}[scheme]
			state.LoadBalancers.Put(tx, &state.LoadBalancer{Account: "1", Region: "eu-west-1", Path: "app/" + name, Name: name, Scheme: scheme, DNSName: name + ".eu-west-1.elb.amazonaws.com", Status: state.LoadBalancerActive, Subnets: []state.LoadBalancerSubnet{address}})
		}
	})
	local := newLocalNames(db, loopback.New("test", hostsfile.New(t.TempDir()+"/hosts", "test"), nil, nil), func() []string { return nil }, nil)
	// An address of this process's own, and a port that connections do not get: UDP and TCP need the same.
	pid := os.Getpid()
	h := newHostDNS(dnsConfig{address: fmt.Sprintf("127.93.%d.%d:5302", pid>>8&255, pid&255)}, db, local, "eu-west-1")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	for !strings.HasPrefix(h.State(), "on ") {
		if strings.HasPrefix(h.State(), "not on") {
			t.Fatal(h.State())
		}
		select {
		case err := <-done:
			t.Fatal(err)
		default:
		}
	}
	ask := func(network, name, kind string, edns bool) string {
		t.Helper()
		m := new(wire.Msg).SetQuestion(name+".", wire.StringToType[kind])
		if edns {
			m.SetEdns0(1232, false)
		}
		reply, _, err := (&wire.Client{Net: network}).Exchange(m, h.config.address)
		if err != nil {
			t.Fatal(err)
		}
		out := []string{wire.RcodeToString[reply.Rcode]}
		if reply.Truncated {
			out = append(out, "cut")
		}
		if reply.RecursionAvailable {
			out = append(out, "recursive")
		}
		for _, rr := range reply.Answer {
			text := strings.Fields(rr.String())
			out = append(out, strings.Join(text[3:min(len(text), 5)], " "))
		}
		return strings.Join(out, "; ")
	}
	for _, tt := range []struct{ network, name, kind, want string }{
		{"udp", "www.shop.test", "A", "NOERROR; A 198.51.100.1"},
		{"tcp", "www.shop.test", "A", "NOERROR; A 198.51.100.1"},
		{"udp", "WWW.Shop.test", "AAAA", "NOERROR"},
		{"udp", "none.shop.test", "A", "NXDOMAIN"},
		{"udp", "far.shop.test", "A", "NOERROR; CNAME www.example.net."},
		{"udp", "lb.shop.test", "A", "NOERROR; A 198.19.0.7"},
		{"udp", "web-1.eu-west-1.elb.amazonaws.com", "A", "NOERROR; A 198.19.0.7"},
		{"udp", "internal-web-1.eu-west-1.elb.amazonaws.com", "A", "NXDOMAIN"},
		{"udp", "db.inside.test", "A", "REFUSED"},
		{"udp", "www.example.net", "A", "REFUSED"},
		{"udp", "long.shop.test", "TXT", "NOERROR; cut"},
	} {
		if got := ask(tt.network, tt.name, tt.kind, false); got != tt.want {
			t.Errorf("%s %s %s: %s, want %s", tt.network, tt.name, tt.kind, got, tt.want)
		}
	}
	for network, edns := range map[string]bool{"tcp": false, "udp": true} {
		if got := ask(network, "long.shop.test", "TXT", edns); !strings.HasPrefix(got, "NOERROR; TXT") {
			t.Errorf("%s with EDNS %v: %s", network, edns, got)
		}
	}
	write(func(tx *store.Tx) {
		state.RecordSets.Put(tx, &state.RecordSet{ZoneID: "Z1", Name: "new.shop.test.", Type: "A", TTL: 60, Values: []string{"198.51.100.2"}})
	})
	for ask("udp", "new.shop.test", "A", false) != "NOERROR; A 198.51.100.2" { // soon
	}
	if at := netip.MustParseAddrPort(h.config.address); !at.Addr().IsLoopback() {
		t.Error(at)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
