package loadbalancer

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Sizes of buffers.
const (
	smallBuffer = 4 << 10  // a head, at first; what an idle connection holds
	largeBuffer = 80 << 10 // the longest head and what may come with it; pieces of bodies
)

var (
	smallBuffers = sync.Pool{New: func() any { return new([smallBuffer]byte) }}
	largeBuffers = sync.Pool{New: func() any { return new([largeBuffer]byte) }}
)

func takeBuffer(large bool) []byte {
	if large {
		return largeBuffers.Get().(*[largeBuffer]byte)[:]
	}
	return smallBuffers.Get().(*[smallBuffer]byte)[:]
}

func giveBuffer(b []byte) {
	switch cap(b) {
	case smallBuffer:
		smallBuffers.Put((*[smallBuffer]byte)(b[:smallBuffer]))
	case largeBuffer:
		largeBuffers.Put((*[largeBuffer]byte)(b[:largeBuffer]))
	}
}

// errFull is a head that is longer than any buffer.
var errFull = errors.New("the buffer is full")

// stream is a connection with what was read of it, http1.Source.
type stream struct {
	net.Conn
	raw  syscall.RawConn // nil where bytes are not those of the socket (TLS)
	buf  []byte          // nil: none taken
	r, w int

	readBy, writeBy time.Time // deadlines that are set
	in, out         int64     // bytes carried
	stopped         atomic.Bool
}

// newStream wraps c.
func newStream(c net.Conn) *stream {
	s := &stream{Conn: c}
	if sc, ok := c.(syscall.Conn); ok {
		s.raw, _ = sc.SyscallConn()
	}
	return s
}

// abort lets the connection end with a reset once it is closed.
func (s *stream) abort() {
	c := s.Conn
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if l, ok := c.(interface{ SetLinger(int) error }); ok {
		_ = l.SetLinger(0)
	}
}

// Buffered implements http1.Source.
func (s *stream) Buffered() []byte { return s.buf[s.r:s.w] }

// Discard implements http1.Source.
func (s *stream) Discard(n int) {
	s.r += n
	if s.r == s.w {
		s.r, s.w = 0, 0
	}
}

// Fill implements http1.Source.
func (s *stream) Fill() error {
	if err := s.makeRoom(); err != nil {
		return err
	}
	n, err := s.Read(s.buf[s.w:])
	s.w += n
	s.in += int64(n)
	if n > 0 {
		return nil
	}
	return err
}

func (s *stream) makeRoom() error {
	switch {
	case s.buf == nil:
		s.buf = takeBuffer(false)
	case s.w < len(s.buf):
	case s.r > 0:
		s.w = copy(s.buf, s.buf[s.r:s.w])
		s.r = 0
	case len(s.buf) < largeBuffer:
		s.grow()
	default:
		return errFull
	}
	return nil
}

// grow changes to a large buffer.
func (s *stream) grow() {
	if len(s.buf) == largeBuffer {
		return
	}
	old := s.buf
	s.buf = takeBuffer(true)
	s.w = copy(s.buf, old[s.r:s.w])
	s.r = 0
	giveBuffer(old)
}

// rest gives back a large buffer, or any that is empty when all is set.
func (s *stream) rest(all bool) {
	if s.r == s.w && s.buf != nil && (all || len(s.buf) == largeBuffer) {
		giveBuffer(s.buf)
		s.buf = nil
	}
}

// put writes all of p.
func (s *stream) put(p []byte) error {
	n, err := s.Write(p)
	s.out += int64(n)
	return err
}

// Deadlines move only when they have come too close, or lie too far off: setting
// one costs more than the rest of a small read. A wait ends between d and d and an eighth.

func (s *stream) readWithin(now time.Time, d time.Duration) {
	if by, ok := moved(s.readBy, now, d); ok {
		s.readBy = by
		_ = s.SetReadDeadline(by)
		if s.stopped.Load() {
			s.interrupt()
		}
	}
}

func (s *stream) writeWithin(now time.Time, d time.Duration) {
	if by, ok := moved(s.writeBy, now, d); ok {
		s.writeBy = by
		_ = s.SetWriteDeadline(by)
	}
}

func moved(by, now time.Time, d time.Duration) (time.Time, bool) {
	if left := by.Sub(now); left >= d && left <= d+d/8 {
		return by, false
	}
	return now.Add(d + d/8), true
}

// interrupt makes a read that waits, and those to come, fail; from any goroutine.
func (s *stream) interrupt() {
	s.stopped.Store(true)
	_ = s.SetReadDeadline(time.Unix(1, 0))
}

func timedOut(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
