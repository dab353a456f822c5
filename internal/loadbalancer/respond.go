package loadbalancer

import (
	"bytes"
	"crypto/tls"
	"strings"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// h1Responder answers an HTTP/1.x client.
type h1Responder struct {
	writer
}

// begin implements responder.
func (w *h1Responder) begin(x *exchange, r *http1.Response, own bool, now time.Time) error {
	x.begun, w.now = true, now
	bodyless := r.NoBody(x.req.Method)
	w.chunked = !bodyless && !r.HasLength && x.req.Minor == 1
	if !bodyless && !r.HasLength && !w.chunked {
		x.closes = true
	}
	reason := r.Reason
	w.statusLine(r.Status, reason)
	if own && !x.front.Headers.HideServer {
		w.field("Server", defaultServerName)
	}
	dated := w.fields(x, r)
	if !dated {
		w.out = append(w.out, "Date: "...)
		w.out = append(w.out, httpDate(x.now)...)
		w.out = append(w.out, "\r\n"...)
	}
	switch {
	case w.chunked:
		w.out = append(w.out, "Transfer-Encoding: chunked\r\n"...)
	case r.HasLength && r.Status >= 200 && r.Status != 204:
		w.number("Content-Length", r.Length)
	}
	if x.closes {
		w.out = append(w.out, "Connection: close\r\n\r\n"...)
	} else {
		w.out = append(w.out, "Connection: keep-alive\r\n\r\n"...)
	}
	if bodyless {
		w.chunked = false
	}
	return nil
}

// fields writes the answer's fields as the listener wants them.
func (w *h1Responder) fields(x *exchange, r *http1.Response) (dated bool) {
	h := &x.front.Headers
	for i := range r.Fields {
		f := &r.Fields[i]
		if dropped(h, f) {
			continue
		}
		dated = dated || f.Kind == http1.Date
		w.field(f.Name, f.Value)
	}
	for name, value := range h.Response {
		w.field(name, value)
	}
	for _, c := range x.cookies {
		w.field("Set-Cookie", c)
	}
	return dated
}

// dropped says whether a field of an answer is not for the client.
func dropped(h *Headers, f *http1.Field) bool {
	if f.Kind == http1.Server && h.HideServer {
		return true
	}
	if len(h.Response) > 0 && f.Kind == http1.Other {
		for name := range h.Response {
			if strings.EqualFold(name, f.Name) {
				return true
			}
		}
	}
	return false
}

// upgrade implements responder.
func (w *h1Responder) upgrade(x *exchange, r *http1.Response) (*stream, error) {
	x.begun = true
	w.chunked = false
	w.statusLine(101, "Switching Protocols")
	w.fields(x, r)
	w.field("Upgrade", r.Upgrade)
	w.field("Connection", "Upgrade")
	w.out = append(w.out, "\r\n"...)
	return w.s, w.flush()
}

// proceed implements responder.
func (w *h1Responder) proceed() error {
	w.s.writeWithin(time.Now(), w.idle)
	return w.s.put([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
}

// gone implements responder.
func (w *h1Responder) gone() bool { return w.s.broken() }

// written implements responder.
func (w *h1Responder) written() int64 { return w.s.out }

// interrupt implements responder.
func (w *h1Responder) interrupt() { w.s.interrupt() }

// abort implements responder: where the end of the connection is the end of the
// body, only a reset tells that something is missing.
func (w *h1Responder) abort() {
	c := w.s.Conn
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
	_ = c.Close()
}

type stamped struct {
	second int64
	text   string
}

var lastDate atomic.Pointer[stamped]

// httpDate formats a time as Date has it, once a second.
func httpDate(t time.Time) string {
	if d := lastDate.Load(); d != nil && d.second == t.Unix() {
		return d.text
	}
	d := &stamped{t.Unix(), t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")}
	lastDate.Store(d)
	return d.text
}

func indexLF(b []byte) int { return bytes.IndexByte(b, '\n') }
