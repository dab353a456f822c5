package loadbalancer

import (
	"errors"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// tunnel carries bytes both ways between a client and a target until both sides
// have ended, one fails, or nothing moves for as long as idle.
type tunnel struct {
	client, target *stream
	idle           time.Duration
	resets         bool         // what does not end in order ends with a reset, on both sides
	last           atomic.Int64 // when something moved
}

// ending is how a tunnel ended.
type ending struct{ clientReset, targetReset, idle bool }

var errIdle = errors.New("nothing has moved for the idle time-out")

// run returns when both directions have ended. It closes neither side.
func (t *tunnel) run() ending {
	t.last.Store(time.Now().UnixNano())
	var up, down error
	var both errgroup.Group
	both.Go(func() error {
		up = t.direction(t.target, t.client)
		return nil
	})
	down = t.direction(t.client, t.target)
	_ = both.Wait()
	e := ending{idle: errors.Is(up, errIdle) || errors.Is(down, errIdle)}
	for _, err := range []error{up, down} {
		if err == nil || errors.Is(err, errIdle) || !reset(err) {
			continue
		}
		if isWriteError(err) == (err == up) {
			e.targetReset = true
		} else {
			e.clientReset = true
		}
	}
	return e
}

func reset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// direction carries one way, and tells the other side of the end.
func (t *tunnel) direction(dst, src *stream) error {
	err := t.relay(dst, src)
	if err == io.EOF {
		if w, ok := dst.Conn.(interface{ CloseWrite() error }); ok && w.CloseWrite() == nil {
			return nil
		}
		_ = dst.Close()
		return nil
	}
	if t.resets {
		dst.abort()
		src.abort()
	}
	_ = dst.Close() // an error or an idle tunnel ends both ways
	_ = src.Close()
	return err
}

// relay returns io.EOF at the end of src.
func (t *tunnel) relay(dst, src *stream) error {
	if p := src.Buffered(); len(p) > 0 {
		dst.writeWithin(time.Now(), t.idle)
		if err := dst.put(p); err != nil {
			return writeError{err}
		}
		src.Discard(len(p))
	}
	src.rest(true)
	if dst.raw != nil && src.raw != nil {
		if p := pipes.Get().(*pipe); p != nil {
			return t.relayPipe(dst, src, p)
		}
	}
	b := takeBuffer(false) // most tunnels say little
	defer func() { giveBuffer(b) }()
	for {
		n, err := t.wait(src, func() (int, error) { return src.Read(b) })
		if n > 0 {
			src.in += int64(n)
			dst.writeWithin(time.Now(), t.idle)
			if err := dst.put(b[:n]); err != nil {
				return writeError{err}
			}
			t.last.Store(time.Now().UnixNano())
		}
		if n == smallBuffer && len(b) == smallBuffer {
			giveBuffer(b)
			b = takeBuffer(true)
		}
		if err != nil {
			return err
		}
	}
}

// relayPipe is relay in the kernel.
func (t *tunnel) relayPipe(dst, src *stream, p *pipe) error {
	defer func() {
		if p.holds > 0 {
			p.close()
			return
		}
		pipes.Put(p)
	}()
	for {
		_, err := t.wait(src, func() (int, error) { return p.holds, p.fill(src, pipeSize) })
		if err == io.ErrUnexpectedEOF {
			return io.EOF
		}
		if err != nil {
			return err
		}
		for p.holds > 0 {
			dst.writeWithin(time.Now(), t.idle)
			if _, err := p.drain(dst); err != nil {
				return writeError{err}
			}
		}
		t.last.Store(time.Now().UnixNano())
	}
}

// wait reads until something comes; while the other direction moves, this one may be silent.
func (t *tunnel) wait(src *stream, read func() (int, error)) (int, error) {
	for {
		src.readWithin(time.Now(), t.idle)
		n, err := read()
		if !timedOut(err) {
			return n, err
		}
		if time.Since(time.Unix(0, t.last.Load())) >= t.idle {
			return n, errIdle
		}
	}
}

// switchProtocols goes on as a tunnel after a target's 101.
func (a *attempt) switchProtocols() {
	_ = a.uploading.Wait()
	a.closes = true
	if a.req.Upgrade == "" || !a.canUpgrade() || a.response.Upgrade == "" {
		a.abandon()
		a.record.Status, a.record.TargetStatus = 0, 0
		a.refuse(502, "")
		return
	}
	a.kind("ws", "wss")
	a.w.close()
	client, err := a.to.upgrade(a.exchange, &a.response)
	if err == nil {
		t := &tunnel{client: client, target: a.c.stream, idle: a.live.Attributes.IdleTimeout}
		t.run()
	}
	a.m.close(a.c)
}
