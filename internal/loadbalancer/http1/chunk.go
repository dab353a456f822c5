package http1

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Source is bytes of a connection as they come in.
type Source interface {
	Buffered() []byte // what was read and not discarded
	Discard(n int)
	Fill() error // reads more; io.EOF where there is none
}

// Limits of what frames a chunked body.
const (
	maxChunkLine = 4 << 10 // size and extensions, which are left out
	maxTrailers  = 16 << 10
)

// Errors of chunked bodies.
var (
	ErrChunk   = errors.New("a chunked body is malformed")
	ErrTrailer = errors.New("trailers are malformed or too long")
)

// Chunks decodes a chunked body. The zero value is at its beginning.
type Chunks struct {
	Trailers []Field
	left     int64 // of the current chunk
	begun    bool  // a chunk has been read: its CR LF comes first
	done     bool
	last     int // length of the piece returned last
}

// Next returns the next piece of the body, a part of the source's buffer that is
// valid until the next call; io.EOF after the last chunk and its trailers.
func (c *Chunks) Next(s Source) ([]byte, error) {
	s.Discard(c.last)
	c.last = 0
	if c.done {
		return nil, io.EOF
	}
	if c.left == 0 {
		if err := c.size(s); err != nil {
			return nil, err
		}
		if c.left == 0 {
			c.done = true
			if err := c.trailers(s); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
	}
	if len(s.Buffered()) == 0 {
		if err := s.Fill(); err != nil {
			return nil, unexpected(err)
		}
	}
	piece := s.Buffered()
	if int64(len(piece)) > c.left {
		piece = piece[:c.left]
	}
	c.left -= int64(len(piece))
	c.last = len(piece)
	return piece, nil
}

// Ready says whether Next returns without waiting for the network.
func (c *Chunks) Ready(s Source) bool {
	rest := s.Buffered()[c.last:]
	if c.left > 0 {
		return len(rest) > 0
	}
	if c.begun && len(rest) >= 2 {
		rest = rest[2:]
	}
	return c.done || bytes.IndexByte(rest, '\n') > 0 && rest[0] != '0'
}

// size reads the line before a chunk.
func (c *Chunks) size(s Source) error {
	if c.begun {
		if line, err := readLine(s, 2); err != nil || line != "" {
			return orChunk(err)
		}
	}
	c.begun = true
	line, err := readLine(s, maxChunkLine)
	if err != nil {
		return orChunk(err)
	}
	digits, extension, extended := strings.Cut(line, ";")
	if digits == "" || len(digits) > 15 || !all(digits, isHex) || extended && !all(extension, isPlain) {
		return ErrChunk
	}
	for i := range len(digits) {
		d := digits[i]
		switch {
		case d <= '9':
			d -= '0'
		default:
			d = d | 0x20 - 'a' + 10
		}
		c.left = c.left<<4 | int64(d)
	}
	return nil
}

// trailers reads fields after the last chunk. Those that frame or steer a message
// are left out.
func (c *Chunks) trailers(s Source) error {
	for total := 0; ; {
		line, err := readLine(s, maxTrailers)
		if err != nil {
			if errors.Is(err, ErrChunk) {
				return ErrTrailer
			}
			return err
		}
		if line == "" {
			return nil
		}
		name, value, ok := strings.Cut(line, ":")
		if total += len(line); !ok || total > maxTrailers || name == "" || !all(name, isToken) || !clean(value) {
			return ErrTrailer
		}
		if KindOf(name) == Other && !suspicious(name) {
			c.Trailers = append(c.Trailers, Field{Name: name, Value: trim(value)})
		}
	}
}

// readLine reads a line that ends with CR LF and is at most limit bytes long with it.
func readLine(s Source, limit int) (string, error) {
	for {
		b := s.Buffered()
		i := bytes.IndexByte(b, '\n')
		if i >= 0 {
			if i == 0 || b[i-1] != '\r' || i+1 > limit {
				return "", ErrChunk
			}
			line := string(b[:i-1])
			s.Discard(i + 1)
			return line, nil
		}
		if len(b) >= limit {
			return "", ErrChunk
		}
		if err := s.Fill(); err != nil {
			return "", unexpected(err)
		}
	}
}

func orChunk(err error) error {
	if err == nil {
		return ErrChunk
	}
	return err
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
