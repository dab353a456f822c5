package http1

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// pieces is a source that gives at most n bytes at a time.
type pieces struct {
	rest string
	n    int
	buf  []byte
}

func (p *pieces) Buffered() []byte { return p.buf }
func (p *pieces) Discard(n int)    { p.buf = p.buf[n:] }
func (p *pieces) Fill() error {
	if p.rest == "" {
		return io.EOF
	}
	n := min(p.n, len(p.rest))
	p.buf = append(append([]byte(nil), p.buf...), p.rest[:n]...)
	p.rest = p.rest[n:]
	return nil
}

func decode(text string, n int) (string, []Field, string, error) {
	src := &pieces{rest: text, n: n}
	var c Chunks
	var out strings.Builder
	for {
		p, err := c.Next(src)
		out.Write(p)
		if err == io.EOF {
			return out.String(), c.Trailers, string(src.buf) + src.rest, nil
		}
		if err != nil {
			return out.String(), nil, "", err
		}
	}
}

func TestChunks(t *testing.T) {
	for _, tt := range []struct {
		name, text, body, trailers, rest string
		err                              error
	}{
		{"two", "3\nabc\n2\nde\n0\n\nNEXT", "abcde", "", "NEXT", nil},
		{"upper and lower case", "A\n0123456789\na\n0123456789\n0\n\n", "01234567890123456789", "", "", nil},
		{"leading zeros", "003\nabc\n0\n\n", "abc", "", "", nil},
		{"extensions are left out", "3;a=b;c\nabc\n0;x\n\n", "abc", "", "", nil},
		{"trailers", "0\nX-Sum: 1\nY: 2\n\n", "", "X-Sum=1 Y=2", "", nil},
		{"trailers that frame are left out", "0\nContent-Length: 5\nTransfer-Encoding: chunked\nHost: x\nX: 1\n\n", "", "X=1", "", nil},
		{"no size", "\nabc\n0\n\n", "", "", "", ErrChunk},
		{"signed size", "+3\nabc\n0\n\n", "", "", "", ErrChunk},
		{"0x", "0x3\nabc\n0\n\n", "", "", "", ErrChunk},
		{"space after the size", "3 \nabc\n0\n\n", "", "", "", ErrChunk},
		{"space before the size", " 3\nabc\n0\n\n", "", "", "", ErrChunk},
		{"too large", "ffffffffffffffffff\nabc\n0\n\n", "", "", "", ErrChunk},
		{"more than the size", "3\nabcd\n0\n\n", "abc", "", "", ErrChunk},
		{"less than the size", "4\nabc\n0\n\n", "abc\r", "", "", ErrChunk},
		{"cut", "3\nab", "ab", "", "", io.ErrUnexpectedEOF},
		{"cut before the end", "3\nabc\n", "abc", "", "", io.ErrUnexpectedEOF},
		{"a trailer without colon", "0\nnonsense\n\n", "", "", "", ErrTrailer},
		{"a folded trailer", "0\nX: 1\n 2\n\n", "", "", "", ErrTrailer},
		{"endless extension", "3;" + strings.Repeat("x", maxChunkLine) + "\nabc\n0\n\n", "", "", "", ErrChunk},
		{"endless trailers", "0\nX: " + strings.Repeat("x", maxTrailers) + "\n\n", "", "", "", ErrTrailer},
	} {
		for _, n := range []int{1, 2, 3, 1 << 20} {
			body, trailers, rest, err := decode(lf(tt.text), n)
			if !errors.Is(err, tt.err) {
				t.Errorf("%s by %d: %v, want %v", tt.name, n, err, tt.err)
				continue
			}
			var got []string
			for _, f := range trailers {
				got = append(got, f.Name+"="+f.Value)
			}
			if body != tt.body && !(err == ErrChunk && strings.HasPrefix(tt.body, body)) || strings.Join(got, " ") != tt.trailers || rest != tt.rest {
				t.Errorf("%s by %d: %q %v, rest %q", tt.name, n, body, got, rest)
			}
		}
	}
	for _, text := range []string{"3\nabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabc\r\n0\n\r\n", "0\r\nX: 1\n\r\n", "3;a\nb\r\nabc\r\n0\r\n\r\n", "3;a\rb\r\nabc\r\n0\r\n\r\n"} {
		if _, _, _, err := decode(text, 1); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzRequest: what is taken is written in one way only: parsed again it is the same,
// and nothing severe or unclean is left in it.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x?y=z HTTP/1.1\r\nHost: a:1\r\nContent-Length: 3\r\nX: y\r\n\r\n", "POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "GET /\x01 HTTP/1.1\r\nHost: a\r\nConnection: X, close\r\nX: \xff\r\n\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := HeadEnd([]byte(text), 0)
		if n == 0 {
			return
		}
		var r Request
		if err := ParseRequest(text[:n], &r); err != nil {
			return
		}
		if r.Threat == Severe || !all(r.Target, isTarget) || !all(r.Host, isHost) || !all(r.Method, isToken) {
			t.Fatalf("%q: %+v", text, r)
		}
		var b strings.Builder
		b.WriteString(r.Method + " " + r.Target + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
		for _, f := range r.Fields {
			if strings.ContainsAny(f.Name+f.Value, "\r\n\x00") || strings.ContainsAny(f.Name, " \t:") || f.Name == "" {
				t.Fatalf("the field %q: %q", f.Name, f.Value)
			}
			b.WriteString(f.Name + ": " + f.Value + "\r\n")
		}
		b.WriteString("\r\n")
		again := b.String()
		if HeadEnd([]byte(again), 0) != len(again) {
			t.Fatalf("%q ends early", again)
		}
		var second Request
		if err := ParseRequest(again, &second); err != nil || second.Target != r.Target || len(second.Fields) != len(r.Fields) || second.HasBody() {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
	})
}

// FuzzChunks: the body does not depend on how the bytes arrive.
func FuzzChunks(f *testing.F) {
	f.Add("3\r\nabc\r\n0\r\n\r\n", 2)
	f.Add("1;x=y\r\na\r\n0\r\nT: v\r\n\r\nrest", 1)
	f.Fuzz(func(t *testing.T, text string, n int) {
		a, at, ar, aerr := decode(text, 1<<20)
		b, bt, br, berr := decode(text, max(n%64, 1))
		if (aerr == nil) != (berr == nil) || aerr == nil && (a != b || len(at) != len(bt) || ar != br) {
			t.Fatalf("%q: %q %v and %q %v", text, a, aerr, b, berr)
		}
	})
}
