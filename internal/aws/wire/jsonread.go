package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads JSON text from front to back. Every method stands before a
// token when it starts and behind it when it returns; the first error is kept.
type jsonReader struct {
	b        []byte
	i        int
	depth    int
	elements int
	err      error
}

func (r *jsonReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.i = len(r.b)
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	for r.i < len(r.b) {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return c
		}
	}
	return 0
}

// accept consumes c if it comes next.
func (r *jsonReader) accept(c byte) bool {
	if r.peek() == c {
		r.i++
		return true
	}
	return false
}

func (r *jsonReader) expect(c byte) {
	if r.err == nil && !r.accept(c) {
		r.fail("Expected '%c' at offset %d", c, r.i)
	}
}

// literal consumes the word if it comes next.
func (r *jsonReader) literal(word string) bool {
	r.peek()
	if bytes.HasPrefix(r.b[r.i:], []byte(word)) {
		r.i += len(word)
		return true
	}
	return false
}

func (r *jsonReader) null() bool { return r.peek() == 'n' && r.literal("null") }

// object calls member for each member, standing before its value.
func (r *jsonReader) object(member func(name string)) {
	r.enter('{')
	for n := 0; r.err == nil && !r.accept('}'); n++ {
		if n > 0 {
			r.expect(',')
		}
		name := r.str()
		r.expect(':')
		if r.err == nil {
			r.count()
			member(name)
		}
	}
	r.depth--
}

// array calls element for each element, standing before it.
func (r *jsonReader) array(element func()) {
	r.enter('[')
	for n := 0; r.err == nil && !r.accept(']'); n++ {
		if n > 0 {
			r.expect(',')
		}
		r.count()
		element()
	}
	r.depth--
}

func (r *jsonReader) enter(c byte) {
	r.expect(c)
	if r.depth++; r.depth > maxDepth {
		r.fail("The request is nested more than %d levels deep", maxDepth)
	}
}

func (r *jsonReader) count() {
	if r.elements++; r.elements > maxElements {
		r.fail("The request has more than %d elements", maxElements)
	}
}

// str reads a string.
func (r *jsonReader) str() string {
	if r.peek() != '"' {
		r.fail("Expected a string at offset %d", r.i)
		return ""
	}
	start := r.i + 1
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			r.i = i + 1
			raw := r.b[start:i]
			if utf8.Valid(raw) {
				return string(raw)
			}
			return string(bytes.ToValidUTF8(raw, []byte("\uFFFD")))
		case c == '\\':
			return r.escaped(start, i)
		case c < ' ':
			r.fail("Illegal control character in a string at offset %d", i)
			return ""
		}
	}
	r.fail("Unexpected end of input in a string")
	return ""
}

// escaped reads on from the first backslash at i of a string that began at start.
func (r *jsonReader) escaped(start, i int) string {
	out := append([]byte(nil), r.b[start:i]...)
	for i < len(r.b) {
		switch c := r.b[i]; {
		case c == '"':
			r.i = i + 1
			return string(bytes.ToValidUTF8(out, []byte("\uFFFD")))
		case c < ' ':
			r.fail("Illegal control character in a string at offset %d", i)
			return ""
		case c != '\\':
			out = append(out, c)
			i++
		default:
			n := 0
			if out, n = unescape(out, r.b[i:]); n == 0 {
				r.fail("Invalid escape at offset %d", i)
				return ""
			}
			i += n
		}
	}
	r.fail("Unexpected end of input in a string")
	return ""
}

// unescape appends what the escape sequence at the start of b stands for and
// returns the sequence's length, 0 when it is none.
func unescape(out, b []byte) ([]byte, int) {
	if len(b) < 2 {
		return out, 0
	}
	switch b[1] {
	case '"', '\\', '/':
		return append(out, b[1]), 2
	case 'b':
		return append(out, '\b'), 2
	case 'f':
		return append(out, '\f'), 2
	case 'n':
		return append(out, '\n'), 2
	case 'r':
		return append(out, '\r'), 2
	case 't':
		return append(out, '\t'), 2
	case 'u':
		c, ok := hex4(b[2:])
		if !ok {
			return out, 0
		}
		if utf16.IsSurrogate(c) {
			if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
				if low, ok := hex4(b[8:]); ok {
					if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
						return utf8.AppendRune(out, pair), 12
					}
				}
			}
			c = utf8.RuneError
		}
		return utf8.AppendRune(out, c), 6
	}
	return out, 0
}

func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[:4]), 16, 32)
	return rune(n), err == nil
}

// number reads a number and returns its text.
func (r *jsonReader) number() []byte {
	r.peek()
	start := r.i
	digits := func() int {
		n := 0
		for r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9' {
			r.i++
			n++
		}
		return n
	}
	if r.i < len(r.b) && r.b[r.i] == '-' {
		r.i++
	}
	whole := r.i
	ok := digits() > 0 && (r.b[whole] != '0' || r.i == whole+1)
	if ok && r.i < len(r.b) && r.b[r.i] == '.' {
		r.i++
		ok = digits() > 0
	}
	if ok && r.i < len(r.b) && (r.b[r.i] == 'e' || r.b[r.i] == 'E') {
		r.i++
		if r.i < len(r.b) && (r.b[r.i] == '+' || r.b[r.i] == '-') {
			r.i++
		}
		ok = digits() > 0
	}
	if !ok {
		r.fail("Expected a value at offset %d", start)
		return nil
	}
	return r.b[start:r.i]
}

// skip reads over one value of any kind.
func (r *jsonReader) skip() {
	switch c := r.peek(); {
	case c == '{':
		r.object(func(string) { r.skip() })
	case c == '[':
		r.array(r.skip)
	case c == '"':
		r.str()
	case r.literal("true"), r.literal("false"), r.literal("null"):
	default:
		r.number()
	}
}

// what names the kind of the next value as AWS's messages do.
func (r *jsonReader) what() string {
	switch c := r.peek(); c {
	case '{':
		return "START_OBJECT"
	case '[':
		return "START_ARRAY"
	case '"':
		return "STRING_VALUE"
	case 't':
		return "TRUE_VALUE"
	case 'f':
		return "FALSE_VALUE"
	case 'n':
		return "NULL_VALUE"
	}
	return "NUMBER_VALUE"
}
