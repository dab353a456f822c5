package elbv2

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
)

// flowLine is a connection to a TLS listener as a line of the access log of a network
// load balancer.
func flowLine(b *state.LoadBalancer, r *loadbalancer.ConnectionRecord) string {
	handshake, domain := "-", dash(r.Domain)
	if r.HandshakeTime >= 0 {
		handshake = strconv.FormatInt(r.HandshakeTime.Milliseconds(), 10)
	}
	listener := r.Listener[strings.LastIndexByte(r.Listener, '/')+1:]
	offered := "-"
	if len(r.Offered) > 0 {
		offered = quoted(strings.Join(r.Offered, `,`))
	}
	return strings.Join([]string{
		"tls", "2.0", second(r.Closed), b.Path, listener, end(r.Client), end(r.Local), strconv.FormatInt(r.Closed.Sub(r.Opened).Milliseconds(), 10), handshake,
		strconv.FormatInt(r.Received, 10), strconv.FormatInt(r.Sent, 10), "-", dash(r.Certificate), "-", dash(r.Cipher), dash(tlsName(r.TLSVersion)), "-",
		domain, dash(r.ALPN), dash(r.TargetALPN), offered, second(r.Opened),
	}, " ")
}

func second(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05") }

func end(a netip.AddrPort) string {
	if !a.IsValid() {
		return "-"
	}
	return a.String()
}

// tlsName is a version of TLS as these logs have it: tlsv12.
func tlsName(version string) string {
	return strings.ToLower(strings.ReplaceAll(version, ".", ""))
}
