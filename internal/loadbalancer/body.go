package loadbalancer

import (
	"errors"
	"io"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// source is a message's body as it comes in.
type source interface {
	// next returns a piece that is valid until the next call; io.EOF at the end.
	next() ([]byte, error)
	// ready says whether next returns without waiting for the network.
	ready() bool
	// trailers are known after the end.
	trailers() []http1.Field
}

// lengthBody is a body of known length.
type lengthBody struct {
	s    *stream
	left int64
	last int
	idle time.Duration
}

func (b *lengthBody) next() ([]byte, error) {
	b.s.Discard(b.last)
	b.last = 0
	if b.left == 0 {
		return nil, io.EOF
	}
	if len(b.s.Buffered()) == 0 {
		if b.left > smallBuffer {
			if b.s.buf == nil {
				b.s.buf = takeBuffer(true)
			}
			b.s.grow()
		}
		b.s.readWithin(time.Now(), b.idle)
		if err := b.s.Fill(); err != nil {
			return nil, cut(err)
		}
	}
	p := b.s.Buffered()
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	b.last = len(p)
	b.left -= int64(len(p))
	return p, nil
}

// discard takes out n bytes that were carried from the buffer.
func (b *lengthBody) discard(n int) {
	b.s.Discard(n)
	b.left -= int64(n)
}

func (b *lengthBody) ready() bool             { return b.left == 0 || len(b.s.Buffered()) > b.last }
func (b *lengthBody) trailers() []http1.Field { return nil }

// chunkBody is a chunked body.
type chunkBody struct {
	s      *stream
	chunks http1.Chunks
	idle   time.Duration
}

func (b *chunkBody) next() ([]byte, error) {
	b.s.readWithin(time.Now(), b.idle)
	return b.chunks.Next(b.s)
}

func (b *chunkBody) ready() bool             { return b.chunks.Ready(b.s) }
func (b *chunkBody) trailers() []http1.Field { return b.chunks.Trailers }

// closeBody ends with its connection.
type closeBody struct {
	s    *stream
	last int
	idle time.Duration
}

func (b *closeBody) next() ([]byte, error) {
	b.s.Discard(b.last)
	b.last = 0
	if len(b.s.Buffered()) == 0 {
		b.s.readWithin(time.Now(), b.idle)
		if err := b.s.Fill(); err != nil {
			return nil, err
		}
	}
	b.last = len(b.s.Buffered())
	return b.s.Buffered(), nil
}

func (b *closeBody) ready() bool             { return false }
func (b *closeBody) trailers() []http1.Field { return nil }

// cut turns an end of input into an error: more was promised.
func cut(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sink is where a body goes.
type sink interface {
	write(p []byte) error
	flush() error
	end(trailers []http1.Field) error
	// socket is the stream behind a body of known length, nil where bytes must pass
	// through write.
	socket() *stream
}

// errWrite marks errors of the sink.
func failedWrite(err error) error {
	if err == nil {
		return nil
	}
	return writeError{err}
}

func isWriteError(err error) bool {
	var w writeError
	return errors.As(err, &w)
}

// copyBody carries a body from src to dst. Errors of dst are writeErrors.
func copyBody(dst sink, src source, idle time.Duration) error {
	if b, ok := src.(*lengthBody); ok && b.left > int64(len(b.s.Buffered())) && b.left > smallBuffer {
		if to := dst.socket(); to != nil && to.raw != nil && b.s.raw != nil {
			if err := spliceBody(dst, to, b, idle); err != nil {
				return err
			}
		}
	}
	if !src.ready() { // what waits, the head above all, need not wait for the body
		if err := dst.flush(); err != nil {
			return writeError{err}
		}
	}
	for {
		p, err := src.next()
		if err == io.EOF {
			return failedWrite(dst.end(src.trailers()))
		}
		if err != nil {
			return err
		}
		if err := dst.write(p); err != nil {
			return writeError{err}
		}
		if !src.ready() {
			if err := dst.flush(); err != nil {
				return writeError{err}
			}
		}
	}
}

// spliceBody carries what is left of b in the kernel, after what was read already.
func spliceBody(dst sink, to *stream, b *lengthBody, idle time.Duration) error {
	if p := b.s.Buffered(); len(p) > 0 {
		if err := dst.write(p); err != nil {
			return writeError{err}
		}
		b.s.Discard(len(p))
		b.left -= int64(len(p))
	}
	if err := dst.flush(); err != nil {
		return writeError{err}
	}
	n, err := splice(to, b.s, b.left, idle)
	b.left -= n
	return err
}
