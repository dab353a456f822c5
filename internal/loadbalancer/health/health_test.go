package health

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestMachine(t *testing.T) {
	c := Check{Interval: 10 * time.Second, Healthy: 3, Unhealthy: 2}
	bad := Mismatch(500)
	initial := Status{Initial, ReasonInitial, initialDescription}
	healthy := Status{State: Healthy}
	mismatch := Status{Unhealthy, ReasonMismatch, "Health checks failed with these codes: [500]"}
	late := Status{Unhealthy, ReasonTimeout, "Request timed out"}
	for _, tt := range []struct {
		name    string
		last    Status
		results []Result
		want    []Status
	}{
		{"a new target is healthy with its first pass", Status{}, []Result{passed}, []Status{healthy}},
		{"a new target that fails is unhealthy at the threshold", Status{}, []Result{bad, bad}, []Status{initial, mismatch}},
		{"failures in a row count", healthy, []Result{bad, passed, bad, bad}, []Status{healthy, healthy, healthy, mismatch}},
		{"passes in a row count", mismatch, []Result{passed, passed, bad, passed, passed, passed}, []Status{mismatch, mismatch, mismatch, mismatch, mismatch, healthy}},
		{"the reason is that of the last failure", mismatch, []Result{timedOut, failed}, []Status{late, {Unhealthy, ReasonFailed, "Health checks failed"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := NewMachine(tt.last)
			for i, r := range tt.results {
				before := m.Status
				changed := m.Observe(c, r, time.Unix(int64(i*10), 0))
				if m.Status != tt.want[i] || changed != (before != m.Status) {
					t.Fatalf("after %d: %+v, changed %v; want %+v", i+1, m.Status, changed, tt.want[i])
				}
			}
		})
	}
}

func TestEagerFailuresCountOncePerInterval(t *testing.T) {
	c := Check{Interval: 30 * time.Second, Eager: time.Second, Healthy: 5, Unhealthy: 2}
	m := NewMachine(Status{})
	for i := range 29 {
		if m.Observe(c, failed, time.Unix(int64(1000+i), 0)); m.State != Initial || m.Wait(c) != time.Second {
			t.Fatalf("after %d s: %+v", i, m.Status)
		}
	}
	if m.Observe(c, failed, time.Unix(1030, 0)); m.State != Unhealthy || m.Wait(c) != 30*time.Second {
		t.Fatalf("%+v", m.Status)
	}
}

func TestMatcher(t *testing.T) {
	for _, tt := range []struct {
		text string
		code int
		want bool
	}{
		{"200", 200, true}, {"200", 201, false}, {"200,202", 202, true}, {"200-399", 301, true}, {"200-399", 400, false}, {"404", 404, true}, {"0-99", 12, true},
	} {
		m, err := ParseMatcher(tt.text)
		if err != nil || m.Matches(tt.code) != tt.want {
			t.Errorf("%s with %d: %v %v", tt.text, tt.code, !tt.want, err)
		}
	}
	for _, text := range []string{"", "x", "300-200", "200-", "-200"} {
		if _, err := ParseMatcher(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// probing asks the target at addr once.
func probing(addr string, check Check) Result {
	var d net.Dialer
	c := New(Options{Dial: func(ctx context.Context, _ string, a netip.AddrPort) (net.Conn, error) {
		return d.DialContext(ctx, "tcp", a.String())
	}})
	if check.Timeout == 0 {
		check.Timeout = 5 * time.Second
	}
	return c.probe(context.Background(), Target{Key: Key{Addr: netip.MustParseAddrPort(addr)}, Check: check})
}

func TestProbes(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Content-Type") == "application/grpc":
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "12")
		case r.URL.Path == "/slow":
			<-r.Context().Done()
		case r.URL.Path != "/health" || r.UserAgent() != userAgent:
			w.WriteHeader(404)
		}
	}
	plain := httptest.NewServer(http.HandlerFunc(answer))
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	h2c := httptest.NewUnstartedServer(http.HandlerFunc(answer))
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	defer h2c.Close()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := dead.Addr().String()
	_ = dead.Close()
	addr := func(s *httptest.Server) string { return s.URL[strings.Index(s.URL, "://")+3:] }
	for _, tt := range []struct {
		name, addr string
		check      Check
		want       Result
	}{
		{"HTTP passes", addr(plain), Check{Protocol: "HTTP", Path: "/health", Matcher: "200"}, passed},
		{"HTTP with another code", addr(plain), Check{Protocol: "HTTP", Path: "/other", Matcher: "200-399"}, Mismatch(404)},
		{"HTTP with a matcher of 404", addr(plain), Check{Protocol: "HTTP", Path: "/other", Matcher: "404"}, passed},
		{"HTTP that does not answer", addr(plain), Check{Protocol: "HTTP", Path: "/slow", Matcher: "200", Timeout: 50 * time.Millisecond}, timedOut},
		{"HTTPS", addr(secure), Check{Protocol: "HTTPS", Path: "/health", Matcher: "200"}, passed},
		{"HTTPS with HTTP/2", addr(secure), Check{Protocol: "HTTPS", Version: "HTTP2", Path: "/health", Matcher: "200"}, passed},
		{"HTTP/2 without TLS", addr(h2c), Check{Protocol: "HTTP", Version: "HTTP2", Path: "/health", Matcher: "200"}, passed},
		{"gRPC", addr(h2c), Check{Protocol: "HTTP", Version: "GRPC", Matcher: "12"}, passed},
		{"gRPC with another code", addr(h2c), Check{Protocol: "HTTP", Version: "GRPC", Matcher: "0"}, Mismatch(12)},
		{"TCP", addr(plain), Check{Protocol: "TCP"}, passed},
		{"HTTPS where no TLS is spoken", addr(plain), Check{Protocol: "HTTPS", Path: "/health", Matcher: "200"}, failed},
		{"nobody listens", nobody, Check{Protocol: "TCP"}, failed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := probing(tt.addr, tt.check); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestChecker: a target turns unhealthy and healthy again as it answers, and is
// asked no more when it is not wanted.
func TestChecker(t *testing.T) {
	var broken atomic.Bool
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if broken.Load() {
			w.WriteHeader(500)
		}
	}))
	defer s.Close()
	key := Key{"group", netip.MustParseAddrPort(strings.TrimPrefix(s.URL, "http://"))}
	changes := make(chan Status, 16)
	var d net.Dialer
	c := New(Options{
		Dial: func(ctx context.Context, _ string, a netip.AddrPort) (net.Conn, error) {
			return d.DialContext(ctx, "tcp", a.String())
		},
		Report: func(k Key, s Status) {
			if k == key {
				changes <- s
			}
		},
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	check := Check{Protocol: "HTTP", Matcher: "200", Interval: 5 * time.Millisecond, Timeout: 5 * time.Second, Healthy: 2, Unhealthy: 2}
	c.Set([]Target{{Key: key, Check: check}})
	if s := <-changes; s.State != Healthy {
		t.Fatalf("%+v", s)
	}
	broken.Store(true)
	if s := <-changes; s.State != Unhealthy || s.Reason != ReasonMismatch {
		t.Fatalf("%+v", s)
	}
	check.Matcher = "500"
	c.Set([]Target{{Key: key, Check: check}})
	if s := <-changes; s.State != Healthy {
		t.Fatalf("with another matcher: %+v", s)
	}
	c.Set(nil)
	for n := int64(-1); n != asked.Load(); time.Sleep(30 * time.Millisecond) {
		n = asked.Load()
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
