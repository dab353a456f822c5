package frontdoor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/pki"
)

// stand is a front on two ports, and two load balancers, a and b, which say who they
// are, what host they were asked for, and what the connection is to become.
type stand struct {
	t           *testing.T
	http, https string
	roots       *x509.CertPool
}

func newStand(t *testing.T) *stand {
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &stand{t: t, roots: x509.NewCertPool()}
	s.roots.AppendCertsFromPEM(authority.PEM())
	where := map[string]string{}
	for i, name := range []string{"a", "b"} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Upgrade") == "echo" && r.URL.Path == "/up" {
				c, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				defer c.Close()
				fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
				_, _ = io.Copy(c, rw)
				return
			}
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s close=%v %s", name, r.Host, r.Proto, r.Close, body)
		})
		plain, secure := httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
		secure.EnableHTTP2 = true
		secure.TLS = &tls.Config{GetCertificate: authority.GetCertificate(func(string) bool { return true })}
		secure.StartTLS()
		t.Cleanup(plain.Close)
		t.Cleanup(secure.Close)
		addr := fmt.Sprintf("198.19.0.%d", i+1)
		where[addr+":80"], where[addr+":443"] = plain.Listener.Addr().String(), secure.Listener.Addr().String()
	}
	names := map[string]string{"a.elb.localhost": "198.19.0.1", "b.elb.localhost": "198.19.0.2", "a.test": "198.19.0.1", "b.test": "198.19.0.2", "c.elb.localhost": "198.19.0.3"}
	f := New(Options{
		Find: func(name string) (netip.Addr, bool) {
			a, ok := names[name]
			if !ok {
				return netip.Addr{}, false
			}
			return netip.MustParseAddr(a), true
		},
		Names:       func() []string { return []string{"http://a.elb.localhost", "http://b.elb.localhost"} },
		Certificate: authority.GetCertificate(IsAlias),
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if where[address] == "" {
				return nil, context.DeadlineExceeded
			}
			return (&net.Dialer{}).DialContext(ctx, network, where[address])
		},
	})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 2)
	for _, secure := range []bool{false, true} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if secure {
			s.https = l.Addr().String()
		} else {
			s.http = l.Addr().String()
		}
		go func() { done <- f.Serve(ctx, l, secure) }()
	}
	t.Cleanup(func() {
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	return s
}

// raw sends bytes over plain TCP and returns all that comes back.
func (s *stand) raw(text string) string {
	s.t.Helper()
	c, err := net.Dial("tcp", s.http)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	fmt.Fprint(c, text)
	b, _ := io.ReadAll(c)
	return string(b)
}

func TestPlainHTTP(t *testing.T) {
	s := newStand(t)
	for _, tt := range []struct{ name, send, want, not string }{
		{"an alias", "GET / HTTP/1.1\r\nHost: a.elb.localhost\r\n\r\n", "a a.elb.localhost HTTP/1.1 close=true", ""},
		{"a name with a port, in capitals", "GET / HTTP/1.1\r\nHost: B.Test:80\r\n\r\n", "b B.Test:80", ""},
		{"a body", "POST / HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody", "close=true body", ""},
		{"the next request is for another one", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET /second HTTP/1.1\r\nHost: b.test\r\n\r\n", "a a.test", "b.test"},
		{"an unknown name", "GET / HTTP/1.1\r\nHost: x.elb.localhost\r\n\r\n", "no load balancer is called \"x.elb.localhost\". There are:\n  http://a.elb.localhost\n  http://b.elb.localhost", ""},
		{"one that does not answer", "GET / HTTP/1.1\r\nHost: c.elb.localhost\r\n\r\n", "504 Gateway Timeout", ""},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", "400 Bad Request", "a a.test"},
		{"no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "400 Bad Request", ""},
		{"a folded field", "GET / HTTP/1.1\r\nHost: a.test\r\nConnection:\r\n keep-alive\r\n\r\n", "400 Bad Request", ""},
		{"no HTTP", "hello\r\n\r\n", "400 Bad Request", ""},
		{"an upgrade", "GET /up HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", "101 Switching", ""},
		{"an upgrade that is refused, and a request for another one", "GET /no HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\nGET / HTTP/1.1\r\nHost: b.test\r\n\r\n", "a a.test", "b.test"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.t = t
			if strings.HasPrefix(tt.name, "an upgrade") && strings.Contains(tt.send, "/up") {
				c, err := net.Dial("tcp", s.http)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(20 * time.Second))
				fmt.Fprint(c, tt.send, "echo\n")
				r := bufio.NewReader(c)
				if line, _ := r.ReadString('\n'); !strings.Contains(line, tt.want) {
					t.Fatalf("%q", line)
				}
				for line := ""; line != "echo\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						t.Fatal(err)
					}
				}
				return
			}
			got := s.raw(tt.send)
			if !strings.Contains(got, tt.want) || tt.not != "" && strings.Contains(got, tt.not) {
				t.Errorf("%s", got)
			}
		})
	}
	if got := s.raw("GET / HTTP/1.1\r\n" + strings.Repeat("A: "+strings.Repeat("x", 1000)+"\r\n", 80)); !strings.Contains(got, "400 Bad Request") {
		t.Errorf("a head without end: %.100s", got)
	}
}

// get fetches / of a name over TLS, verified by the authority.
func (s *stand) get(name string, h2 bool) (string, *tls.ConnectionState, error) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: h2, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", s.https)
		}}
	defer transport.CloseIdleConnections()
	r, err := (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Get("https://" + name + "/")
	if err != nil {
		return "", nil, err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	return string(b), r.TLS, err
}

func TestTLS(t *testing.T) {
	s := newStand(t)
	for _, tt := range []struct {
		name string
		h2   bool
		want string
	}{
		{"a.test", false, "a a.test HTTP/1.1"},
		{"b.test", true, "b b.test HTTP/2.0"},
		{"a.elb.localhost", false, "a a.elb.localhost HTTP/1.1"},
		{"b.elb.localhost", true, "b b.elb.localhost HTTP/2.0"},
		{"x.elb.localhost", true, "no load balancer is called \"x.elb.localhost\""},
		{"c.elb.localhost", false, "does not answer at 198.19.0.3:443"},
	} {
		got, state, err := s.get(tt.name, tt.h2)
		if err != nil || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q %v", tt.name, got, err)
			continue
		}
		if err := state.PeerCertificates[0].VerifyHostname(tt.name); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, _, err := s.get("unknown.test", false); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("an unknown name: %v", err)
	}
}
