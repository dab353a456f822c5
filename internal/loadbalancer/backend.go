package loadbalancer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// backend is a target of a group with the connections to it; it outlives
// configurations.
type backend struct {
	server      *Server
	addr        netip.AddrPort
	protocol    Protocol
	version     Version
	outstanding atomic.Int64
	failures    atomic.Int64 // of connections in a row, as proxies count them
	ejected     atomic.Int64 // until when a proxy asks others instead, in nanoseconds since 1970

	mu    sync.Mutex
	gone  bool
	cuts  int                    // how often what was open was cut
	idle  map[string][]*backConn // by zone, the latest last
	open  map[net.Conn]*zoneCounts
	trim  *time.Timer
	multi map[string][]*h2Conn // HTTP/2, by zone
}

// backConn is a connection to a target.
type backConn struct {
	*stream
	zone   string
	used   bool // has carried a request before
	parked time.Time
	heard  int64 // bytes that had come in when the request began
	w      writer
}

func (b *backend) name() string { return b.addr.String() }

// begin returns the writer for a request; its close gives back the buffer.
func (c *backConn) begin(idle time.Duration, now time.Time) *writer {
	c.w = writer{s: c.stream, out: takeBuffer(false)[:0], idle: idle, now: now}
	return &c.w
}

// take returns an idle connection of a node in zone, nil when there is none that works.
func (b *backend) take(zone string) *backConn {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.idle[zone]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	b.idle[zone] = list[:len(list)-1]
	return c
}

// park keeps c for the next request.
func (b *backend) park(c *backConn, now time.Time, idle time.Duration) {
	c.rest(true)
	if c.buf != nil { // the target says what nobody asked for
		b.close(c)
		return
	}
	c.used, c.parked = true, now
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone {
		b.drop(c.Conn)
		return
	}
	if b.idle == nil {
		b.idle = map[string][]*backConn{}
	}
	b.idle[c.zone] = append(b.idle[c.zone], c)
	if b.trim == nil {
		b.trim = time.AfterFunc(idle, func() { b.trimIdle(idle) })
	}
}

// trimIdle closes what was idle for too long, and comes again while any is left.
func (b *backend) trimIdle(idle time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trim = nil
	now, left := time.Now(), 0
	for zone, list := range b.idle {
		n := 0
		for n < len(list) && now.Sub(list[n].parked) >= idle-time.Millisecond {
			b.drop(list[n].Conn)
			n++
		}
		b.idle[zone] = append([]*backConn(nil), list[n:]...)
		left += len(list) - n
	}
	if left > 0 && !b.gone {
		b.trim = time.AfterFunc(max(idle/4, time.Second), func() { b.trimIdle(idle) })
	}
}

// dial opens a connection that carries HTTP/1.1.
func (b *backend) dial(ctx context.Context, zone string) (*backConn, error) {
	c, err := b.connect(ctx, zone, nil)
	if err != nil {
		return nil, err
	}
	return &backConn{stream: newStream(c), zone: zone}, nil
}

// connect opens a connection, with TLS where the group's protocol wants it. As on
// AWS the target's certificate is not verified.
func (b *backend) connect(ctx context.Context, zone string, protocols []string) (net.Conn, error) {
	return b.reach(ctx, Hop{Network: "tcp", Zone: zone, Target: b.addr}, protocols)
}

func (b *backend) reach(ctx context.Context, hop Hop, protocols []string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, b.server.options.ConnectTimeout)
	defer cancel()
	b.mu.Lock()
	gone, cuts := b.gone, b.cuts
	b.mu.Unlock()
	if gone {
		return nil, errGone
	}
	c, err := b.server.options.Dial(ctx, hop)
	if err != nil {
		return nil, err
	}
	if b.protocol == HTTPS || b.protocol == TLS {
		secured := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: protocols}) //nolint:gosec // load balancers do not verify targets
		if err := secured.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, handshakeError{err}
		}
		c = secured
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.gone || b.cuts != cuts {
		_ = c.Close()
		return nil, errGone
	}
	if b.open == nil {
		b.open = map[net.Conn]*zoneCounts{}
	}
	b.open[c] = b.server.zone(hop.Zone)
	b.open[c].enter()
	b.server.targets.Add(1)
	return c, nil
}

// errGone is a target that has left the configuration, or may get no flows any
// more, since it was chosen.
var errGone = errors.New("the target is gone")

// handshakeError is a TLS handshake with a target that failed.
type handshakeError struct{ error }

// Unwrap is for errors.Is.
func (e handshakeError) Unwrap() error { return e.error }

// close ends a connection.
func (b *backend) close(c *backConn) {
	giveBuffer(c.buf)
	c.buf = nil
	b.forget(c.Conn)
}

func (b *backend) forget(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(c)
}

// drop is forget for those who hold the lock.
func (b *backend) drop(c net.Conn) {
	_ = c.Close()
	if count := b.open[c]; count != nil {
		delete(b.open, c)
		count.leave()
		b.server.targets.Add(-1)
	}
}

// cut ends what is open to a target.
func (b *backend) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cuts++
	for c := range b.open {
		b.drop(c)
	}
}

// leave is for a target that is gone: it ends all connections, also those that
// carry requests, unless they are flows that may stay.
func (b *backend) leave(flowsStay bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
	for c := range b.open {
		if !flowsStay {
			b.drop(c)
		}
	}
	b.idle, b.multi = nil, nil
	if b.trim != nil {
		b.trim.Stop()
		b.trim = nil
	}
}
