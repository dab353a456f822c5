package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// upstream is a forwarder that knows one name.
type upstream struct{ asked int }

func (u *upstream) Forward(_ context.Context, q *dns.Msg) (*dns.Msg, error) {
	u.asked++
	if q.Question[0].Name != "example.com." {
		return nil, ErrNoServers
	}
	reply := new(dns.Msg).SetReply(q)
	for i := range 60 { // too long for a UDP answer of 512 bytes
		reply.Answer = append(reply.Answer, &dns.A{Hdr: dns.RR_Header{Name: "example.com.", Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 5}, A: net.IPv4(203, 0, 113, byte(i))})
	}
	return reply, nil
}

// serve starts a resolver on loopback and returns its address.
func serve(t *testing.T, s *Server) string {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.ListenPacket("udp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx, []net.PacketConn{c}, []net.Listener{l}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func ask(t *testing.T, network, server, name string, kind uint16) *dns.Msg {
	t.Helper()
	answer, _, err := (&dns.Client{Net: network, Timeout: 2 * time.Second}).Exchange(new(dns.Msg).SetQuestion(name, kind), server)
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	return answer
}

func TestServerAnswersAndRemembers(t *testing.T) {
	u, recent := &upstream{}, &Recent{}
	s := NewServer(exampleZone(), u, recent)
	server := serve(t, s)
	for _, network := range []string{"udp", "tcp"} {
		m := ask(t, network, server, "logs.us-east-1.amazonaws.com.", dns.TypeA)
		if len(m.Answer) != 2 || m.Rcode != dns.RcodeSuccess {
			t.Errorf("%s: %v", network, m)
		}
	}
	if m := ask(t, "udp", server, "example.com.", dns.TypeA); !m.Truncated || m.Rcode != dns.RcodeSuccess {
		t.Errorf("a long answer over UDP is not cut: %v", m)
	}
	if m := ask(t, "tcp", server, "example.com.", dns.TypeA); len(m.Answer) != 60 {
		t.Errorf("over TCP: %v", m)
	}
	if m := ask(t, "udp", server, "nowhere.example.", dns.TypeA); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("nobody answers: %v", m)
	}
	z := exampleZone()
	z.Endpoints = nil
	s.SetZone(z)
	ask(t, "udp", server, "logs.us-east-1.amazonaws.com.", dns.TypeA)

	var got []string
	for _, q := range recent.Of(netip.MustParseAddr("127.0.0.1")) {
		got = append(got, fmt.Sprint(q.Name, " ", q.Origin, " ", q.Rcode, " ", len(q.Addrs)))
	}
	want := []string{
		"logs.us-east-1.amazonaws.com endpoint NOERROR 2", "logs.us-east-1.amazonaws.com endpoint NOERROR 2",
		"example.com forwarded NOERROR 60", "example.com forwarded NOERROR 60", "nowhere.example forwarded SERVFAIL 0",
		"logs.us-east-1.amazonaws.com aws NOERROR 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("remembered %q\nwant       %q", got, want)
	}
}

func TestServerWithoutForwarder(t *testing.T) {
	server := serve(t, NewServer(exampleZone(), nil, &Recent{}))
	if m := ask(t, "udp", server, "example.com.", dns.TypeA); m.Rcode != dns.RcodeNameError {
		t.Errorf("%v", m)
	}
}

func TestRecentIsBounded(t *testing.T) {
	var r Recent
	first := netip.MustParseAddr("10.0.0.1")
	for i := range queriesPerClient + 5 {
		r.add(first, Query{Name: fmt.Sprint(i), At: time.Unix(int64(i), 0)})
	}
	if all := r.Of(first); len(all) != queriesPerClient || all[0].Name != "5" {
		t.Errorf("%d, first %q", len(all), all[0].Name)
	}
	a := first
	for i := range maxClients {
		a = a.Next()
		r.add(a, Query{At: time.Unix(int64(1000+i), 0)})
	}
	if len(r.clients) != maxClients || r.Of(first) != nil {
		t.Errorf("%d clients; the one silent for longest stays: %v", len(r.clients), r.Of(first) != nil)
	}
}

func TestHostForwarder(t *testing.T) {
	good := serve(t, NewServer(exampleZone(), nil, &Recent{}))
	host, port, _ := net.SplitHostPort(good)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver "+host+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := NewHostForwarder(path)
	f.current(time.Now())
	f.servers[0] = net.JoinHostPort(host, port)
	q := new(dns.Msg).SetQuestion("logs.us-east-1.amazonaws.com.", dns.TypeA)
	if m, err := f.Forward(context.Background(), q); err != nil || len(m.Answer) != 2 {
		t.Fatalf("%v %v", m, err)
	}
	dead, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	f.servers[0] = dead.LocalAddr().String()
	if _, err := f.Forward(context.Background(), q); !errors.Is(err, ErrNoServers) {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := f.Forward(context.Background(), q); !errors.Is(err, ErrNoServers) || time.Since(start) > serverTimeout/2 {
		t.Errorf("a silent server is asked again at once: %v after %s", err, time.Since(start))
	}
}
