package loadbalancer

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// proxy makes the load balancer a proxy of Service Connect.
func proxy(more ...func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Type = Proxy
		c.Listeners[0].Headers = Headers{HideServer: true, Response: map[string]string{"Server": "envoy"}}
		for _, change := range more {
			change(c)
		}
	}
}

// nobody is an address at which nothing listens.
func nobody(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	return l.Addr().String()
}

func answerOf(t testing.TB, addr string) (int, string, http.Header) {
	t.Helper()
	resp, err := http.Get("http://" + addr + "/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), resp.Header
}

func TestProxyAddsNothing(t *testing.T) {
	_, addr := newRig(t, proxy(), target(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "mine")
		for name := range r.Header {
			if strings.HasPrefix(name, "X-") {
				t.Errorf("the target sees %s: %q", name, r.Header[name])
			}
		}
		_, _ = io.WriteString(w, r.Host)
	}))
	if status, body, h := answerOf(t, addr); status != 200 || body != addr || h.Get("Server") != "envoy" {
		t.Errorf("%d %q %v, want the client's own Host", status, body, h)
	}
}

func TestProxyGoesOnToTheNextTarget(t *testing.T) {
	there := target(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	r, addr := newRig(t, proxy(), nobody(t), there)
	for range 10 {
		if status, body, _ := answerOf(t, addr); status != 200 || body != "here" {
			t.Fatalf("%d %q", status, body)
		}
	}
	failed := 0
	for _, a := range r.recorded(10) {
		failed += a.TargetConnectErrors
	}
	// Every second request begins at the dead one until it is left out.
	if failed != ejectAfter {
		t.Errorf("%d attempts at the dead target, want %d", failed, ejectAfter)
	}
}

func TestProxyWithoutTargets(t *testing.T) {
	_, none := newRig(t, proxy())
	if status, body, _ := answerOf(t, none); status != 503 || body != "no healthy upstream" {
		t.Errorf("%d %q", status, body)
	}
	_, dead := newRig(t, proxy(), nobody(t))
	if status, body, h := answerOf(t, dead); status != 503 || !strings.HasSuffix(body, "reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused") || h.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %q %v", status, body, h)
	}
}

func TestProxyRequestTimeout(t *testing.T) {
	release := make(chan struct{})
	slow := target(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	_, addr := newRig(t, proxy(func(c *Config) { c.Groups[0].RequestTimeout = 100 * time.Millisecond }), slow)
	if status, body, _ := answerOf(t, addr); status != 504 || body != "upstream request timeout" {
		t.Errorf("%d %q", status, body)
	}
}

func TestProxyHTTP2(t *testing.T) {
	there := h2Target(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto+" "+r.URL.Path) })
	r, addr := newRig(t, proxy(func(c *Config) {
		c.Listeners[0].PriorKnowledge, c.Groups[0].Version = true, HTTP2
	}), there)
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	ask := func(contentType string) (*http.Response, string) {
		resp, err := client.Post("http://"+addr+"/a", contentType, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		return resp, string(b)
	}
	if resp, body := ask(""); resp.ProtoMajor != 2 || resp.StatusCode != 200 || body != "HTTP/2.0 /a" {
		t.Errorf("%s %d %q", resp.Proto, resp.StatusCode, body)
	}
	r.config.Groups[0].Targets = nil
	r.apply()
	if resp, _ := ask("application/grpc"); resp.StatusCode != 200 || resp.Header.Get("Grpc-Status") != "14" || resp.Header.Get("Grpc-Message") != "no healthy upstream" {
		t.Errorf("gRPC without targets: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestProxyFlows(t *testing.T) {
	named := func(name string) string {
		return rawTarget(t, func(c net.Conn, r *bufio.Reader) {
			line, _ := r.ReadString('\n')
			_, _ = io.WriteString(c, name+line)
		})
	}
	r, addr := newRig(t, proxy(func(c *Config) { c.Listeners[0].Protocol, c.Groups[0].Protocol = TCP, TCP }), named("a"), nobody(t), named("b"))
	say := func() string {
		c, err := net.Dial("tcp", addr)
		if err != nil { // reset before the dial had returned
			return ""
		}
		defer c.Close()
		_, _ = io.WriteString(c, "x\n")
		b, _ := io.ReadAll(c)
		return string(b)
	}
	seen := map[string]int{}
	for range 8 {
		seen[say()]++
	}
	if seen["ax\n"] == 0 || seen["bx\n"] == 0 || seen["ax\n"]+seen["bx\n"] != 8 {
		t.Errorf("%v, want all answered, by both", seen)
	}
	r.config.Groups[0].Targets = nil
	r.apply()
	if got := say(); got != "" {
		t.Errorf("without targets: %q", got)
	}
}

func TestProxyLeavesOutAtMostHalf(t *testing.T) {
	s := New(Options{Dial: func(context.Context, Hop) (net.Conn, error) { return nil, net.ErrClosed }})
	g := Group{ID: groupID, Protocol: TCP}
	for _, a := range []string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1", "192.0.2.4:1"} {
		g.Targets = append(g.Targets, Target{Addr: netip.MustParseAddrPort(a), State: Healthy})
	}
	if err := s.Apply(Config{Type: Proxy, Groups: []Group{g}, Attributes: Attributes{CrossZone: true}}); err != nil {
		t.Fatal(err)
	}
	live, now := s.live.Load().groups[groupID], time.Now()
	for _, m := range live.members {
		for range ejectAfter {
			live.failed(m, now)
		}
	}
	seen := map[string]bool{}
	for range 16 {
		seen[live.pickOther(nil, now).name()] = true
	}
	if len(seen) != 2 {
		t.Errorf("used: %v, want two of four", seen)
	}
	for range 16 {
		seen[live.pickOther(nil, now.Add(ejectFor)).name()] = true
	}
	if len(seen) != 4 {
		t.Errorf("used after %v: %v, want all", ejectFor, seen)
	}
}
