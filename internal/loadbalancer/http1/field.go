package http1

import (
	"strconv"
	"strings"
)

// field reads one line of a request's head.
func (r *Request) field(line string) *Error {
	if len(line) > MaxLine {
		return &Error{Status: 400, Detail: "a header field is longer than 16 KiB"}
	}
	if line[0] == ' ' || line[0] == '\t' {
		return bad("BadHeader", "a folded header field")
	}
	colon := strings.IndexByte(line, ':')
	if colon < 0 {
		return bad("BadHeader", "a header line has no colon")
	}
	name, value := line[:colon], trim(line[colon+1:])
	if name == "" {
		r.note("EmptyHeader")
		return nil // has no meaning: left out
	}
	if !all(name, isToken) {
		if err := r.oddName(name); err != nil {
			return err
		}
	}
	if !all(value, isPlain) {
		switch KindOf(name) {
		case TransferEncoding:
			return bad("BadTransferEncoding", "the transfer encoding is malformed")
		case ContentLength:
			return bad("BadContentLength", "the content length is malformed")
		}
		clean, err := r.oddValue(value)
		if err != nil {
			return err
		}
		value = clean
	}
	f := Field{Name: name, Value: value, Kind: KindOf(name)}
	if f.Kind == Other && strings.IndexByte(name, '_') >= 0 && suspicious(name) {
		return bad("SuspiciousHeader", "a header field looks like one that frames the message")
	}
	if f.Kind != Other {
		if keep, err := r.known(f); err != nil || !keep {
			return err
		}
	}
	r.Fields = append(r.Fields, f)
	return nil
}

// oddName looks at a name that no field may have. Spaces and control characters
// are refused: servers differ in what they make of them.
func (r *Request) oddName(name string) *Error {
	if suspicious(name) {
		return bad("SuspiciousHeader", "a header field looks like one that frames the message")
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c == 0x7f {
			return bad("BadHeader", "a header field's name holds a space or control character")
		}
	}
	r.note("NonCompliantHeader")
	return nil
}

// suspicious says whether common ways to tidy up a name would make it
// Transfer-Encoding or Content-Length.
func suspicious(name string) bool {
	tidy := strings.Map(func(c rune) rune {
		switch {
		case c == '_':
			return '-'
		case c == '-' || c >= '0' && c <= '9':
			return c
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			return c | 0x20
		}
		return -1
	}, name)
	return tidy == "transfer-encoding" || tidy == "content-length"
}

// oddValue makes a value harmless.
func (r *Request) oddValue(value string) (string, *Error) {
	if !clean(value) {
		return "", bad("BadHeader", "a header field holds a null or carriage return")
	}
	r.note("NonCompliantHeader")
	b := []byte(value)
	for i, c := range b {
		if c < 0x20 && c != '\t' || c == 0x7f {
			b[i] = ' '
		}
	}
	return trim(string(b)), nil
}

// known takes in a field that frames or steers the message; it is kept among the
// fields unless it is written anew for the target.
func (r *Request) known(f Field) (keep bool, err *Error) {
	switch f.Kind {
	case Host:
		return false, r.host(f.Value)
	case ContentLength:
		return false, r.contentLength(f.Value)
	case TransferEncoding:
		return false, r.transferEncoding(f.Value)
	case Connection:
		r.connection(f.Value)
		return false, nil
	case Expect:
		r.Expect = strings.EqualFold(f.Value, "100-continue")
		return !r.Expect, nil
	case Upgrade:
		if r.Upgrade != "" {
			return false, bad("", "several Upgrade fields")
		}
		r.Upgrade = f.Value
		return false, nil
	case TE:
		r.TE = r.TE || strings.Contains(strings.ToLower(f.Value), "trailers")
		return false, nil
	case KeepAlive, ProxyConnection, HTTP2Settings:
		return false, nil
	}
	return true, nil
}

func (r *Request) host(value string) *Error {
	if r.hostSeen {
		return bad("", "several Host fields")
	}
	r.hostSeen = true
	if !all(value, isHost) {
		return bad("", "the Host field is malformed")
	}
	if r.Host == "" {
		r.Host = value
	}
	return nil
}

func (r *Request) contentLength(value string) *Error {
	if value == "" || len(value) > 18 || !all(value, isDigit) {
		return bad("BadContentLength", "the content length is malformed")
	}
	n, _ := strconv.ParseInt(value, 10, 64)
	if r.HasLength {
		if n != r.Length {
			return bad("MultipleContentLength", "several content lengths that differ")
		}
		r.note("DuplicateContentLength")
	}
	r.Length, r.HasLength = n, true
	return nil
}

func (r *Request) transferEncoding(value string) *Error {
	switch {
	case strings.EqualFold(value, "identity"):
		return nil
	case strings.EqualFold(value, "chunked"):
		if r.Chunked {
			return bad("MultipleTransferEncodingChunked", "chunked twice")
		}
		r.Chunked = true
		return nil
	}
	chunked := 0
	for coding := range strings.SplitSeq(value, ",") {
		coding = trim(coding)
		if coding == "" || !all(coding, isToken) {
			return bad("BadTransferEncoding", "the transfer encoding is malformed")
		}
		if strings.EqualFold(coding, "chunked") {
			chunked++
		}
	}
	if chunked > 1 {
		return bad("MultipleTransferEncodingChunked", "chunked twice")
	}
	return &Error{Status: 501, Reason: "BadTransferEncoding", Detail: "a transfer encoding that is neither chunked nor identity"}
}

// connection reads options: close, keep-alive, upgrade, and names of fields that
// are not for the next hop.
func (r *Request) connection(value string) {
	for option := range strings.SplitSeq(value, ",") {
		switch option = trim(option); {
		case strings.EqualFold(option, "close"):
			r.wantsClose = true
		case strings.EqualFold(option, "keep-alive"):
			r.wantsKeep = true
		case strings.EqualFold(option, "upgrade"):
			r.wantsUpgrade = true
		case option != "":
			r.Named = append(r.Named, option)
		}
	}
}

// finish decides what follows from all fields together.
func (r *Request) finish() *Error {
	if r.Minor == 1 && !r.hostSeen {
		return bad("", "no Host field")
	}
	r.KeepAlive = !r.wantsClose && (r.Minor == 1 || r.wantsKeep)
	if !r.wantsUpgrade {
		r.Upgrade = ""
	}
	reads := r.Method == "GET" || r.Method == "HEAD"
	switch {
	case r.Chunked && r.Minor == 0:
		return bad("BadTransferEncoding", "a transfer encoding in HTTP/1.0")
	case r.Chunked && r.HasLength:
		r.note("BothTeClPresent")
		r.Length, r.HasLength = 0, false
	case r.Chunked && reads:
		r.note("UndefinedTransferEncodingSemantics")
	case reads && r.HasLength && r.Length == 0:
		r.note("GetHeadZeroContentLength")
	case reads && r.HasLength:
		r.note("UndefinedContentLengthSemantics")
	}
	if len(r.Named) > 0 {
		r.dropNamed()
	}
	if r.Method == "TRACE" || r.Method == "CONNECT" {
		return &Error{Status: 405, Detail: "the method is not carried"}
	}
	return nil
}

// dropNamed leaves out fields that Connection names. Those that a proxy in front
// of us vouches for stay: naming them is how they are stripped by attackers.
func (r *Request) dropNamed() {
	kept := r.Fields[:0]
	for _, f := range r.Fields {
		if f.Kind == Other && contains(r.Named, f.Name) {
			continue
		}
		kept = append(kept, f)
	}
	r.Fields = kept
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// trim removes optional whitespace.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
