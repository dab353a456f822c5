package loadbalancer

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// witness is a target that keeps what it was asked, request by request.
type witness struct {
	mu   sync.Mutex
	seen []string
}

func (w *witness) serve(c net.Conn, r *bufio.Reader) {
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.seen = append(w.seen, fmt.Sprintf("%s %s %d", req.Method, req.RequestURI, len(body)))
		w.mu.Unlock()
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	}
}

func (w *witness) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := strings.Join(w.seen, ", ")
	w.seen = nil
	return out
}

// TestSmuggling: no way of writing a request makes a target see another one than
// the load balancer answered for. Each case is sent in every mitigation mode; a
// second request follows, so that what is left over would show.
func TestSmuggling(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	chunkedSmuggle := "0\r\n\r\n" + smuggled
	w := &witness{}
	to := rawTarget(t, w.serve)
	rigs := map[Desync]string{}
	for _, mode := range []Desync{Monitor, Defensive, Strictest} {
		_, rigs[mode] = newRig(t, func(c *Config) { c.Attributes.Desync = mode }, to)
	}
	post := func(fields, body string) string {
		return "POST /one HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body
	}
	length := func(n int) string { return fmt.Sprintf("Content-Length: %d\r\n", n) }
	for _, tt := range []struct {
		name, text string
		// what the target sees of the case itself, by mode; "" where it is refused
		monitor, defensive, strictest string
	}{
		{"CL.TE", post(length(len(chunkedSmuggle))+"Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), "POST /one 0", "POST /one 0", ""},
		{"TE.CL", post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "5\r\nhello\r\n0\r\n\r\n"), "POST /one 5", "POST /one 5", ""},
		{"TE.TE", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n", "0\r\n\r\n"), "", "", ""},
		{"TE with a space", post("Transfer-Encoding : chunked\r\n"+length(4), "0\r\n\r\n"), "", "", ""},
		{"TE folded", post("Transfer-Encoding:\r\n chunked\r\n"+length(4), "0\r\n\r\n"), "", "", ""},
		{"TE with a tab", post("Transfer-Encoding:\tchunked\r\n", "0\r\n\r\n"), "POST /one 0", "POST /one 0", "POST /one 0"},
		{"TE with a vertical tab", post("Transfer-Encoding: \x0bchunked\r\n"+length(4), "0\r\n\r\n"), "", "", ""},
		{"TE after a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n"+length(4), "0\r\n\r\n"), "", "", ""},
		{"TE after a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), "", "", ""},
		{"TE with an underscore", post("Transfer_Encoding: chunked\r\n", ""), "", "", ""},
		{"two lengths", post(length(4)+length(5), "abcde"), "", "", ""},
		{"the same length twice", post(length(4)+length(4), "abcd"), "POST /one 4", "POST /one 4", ""},
		{"length with a plus", post("Content-Length: +4\r\n", "abcd"), "", "", ""},
		{"length with an underscore", post("Content_Length: 4\r\n", "abcd"), "", "", ""},
		{"length and a list", post("Content-Length: 4, 4\r\n", "abcd"), "", "", ""},
		{"GET with a body", "GET /one HTTP/1.1\r\nHost: a\r\n" + length(len(smuggled)) + "\r\n" + smuggled, fmt.Sprintf("GET /one %d", len(smuggled)), fmt.Sprintf("GET /one %d", len(smuggled)), ""},
		{"chunk with a bare LF", post("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n"), "", "", ""},
		{"chunk with an extension", post("Transfer-Encoding: chunked\r\n", "5;x=\"y\"\r\nhello\r\n0\r\n\r\n"), "POST /one 5", "POST /one 5", "POST /one 5"},
		{"chunk with a bare LF in its extension", post("Transfer-Encoding: chunked\r\n", "5;\nxx\r\nhello\r\n0\r\n\r\n"), "", "", ""},
		{"chunk longer than it says", post("Transfer-Encoding: chunked\r\n", "3\r\nhello\r\n0\r\n\r\n"), "", "", ""},
		{"chunk size that overflows", post("Transfer-Encoding: chunked\r\n", "10000000000000005\r\nhello\r\n0\r\n\r\n"), "", "", ""},
		{"bare LFs only", "POST /one HTTP/1.1\nHost: a\nContent-Length: 4\n\nabcd", "", "", ""},
		{"space in the target", "GET /one HTTP/1.1\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n", "GET /one 0", "GET /one 0", "GET /one 0"},
		{"1.0 with chunked", "POST /one HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n", "", "", ""},
		{"Connection names Content-Length", post("Connection: Content-Length, keep-alive\r\n"+length(4), "abcd"), "POST /one 4", "POST /one 4", "POST /one 4"},
		{"upgrade to h2c", post("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"+length(4), "abcd"), "POST /one 4", "POST /one 4", "POST /one 4"},
		{"empty lines before", "\r\n\r\nGET /one HTTP/1.1\r\nHost: a\r\n\r\n", "GET /one 0", "GET /one 0", "GET /one 0"},
		{"two hosts", "GET /one HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "", "", ""},
		{"absolute target with another host", "GET http://b/one HTTP/1.1\r\nHost: a\r\n\r\n", "GET /one 0", "GET /one 0", "GET /one 0"},
		{"null in a field", "GET /one HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", "", "", ""},
		{"expect twice", post("Expect: 100-continue\r\nExpect: 100-continue\r\n"+length(4), "abcd"), "POST /one 4", "POST /one 4", "POST /one 4"},
	} {
		for mode, want := range map[Desync]string{Monitor: tt.monitor, Defensive: tt.defensive, Strictest: tt.strictest} {
			out := talk(t, rigs[mode], tt.text+"GET /two HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			seen := w.take()
			// what follows is carried only where the connection goes on
			if seen != want && seen != strings.TrimPrefix(want+", GET /two 0", ", ") {
				t.Errorf("%s, %s: the target saw %q, want %q; the client %q", tt.name, mode, seen, want, out)
			}
			answers := strings.Count(out, "HTTP/1.1 200 OK")
			if carried := len(strings.Split(seen, ", ")); seen != "" && answers != carried || seen == "" && answers > 0 {
				t.Errorf("%s, %s: %d answers for %q", tt.name, mode, answers, seen)
			}
			if want == "" && !strings.HasPrefix(out, "HTTP/1.1 4") && !strings.HasPrefix(out, "HTTP/1.1 501") {
				t.Errorf("%s, %s: %q", tt.name, mode, statusOf(out))
			}
		}
	}
}

// TestAmbiguousRequestsShareNothing: in defensive mode their connections end with them.
func TestAmbiguousRequestsShareNothing(t *testing.T) {
	connections := make(chan string, 10)
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		connections <- req.RequestURI + " " + req.Header.Get("Connection")
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, _ = io.Copy(io.Discard, r)
	})
	r, addr := newRig(t, nil, to)
	out := talk(t, addr, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\nGET /odd HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nxGET /never HTTP/1.1\r\nHost: a\r\n\r\n")
	if strings.Count(out, "200 OK") != 2 || !strings.Contains(out, "Connection: close") {
		t.Errorf("%q", out)
	}
	if a, b := <-connections, <-connections; a != "/plain " || b != "/odd close" {
		t.Errorf("%q %q", a, b)
	}
	if a := r.recorded(2)[1]; a.Classification != "Ambiguous" || a.ClassificationReason != "UndefinedContentLengthSemantics" {
		t.Errorf("%+v", a)
	}
}

// TestForgedHeaders: what targets take the load balancer's word for cannot come from clients.
func TestForgedHeaders(t *testing.T) {
	to := target(t, func(w http.ResponseWriter, r *http.Request) {
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Amzn-Trace-Id", "X_odd", "Connection"} {
			_, _ = fmt.Fprintf(w, "%s=%s\n", name, strings.Join(r.Header.Values(name), "|"))
		}
		_, _ = fmt.Fprintf(w, "Host=%s\n", r.Host)
	})
	const forged = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nX-Amzn-Trace-Id: Self=1-1-1;Root=1-67891233-abcdef012345678912345678;Sampled=1\r\nX_Odd: 1\r\nConnection: close, X-Amzn-Trace-Id\r\n\r\n"
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"append", nil, []string{"X-Forwarded-For=1.1.1.1, 2.2.2.2, 127.0.0.1\n", "X-Forwarded-Proto=http\n", "X-Forwarded-Port=80\n", ";Root=1-67891233-abcdef012345678912345678;Sampled=1\n", "X_odd=1\n", "Host=a\n"}},
		{"preserve", func(c *Config) { c.Attributes.ForwardedFor = XFFPreserve }, []string{"X-Forwarded-For=1.1.1.1|2.2.2.2\n"}},
		{"remove", func(c *Config) { c.Attributes.ForwardedFor = XFFRemove }, []string{"X-Forwarded-For=\n"}},
		{"drop invalid", func(c *Config) { c.Attributes.DropInvalid = true }, []string{"X_odd=\n"}},
		{"port in host", func(c *Config) { c.Listeners[0].Port = 8080 }, []string{"Host=a:8080\n", "X-Forwarded-Port=8080\n"}},
		{"host as it came", func(c *Config) { c.Listeners[0].Port, c.Attributes.PreserveHost = 8080, true }, []string{"Host=a\n"}},
	} {
		_, addr := newRig(t, tt.change, to)
		out := talk(t, addr, forged)
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in %q", tt.name, want, out)
			}
		}
	}
}
