package loadbalancer

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// Limits of HTTP/2 connections.
const (
	maxStreams = 128 // AWS's
	pieceSize  = 32 << 10
)

// serveHTTP2 carries an HTTP/2 connection.
func (c *session) serveHTTP2(l *live) {
	if !c.wake() {
		return
	}
	ended, cancel := context.WithCancel(c.ctx)
	defer cancel()
	closed := make(chan struct{})
	server := &http.Server{
		Handler: http.HandlerFunc(c.serveStream), MaxHeaderBytes: http1.MaxHead, ErrorLog: quiet, IdleTimeout: l.Attributes.IdleTimeout,
		HTTP2:       &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		BaseContext: func(net.Listener) context.Context { return ended },
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateClosed {
				close(closed)
			}
		},
	}
	if c.tls == nil {
		server.Protocols = &http.Protocols{}
		server.Protocols.SetUnencryptedHTTP2(true)
	}
	graceful := func() {
		stopped, now := context.WithCancel(ended)
		now() // Shutdown says that no new stream is taken, and need not wait
		_ = server.Shutdown(stopped)
	}
	c.graceful.Store(&graceful)
	if c.state.Load() == closing {
		graceful()
	}
	old := time.AfterFunc(l.Attributes.ClientKeepAlive, graceful)
	defer old.Stop()
	_ = server.Serve(&single{conn: c.conn, closed: closed, shut: make(chan struct{})})
	<-closed
}

// single is a listener that accepts one connection that is here already.
type single struct {
	conn   net.Conn
	taken  atomic.Bool
	closed chan struct{} // when the connection ends
	shut   chan struct{}
	once   sync.Once
}

// Accept implements net.Listener.
func (s *single) Accept() (net.Conn, error) {
	if !s.taken.Swap(true) {
		return s.conn, nil
	}
	select {
	case <-s.closed:
	case <-s.shut:
	}
	return nil, net.ErrClosed
}

// Close implements net.Listener: what was accepted goes on.
func (s *single) Close() error {
	s.once.Do(func() { close(s.shut) })
	return nil
}

// Addr implements net.Listener.
func (s *single) Addr() net.Addr { return s.conn.LocalAddr() }

// serveStream carries one request of an HTTP/2 connection.
func (c *session) serveStream(w http.ResponseWriter, r *http.Request) {
	l := c.server.live.Load()
	f := c.front(l)
	if f == nil {
		panic(http.ErrAbortHandler)
	}
	to := &h2Responder{w: w, r: r}
	x := &exchange{session: c, to: to}
	x.reset(l, f, time.Now())
	x.record.Type = "h2"
	body := &readerBody{r: r}
	if err := x.translate(r); err != nil {
		x.describe()
		x.record.Classification, x.record.ClassificationReason = err.Threat().String(), err.Reason
		x.refuse(err.Status, "")
	} else {
		if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
			x.body = body
		}
		c.requests.Add(1)
		x.handle()
	}
	body.close()
	x.record.ReceivedBytes = headSize(&x.req) + body.size.Load()
	x.record.SentBytes = to.sent
	x.record.GRPCStatus = to.grpcStatus
	x.finish()
	if to.aborted.Load() {
		panic(http.ErrAbortHandler)
	}
}

// translate makes the request of an HTTP/2 stream one like all others.
func (x *exchange) translate(r *http.Request) *http1.Error {
	q := http1.Request{Method: r.Method, Proto: "HTTP/2.0", Minor: 1, Host: r.Host, KeepAlive: true, Fields: x.req.Fields[:0]}
	defer func() { x.req = q }()
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		lower := strings.ToLower(name)
		for _, value := range r.Header[name] {
			f := http1.Field{Name: lower, Value: value, Kind: http1.KindOf(lower)}
			switch f.Kind {
			case http1.ContentLength:
				q.HasLength = true
				continue
			case http1.TE:
				q.TE = strings.Contains(value, "trailers")
				continue
			case http1.Expect: // the server answers it when the body is read
				continue
			}
			if lower == "content-type" {
				x.grpc = strings.HasPrefix(value, "application/grpc") && !strings.HasPrefix(value, "application/grpc-web")
			}
			q.Fields = append(q.Fields, f)
		}
	}
	if x.grpc {
		x.record.Type = "grpcs"
	}
	switch {
	case r.ContentLength > 0:
		q.Length, q.HasLength = r.ContentLength, true
	case r.ContentLength < 0:
		q.Chunked, q.HasLength = true, false
	}
	if r.Method == "TRACE" || r.Method == "CONNECT" {
		return &http1.Error{Status: 405, Detail: "the method is not carried"}
	}
	if !http1.ValidHost(r.Host) {
		return &http1.Error{Status: 400, Detail: "the authority is malformed"}
	}
	return q.SetTarget(r.RequestURI)
}

func headSize(r *http1.Request) int64 {
	n := len(r.Method) + len(r.Raw) + len(r.Proto) + 4
	for i := range r.Fields {
		n += len(r.Fields[i].Name) + len(r.Fields[i].Value) + 4
	}
	return int64(n)
}

// readerBody is the body of a stream.
type readerBody struct {
	r    *http.Request
	buf  []byte
	size atomic.Int64 // read so far; a transport may read on while the request ends
}

func (b *readerBody) next() ([]byte, error) {
	if b.buf == nil {
		b.buf = takeBuffer(true)
	}
	n, err := b.r.Body.Read(b.buf[:pieceSize])
	b.size.Add(int64(n))
	if n > 0 {
		return b.buf[:n], nil
	}
	return nil, err
}

func (b *readerBody) ready() bool { return false }

func (b *readerBody) trailers() []http1.Field { return trailerFields(b.r.Trailer) }

func (b *readerBody) close() {
	giveBuffer(b.buf)
	b.buf = nil
}

func trailerFields(h http.Header) []http1.Field {
	var out []http1.Field
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			if http1.KindOf(name) == http1.Other {
				out = append(out, http1.Field{Name: strings.ToLower(name), Value: v})
			}
		}
	}
	return out
}

// h2Responder answers on a stream.
type h2Responder struct {
	w          http.ResponseWriter
	r          *http.Request
	sent       int64
	grpcStatus string
	aborted    atomic.Bool
}

func (w *h2Responder) begin(x *exchange, r *http1.Response, own bool, _ time.Time) error {
	x.begun = true
	h := w.w.Header()
	if own && !x.front.Headers.HideServer {
		h.Set("Server", defaultServerName)
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		if !dropped(&x.front.Headers, f) {
			h.Add(f.Name, f.Value)
			w.sent += int64(len(f.Name) + len(f.Value) + 4)
		}
		if strings.EqualFold(f.Name, "grpc-status") {
			w.grpcStatus = f.Value
		}
	}
	for name, value := range x.front.Headers.Response {
		h.Set(name, value)
	}
	for _, c := range x.cookies {
		h.Add("Set-Cookie", c)
	}
	if r.HasLength && r.Status != 204 {
		h.Set("Content-Length", itoa(r.Length))
	}
	w.w.WriteHeader(r.Status)
	return nil
}

func (w *h2Responder) write(p []byte) error {
	n, err := w.w.Write(p)
	w.sent += int64(n)
	return err
}

func (w *h2Responder) flush() error { return http.NewResponseController(w.w).Flush() }

func (w *h2Responder) end(trailers []http1.Field) error {
	for _, t := range trailers {
		w.w.Header().Add(http.TrailerPrefix+t.Name, t.Value)
		if strings.EqualFold(t.Name, "grpc-status") {
			w.grpcStatus = t.Value
		}
	}
	return nil
}

func (w *h2Responder) socket() *stream { return nil }

// upgrade implements responder: HTTP/2 has none.
func (w *h2Responder) upgrade(*exchange, *http1.Response) (*stream, error) {
	return nil, errors.ErrUnsupported
}

func (w *h2Responder) proceed() error { return nil }
func (w *h2Responder) gone() bool     { return w.r.Context().Err() != nil }
func (w *h2Responder) written() int64 { return w.sent }
func (w *h2Responder) interrupt()     { _ = w.r.Body.Close() }
func (w *h2Responder) abort()         { w.aborted.Store(true) }
