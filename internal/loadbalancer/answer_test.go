package loadbalancer

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// statusOf is the status line of a raw answer.
func statusOf(out string) string {
	line, _, _ := strings.Cut(out, "\r\n")
	return line
}

// bodyOf is what follows the head.
func bodyOf(out string) string {
	_, body, _ := strings.Cut(out, "\r\n\r\n")
	return body
}

// TestPages are answers of the load balancer itself, byte for byte.
func TestPages(t *testing.T) {
	r, addr := newRig(t, func(c *Config) {
		c.Listeners[0].Port = 8080
		c.Listeners[0].Rules = []rule.Rule{
			{Priority: 5, Conditions: []rule.Condition{{Field: rule.PathPattern, Values: []string{"/fixed"}}}, Actions: []rule.Action{{Type: rule.FixedResponse, Fixed: rule.Fixed{Status: 418, ContentType: "text/plain", Body: "short"}}}},
			{Priority: 6, Conditions: []rule.Condition{{Field: rule.PathPattern, Values: []string{"/old/*"}}}, Actions: []rule.Action{{Type: rule.Redirect, Redirect: rule.RedirectTo{Protocol: "HTTPS", Port: "443", Status: 301}}}},
		}
	})
	ask := func(line string) string {
		return talk(t, addr, line+"\r\nHost: www.example.com:8080\r\nConnection: close\r\n\r\n")
	}
	out := ask("GET / HTTP/1.1")
	date := out[strings.Index(out, "Date: ") : strings.Index(out, "Date: ")+len("Date: Mon, 02 Jan 2006 15:04:05 GMT")]
	want := "HTTP/1.1 503 Service Temporarily Unavailable\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\n" + date + "\r\nContent-Length: 162\r\nConnection: close\r\n\r\n" +
		"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n"
	if out != want {
		t.Errorf("%q\nwant %q", out, want)
	}
	out = ask("GET /fixed HTTP/1.1")
	if !strings.HasPrefix(out, "HTTP/1.1 418 I'm a teapot\r\n") || !strings.Contains(out, "Content-Type: text/plain\r\n") || bodyOf(out) != "short" {
		t.Errorf("%q", out)
	}
	out = ask("GET /old/x?a=b HTTP/1.1")
	if !strings.HasPrefix(out, "HTTP/1.1 301 Moved Permanently\r\n") || !strings.Contains(out, "\r\nLocation: https://www.example.com:443/old/x?a=b\r\n") || !strings.Contains(out, "Content-Length: 134\r\n") {
		t.Errorf("%q", out)
	}
	if out := ask("HEAD /fixed HTTP/1.1"); bodyOf(out) != "" || !strings.Contains(out, "Content-Length: 5\r\n") {
		t.Errorf("HEAD: %q", out)
	}
	records := r.recorded(4)
	if records[0].Priority != 0 || records[1].Priority != 5 || records[1].Actions != "fixed-response" || records[2].RedirectURL != "https://www.example.com:443/old/x?a=b" || records[2].Request() != "GET http://www.example.com:8080/old/x?a=b HTTP/1.1" {
		t.Errorf("%+v", records)
	}
}

func TestStatusCodes(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := gone.Addr().String()
	_ = gone.Close()
	silent := rawTarget(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	says := func(text string) string {
		return rawTarget(t, func(c net.Conn, r *bufio.Reader) {
			if _, err := http.ReadRequest(r); err == nil {
				_, _ = io.WriteString(c, text)
			}
		})
	}
	const ask = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, tt := range []struct {
		name, target, request, status, body string
	}{
		{"refused", nobody, ask, "HTTP/1.1 502 Bad Gateway", page(502)},
		{"silent", silent, ask, "HTTP/1.1 504 Gateway Time-out", page(504)},
		{"closed without a word", says(""), ask, "HTTP/1.1 502 Bad Gateway", page(502)},
		{"half a head", says("HTTP/1.1 200 OK\r\nContent-"), ask, "HTTP/1.1 502 Bad Gateway", page(502)},
		{"no HTTP", says("SSH-2.0-x\r\n\r\n"), ask, "HTTP/1.1 502 Bad Gateway", page(502)},
		{"a head of 33 KiB", says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 33<<10) + "\r\n\r\n"), ask, "HTTP/1.1 502 Bad Gateway", page(502)},
		{"two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), ask, "HTTP/1.1 502 Bad Gateway", page(502)},
		{"until the end", says("HTTP/1.1 200 OK\r\n\r\nall"), ask, "HTTP/1.1 200 OK", "3\r\nall\r\n0\r\n\r\n"},
		{"until the end for 1.0", says("HTTP/1.1 200 OK\r\n\r\nall"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", "all"},
		{"chunked for 1.0", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n0\r\n\r\n"), "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", "all"},
		{"interim answers", says("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), ask, "HTTP/1.1 200 OK", "ok"},
		{"too many forwarders", nobody, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: " + strings.Repeat("1, ", 30) + "1\r\n\r\n", "HTTP/1.1 463 ", ""},
		{"long line", nobody, "GET /" + strings.Repeat("x", 17<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 414 Request-URI Too Large", page(414)},
		{"long line that does not end", nobody, "GET /" + strings.Repeat("x", 70<<10), "HTTP/1.1 414 Request-URI Too Large", page(414)},
		{"long head", nobody, "GET / HTTP/1.1\r\nHost: a\r\n" + strings.Repeat("X: "+strings.Repeat("x", 8<<10)+"\r\n", 9) + "\r\n", "HTTP/1.1 400 Bad Request", page(400)},
		{"trace", nobody, "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 405 Not Allowed", page(405)},
		{"other encoding", nobody, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 Not Implemented", page(501)},
		{"HTTP/2 in clear", nobody, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported", page(505)},
		{"half a request", nobody, "GET / HTTP/1.1\r\nHo", "HTTP/1.1 408 Request Time-out", page(408)},
		{"half a body", silent, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 408 Request Time-out", page(408)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, addr := newRig(t, func(c *Config) {
				if tt.target == silent || strings.HasPrefix(tt.name, "half a request") {
					c.Attributes.IdleTimeout = time.Second
				}
			}, tt.target)
			out := talk(t, addr, tt.request)
			if got := statusOf(out); got != tt.status || bodyOf(out) != tt.body {
				t.Fatalf("%q %q, want %q %q", got, bodyOf(out), tt.status, tt.body)
			}
			if a := r.recorded(1)[0]; !strings.HasPrefix(tt.status[9:], itoa(int64(a.Status))) {
				t.Errorf("the record says %d", a.Status)
			}
		})
	}
}

// TestTargetDiesInMidAnswer: the client must see that something is missing.
func TestTargetDiesInMidAnswer(t *testing.T) {
	for _, head := range []string{"Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", "Transfer-Encoding: chunked\r\n\r\nffff\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nXX\r\n", "Content-Length: 500000\r\n\r\n" + strings.Repeat("x", 100000)} {
		to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
			if _, err := http.ReadRequest(r); err == nil {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n"+head)
			}
		})
		_, addr := newRig(t, nil, to)
		resp, err := http.Get("http://" + addr)
		if err != nil {
			continue // cut before the head was read
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%.40q looks complete", head)
		}
		resp.Body.Close()
	}
}

// TestIdleConnectionThatDied: a target may close an idle connection at any time;
// the next request must not notice.
func TestIdleConnectionThatDied(t *testing.T) {
	ended := make(chan struct{}, 100)
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		defer func() {
			_ = c.Close()
			ended <- struct{}{}
		}()
		for range 2 {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
	_, addr := newRig(t, nil, to)
	client := &http.Client{}
	for i := range 60 {
		ask := client.Get
		if i%2 == 0 && i > 0 { // what may change something is not sent twice: the end must be here before it
			<-ended
			ask = func(url string) (*http.Response, error) {
				return client.Post(url, "text/plain", strings.NewReader("body"))
			}
		}
		resp, err := ask("http://" + addr)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%d: %v %v", i, resp, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
}
