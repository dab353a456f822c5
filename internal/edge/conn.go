package edge

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"

	"github.com/neargate/neargate/internal/network"
)

// Facts are what is known of a connection from inside a VPC. The source is
// true: the packet filter drops packets with another interface's address.
type Facts struct {
	VPC    string     // id
	ENI    string     // id of the interface that called
	Source netip.Addr // its private address
	Local  netip.Addr // the address that it called
	// Through is how it came: Local through an interface endpoint or to
	// 169.254.170.2, otherwise the kind of gateway.
	Through network.TargetKind
	// Endpoint is the id of the interface or gateway endpoint, empty behind
	// internet and NAT gateways: aws:SourceVpce.
	Endpoint string
	// EndpointENI is the id of the interface endpoint's interface.
	EndpointENI string
	// Gateway is the id of the internet or NAT gateway.
	Gateway string
	// Seen is the source address as AWS sees it: the public one behind an
	// internet or NAT gateway, else the private one.
	Seen netip.Addr
	TLS  bool
}

type key struct{}

// Conn returns the facts of the connection of a request; false for a request
// that came in elsewhere.
func Conn(ctx context.Context) (Facts, bool) {
	f, ok := ctx.Value(key{}).(Facts)
	return f, ok
}

// With returns a context that carries f, for tests of handlers.
func With(ctx context.Context, f Facts) context.Context { return context.WithValue(ctx, key{}, f) }

// conn is a connection with its facts.
type conn struct {
	*net.TCPConn
	facts   Facts
	closing sync.Once
	counted func(bytes uint64) // called once, by Close
}

// withFacts is for http.Server.ConnContext.
func withFacts(ctx context.Context, c net.Conn) context.Context {
	t, secure := c.(*tls.Conn)
	if secure {
		c = t.NetConn()
	}
	if c, ok := c.(*conn); ok {
		c.facts.TLS = secure
		return With(ctx, c.facts)
	}
	return ctx
}

// guard is a listener that lets in only connections whose way it understands.
type guard struct {
	net.Listener
	facts func(from, to netip.Addr) (Facts, bool)
	usage *usages
}

// Accept implements net.Listener.
func (g guard) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		t, ok := c.(*net.TCPConn)
		if !ok {
			_ = c.Close()
			continue
		}
		f, ok := g.facts(address(c.RemoteAddr()), address(c.LocalAddr()))
		if !ok {
			_ = t.SetLinger(0) // nobody lives here: reset
			_ = t.Close()
			continue
		}
		g.usage.add(f.way(), 1, 0)
		return &conn{TCPConn: t, facts: f, counted: func(bytes uint64) { g.usage.add(f.way(), 0, bytes) }}, nil
	}
}

func address(a net.Addr) netip.Addr {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip, _ := netip.AddrFromSlice(t.IP)
	return ip.Unmap()
}
