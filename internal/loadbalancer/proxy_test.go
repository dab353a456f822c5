package loadbalancer

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/oidc"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// bench is a load balancer under test with the targets behind it.
type rig struct {
	t       testing.TB
	server  *Server
	config  Config
	mu      sync.Mutex
	records []AccessRecord
	flows   []ConnectionRecord

	idp    string // address of an identity provider
	roots  *x509.CertPool
	signer *oidc.Signer
	later  atomic.Int64 // how far the clock is ahead
}

const (
	listenerID = "listener"
	groupID    = "group"
)

// newRig starts a load balancer with one listener and one group; change sees the
// configuration first.
func newRig(t testing.TB, change func(*Config), targets ...string) (*rig, string) {
	t.Helper()
	r := &rig{t: t}
	r.signer, _ = oidc.NewSigner([]byte("a secret"), "eu-west-1")
	var d net.Dialer
	r.server = New(Options{
		Dial: func(ctx context.Context, hop Hop) (net.Conn, error) {
			return d.DialContext(ctx, hop.Network, hop.Target.String())
		},
		DialName: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if r.idp == "" {
				return nil, errors.New("nobody is there")
			}
			return d.DialContext(ctx, "tcp", r.idp)
		},
		Roots: func() *x509.CertPool { return r.roots }, Signer: r.signer,
		Record: func(a *AccessRecord) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.records = append(r.records, *a)
		},
		Connection: func(c *ConnectionRecord) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.flows = append(r.flows, *c)
		},
	})
	r.server.clock = func() time.Time { return time.Now().Add(time.Duration(r.later.Load())) }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := Group{ID: groupID, Protocol: HTTP}
	for _, target := range targets {
		g.Targets = append(g.Targets, Target{Addr: netip.MustParseAddrPort(target), State: Healthy})
	}
	r.config = Config{Name: "app/test/1", Type: Application, Attributes: Attributes{HTTP2: true, CrossZone: true, IdleTimeout: time.Minute},
		Listeners: []Listener{{ID: listenerID, Port: 80, Protocol: HTTP, Default: forwardTo(groupID)}}, Groups: []Group{g}}
	if change != nil {
		change(&r.config)
	}
	r.apply()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.Serve(ctx, listenerID, "a", l) }()
	t.Cleanup(func() {
		cancel()
		now, stop := context.WithCancel(context.Background())
		stop()
		_ = r.server.Close(now)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r, l.Addr().String()
}

func forwardTo(groups ...string) []rule.Action {
	a := rule.Action{Type: rule.Forward}
	for _, g := range groups {
		a.Forward.Groups = append(a.Forward.Groups, rule.Weighted{Group: g, Weight: 1})
	}
	return []rule.Action{a}
}

func (r *rig) apply() {
	r.t.Helper()
	if err := r.server.Apply(r.config); err != nil {
		r.t.Fatal(err)
	}
}

// recorded waits for n records.
func (r *rig) recorded(n int) []AccessRecord {
	r.t.Helper()
	for range 500 {
		r.mu.Lock()
		out := append([]AccessRecord(nil), r.records...)
		r.mu.Unlock()
		if len(out) >= n {
			return out
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatalf("there are not %d records", n)
	return nil
}

// target starts an HTTP server and returns its address.
func target(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

// rawTarget answers each connection with what serve does.
func rawTarget(t testing.TB, serve func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c, bufio.NewReader(c))
			}()
		}
	}()
	return l.Addr().String()
}

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Echo-Method", r.Method)
	for k, v := range r.Trailer {
		w.Header().Set("X-Echo-Trailer-"+k, v[0])
	}
	_, _ = fmt.Fprintf(w, "%s %s host=%s xff=%s proto=%s port=%s body=%s", r.Method, r.RequestURI, r.Host, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Port"), body)
}

// talk writes raw bytes and returns all that comes back until the connection ends.
func talk(t testing.TB, addr, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() { _, _ = io.WriteString(c, text) }()
	out, _ := io.ReadAll(c)
	return string(out)
}

// insecure is a client that takes any certificate.
func insecure(h2 bool) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: h2}
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

func get(t testing.TB, client *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestForwardsAndRecords(t *testing.T) {
	r, addr := newRig(t, nil, target(t, echo))
	client := &http.Client{}
	for range 3 {
		status, body := get(t, client, "http://"+addr+"/a/b?c=d")
		if status != 200 || !strings.Contains(body, "GET /a/b?c=d host=127.0.0.1") || !strings.Contains(body, "xff=127.0.0.1 proto=http port=80") {
			t.Fatalf("%d %s", status, body)
		}
	}
	resp, err := client.Post("http://"+addr+"/p", "text/plain", strings.NewReader(strings.Repeat("x", 300<<10)))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	if !strings.HasSuffix(string(b), strings.Repeat("x", 300<<10)) {
		t.Fatalf("the body did not come back: %d bytes", len(b))
	}
	resp, err = client.Post("http://"+addr+"/p", "text/plain", io.MultiReader(strings.NewReader("chun"), strings.NewReader("ked")))
	if err != nil {
		t.Fatal(err)
	}
	b, _ = io.ReadAll(resp.Body)
	if !strings.HasSuffix(string(b), "body=chunked") {
		t.Fatalf("%s", b)
	}
	records := r.recorded(5)
	a := records[0]
	if a.Status != 200 || a.TargetStatus != 200 || a.Request() != "GET http://127.0.0.1:80/a/b?c=d HTTP/1.1" || a.Group != groupID || a.Actions != "forward" || a.SentBytes == 0 || a.ReceivedBytes == 0 || !strings.HasPrefix(a.TraceID, "Root=1-") || a.TargetTime < 0 {
		t.Fatalf("%+v", a)
	}
}
