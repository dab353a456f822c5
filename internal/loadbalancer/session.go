package loadbalancer

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// States of a session.
const (
	idle    int32 = iota // waits for a request; may be closed at any time
	active               // carries one
	closing              // was told to end
)

// session is a client's connection to a listener.
type session struct {
	server   *Server
	ctx      context.Context // ends with the server
	listener string
	zone     string
	raw      net.Conn // what was accepted
	conn     net.Conn // the same, or TLS on it
	client   netip.AddrPort
	address  string // the client's, as X-Forwarded-For has it
	local    netip.AddrPort
	tls      *tls.ConnectionState // nil: plain
	state    atomic.Int32
	record   ConnectionRecord
	count    *zoneCounts
	requests atomic.Int64
	// graceful ends a session of several requests at once, once it is set.
	graceful atomic.Pointer[func()]
}

// front is the session's listener as configured now, nil when it is gone.
func (c *session) front(l *live) *front { return l.fronts[c.listener] }

// wake marks that a request has begun; false when the session was told to end.
func (c *session) wake() bool { return c.state.CompareAndSwap(idle, active) }

// sleep marks that it waits for the next one.
func (c *session) sleep() bool { return c.state.CompareAndSwap(active, idle) }

// dismiss ends the session once it carries nothing.
func (c *session) dismiss() {
	if c.state.Swap(closing) == idle {
		_ = c.raw.Close()
	}
	if end := c.graceful.Load(); end != nil {
		(*end)()
	}
}

// run carries the connection until it ends.
func (c *session) run() {
	defer c.finish()
	l := c.server.live.Load()
	f := c.front(l)
	if f == nil {
		c.record.Rejected = true
		return
	}
	switch f.Protocol {
	case TCP, TCPUDP, TLS:
		if l.Type == Proxy {
			c.runProxyFlow(l, f)
			return
		}
		c.runFlow(l, f)
		return
	}
	if f.tls != nil && !c.handshake(f) {
		return
	}
	if c.tls != nil && c.tls.NegotiatedProtocol == "h2" || f.PriorKnowledge {
		c.serveHTTP2(l)
		return
	}
	c.serveHTTP1()
}

// handshake makes the connection a TLS connection.
func (c *session) handshake(f *front) bool {
	begin := time.Now()
	_ = c.conn.SetDeadline(begin.Add(handshakeTimeout))
	secured := tls.Server(c.conn, f.tls)
	err := secured.HandshakeContext(context.WithValue(c.ctx, chosenKey{}, &c.record))
	c.record.HandshakeTime = time.Since(begin)
	state := secured.ConnectionState()
	c.noteTLS(f, &state, err)
	if err != nil {
		c.record.HandshakeTime, c.record.TLSFailed = -1, true
		c.answerPlain(f, err)
		return false
	}
	_ = c.conn.SetDeadline(time.Time{})
	c.conn, c.tls = secured, &state
	return true
}

// answerPlain tells a client that speaks HTTP to an HTTPS listener.
func (c *session) answerPlain(f *front, err error) {
	var plain tls.RecordHeaderError
	if f.Protocol != HTTPS || !errors.As(err, &plain) || plain.Conn == nil {
		return
	}
	switch string(plain.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
	default:
		return
	}
	const what = "The plain HTTP request was sent to HTTPS port"
	body := "<html>\r\n<head><title>400 " + what + "</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n<center>" + what + "</center>\r\n</body>\r\n</html>\r\n"
	s := newStream(c.raw)
	_ = s.put([]byte("HTTP/1.1 400 Bad Request\r\nServer: " + defaultServerName + "\r\nDate: " + httpDate(time.Now()) +
		"\r\nContent-Type: text/html\r\nContent-Length: " + itoa(int64(len(body))) + "\r\nConnection: close\r\n\r\n" + body))
	c.linger(s, true)
}

// finish closes and records. What went wrong in here must not end other connections.
func (c *session) finish() {
	if p := recover(); p != nil {
		c.server.options.Log.Error("carrying a connection failed", "panic", p, "stack", string(debug.Stack()))
	}
	_ = c.conn.Close()
	c.count.leave()
	c.record.RequestsOnClient = int(c.requests.Load())
	c.record.Closed = time.Now()
	if c.server.options.Connection != nil {
		c.server.options.Connection(&c.record)
	}
}

// addrPort is the address of a TCP or UDP end.
func addrPort(a net.Addr) netip.AddrPort {
	type has interface{ AddrPort() netip.AddrPort }
	if h, ok := a.(has); ok {
		ap := h.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	ap, _ := netip.ParseAddrPort(a.String())
	return ap
}

// terminate ends the session now.
func (c *session) terminate() { _ = c.raw.Close() }
