package healthcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestOpinion(t *testing.T) {
	for _, tt := range []struct {
		name, results string // . passes, x fails
		threshold     int
		want          string // after each: H or U
	}{
		{"healthy until it has failed often enough", "xxx.", 3, "HHUU"},
		{"failures must be in a row", "xx.xx.", 3, "HHHHHH"},
		{"as many passes bring it back", "xxx..x...", 3, "HHUUUUUUH"},
		{"one is enough", "x.x.", 1, "UHUH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o, got := Opinion{}, ""
			for i, r := range tt.results {
				o = o.Observe(tt.threshold, Result{Passed: r == '.', Status: fmt.Sprint(i)}, time.Unix(int64(i), 0))
				got += map[bool]string{false: "H", true: "U"}[o.Failing]
				if o.Status != fmt.Sprint(i) || r == 'x' && o.Failure != o.Status {
					t.Errorf("after %d: %+v", i, o)
				}
			}
			if got != tt.want {
				t.Errorf("%s: %s, want %s", tt.results, got, tt.want)
			}
		})
	}
}

func TestMoreThan18PercentAreEnough(t *testing.T) {
	for _, tt := range []struct {
		well, all int
		want      bool
	}{{0, 8, false}, {1, 8, false}, {2, 8, true}, {1, 3, true}, {9, 50, false}, {10, 50, true}} {
		if got := Healthy(tt.well, tt.all); got != tt.want {
			t.Errorf("%d of %d: %v", tt.well, tt.all, got)
		}
	}
}

// checkers dial as this machine does.
func checkers(report func(Key, Opinion)) *Checkers {
	return New(Options{
		Dial: func(ctx context.Context, _ string, to netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		},
		Resolve: func(_ context.Context, name string) (netip.Addr, error) {
			if name == "here.test" {
				return netip.MustParseAddr("127.0.0.1"), nil
			}
			return netip.Addr{}, errors.New("Rcode NXDOMAIN")
		},
		Report: report,
	})
}

func TestProbes(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/", http.StatusFound)
		case "/far":
			fmt.Fprint(w, strings.Repeat("x", searched), "needle")
		case "/near":
			fmt.Fprint(w, "a needle")
		case "/who":
			if r.TLS != nil && r.TLS.ServerName != "here.test" || !strings.HasPrefix(r.Host, "here.test:") || !strings.HasPrefix(r.UserAgent(), "Amazon-Route53-Health-Check-Service") {
				w.WriteHeader(500)
			}
		case "/with query":
			if r.URL.RawQuery != "a=b%20c" {
				w.WriteHeader(500)
			}
		default:
			w.WriteHeader(404)
		}
	}
	plain := httptest.NewServer(http.HandlerFunc(answer))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(answer))
	defer secure.Close()
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := func(a net.Addr) uint16 { return netip.MustParseAddrPort(a.String()).Port() }
	nobody := port(dead.Addr())
	_ = dead.Close()
	here := netip.MustParseAddr("127.0.0.1")
	http80, https443 := port(plain.Listener.Addr()), port(secure.Listener.Addr())
	for _, tt := range []struct {
		name  string
		check Check
		want  string
	}{
		{"a redirect passes", Check{Type: "HTTP", Addr: here, Port: http80, Path: "moved"}, "Success: HTTP Status Code 302, Found."},
		{"not found", Check{Type: "HTTP", Addr: here, Port: http80, Path: "/none"}, "Failure: HTTP Status Code 404, Not Found."},
		{"the name is in Host", Check{Type: "HTTP", Addr: here, Name: "here.test", Port: http80, Path: "/who"}, "Success: HTTP Status Code 200, OK."},
		{"the name in TLS", Check{Type: "HTTPS", Addr: here, Name: "here.test", Port: https443, Path: "/who", SNI: true}, "Success: HTTP Status Code 200, OK."},
		{"without the name in TLS", Check{Type: "HTTPS", Addr: here, Name: "here.test", Port: https443, Path: "/who"}, "Failure: HTTP Status Code 500, Internal Server Error."},
		{"a name is looked up", Check{Type: "HTTP", Name: "here.test", Port: http80, Path: "/near"}, "Success: HTTP Status Code 200, OK. Resolved IP: 127.0.0.1"},
		{"no such name", Check{Type: "HTTP", Name: "gone.test", Port: http80}, "Failure: DNS resolution failed: Rcode NXDOMAIN"},
		{"a string that is there", Check{Type: "HTTP_STR_MATCH", Addr: here, Port: http80, Path: "/near", Search: "needle"}, "Success: HTTP Status Code 200, OK."},
		{"a string beyond what is searched", Check{Type: "HTTPS_STR_MATCH", Addr: here, Port: https443, Path: "/far", Search: "needle"}, "Failure: HTTP Status Code 200, OK. The search string was not found in the response body."},
		{"a query", Check{Type: "HTTP", Addr: here, Port: http80, Path: "/with query?a=b c"}, "Success: HTTP Status Code 200, OK."},
		{"TCP", Check{Type: "TCP", Addr: here, Port: http80}, "Success: TCP connection established."},
		{"nobody listens", Check{Type: "TCP", Addr: here, Port: nobody}, "Failure: Connection refused."},
		{"no TLS", Check{Type: "HTTPS", Addr: here, Port: http80}, "Failure: SSL handshake failed."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := checkers(nil).probe(t.Context(), Target{Check: tt.check})
			if got.Status != tt.want || got.Passed != strings.HasPrefix(tt.want, "Success") {
				t.Errorf("%+v, want %s", got, tt.want)
			}
		})
	}
}

// TestCheckers: every region asks, tells of changes only, and stops when it is not wanted.
func TestCheckers(t *testing.T) {
	var broken atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if broken.Load() {
			w.WriteHeader(503)
		}
	}))
	defer s.Close()
	told := make(chan string, 100)
	c := checkers(func(k Key, o Opinion) { told <- fmt.Sprint(k.Region, " ", o.Failing, " ", o.Status) })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	at := netip.MustParseAddrPort(s.Listener.Addr().String())
	check := Check{Type: "HTTP", Addr: at.Addr(), Port: at.Port(), Interval: 5 * time.Millisecond, Threshold: 1}
	c.Set([]Target{{Key: Key{"a", "one"}, Check: check}, {Key: Key{"a", "two"}, Check: check}})
	both := func(want string) {
		t.Helper()
		seen := map[string]bool{<-told: true, <-told: true}
		if !seen["one "+want] || !seen["two "+want] {
			t.Fatalf("told %v, want %s of both", seen, want)
		}
	}
	both("false Success: HTTP Status Code 200, OK.")
	broken.Store(true)
	both("true Failure: HTTP Status Code 503, Service Unavailable.")
	if o, ok := c.Opinion(Key{"a", "one"}); !ok || !o.Failing {
		t.Errorf("%+v %v", o, ok)
	}
	check.Threshold = 2
	c.Set([]Target{{Key: Key{"a", "one"}, Check: check}})
	broken.Store(false)
	for !strings.HasPrefix(<-told, "one false") { // first another text, then another opinion
	}
	c.Set(nil)
	for {
		if _, ok := c.Opinion(Key{"a", "one"}); !ok {
			break
		}
		time.Sleep(time.Millisecond)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
