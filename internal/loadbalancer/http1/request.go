package http1

import (
	"bytes"
	"strings"
)

// Limits of a request's head, AWS's quotas.
const (
	MaxLine = 16 << 10 // the request line, and each field
	MaxHead = 64 << 10
)

// Request is the head of a request. Its strings are parts of the text that it
// was parsed from.
type Request struct {
	Method string
	// Target is in origin form (or "*"), as it is to be written: what no target may
	// hold is percent-encoded.
	Target string
	// Raw is the target as the client wrote it.
	Raw    string
	Proto  string // HTTP/1.1
	Minor  int    // of HTTP/1.x
	Host   string // of the absolute form or the Host field
	Fields []Field

	Length    int64 // of the body; 0 when Chunked
	HasLength bool
	Chunked   bool
	KeepAlive bool     // the client means to go on
	Expect    bool     // 100-continue
	Upgrade   string   // protocols, empty when Connection does not say upgrade
	TE        bool     // TE: trailers
	Named     []string // fields that Connection names
	finding

	hostSeen, wantsClose, wantsKeep, wantsUpgrade bool
}

// HasBody says whether a body follows.
func (r *Request) HasBody() bool { return r.Chunked || r.Length > 0 }

// HeadEnd returns the length of the message head at the beginning of b, with the
// empty line; 0 while it is not complete. from is how much of b was looked at before.
func HeadEnd(b []byte, from int) int {
	for i := max(from-3, 0); i < len(b); i++ {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return 0
		}
		i += n
		if i+1 < len(b) && b[i+1] == '\n' {
			return i + 2
		}
		if i+2 < len(b) && b[i+1] == '\r' && b[i+2] == '\n' {
			return i + 3
		}
	}
	return 0
}

// ParseRequest reads a head that HeadEnd has measured. It reuses r.Fields.
func ParseRequest(head string, r *Request) *Error {
	fields := r.Fields[:0]
	*r = Request{Fields: fields, Named: r.Named[:0]}
	line, rest, err := cutLine(head)
	if err != nil {
		return err
	}
	if len(line) > MaxLine {
		return &Error{Status: 414, Detail: "the request line is longer than 16 KiB"}
	}
	if err := r.requestLine(line); err != nil {
		return err
	}
	for {
		line, rest, err = cutLine(rest)
		if err != nil {
			return err
		}
		if line == "" {
			break
		}
		if err := r.field(line); err != nil {
			return err
		}
	}
	if rest != "" {
		return bad("BadHeader", "an empty line within the head")
	}
	return r.finish()
}

// cutLine cuts a line that ends with CR LF off s.
func cutLine(s string) (line, rest string, err *Error) {
	i := strings.IndexByte(s, '\n')
	if i < 1 || s[i-1] != '\r' {
		return "", "", bad("BadHeader", "a line does not end with CR LF")
	}
	return s[:i-1], s[i+1:], nil
}

// requestLine reads "GET /path HTTP/1.1".
func (r *Request) requestLine(line string) *Error {
	first, last := strings.IndexByte(line, ' '), strings.LastIndexByte(line, ' ')
	if first < 1 || !all(line[:first], isToken) {
		return bad("BadMethod", "the method is malformed")
	}
	r.Method = line[:first]
	if last == first {
		return bad("BadVersion", "the request line has no version")
	}
	if err := r.version(line[last+1:]); err != nil {
		return err
	}
	r.Raw = line[first+1 : last]
	target, err := r.cleanTarget(r.Raw)
	if err != nil {
		return err
	}
	switch {
	case target[0] == '/':
		r.Target = target
	case target == "*" && r.Method == "OPTIONS":
		r.Target = target
	default:
		return r.absolute(target)
	}
	return nil
}

func (r *Request) version(v string) *Error {
	switch v {
	case "HTTP/1.1":
		r.Minor, r.Proto = 1, v
		return nil
	case "HTTP/1.0":
		r.Proto = v
		return nil
	}
	if len(v) != 8 || !strings.HasPrefix(v, "HTTP/") || class[v[5]]&isDigit == 0 || v[6] != '.' || class[v[7]]&isDigit == 0 {
		return bad("BadVersion", "the version is malformed")
	}
	if v[5] != '1' {
		return &Error{Status: 505, Reason: "NonCompliantVersion", Detail: "the version is not 1.x"}
	}
	r.note("NonCompliantVersion")
	r.Minor, r.Proto = 1, v
	return nil
}

// cleanTarget percent-encodes what a target may not hold.
func (r *Request) cleanTarget(target string) (string, *Error) {
	if target == "" {
		return "", bad("BadUri", "the request target is empty")
	}
	if all(target, isTarget) {
		if i := strings.IndexByte(target, '#'); i >= 0 {
			r.note("AmbiguousUri")
			return strings.ReplaceAll(target, "#", "%23"), nil
		}
		return target, nil
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(target) {
		c := target[i]
		switch {
		case c == 0 || c == '\r':
			return "", bad("BadUri", "the request target holds a null or carriage return")
		case c == ' ':
			r.note("SpaceInUri")
		case c < 0x20 || c == 0x7f || c == '#':
			r.note("AmbiguousUri")
		case c < 0x80:
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string([]byte{hex[c>>4], hex[c&15]}))
	}
	return b.String(), nil
}

// SetTarget takes a target that came by another way than a request line (HTTP/2).
func (r *Request) SetTarget(raw string) *Error {
	r.Raw = raw
	target, err := r.cleanTarget(raw)
	if err == nil && target[0] != '/' && (target != "*" || r.Method != "OPTIONS") {
		err = bad("BadUri", "the request target is not a path")
	}
	r.Target = target
	return err
}

// ValidHost says whether a host holds no character that none may have.
func ValidHost(host string) bool { return all(host, isHost) }

// absolute reads http://host/path: the host counts instead of the Host field.
func (r *Request) absolute(target string) *Error {
	_, rest, ok := strings.Cut(target, "://")
	scheme := strings.ToLower(target[:len(target)-len(rest)])
	if !ok || scheme != "http://" && scheme != "https://" {
		return bad("BadUri", "the request target is neither a path nor an absolute URL")
	}
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	r.Host, r.Target = rest[:end], rest[end:]
	if r.Host == "" || !all(r.Host, isHost) {
		return bad("BadUri", "the request target's host is malformed")
	}
	if r.Target == "" || r.Target[0] != '/' {
		r.Target = "/" + r.Target
	}
	return nil
}
