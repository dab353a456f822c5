package loadbalancer

import (
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pipe is what splice moves bytes through: they stay in the kernel.
type pipe struct {
	r, w  int
	holds int
}

const pipeSize = 1 << 20

var pipes = sync.Pool{New: func() any {
	var fd [2]int
	if unix.Pipe2(fd[:], unix.O_CLOEXEC|unix.O_NONBLOCK) != nil {
		return (*pipe)(nil)
	}
	_, _ = unix.FcntlInt(uintptr(fd[0]), unix.F_SETPIPE_SZ, pipeSize) // the default does, too
	p := &pipe{r: fd[0], w: fd[1]}
	runtime.SetFinalizer(p, (*pipe).close) // the pool forgets some
	return p
}}

func (p *pipe) close() {
	runtime.SetFinalizer(p, nil)
	_ = unix.Close(p.r)
	_ = unix.Close(p.w)
}

// splice moves n bytes from src to dst without copying them into the process, and
// returns how many it has moved. Each side may pause for at most idle. It does
// nothing where it cannot.
func splice(dst, src *stream, n int64, idle time.Duration) (moved int64, err error) {
	if dst.raw == nil || src.raw == nil {
		return 0, nil
	}
	p := pipes.Get().(*pipe)
	if p == nil {
		return 0, nil
	}
	defer func() {
		if p.holds > 0 || err != nil {
			p.close()
			return
		}
		pipes.Put(p)
	}()
	for moved < n {
		now := time.Now()
		src.readWithin(now, idle)
		if err := p.fill(src, min(n-moved, pipeSize)); err != nil {
			return moved, err
		}
		for p.holds > 0 {
			dst.writeWithin(time.Now(), idle)
			k, err := p.drain(dst)
			moved += int64(k)
			if err != nil {
				return moved, writeError{err}
			}
		}
	}
	return moved, nil
}

// writeError is a failure of the side that is written to.
type writeError struct{ error }

// Unwrap is for errors.Is.
func (e writeError) Unwrap() error { return e.error }

func (p *pipe) fill(src *stream, n int64) error {
	var k int64
	var failed error
	err := src.raw.Read(func(fd uintptr) bool {
		for {
			k, failed = unix.Splice(int(fd), nil, p.w, nil, int(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			if failed != unix.EINTR {
				return failed != unix.EAGAIN
			}
		}
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case k == 0:
		return io.ErrUnexpectedEOF
	}
	p.holds = int(k)
	src.in += k
	return nil
}

func (p *pipe) drain(dst *stream) (int, error) {
	var k int64
	var failed error
	err := dst.raw.Write(func(fd uintptr) bool {
		for {
			k, failed = unix.Splice(p.r, nil, int(fd), nil, p.holds, unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
			if failed != unix.EINTR {
				return failed != unix.EAGAIN
			}
		}
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return 0, err
	}
	p.holds -= int(k)
	dst.out += k
	return int(k), nil
}

// readiness of a socket, without reading.

// broken says whether the connection was reset, or shut down in both directions.
// A peer that has only ended its own side still waits for an answer.
func (s *stream) broken() bool { return s.poll(0)&(unix.POLLERR|unix.POLLHUP) != 0 }

// readable says whether a read would return at once: bytes, end or error.
func (s *stream) readable() bool {
	return s.poll(unix.POLLIN|unix.POLLRDHUP)&(unix.POLLIN|unix.POLLRDHUP|unix.POLLERR|unix.POLLHUP) != 0
}

func (s *stream) poll(events int16) int16 {
	raw := s.raw
	if raw == nil {
		raw = socketBelow(s.Conn)
	}
	if raw == nil {
		return 0
	}
	fds := []unix.PollFd{{Events: events}}
	_ = raw.Control(func(fd uintptr) {
		fds[0].Fd = int32(fd)
		_, _ = unix.Poll(fds, 0)
	})
	return fds[0].Revents
}
