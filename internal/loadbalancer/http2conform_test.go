package loadbalancer

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Types and flags of frames, and codes of errors, by the numbers of RFC 9113.
const (
	hData, hHeaders, hPriority, hReset, hSettings, hPush, hPing, hGoAway, hWindow, hContinuation = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9

	fEndStream, fAck, fEndHeaders, fPadded, fPriority = 1, 1, 4, 8, 32

	eProtocol, eFlow, eClosed, eSize, eCompression = 1, 3, 5, 6, 9
)

// h2wire is an HTTP/2 connection that may break every rule.
type h2wire struct {
	*tls.Conn
	in *bufio.Reader
}

// frame is one frame as bytes.
func frame(kind, flags byte, stream uint32, payload string) string {
	var head [9]byte
	binary.BigEndian.PutUint32(head[:4], uint32(len(payload))<<8)
	head[3], head[4] = kind, flags
	binary.BigEndian.PutUint32(head[5:], stream)
	return string(head[:]) + payload
}

// fields is a header block of literals that are in no table.
func fields(pairs ...string) string {
	out := ""
	for i := 0; i < len(pairs); i += 2 {
		out += "\x00" + string(rune(len(pairs[i]))) + pairs[i] + string(rune(len(pairs[i+1]))) + pairs[i+1]
	}
	return out
}

// asked is a request's header block, with more.
func asked(more ...string) string {
	return fields(append([]string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "one.example.com"}, more...)...)
}

// held is the header block of a request that the target does not answer: no answer can
// overtake what follows it.
var held = fields(":method", "GET", ":scheme", "https", ":path", "/held", ":authority", "one.example.com")

// whole is a whole request on a stream.
func whole(stream uint32, block string) string {
	return frame(hHeaders, fEndHeaders|fEndStream, stream, block)
}

func quad(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }

func setting(id uint16, value uint32) string {
	return string(binary.BigEndian.AppendUint16(nil, id)) + quad(value)
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// outcome is what becomes of a connection: the first of GOAWAY, RST_STREAM, an answer's status, a ping's
// answer, the end, and silence.
func (c *h2wire) outcome() string {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		var head [9]byte
		if _, err := io.ReadFull(c.in, head[:]); timedOut(err) {
			return "silence"
		} else if err != nil {
			return "closed"
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c.in, payload); err != nil {
			return "closed"
		}
		switch {
		case head[3] == hGoAway:
			return fmt.Sprint("goaway ", binary.BigEndian.Uint32(payload[4:8]))
		case head[3] == hReset:
			return fmt.Sprint("reset ", binary.BigEndian.Uint32(payload))
		case head[3] == hHeaders:
			switch payload[0] { // :status of the static table, or a literal
			case 0x88:
				return "200"
			case 0x8c:
				return "400"
			}
			return "answer"
		case head[3] == hPing && head[4] == fAck:
			return "ping " + string(payload)
		}
	}
}

// conformance are cases of RFC 9113, each with what has to come of it: a connection error is
// GOAWAY with its code, a stream error RST_STREAM; both may be the end of the connection instead.
var conformance = []struct {
	section, name string
	send          string // after the preface and empty settings
	want          []string
}{
	{"3.4", "a request", whole(1, asked()), []string{"200"}},
	{"4.1", "an unknown frame is nothing", frame(0xfa, 0, 0, "x") + frame(hPing, 0, 0, "12345678"), []string{"ping 12345678"}},
	{"4.1", "unknown flags are nothing", frame(hPing, 0x16, 0, "12345678"), []string{"ping 12345678"}},
	{"4.2", "a frame that is too long", frame(hHeaders, fEndHeaders, 1, asked()) + frame(hData, fEndStream, 1, strings.Repeat("x", 1<<20+1)), goaway(eSize)},
	{"4.3", "a header block that is none", whole(1, "\x00\xff\xff\xff"), goaway(eCompression)},
	{"4.3", "another frame within a header block", frame(hHeaders, fEndStream, 1, asked()) + frame(hPing, 0, 0, "12345678"), goaway(eProtocol)},
	{"4.3", "another stream within a header block", frame(hHeaders, fEndStream, 1, asked()) + whole(3, asked()), goaway(eProtocol)},
	{"5.1", "data on an idle stream", frame(hData, fEndStream, 1, "x"), goaway(eProtocol)},
	{"5.1", "a reset of an idle stream", frame(hReset, 0, 1, quad(8)), goaway(eProtocol)},
	{"5.1", "a window of an idle stream", frame(hWindow, 0, 1, quad(100)), goaway(eProtocol)},
	{"5.1", "data on a stream that has ended", whole(1, held) + frame(hData, fEndStream, 1, "x"), append(rst(eClosed), goaway(eClosed)...)},
	{"5.1", "a second head on a stream that has ended", whole(1, held) + whole(1, held), append(rst(eClosed), goaway(eClosed, eProtocol)...)},
	{"5.1.1", "an even stream", whole(2, asked()), goaway(eProtocol)},
	{"5.1.1", "a stream lower than the last", whole(5, asked()) + whole(3, asked()), goaway(eProtocol)},
	{"5.3.1", "a stream that depends on itself", frame(hHeaders, fEndHeaders|fEndStream|fPriority, 1, quad(1)+"\x10"+asked()), append(rst(eProtocol), goaway(eProtocol)...)},
	{"6.1", "data without a stream", frame(hData, fEndStream, 0, "x"), goaway(eProtocol)},
	{"6.1", "more padding than data", frame(hHeaders, fEndHeaders, 1, asked()) + frame(hData, fEndStream|fPadded, 1, "\xffx"), goaway(eProtocol)},
	{"6.2", "a head without a stream", whole(0, asked()), goaway(eProtocol)},
	{"6.2", "more padding than head", frame(hHeaders, fEndHeaders|fEndStream|fPadded, 1, "\xff"+asked()), append(rst(eProtocol), goaway(eProtocol)...)},
	{"6.3", "a priority without a stream", frame(hPriority, 0, 0, quad(0)+"\x10"), goaway(eProtocol)},
	{"6.3", "a priority of the wrong length", frame(hPriority, 0, 1, quad(0)), append(rst(eSize), goaway(eSize)...)},
	{"6.4", "a reset without a stream", frame(hReset, 0, 0, quad(8)), goaway(eProtocol)},
	{"6.4", "a reset of the wrong length", whole(1, held) + frame(hReset, 0, 1, "xxx"), goaway(eSize)},
	{"6.5", "settings on a stream", frame(hSettings, 0, 1, setting(3, 100)), goaway(eProtocol)},
	{"6.5", "settings of the wrong length", frame(hSettings, 0, 0, "xxx"), goaway(eSize)},
	{"6.5", "acknowledged settings with content", frame(hSettings, fAck, 0, setting(3, 100)), goaway(eSize)},
	{"6.5.2", "ENABLE_PUSH of 2", frame(hSettings, 0, 0, setting(2, 2)), goaway(eProtocol)},
	{"6.5.2", "a window that is too large", frame(hSettings, 0, 0, setting(4, 1<<31)), goaway(eFlow)},
	{"6.5.2", "frames that are too short", frame(hSettings, 0, 0, setting(5, 16383)), goaway(eProtocol)},
	{"6.5.2", "frames that are too long", frame(hSettings, 0, 0, setting(5, 1<<24)), goaway(eProtocol)},
	{"6.5.2", "an unknown setting is nothing", frame(hSettings, 0, 0, setting(0xff, 1)) + frame(hPing, 0, 0, "12345678"), []string{"ping 12345678"}},
	{"6.6", "a client's push", frame(hPush, fEndHeaders, 1, quad(2)+asked()), goaway(eProtocol)},
	{"6.7", "a ping", frame(hPing, 0, 0, "abcdefgh"), []string{"ping abcdefgh"}},
	{"6.7", "an answered ping is not answered", frame(hPing, fAck, 0, "abcdefgh") + frame(hPing, 0, 0, "12345678"), []string{"ping 12345678"}},
	{"6.7", "a ping on a stream", frame(hPing, 0, 1, "abcdefgh"), goaway(eProtocol)},
	{"6.7", "a ping of the wrong length", frame(hPing, 0, 0, "abc"), goaway(eSize)},
	{"6.8", "a farewell on a stream", frame(hGoAway, 0, 1, quad(0)+quad(0)), goaway(eProtocol)},
	{"6.9", "a window of the connection by nothing", frame(hWindow, 0, 0, quad(0)), goaway(eProtocol)},
	{"6.9", "a window of a stream by nothing", frame(hHeaders, fEndHeaders, 1, asked()) + frame(hWindow, 0, 1, quad(0)), append(rst(eProtocol), goaway(eProtocol)...)},
	{"6.9", "a window of the wrong length", frame(hWindow, 0, 0, "abc"), goaway(eSize)},
	{"6.9.1", "a window of the connection that is too large", frame(hWindow, 0, 0, quad(1<<31-1)) + frame(hWindow, 0, 0, quad(1<<31-1)), goaway(eFlow)},
	{"6.9.1", "a window of a stream that is too large", frame(hHeaders, fEndHeaders, 1, asked()) + frame(hWindow, 0, 1, quad(1<<31-1)) + frame(hWindow, 0, 1, quad(1<<31-1)), append(rst(eFlow), goaway(eFlow)...)},
	{"6.10", "a continued head", frame(hHeaders, fEndStream, 1, asked()) + frame(hContinuation, fEndHeaders, 1, fields("a", "b")), []string{"200"}},
	{"6.10", "a continuation of a head that has ended", whole(1, held) + frame(hContinuation, fEndHeaders, 1, fields("a", "b")), goaway(eProtocol)},
	{"6.10", "a continuation without a stream", frame(hHeaders, fEndStream, 1, asked()) + frame(hContinuation, fEndHeaders, 0, fields("a", "b")), goaway(eProtocol)},
	{"8.1", "trailers that end nothing", frame(hHeaders, fEndHeaders, 1, asked()) + frame(hHeaders, fEndHeaders, 1, fields("a", "b")), append(rst(eProtocol), goaway(eProtocol)...)},
	{"8.1.1", "a content length that is too short", frame(hHeaders, fEndHeaders, 1, asked("content-length", "1")) + frame(hData, fEndStream, 1, "xxxx"), rst(eProtocol)},
	{"8.1.1", "a content length that is too long", frame(hHeaders, fEndHeaders, 1, asked("content-length", "9")) + frame(hData, fEndStream, 1, "xxxx"), rst(eProtocol)},
	{"8.2.2", "a field of the connection", whole(1, asked("connection", "keep-alive")), rst(eProtocol)},
	{"8.2.2", "TE other than trailers", whole(1, asked("te", "gzip")), rst(eProtocol)},
	{"8.2.1", "a name in capitals", whole(1, asked("X-Test", "x")), rst(eProtocol)},
	{"8.3", "an unknown pseudo-header", whole(1, asked(":x", "x")), rst(eProtocol)},
	{"8.3", "a pseudo-header of answers", whole(1, asked(":status", "200")), rst(eProtocol)},
	{"8.3", "a pseudo-header after the others", whole(1, fields(":method", "GET", ":scheme", "https", "x", "y", ":path", "/", ":authority", "one.example.com")), rst(eProtocol)},
	{"8.3", "a pseudo-header in trailers", frame(hHeaders, fEndHeaders, 1, asked()) + frame(hHeaders, fEndHeaders|fEndStream, 1, fields(":method", "GET")), append(rst(eProtocol), goaway(eProtocol)...)},
	{"8.3.1", "no method", whole(1, fields(":scheme", "https", ":path", "/", ":authority", "one.example.com")), rst(eProtocol)},
	{"8.3.1", "no scheme", whole(1, fields(":method", "GET", ":path", "/", ":authority", "one.example.com")), rst(eProtocol)},
	{"8.3.1", "no path", whole(1, fields(":method", "GET", ":scheme", "https", ":authority", "one.example.com")), rst(eProtocol)},
	{"8.3.1", "an empty path", whole(1, fields(":method", "GET", ":scheme", "https", ":path", "", ":authority", "one.example.com")), rst(eProtocol)},
	{"8.3.1", "two methods", whole(1, asked(":method", "GET")), rst(eProtocol)},
	{"8.3.1", "two paths", whole(1, asked(":path", "/")), rst(eProtocol)},
}

// divergences are cases that the standard library's server, or we, answer otherwise: with an
// error page instead of a stream error. Nothing of such a request's body or fields is believed.
var divergences = map[string]string{
	"a content length that is too long": "400", // the server lets handlers find out, and ours answers
	"a field of the connection":         "400", // the server answers it itself
	"TE other than trailers":            "400", // likewise
}

func goaway(codes ...int) []string {
	out := []string{"closed"}
	for _, c := range codes {
		out = append(out, fmt.Sprint("goaway ", c))
	}
	return out
}

func rst(codes ...int) []string {
	out := []string{"closed"}
	for _, c := range codes {
		out = append(out, fmt.Sprint("reset ", c))
	}
	return out
}

// TestHTTP2Conformance: clients that keep to RFC 9113 are answered, and others are
// told which rule they broke.
func TestHTTP2Conformance(t *testing.T) {
	_, addr := newRig(t, secured(t), target(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/held" {
			<-r.Context().Done()
			return
		}
		echo(w, r)
	}))
	for _, tt := range conformance {
		c, err := shake(addr, &tls.Config{NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, preface+frame(hSettings, 0, 0, "")+tt.send)
		got := (&h2wire{c, bufio.NewReader(c)}).outcome()
		_ = c.Close()
		if want := append(tt.want, divergences[tt.name]); !slices.Contains(want, got) {
			t.Errorf("%s, %s: %s, want one of %q", tt.section, tt.name, got, want)
		}
	}
}

// TestHTTP2Preface: what is no HTTP/2 is not answered as if it were.
func TestHTTP2Preface(t *testing.T) {
	_, addr := newRig(t, secured(t), target(t, echo))
	c, err := shake(addr, &tls.Config{NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "INVALID CONNECTION PREFACE\r\n\r\n")
	if got := (&h2wire{c, bufio.NewReader(c)}).outcome(); got != "closed" && !strings.HasPrefix(got, "goaway ") {
		t.Errorf("it is answered with %s", got)
	}
}
