package loadbalancer

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// network makes the load balancer one that carries flows.
func network(p Protocol) func(*Config) {
	return func(c *Config) {
		c.Type, c.Listeners[0].Protocol, c.Groups[0].Protocol = Network, p, TCP
	}
}

// ended waits for a connection record.
func (r *rig) ended() ConnectionRecord {
	r.t.Helper()
	for range 500 {
		r.mu.Lock()
		n := len(r.flows)
		r.mu.Unlock()
		if n > 0 {
			return r.flows[0]
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("no flow has ended")
	return ConnectionRecord{}
}

func TestTCPFlow(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		b, _ := io.ReadAll(r) // until the client has ended its side
		_, _ = c.Write(b)
	})
	r, addr := newRig(t, network(TCP), to)
	big := strings.Repeat("flow", 1<<18)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, big)
	_ = c.(*net.TCPConn).CloseWrite()
	if b, err := io.ReadAll(c); err != nil || string(b) != big {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	if f := r.ended(); f.Received != 1<<20 || f.Sent != 1<<20 || f.Target.String() != to || f.ClientReset || f.TargetReset {
		t.Errorf("%+v", f)
	}
}

func TestTLSFlow(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(c, r) })
	r, addr := newRig(t, func(c *Config) {
		secured(t)(c)
		network(TLS)(c)
	}, to)
	c, err := shake(addr, &tls.Config{ServerName: "one.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "hello")
	got := make([]byte, 5)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello" {
		t.Fatalf("%q %v", got, err)
	}
	_ = c.Close()
	if f := r.ended(); f.Certificate != "arn:one" || f.Received != 5 || f.Sent != 5 {
		t.Errorf("%+v", f)
	}
}

func TestProxyProtocol(t *testing.T) {
	head := make(chan []byte, 1)
	to := rawTarget(t, func(_ net.Conn, r *bufio.Reader) {
		b := make([]byte, 28)
		_, _ = io.ReadFull(r, b)
		head <- b
	})
	_, addr := newRig(t, func(c *Config) {
		network(TCP)(c)
		c.Groups[0].ProxyProtocol = true
	}, to)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := <-head
	port := c.LocalAddr().(*net.TCPAddr).Port
	if string(b[:13]) != "\r\n\r\n\x00\r\nQUIT\n\x21" || b[13] != 0x11 || string(b[16:20]) != "\x7f\x00\x00\x01" || int(b[24])<<8|int(b[25]) != port {
		t.Errorf("%q", b)
	}
}

// TestFlowWithoutTarget: the client is reset at once.
func TestFlowWithoutTarget(t *testing.T) {
	r, addr := newRig(t, network(TCP))
	if c, err := net.Dial("tcp", addr); err == nil { // the reset may come before it returns
		if b, err := io.ReadAll(c); err == nil || len(b) > 0 {
			t.Errorf("%q %v", b, err)
		}
		_ = c.Close()
	}
	if f := r.ended(); !f.Rejected {
		t.Errorf("%+v", f)
	}
}

// TestIdleFlow: a flow in which nothing moves is reset after the listener's time-out.
func TestIdleFlow(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(c, r) })
	r, addr := newRig(t, func(c *Config) {
		network(TCP)(c)
		c.Listeners[0].IdleTimeout = 50 * time.Millisecond
	}, to)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q %v", b, err)
	}
	r.ended()
}

// TestResetsArePassedOn: a target's reset is one for the client, and is counted as the target's.
func TestResetsArePassedOn(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		_, _ = r.ReadByte()
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	})
	r, addr := newRig(t, network(TCP), to)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "x")
	if b, err := io.ReadAll(c); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q %v", b, err)
	}
	if f := r.ended(); !f.TargetReset || f.ClientReset {
		t.Errorf("%+v", f)
	}
}

// TestUnhealthyEndsFlows: a flow does not outlive its target's health.
func TestUnhealthyEndsFlows(t *testing.T) {
	open := make(chan struct{})
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		close(open)
		_, _ = io.Copy(c, r)
	})
	r, addr := newRig(t, network(TCP), to)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	<-open
	r.config.Groups[0].Targets = []Target{{Addr: mustAddr(to), State: Unhealthy}, {Addr: mustAddr("127.0.0.1:9"), State: Healthy}}
	r.apply()
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.ReadAll(c); timedOut(err) {
		t.Error("the flow goes on")
	}
	r.ended()
}

// TestFlowsStayWithTheirTarget: the same addresses lead to the same target, and
// with source_ip all flows of a client do.
func TestFlowsStayWithTheirTarget(t *testing.T) {
	_, _ = newRig(t, nil)
	s := New(Options{})
	g := Group{ID: groupID, Protocol: TCP}
	for i := range 4 {
		g.Targets = append(g.Targets, Target{Addr: mustAddr("10.0.0." + itoa(int64(i)) + ":80"), State: Healthy})
	}
	for _, sticky := range []StickinessType{NotSticky, SourceIP} {
		g.Stickiness.Type = sticky
		if err := s.Apply(Config{Type: Network, Listeners: []Listener{{ID: listenerID, Protocol: TCP, Default: forwardTo(groupID)}}, Groups: []Group{g}}); err != nil {
			t.Fatal(err)
		}
		l := s.live.Load()
		seen := map[string]bool{}
		for port := range 200 {
			client := mustAddr("192.0.2.1:" + itoa(int64(1000+port)))
			_, m := l.flowTarget(l.fronts[listenerID], "", client, mustAddr("10.0.9.9:80"))
			_, again := l.flowTarget(l.fronts[listenerID], "", client, mustAddr("10.0.9.9:80"))
			if m != again {
				t.Fatal("a flow has two targets")
			}
			seen[m.name()] = true
		}
		if want := map[StickinessType]int{NotSticky: 4, SourceIP: 1}[sticky]; len(seen) != want {
			t.Errorf("%q: %d targets, want %d", sticky, len(seen), want)
		}
	}
}

func TestUDP(t *testing.T) {
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := to.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = to.WriteTo(append([]byte("re:"), b[:n]...), from)
		}
	}()
	r, _ := newRig(t, func(c *Config) {
		network(UDP)(c)
		c.Groups[0].Protocol = UDP
	}, to.LocalAddr().String())
	p, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.server.ServePacket(ctx, listenerID, "a", p) }()
	for range 3 {
		c, err := net.Dial("udp", p.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 100)
		for range 2 {
			_, _ = io.WriteString(c, "hello")
			if n, err := c.Read(b); err != nil || string(b[:n]) != "re:hello" {
				t.Fatalf("%q %v", b[:n], err)
			}
		}
		_ = c.Close()
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if f := r.ended(); f.Received != 10 || f.Sent != 16 || f.Protocol != UDP {
		t.Errorf("%+v", f)
	}
}
