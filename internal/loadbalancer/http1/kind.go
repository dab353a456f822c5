package http1

import "strings"

// Kind tells apart the fields that a proxy treats in its own way, so that names
// are compared once.
type Kind uint8

// The kinds of fields.
const (
	Other Kind = iota
	Host
	ContentLength
	TransferEncoding
	Connection
	KeepAlive
	ProxyConnection
	Upgrade
	Expect
	TE
	Trailer
	Cookie
	UserAgent
	Date
	Server
	SetCookie
	XForwardedFor
	XForwardedProto
	XForwardedPort
	XAmznTraceID
	HTTP2Settings
)

var names = []struct {
	name string
	kind Kind
}{
	{"te", TE}, {"host", Host}, {"date", Date}, {"cookie", Cookie}, {"expect", Expect}, {"server", Server},
	{"upgrade", Upgrade}, {"trailer", Trailer}, {"connection", Connection}, {"keep-alive", KeepAlive}, {"user-agent", UserAgent},
	{"set-cookie", SetCookie}, {"content-length", ContentLength}, {"http2-settings", HTTP2Settings}, {"x-forwarded-for", XForwardedFor},
	{"x-amzn-trace-id", XAmznTraceID}, {"transfer-encoding", TransferEncoding}, {"proxy-connection", ProxyConnection},
	{"x-forwarded-proto", XForwardedProto}, {"x-forwarded-port", XForwardedPort},
}

// byLength finds the names of a length: a lookup compares with two or three.
var byLength = func() (t [24][]int) {
	for i, n := range names {
		t[len(n.name)] = append(t[len(n.name)], i)
	}
	return t
}()

// KindOf returns the kind of the field called name, in any case.
func KindOf(name string) Kind {
	if len(name) >= len(byLength) {
		return Other
	}
	for _, i := range byLength[len(name)] {
		if n := &names[i]; name[0]|0x20 == n.name[0] && strings.EqualFold(name, n.name) {
			return n.kind
		}
	}
	return Other
}

// Field is one header field.
type Field struct {
	Name, Value string
	Kind        Kind
}

// Char classes of RFC 9110 and 3986.
const (
	isToken  = 1 << iota // tchar
	isPlain              // of a field's value: visible ASCII, space, tab
	isTarget             // of a request target: visible ASCII
	isHost               // of Host
	isDigit
	isHex
)

var class = func() (t [256]uint8) {
	for c := 0x21; c < 0x7f; c++ {
		t[c] |= isPlain | isTarget
	}
	t[' '] |= isPlain
	t['\t'] |= isPlain
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] |= isToken
	}
	for _, c := range []byte("-._~!$&'()*+,;=:[]%0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		t[c] |= isHost
	}
	for _, c := range []byte("0123456789") {
		t[c] |= isDigit | isHex
	}
	for _, c := range []byte("abcdefABCDEF") {
		t[c] |= isHex
	}
	return t
}()

// all says whether every byte of s is of the class.
func all(s string, of uint8) bool {
	for i := range len(s) {
		if class[s[i]]&of == 0 {
			return false
		}
	}
	return true
}

// ValidName says whether a field's name is one that
// routing.http.drop_invalid_header_fields.enabled lets through: [-A-Za-z0-9]+.
func ValidName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return name != ""
}
