// Package frontdoor is the shared front of load balancers on 127.0.0.1: whoever cannot
// reach their public addresses by name (a browser, the far end of an ssh tunnel)
// reaches them here, by the Host field of HTTP and by the server name of TLS.
//
// It only looks at the beginning of a connection, bounded in size and time, and then
// carries its bytes to the public address of the load balancer, so that security
// groups decide and the load balancer sees the client that this machine is. Over
// plain HTTP a connection serves one request, with "Connection: close": the next one
// may be for another load balancer. Over TLS the server name decides for as long as
// the connection lasts.
//
// Certificates: names of the load balancers' own are passed through, and clients see
// their certificates. Aliases below .localhost have none, so TLS ends here with a
// certificate of the instance's authority, and begins anew to the load balancer.
package frontdoor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// What a connection may take until it is known where it leads.
const (
	peekTimeout = 10 * time.Second
	dialTimeout = 5 * time.Second
	maxHead     = 64 << 10 // bytes
	maxConns    = 4096
)

// Options is what a Front needs from outside.
type Options struct {
	// Find tells to which address a name leads: lower case, without port and final dot.
	Find func(name string) (netip.Addr, bool)
	// Names are the aliases that there are, for the page that answers other names.
	Names func() []string
	// Certificate is for aliases.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Dial connects to a load balancer; nil connects from this machine.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Front serves any number of listeners. Make it with New.
type Front struct {
	options Options
	room    chan struct{}
}

// New returns a Front.
func New(o Options) *Front {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	return &Front{options: o, room: make(chan struct{}, maxConns)}
}

// Serve answers on a listener until ctx ends, with TLS or without.
func (f *Front) Serve(ctx context.Context, l net.Listener, secure bool) error {
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			_ = group.Wait()
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		select {
		case f.room <- struct{}{}:
		default:
			_ = c.Close()
			continue
		}
		group.Go(func() error {
			defer func() { <-f.room }()
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { _ = c.Close() })
			defer stop()
			if secure {
				f.secure(ctx, c)
			} else {
				f.plain(ctx, c)
			}
			return nil
		})
	}
}

// IsAlias reports whether a name is one that only this machine has.
func IsAlias(name string) bool { return strings.HasSuffix(name, ".localhost") }

// plain carries one request of HTTP.
func (f *Front) plain(ctx context.Context, c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(peekTimeout))
	head, err := readHead(c)
	if err != nil {
		if errors.Is(err, errHead) {
			page(c, "400 Bad Request", "This is not a request of HTTP/1.1 with a Host field.")
		}
		return
	}
	addr, ok := f.options.Find(head.host)
	if !ok {
		page(c, "404 Not Found", f.unknown(head.host))
		return
	}
	to, err := f.dial(ctx, addr, 80)
	if err != nil {
		page(c, "504 Gateway Timeout", unreachable(head.host, addr, 80))
		return
	}
	defer to.Close()
	if _, err := to.Write(head.bytes); err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	if head.upgrade {
		upgraded(ctx, c, to, head.rest)
		return
	}
	carry(ctx, &prefixed{Conn: c, before: head.rest}, to)
}

// secure carries a connection of TLS.
func (f *Front) secure(ctx context.Context, c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(peekTimeout))
	hello, seen, err := readHello(ctx, c)
	if err != nil {
		return
	}
	name := canonical(hello.ServerName)
	addr, ok := f.options.Find(name)
	again := &prefixed{Conn: c, before: seen}
	if !IsAlias(name) {
		if !ok {
			_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 112}) // alert: unrecognized name
			return
		}
		to, err := f.dial(ctx, addr, 443)
		if err != nil {
			return
		}
		defer to.Close()
		_ = c.SetDeadline(time.Time{})
		carry(ctx, again, to)
		return
	}
	f.alias(ctx, again, name, addr, ok, hello.SupportedProtos)
}

// alias ends TLS here and begins it anew to the load balancer, with the protocol that
// the load balancer chooses of the client's.
func (f *Front) alias(ctx context.Context, c net.Conn, name string, addr netip.Addr, known bool, protocols []string) {
	config := &tls.Config{GetCertificate: f.options.Certificate, MinVersion: tls.VersionTLS12}
	var to *tls.Conn
	trouble := f.unknown(name)
	if known {
		trouble = unreachable(name, addr, 443)
		if raw, err := f.dial(ctx, addr, 443); err == nil {
			// The certificate is of names that the alias is not one of; the way to it does not leave this machine.
			to = tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}) //nolint:gosec
			defer to.Close()
			if err := to.HandshakeContext(ctx); err != nil {
				to, trouble = nil, fmt.Sprintf("%s answers at %s:443, but not with TLS: %v", name, addr, err)
			}
		}
	}
	if to != nil {
		if chosen := to.ConnectionState().NegotiatedProtocol; chosen != "" {
			config.NextProtos = []string{chosen}
		}
	}
	client := tls.Server(c, config)
	if err := client.HandshakeContext(ctx); err != nil {
		return
	}
	if to == nil {
		if _, err := readHead(client); err == nil {
			page(client, map[bool]string{true: "504 Gateway Timeout", false: "404 Not Found"}[known], trouble)
		}
		_ = client.Close()
		return
	}
	_ = c.SetDeadline(time.Time{})
	carry(ctx, client, to)
}

func (f *Front) dial(ctx context.Context, addr netip.Addr, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return f.options.Dial(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
}

// carry copies in both directions until both have ended, or one has failed.
func carry(ctx context.Context, a, b net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = a.Close(); _ = b.Close() })
	defer stop()
	var group errgroup.Group
	group.Go(func() error { copyOneWay(a, b); return nil })
	copyOneWay(b, a)
	_ = group.Wait() // nil
}

// copyOneWay copies until the source ends, and tells the other side; an error ends both.
func copyOneWay(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.Close()
		_ = from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		return
	}
	_ = to.Close()
}
