package http1

import (
	"errors"
	"strconv"
	"strings"
)

// MaxResponseHead is AWS's quota of a response's head.
const MaxResponseHead = 32 << 10

// Response is the head of a target's response.
type Response struct {
	Status int
	Reason string // phrase
	Minor  int
	Fields []Field

	Length    int64
	HasLength bool
	Chunked   bool
	KeepAlive bool
	Upgrade   string
	named     []string
}

// Errors of responses; a client sees 502 for each.
var (
	errStatusLine = errors.New("the status line is malformed")
	errField      = errors.New("a header field is malformed")
	errFraming    = errors.New("the length of the body is ambiguous")
)

// ParseResponse reads a head that HeadEnd has measured. It reuses r.Fields. Lines
// may end with LF alone: they are written anew for the client anyway.
func ParseResponse(head string, r *Response) error {
	*r = Response{Fields: r.Fields[:0], named: r.named[:0]}
	line, rest, _ := strings.Cut(head, "\n")
	if err := r.statusLine(strings.TrimSuffix(line, "\r")); err != nil {
		return err
	}
	closes, keeps := false, false
	for rest != "" {
		line, rest, _ = strings.Cut(rest, "\n")
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if value = trim(value); !ok || name == "" || !all(name, isToken) || !clean(value) {
			return errField
		}
		f := Field{Name: name, Value: value, Kind: KindOf(name)}
		switch f.Kind {
		case ContentLength:
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || !all(value, isDigit) || r.HasLength && n != r.Length {
				return errFraming
			}
			r.Length, r.HasLength = n, true
			continue
		case TransferEncoding:
			if strings.EqualFold(value, "identity") {
				continue
			}
			if r.Chunked || !strings.EqualFold(value, "chunked") {
				return errFraming
			}
			r.Chunked = true
			continue
		case Connection:
			for option := range strings.SplitSeq(value, ",") {
				switch option = trim(option); {
				case strings.EqualFold(option, "close"):
					closes = true
				case strings.EqualFold(option, "keep-alive"):
					keeps = true
				case option != "" && !strings.EqualFold(option, "upgrade"):
					r.named = append(r.named, option)
				}
			}
			continue
		case Upgrade:
			r.Upgrade = value
			continue
		case KeepAlive, ProxyConnection:
			continue
		}
		r.Fields = append(r.Fields, f)
	}
	if r.Chunked && r.HasLength { // chunked counts; the connection is not trusted further
		r.Length, r.HasLength, closes = 0, false, true
	}
	r.KeepAlive = !closes && (r.Minor == 1 || keeps)
	if len(r.named) > 0 {
		kept := r.Fields[:0]
		for _, f := range r.Fields {
			if f.Kind != Other || !contains(r.named, f.Name) {
				kept = append(kept, f)
			}
		}
		r.Fields = kept
	}
	return nil
}

// clean says whether s holds neither a null nor a carriage return.
func clean(s string) bool { return strings.IndexByte(s, 0) < 0 && strings.IndexByte(s, '\r') < 0 }

// statusLine reads "HTTP/1.1 200 OK".
func (r *Response) statusLine(line string) error {
	if len(line) < 12 || line[:7] != "HTTP/1." || class[line[7]]&isDigit == 0 || line[8] != ' ' {
		return errStatusLine
	}
	if line[7] != '0' {
		r.Minor = 1
	}
	code := line[9:12]
	if !all(code, isDigit) || code[0] == '0' || len(line) > 12 && line[12] != ' ' {
		return errStatusLine
	}
	r.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	if len(line) > 13 {
		r.Reason = line[13:]
	}
	if !clean(r.Reason) {
		return errStatusLine
	}
	return nil
}

// NoBody says whether a response to method has no body whatever its fields say.
func (r *Response) NoBody(method string) bool {
	return method == "HEAD" || r.Status < 200 || r.Status == 204 || r.Status == 304
}
