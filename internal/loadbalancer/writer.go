package loadbalancer

import (
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// writer writes HTTP/1.1 messages to a stream. Small writes are gathered.
type writer struct {
	s       *stream
	out     []byte // what waits; its array is a pooled buffer
	chunked bool
	idle    time.Duration
	now     time.Time // the time, by who has just looked at the clock; for the next flush only
}

func newWriter(s *stream, idle time.Duration) *writer {
	return &writer{s: s, out: takeBuffer(false)[:0], idle: idle}
}

// close gives back the buffer.
func (w *writer) close() {
	giveBuffer(w.out)
	w.out = nil
}

// gather is how long a piece may be that is copied to go out in one write.
const gather = 16 << 10

func (w *writer) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if w.chunked {
		w.out = strconv.AppendInt(w.out, int64(len(p)), 16)
		w.out = append(w.out, "\r\n"...)
	}
	if len(p) <= gather {
		if len(w.out)+len(p) > cap(w.out) {
			w.grow(len(p))
		}
		w.out = append(w.out, p...)
	} else {
		if err := w.flush(); err != nil {
			return err
		}
		w.s.writeWithin(time.Now(), w.idle)
		if err := w.s.put(p); err != nil {
			return err
		}
	}
	if w.chunked {
		w.out = append(w.out, "\r\n"...)
	}
	if len(w.out) >= gather {
		return w.flush()
	}
	return nil
}

// grow makes room for n bytes more in a large buffer.
func (w *writer) grow(n int) {
	if cap(w.out) >= largeBuffer {
		return
	}
	old := w.out
	w.out = append(takeBuffer(true)[:0], old...)
	giveBuffer(old)
}

func (w *writer) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	if w.now.IsZero() {
		w.now = time.Now()
	}
	w.s.writeWithin(w.now, w.idle)
	w.now = time.Time{}
	err := w.s.put(w.out)
	if cap(w.out) == largeBuffer { // idle connections hold small ones
		w.close()
		w.out = takeBuffer(false)
	}
	w.out = w.out[:0]
	return err
}

func (w *writer) end(trailers []http1.Field) error {
	if w.chunked {
		w.out = append(w.out, "0\r\n"...)
		for i := range trailers {
			w.field(trailers[i].Name, trailers[i].Value)
		}
		w.out = append(w.out, "\r\n"...)
	}
	return w.flush()
}

func (w *writer) socket() *stream {
	if w.chunked {
		return nil
	}
	return w.s
}

func (w *writer) field(name, value string) {
	w.out = append(w.out, name...)
	w.out = append(w.out, ": "...)
	w.out = append(w.out, value...)
	w.out = append(w.out, "\r\n"...)
}

func (w *writer) number(name string, value int64) {
	w.out = append(w.out, name...)
	w.out = append(w.out, ": "...)
	w.out = strconv.AppendInt(w.out, value, 10)
	w.out = append(w.out, "\r\n"...)
}

func (w *writer) statusLine(status int, reason string) {
	w.out = append(w.out, "HTTP/1.1 "...)
	w.out = strconv.AppendInt(w.out, int64(status), 10)
	w.out = append(w.out, ' ')
	w.out = append(w.out, reason...)
	w.out = append(w.out, "\r\n"...)
}
