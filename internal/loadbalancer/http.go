package loadbalancer

import (
	"errors"
	"io"
	"runtime"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// serveHTTP1 carries the requests of an HTTP/1.x connection, one after the other.
func (c *session) serveHTTP1() {
	s := newStream(c.conn)
	defer func() { giveBuffer(s.buf) }()
	w := &h1Responder{writer: *newWriter(s, defaultIdle)}
	defer w.close()
	x := &exchange{session: c, to: w}
	begun := time.Now()
	for {
		l := c.server.live.Load()
		f := c.front(l)
		if f == nil {
			return
		}
		w.idle = l.Attributes.IdleTimeout
		in, out := s.in-int64(len(s.Buffered())), s.out
		head, err := c.readHead(s, l)
		now := time.Now()
		x.reset(l, f, now)
		x.kind("http", "https")
		x.writtenBefore = out
		switch {
		case errors.Is(err, errFull):
			x.refuseHead(s, &http1.Error{Status: 400, Detail: "the head is longer than 64 KiB"})
		case errors.Is(err, errLongLine):
			x.refuseHead(s, &http1.Error{Status: 414})
		case timedOut(err) && len(s.Buffered()) > 0:
			x.refuseHead(s, &http1.Error{Status: 408})
		case err != nil:
			return
		default:
			x.closes = now.Sub(begun) >= l.Attributes.ClientKeepAlive
			if err := http1.ParseRequest(head, &x.req); err != nil {
				x.refuseHead(s, err)
				break
			}
			x.body = requestBody(s, &x.req, l.Attributes.IdleTimeout)
			x.closes = x.closes || !x.req.KeepAlive || c.state.Load() == closing
			c.requests.Add(1)
			x.handle()
		}
		x.record.ReceivedBytes = s.in - in - int64(len(s.Buffered()))
		x.record.SentBytes = s.out - out
		x.finish()
		if x.closes {
			c.linger(s, x.body != nil)
			return
		}
		if !c.sleep() {
			return
		}
		s.rest(false)
		runtime.Gosched() // others first: the next request may be here by then, and no wait be needed
	}
}

// errLongLine is a request line that has not ended where it must have.
var errLongLine = errors.New("the request line is longer than 16 KiB")

// readHead waits for a request, reads its head and takes it out of the buffer.
func (c *session) readHead(s *stream, l *live) (string, error) {
	seen, limit := 0, l.Attributes.IdleTimeout
	woken := false
	for {
		b := s.Buffered()
		if len(b) > 0 && !woken {
			if woken = true; !c.wake() {
				return "", io.EOF
			}
		}
		for seen == 0 && len(b) >= 2 && b[0] == '\r' && b[1] == '\n' { // left behind by old clients
			s.Discard(2)
			b = s.Buffered()
		}
		if n := http1.HeadEnd(b, seen); n > 0 {
			if n > http1.MaxHead {
				return "", errFull
			}
			head := string(b[:n])
			s.Discard(n)
			return head, nil
		}
		switch {
		case len(b) > http1.MaxLine && indexLF(b[:http1.MaxLine]) < 0:
			return "", errLongLine
		case len(b) > http1.MaxHead:
			return "", errFull
		}
		if seen == 0 { // a head must be complete within one idle time-out from its first byte
			s.readWithin(time.Now(), limit)
		}
		seen = len(b)
		if err := s.Fill(); err != nil {
			return "", err
		}
	}
}

// requestBody is the body that follows a request's head, nil when none does.
func requestBody(s *stream, r *http1.Request, idle time.Duration) source {
	switch {
	case r.Chunked:
		return &chunkBody{s: s, idle: idle}
	case r.Length > 0:
		return &lengthBody{s: s, left: r.Length, idle: idle}
	}
	return nil
}

// refuseHead answers a request that could not be read; where it ends is unknown,
// and so the connection ends.
func (x *exchange) refuseHead(s *stream, e *http1.Error) {
	x.closes = true
	x.describe()
	x.record.Classification, x.record.ClassificationReason = e.Threat().String(), e.Reason
	x.body = nil
	x.refuse(e.Status, "")
	s.Discard(len(s.Buffered()))
	x.body = &closeBody{s: s} // what may still come is swallowed by linger
}

// finish records the request.
func (x *exchange) finish() {
	if x.record.Done.IsZero() {
		x.record.Done = time.Now()
	}
	if x.server.options.Record != nil {
		x.server.options.Record(&x.record)
	}
}

// linger lets a client read the answer before the connection ends: closing with
// unread bytes would reset it.
func (c *session) linger(s *stream, unread bool) {
	if !unread {
		return
	}
	if w, ok := s.Conn.(interface{ CloseWrite() error }); !ok || w.CloseWrite() != nil {
		return
	}
	_ = s.SetReadDeadline(time.Now().Add(lingerOnClose))
	b := takeBuffer(false)
	defer giveBuffer(b)
	for range 1024 {
		if _, err := s.Read(b); err != nil {
			return
		}
	}
}
