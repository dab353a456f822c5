package loadbalancer

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestCloseLetsRequestsEnd: a request that is being carried is answered, then the
// connection ends; one that is idle ends at once, and so do HTTP/2 connections.
func TestCloseLetsRequestsEnd(t *testing.T) {
	asked, answer := make(chan struct{}, 2), make(chan struct{})
	to := target(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			asked <- struct{}{}
			<-answer
		}
		echo(w, r)
	})
	for _, secure := range []bool{false, true} {
		change, scheme := func(*Config) {}, "http://"
		if secure {
			change, scheme = secured(t), "https://"
		}
		r, addr := newRig(t, change, to)
		client := insecure(secure)
		get(t, client, scheme+addr+"/first")
		result := make(chan string, 1)
		go func() {
			resp, err := client.Get(scheme + addr + "/slow")
			if err != nil {
				result <- err.Error()
				return
			}
			b, _ := io.ReadAll(resp.Body)
			result <- string(b)
		}()
		<-asked
		idle, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		for r.server.Counts().Connections < 2 {
			time.Sleep(time.Millisecond)
		}
		closed := make(chan error, 1)
		go func() { closed <- r.server.Close(context.Background()) }()
		if b, _ := io.ReadAll(idle); len(b) > 0 { // it ends, cleanly or by a reset
			t.Errorf("%q", b)
		}
		_ = idle.Close()
		answer <- struct{}{}
		if got := <-result; !strings.HasPrefix(got, "GET /slow") {
			t.Errorf("secure %v: %s", secure, got)
		}
		client.CloseIdleConnections()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		if c := r.server.Counts(); c.Connections != 0 || c.Targets != 0 {
			t.Errorf("left open: %+v", c)
		}
	}
}

// TestSlowClients: a head that trickles in is carried while it is in time, and a
// body byte by byte, too.
func TestSlowClients(t *testing.T) {
	_, addr := newRig(t, nil, target(t, echo))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, b := range []byte("POST /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n") {
		_, _ = c.Write([]byte{b})
		time.Sleep(time.Millisecond)
	}
	if out, _ := io.ReadAll(c); !strings.HasSuffix(string(out), "body=hello") {
		t.Errorf("%q", out)
	}
}

// TestClientKeepAlive: a connection that is older than client_keep_alive ends with its request.
func TestClientKeepAlive(t *testing.T) {
	_, addr := newRig(t, func(c *Config) { c.Attributes.ClientKeepAlive = time.Nanosecond }, target(t, echo))
	if out := talk(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.Contains(out, "\r\nConnection: close\r\n") {
		t.Errorf("%q", out)
	}
}

func TestListenerHeaders(t *testing.T) {
	secure := secured(t)
	to := target(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "target")
		w.Header().Set("X-Frame-Options", "ALLOWALL")
		_, _ = io.WriteString(w, r.Header.Get("X-My-Version")+"|"+r.Header.Get("X-Amzn-Tls-Version")+"|"+r.Header.Get("X-Amzn-Tls-Cipher-Suite"))
	})
	_, addr := newRig(t, func(c *Config) {
		secure(c)
		c.Attributes.TLSHeaders = true
		c.Listeners[0].Headers = Headers{HideServer: true, Response: map[string]string{"X-Frame-Options": "DENY"}, Renamed: map[string]string{"X-Amzn-Tls-Version": "X-My-Version"}}
	}, to)
	for _, h2 := range []bool{false, true} {
		req, _ := http.NewRequest("GET", "https://"+addr, nil)
		req.Header.Set("X-Amzn-Tls-Version", "forged")
		resp, err := insecure(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.Header.Get("Server") != "" || len(resp.Header.Values("X-Frame-Options")) != 1 || resp.Header.Get("X-Frame-Options") != "DENY" || string(b) != "TLSv1.2||ECDHE-ECDSA-AES128-GCM-SHA256" {
			t.Errorf("HTTP/2 %v: %v %s", h2, resp.Header, b)
		}
	}
}

// TestIdleTargetConnections end after the idle time-out.
func TestIdleTargetConnections(t *testing.T) {
	ended := make(chan struct{})
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		_, _ = io.Copy(io.Discard, r)
		close(ended)
	})
	r, addr := newRig(t, func(c *Config) { c.Attributes.IdleTimeout = time.Second }, to)
	get(t, &http.Client{}, "http://"+addr)
	<-ended
	for r.server.Counts().Targets != 0 {
		time.Sleep(time.Millisecond)
	}
}
