package elbv2

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// echoes answers TCP and UDP on one port of loopback.
func echoes(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	p, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil { // somebody else's
		_ = l.Close()
		return echoes(t)
	}
	t.Cleanup(func() { _, _ = l.Close(), p.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(c, c)
				_ = c.Close()
			}()
		}
	}()
	go func() {
		b := make([]byte, 2000)
		for {
			n, from, err := p.ReadFrom(b)
			if err != nil {
				return
			}
			_, _ = p.WriteTo(b[:n], from)
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

// ask says something to what listens at an address of a node, and returns the echo
// with the client's own address.
func (l *loop) ask(network, address, text string, length int) (echo, from string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var to net.Addr
	if listener, packets := l.at[address], l.packets[address]; network == "tcp" && listener != nil {
		to = listener.Addr()
	} else if network == "udp" && packets != nil {
		to = packets.LocalAddr()
	} else {
		return "", "", errors.New("nobody listens")
	}
	l.mu.Unlock()
	defer l.mu.Lock()
	c, err := net.Dial(network, to.String())
	if err != nil {
		return "", "", err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		return "", "", err
	}
	b := make([]byte, length)
	_, err = io.ReadFull(c, b)
	return string(b), c.LocalAddr().String(), err
}

// A network load balancer carries TCP and UDP in the name of its clients, puts a PROXY
// header where it is to, and counts flows.
func TestFlows(t *testing.T) {
	l, plane := newLoop()
	w := newWorld(t, plane)
	w.Metrics = openMetrics(t)
	w.start()
	target := echoes(t)
	b, err := w.network(nothing)
	ok(t, err)
	both, err := w.flowGroup("both", "TCP_UDP", nothing)
	ok(t, err)
	told, err := w.flowGroup("told", "TCP", nothing)
	ok(t, err)
	_, err = w.ModifyTargetGroupAttributes(w.ctx, &elbv2api.ModifyTargetGroupAttributesInput{TargetGroupArn: told.TargetGroupArn, Attributes: []elbv2api.TargetGroupAttribute{{Key: "proxy_protocol_v2.enabled", Value: "true"}}})
	ok(t, err)
	for port, g := range map[int32]elbv2api.TargetGroup{53: both, 80: told} {
		w.put(g, target)
		_, err := w.CreateListener(w.ctx, &elbv2api.CreateListenerInput{LoadBalancerArn: b.LoadBalancerArn, Protocol: g.Protocol, Port: &port, DefaultActions: forwardTo(g.TargetGroupArn)})
		ok(t, err)
		w.eventually("healthy", func() string { return differs(w.health(g.TargetGroupArn), "healthy") })
	}
	for _, network := range []string{"tcp", "udp"} {
		w.eventually(network, func() string {
			echo, from, err := l.ask(network, "10.0.0.11:53", "ping", 4)
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil || echo != "ping" || !slices.Contains(l.clients, network+" "+from) {
				return strings.Join(append(l.clients, echo, from), " ")
			}
			return ""
		})
	}
	w.eventually("PROXY", func() string {
		echo, from, err := l.ask("tcp", "10.0.0.11:80", "ping", 32)
		if err != nil {
			return err.Error()
		}
		header := append([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"), netip.MustParseAddrPort(from).Addr().AsSlice()...)
		if !bytes.HasPrefix([]byte(echo), header) || echo[28:] != "ping" {
			return echo
		}
		return ""
	})
	_, path, _ := cutKind(b.LoadBalancerArn)
	lb, group := metrics.Dimension{Name: "LoadBalancer", Value: path}, metrics.Dimension{Name: "TargetGroup", Value: groupName(both.TargetGroupArn)}
	w.eventually("its metrics", func() string {
		w.measureAll(time.Now())
		w.measureAll(time.Now().Add(time.Minute))
		fresh, _ := w.sumOf(networkELB, "NewFlowCount", "Count", lb)
		bytes, _ := w.sumOf(networkELB, "ProcessedBytes_TCP", "Bytes", lb)
		healthy, _ := w.sumOf(networkELB, "HealthyHostCount", "Count", lb, group)
		if fresh < 3 || bytes < 16 || healthy < 1 {
			return "not counted"
		}
		return ""
	})
}

// A line of a TLS listener's log, field by field.
func TestFlowLine(t *testing.T) {
	opened := time.Date(2026, 11, 28, 10, 0, 0, 0, time.UTC)
	got := flowLine(&state.LoadBalancer{Path: "net/flows/1"}, &loadbalancer.ConnectionRecord{
		Listener: "arn:aws:elasticloadbalancing:eu-west-1:000000000000:listener/net/flows/1/2", Client: netip.MustParseAddrPort("203.0.113.1:4000"), Local: netip.MustParseAddrPort("10.0.0.5:443"),
		Opened: opened, Closed: opened.Add(1500 * time.Millisecond), HandshakeTime: 12 * time.Millisecond, Received: 98, Sent: 246, Certificate: "arn:c", Cipher: "TLS_AES_128_GCM_SHA256",
		TLSVersion: "TLSv1.3", Domain: "one.example.com", ALPN: "h2", TargetALPN: "h2", Offered: []string{"h2", "http/1.1"},
	})
	want := `tls 2.0 2026-11-28T10:00:01 net/flows/1 2 203.0.113.1:4000 10.0.0.5:443 1500 12 98 246 - arn:c - TLS_AES_128_GCM_SHA256 tlsv13 - one.example.com h2 h2 "h2,http/1.1" 2026-11-28T10:00:00`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
