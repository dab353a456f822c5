package loadbalancer

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

var quiet = log.New(io.Discard, "", 0)

// h2Conn is an HTTP/2 connection to a target.
type h2Conn = http.ClientConn

// dialed is where a context carries the connection that a transport is to use.
type dialed struct{}

// h2Transports speak HTTP/2 on connections that are made for them, without and with TLS.
var h2Transports = func() (t struct{ plain, secure *http.Transport }) {
	given := func(ctx context.Context, _, _ string) (net.Conn, error) { return ctx.Value(dialed{}).(net.Conn), nil }
	t.plain = &http.Transport{DisableCompression: true, DialContext: given, Protocols: &http.Protocols{}}
	t.plain.Protocols.SetUnencryptedHTTP2(true)
	t.secure = &http.Transport{DisableCompression: true, DialTLSContext: given, Protocols: &http.Protocols{}}
	t.secure.Protocols.SetHTTP2(true)
	return t
}()

// stream reserves a place on a connection of a node in zone, and makes one where
// there is none.
func (b *backend) stream(ctx context.Context, zone string) (*h2Conn, error) {
	if c := b.reserve(zone); c != nil {
		return c, nil
	}
	conn, err := b.connect(ctx, zone, []string{"h2"})
	if err != nil {
		return nil, err
	}
	transport, scheme := h2Transports.plain, "http"
	if t, ok := conn.(*tls.Conn); ok {
		transport, scheme = h2Transports.secure, "https"
		if t.ConnectionState().NegotiatedProtocol != "h2" {
			b.forget(conn)
			return nil, handshakeError{errors.New("the target does not speak HTTP/2")}
		}
	}
	c, err := transport.NewClientConn(context.WithValue(ctx, dialed{}, conn), scheme, b.name())
	if err != nil {
		b.forget(conn)
		return nil, err
	}
	c.SetStateHook(func(c *http.ClientConn) {
		if c.Err() != nil {
			b.forget(conn)
		}
	})
	if err := c.Reserve(); err != nil {
		b.forget(conn)
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.multi == nil {
		b.multi = map[string][]*h2Conn{}
	}
	b.multi[zone] = append(b.multi[zone], c)
	return c, nil
}

// reserve finds a connection with room for one request more.
func (b *backend) reserve(zone string) *h2Conn {
	b.mu.Lock()
	list := slices.Clone(b.multi[zone])
	b.mu.Unlock()
	for _, c := range list {
		if c.Err() != nil {
			b.mu.Lock()
			b.multi[zone] = slices.DeleteFunc(b.multi[zone], func(o *h2Conn) bool { return o == c })
			b.mu.Unlock()
			continue
		}
		if c.Reserve() == nil {
			return c
		}
	}
	return nil
}

// forwardHTTP2 carries a stream to m and its answer back; false when m is gone.
func (x *exchange) forwardHTTP2(g *group, m *member) bool {
	to := x.to.(*h2Responder) // compatible has seen to it
	ctx, watch := watching(to.r.Context(), x.live.Attributes.IdleTimeout)
	defer watch.stop()
	x.cuttable(watch.cancel)
	for first := true; ; first = false {
		c, err := m.stream(to.r.Context(), x.zone)
		if err == errGone || err != nil && x.elsewhere(m, err) {
			return false
		}
		if err != nil {
			x.refuseConnect(err)
			return true
		}
		sent := time.Now()
		x.record.RequestTime = sent.Sub(x.now)
		request, err := x.targetRequest(ctx, g, watch)
		if err != nil {
			c.Release()
			x.refuse(400, "")
			return true
		}
		response, err := c.RoundTrip(request)
		if err == nil {
			x.deliverHTTP2(g, m, to, response, watch, sent)
			return true
		}
		lost := c.Err() != nil && x.body == nil && harmless(x.req.Method) && !watch.late.Load() && !to.gone()
		if !first || !lost { // an idle connection may end at any time
			x.refuseStream(to, watch)
			return true
		}
	}
}

// deliverHTTP2 carries the answer to the client.
func (x *exchange) deliverHTTP2(g *group, m *member, to *h2Responder, response *http.Response, watch *watch, sent time.Time) {
	defer response.Body.Close()
	now := time.Now()
	x.record.TargetTime = now.Sub(sent)
	x.record.Status, x.record.TargetStatus = response.StatusCode, response.StatusCode
	head := http1.Response{Status: response.StatusCode}
	for name, values := range response.Header {
		for _, v := range values {
			f := http1.Field{Name: name, Value: v, Kind: http1.KindOf(name)}
			if f.Kind != http1.ContentLength && f.Kind != http1.Connection && f.Kind != http1.TransferEncoding {
				head.Fields = append(head.Fields, f)
			}
		}
	}
	if response.ContentLength >= 0 {
		head.Length, head.HasLength = response.ContentLength, response.Header.Get("Content-Length") != ""
	}
	x.cookies = append(x.cookies, x.server.jar.targetCookies(g, m, head.Fields, x.stuck, true, x.now)...)
	if err := to.begin(x, &head, false, now); err != nil {
		return
	}
	x.record.ResponseTime = time.Since(now)
	if response.ContentLength != 0 { // an answer of trailers only must stay one frame
		_ = to.flush()
	}
	if err := copyBody(to, &responseBody{response: response, watch: watch, buf: takeBuffer(true)}, 0); err != nil {
		to.abort()
	}
}

// refuseStream answers a request that got none.
func (x *exchange) refuseStream(to *h2Responder, w *watch) {
	switch {
	case w.late.Load(), x.overdue.Load():
		x.refuse(504, "")
	case to.gone():
		x.record.Status = 460
		to.abort()
	default:
		x.refuse(502, "")
	}
}

// targetRequest is the request as the target gets it.
func (x *exchange) targetRequest(ctx context.Context, g *group, w *watch) (*http.Request, error) {
	u, err := url.ParseRequestURI(x.req.Target)
	if err != nil {
		return nil, err
	}
	u.Scheme, u.Host = "http", x.record.Target.String()
	if g.Protocol == HTTPS {
		u.Scheme = "https"
	}
	r := (&http.Request{Method: x.req.Method, URL: u, Host: x.targetHost(), Header: http.Header{}, ContentLength: 0}).WithContext(ctx)
	x.added(func(name, value string) {
		if name != "Host" {
			r.Header.Set(name, value)
		}
	})
	for i := range x.req.Fields {
		if f := &x.req.Fields[i]; !x.replaced(f) {
			r.Header.Add(f.Name, f.Value)
		}
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header["User-Agent"] = nil // or the transport names itself
	}
	if x.req.TE {
		r.Header.Set("TE", "trailers")
	}
	if x.body != nil {
		came := x.to.(*h2Responder).r
		r.Body, r.ContentLength, r.Trailer = &watchedBody{came.Body, x.body.(*readerBody), w}, came.ContentLength, came.Trailer
	}
	return r, nil
}

// watchedBody is a request's body that counts and keeps the watch from ending.
type watchedBody struct {
	io.ReadCloser
	body  *readerBody
	watch *watch
}

// Read implements io.Reader.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.body.size.Add(int64(n))
	b.watch.moved()
	return n, err
}

// responseBody is the body of a target's answer.
type responseBody struct {
	response *http.Response
	watch    *watch
	buf      []byte
}

func (b *responseBody) next() ([]byte, error) {
	b.watch.moved()
	n, err := b.response.Body.Read(b.buf[:pieceSize])
	if n > 0 {
		return b.buf[:n], nil
	}
	if err != nil {
		giveBuffer(b.buf)
		b.buf = nil
	}
	return nil, err
}

func (b *responseBody) ready() bool             { return false }
func (b *responseBody) trailers() []http1.Field { return trailerFields(b.response.Trailer) }

// watch ends a request on which nothing has moved for as long as the idle time-out.
type watch struct {
	timer  *time.Timer
	idle   time.Duration
	late   atomic.Bool
	cancel context.CancelFunc
}

var errNothingMoves = errors.New("nothing has moved for the idle time-out")

func watching(ctx context.Context, idle time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{idle: idle, cancel: func() { cancel(nil) }}
	w.timer = time.AfterFunc(idle, func() {
		w.late.Store(true)
		cancel(errNothingMoves)
	})
	return ctx, w
}

func (w *watch) moved() { w.timer.Reset(w.idle) }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel()
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
