package loadbalancer

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestWebSocket: after the upgrade bytes go both ways as they are, until one side ends.
func TestWebSocket(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err != nil || req.Header.Get("Upgrade") != "websocket" || !strings.EqualFold(req.Header.Get("Connection"), "upgrade") {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nhi")
		_, _ = io.Copy(c, r)
	})
	for _, secure := range []bool{false, true} {
		change := func(*Config) {}
		if secure {
			change = secured(t)
		}
		r, addr := newRig(t, change, to)
		var c net.Conn
		var err error
		if secure {
			c, err = shake(addr, &tls.Config{})
		} else {
			c, err = net.Dial("tcp", addr)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k\r\n\r\nearly")
		br := bufio.NewReader(c)
		resp, err := http.ReadResponse(br, nil)
		if err != nil || resp.StatusCode != 101 || resp.Header.Get("Sec-WebSocket-Accept") != "x" {
			t.Fatalf("%v %v", resp, err)
		}
		expect := func(want string) {
			t.Helper()
			got := make([]byte, len(want))
			if _, err := io.ReadFull(br, got); err != nil || string(got) != want {
				t.Fatalf("%q %v, want %q", got, err, want)
			}
		}
		expect("hiearly")
		big := strings.Repeat("z", 3<<20)
		go func() { _, _ = io.WriteString(c, big) }()
		expect(big)
		_ = c.(interface{ CloseWrite() error }).CloseWrite()
		if rest, err := io.ReadAll(br); err != nil || len(rest) > 0 {
			t.Fatalf("%q %v", rest, err)
		}
		_ = c.Close()
		want := map[bool]string{false: "ws", true: "wss"}[secure]
		if a := r.recorded(1)[0]; a.Type != want || a.Status != 101 || a.TargetStatus != 101 || a.SentBytes < 3<<20 {
			t.Errorf("%+v", a)
		}
	}
}

// TestUpgradeNobodyAskedFor: a target cannot turn a request into a tunnel by itself.
func TestUpgradeNobodyAskedFor(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		_, _ = http.ReadRequest(r)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(io.Discard, r)
	})
	_, addr := newRig(t, nil, to)
	if out := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(out, "HTTP/1.1 502 ") {
		t.Errorf("%s", out)
	}
}
