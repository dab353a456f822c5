package loadbalancer

import (
	"net/netip"
	"strings"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// requestHead writes the head of the request as the target gets it.
func (a *attempt) requestHead(w *writer) {
	r := &a.req
	w.out = append(w.out, r.Method...)
	w.out = append(w.out, ' ')
	w.out = append(w.out, r.Target...)
	w.out = append(w.out, " HTTP/1.1\r\n"...)
	a.added(func(name, value string) { w.field(name, value) })
	for i := range r.Fields {
		if f := &r.Fields[i]; !a.replaced(f) {
			w.field(f.Name, f.Value)
		}
	}
	switch {
	case r.Chunked:
		w.out = append(w.out, "Transfer-Encoding: chunked\r\n"...)
	case r.HasLength:
		w.number("Content-Length", r.Length)
	}
	if r.Upgrade != "" && a.canUpgrade() {
		w.field("Upgrade", r.Upgrade)
		w.field("Connection", "Upgrade")
	} else if a.fresh {
		w.field("Connection", "close")
	}
	w.out = append(w.out, "\r\n"...)
}

// canUpgrade: only HTTP/1.1 knows upgrades, and none of h2c is carried.
func (x *exchange) canUpgrade() bool {
	return x.req.Minor == 1 && !strings.Contains(strings.ToLower(x.req.Upgrade), "h2c")
}

// added gives the fields that the load balancer adds, or writes anew, for the target.
func (x *exchange) added(field func(name, value string)) {
	if x.live.Type == Proxy {
		field("Host", x.hostOrLocal())
		return
	}
	switch x.live.Attributes.ForwardedFor {
	case XFFAppend:
		field("X-Forwarded-For", x.forwardedFor())
	}
	proto := "http"
	if x.tls != nil {
		proto = "https"
	}
	field("X-Forwarded-Proto", proto)
	field("X-Forwarded-Port", x.front.port)
	field("Host", x.targetHost())
	field("X-Amzn-Trace-Id", x.record.TraceID)
	if x.tls != nil {
		x.addTLS(func(name, value string) {
			if renamed := x.front.Headers.Renamed[name]; renamed != "" {
				name = renamed
			}
			field(name, value)
		})
	}
	x.addUser(field)
}

// replaced says whether a client's field is not for the target: added has its place.
func (x *exchange) replaced(f *http1.Field) bool {
	if x.live.Type == Proxy {
		return false
	}
	switch f.Kind {
	case http1.XForwardedFor:
		return x.live.Attributes.ForwardedFor != XFFPreserve
	case http1.XForwardedProto, http1.XForwardedPort, http1.XAmznTraceID:
		return true
	case http1.Other:
		return len(f.Name) > 10 && (f.Name[0]|0x20 == 'x') && x.vouched(f.Name) || x.tls != nil && x.renamed(f.Name)
	}
	return false
}

// vouched says whether a field's name is one whose values targets take the load
// balancer's word for: clients cannot send it.
func (x *exchange) vouched(name string) bool {
	if x.tls == nil {
		return false
	}
	lower := strings.ToLower(name)
	return x.guarded && strings.HasPrefix(lower, "x-amzn-oidc-") || x.live.Attributes.TLSHeaders && strings.HasPrefix(lower, "x-amzn-tls-") || x.front.MutualTLS.on() && strings.HasPrefix(lower, "x-amzn-mtls-clientcert")
}

// renamed says whether name is what a listener calls such a field.
func (x *exchange) renamed(name string) bool {
	for own, other := range x.front.Headers.Renamed {
		if strings.EqualFold(name, other) && x.vouched(own) {
			return true
		}
	}
	return false
}

func (x *exchange) forwardedFor() string {
	client := x.address
	if x.live.Attributes.ClientPort {
		client = x.client.String()
	}
	came := ""
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; f.Kind == http1.XForwardedFor && f.Value != "" {
			came += f.Value + ", "
		}
	}
	return came + client
}

// targetHost is the Host that the target sees: with the listener's port where
// that is not the protocol's own, unless the header is to be preserved.
func (x *exchange) targetHost() string {
	host := x.hostOrLocal()
	if x.live.Attributes.PreserveHost || x.front.Port == 80 || x.front.Port == 443 || rule.Hostname(host) != host {
		return host
	}
	if a, err := netip.ParseAddr(host); err == nil && a.Is6() {
		host = "[" + host + "]"
	}
	return host + ":" + x.front.port
}
