package loadbalancer

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// h2Target starts a server that speaks HTTP/2 without TLS.
func h2Target(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestHTTP2FromClients(t *testing.T) {
	r, addr := newRig(t, secured(t), target(t, echo))
	client := insecure(true)
	resp, err := client.Get("https://" + addr + "/a?b=c")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.ProtoMajor != 2 || resp.StatusCode != 200 || !strings.Contains(string(b), "GET /a?b=c host=127.0.0.1") || !strings.Contains(string(b), "proto=https") {
		t.Fatalf("%s %d %s", resp.Proto, resp.StatusCode, b)
	}
	big := strings.Repeat("y", 1<<20)
	for _, body := range []io.Reader{strings.NewReader(big), io.MultiReader(strings.NewReader(big))} {
		resp, err = client.Post("https://"+addr+"/p", "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		if b, err = io.ReadAll(resp.Body); err != nil || !strings.HasSuffix(string(b), big) {
			t.Fatalf("%d bytes came back: %v", len(b), err)
		}
		resp.Body.Close()
	}
	for _, a := range r.recorded(3) {
		if a.Type != "h2" || a.Proto != "HTTP/2.0" || a.Status != 200 {
			t.Errorf("%+v", a)
		}
	}
}

func TestHTTP2CanBeOff(t *testing.T) {
	secure := secured(t)
	_, addr := newRig(t, func(c *Config) {
		secure(c)
		c.Attributes.HTTP2 = false
	}, target(t, echo))
	resp, err := insecure(true).Get("https://" + addr)
	if err != nil || resp.ProtoMajor != 1 {
		t.Fatalf("%v %v", resp, err)
	}
	resp.Body.Close()
}

// message is a gRPC message.
func message(text string) []byte {
	b := make([]byte, 5, 5+len(text))
	binary.BigEndian.PutUint32(b[1:], uint32(len(text)))
	return append(b, text...)
}

// grpcServer answers unary calls by an echo, /stream message by message, and
// /refuse with trailers only.
func grpcServer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/grpc")
	if r.URL.Path == "/refuse" {
		w.Header().Set("Grpc-Status", "7")
		return
	}
	w.WriteHeader(200)
	_ = http.NewResponseController(w).Flush()
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(r.Body, head); err != nil {
			break
		}
		text := make([]byte, binary.BigEndian.Uint32(head[1:]))
		if _, err := io.ReadFull(r.Body, text); err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(message("re:" + string(text)))
		_ = http.NewResponseController(w).Flush()
	}
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
	w.Header().Set(http.TrailerPrefix+"Grpc-Message", "fine")
}

func TestGRPC(t *testing.T) {
	secure := secured(t)
	r, addr := newRig(t, func(c *Config) {
		secure(c)
		c.Groups[0].Version = GRPC
	}, h2Target(t, grpcServer))
	client := insecure(true)
	call := func(path string, body io.Reader) *http.Response {
		t.Helper()
		req, _ := http.NewRequest("POST", "https://"+addr+path, body)
		req.Header.Set("Content-Type", "application/grpc")
		req.Header.Set("Te", "trailers")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := call("/unary", bytes.NewReader(message("hello")))
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != string(message("re:hello")) || resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("Grpc-Message") != "fine" {
		t.Fatalf("%q %v %v", b, resp.Trailer, err)
	}
	in, out := io.Pipe()
	resp = call("/stream", in)
	for _, text := range []string{"one", "two", "three"} { // each is answered before the next one is sent
		if _, err := out.Write(message(text)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 5+3+len(text))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got[5:]) != "re:"+text {
			t.Fatalf("%q %v", got, err)
		}
	}
	_ = out.Close()
	if _, err := io.ReadAll(resp.Body); err != nil || resp.Trailer.Get("Grpc-Status") != "0" {
		t.Fatalf("%v %v", resp.Trailer, err)
	}
	resp = call("/refuse", bytes.NewReader(message("x")))
	_, _ = io.ReadAll(resp.Body)
	if resp.Header.Get("Grpc-Status") != "7" {
		t.Fatalf("an answer of trailers only: %v %v", resp.Header, resp.Trailer)
	}
	for i, want := range []string{"0", "0", "7"} {
		if a := r.recorded(3)[i]; a.Type != "grpcs" || a.GRPCStatus != want || a.TargetStatus != 200 {
			t.Errorf("%d: %+v", i, a)
		}
	}
	if status, _ := get(t, client, "https://"+addr+"/"); status != 464 {
		t.Errorf("GET to a gRPC group: %d", status)
	}
}

// TestProtocolVersions is AWS's table of what goes with what.
func TestProtocolVersions(t *testing.T) {
	secure := secured(t)
	for _, tt := range []struct {
		version Version
		h2      bool
		method  string
		grpc    bool
		want    int
	}{
		{HTTP1, false, "GET", false, 200}, {HTTP1, true, "GET", false, 200}, {HTTP1, true, "POST", true, 464},
		{HTTP2, false, "GET", false, 464}, {HTTP2, true, "GET", false, 200}, {HTTP2, true, "POST", true, 200},
		{GRPC, false, "POST", false, 464}, {GRPC, true, "POST", false, 200}, {GRPC, true, "GET", false, 464},
	} {
		to := target(t, echo)
		if tt.version != HTTP1 {
			to = h2Target(t, echo)
		}
		_, addr := newRig(t, func(c *Config) {
			secure(c)
			c.Groups[0].Version = tt.version
		}, to)
		req, _ := http.NewRequest(tt.method, "https://"+addr, nil)
		if tt.grpc {
			req.Header.Set("Content-Type", "application/grpc")
		}
		resp, err := insecure(tt.h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != tt.want || tt.want == 464 && len(b) > 0 {
			t.Errorf("%+v: %d %q", tt, resp.StatusCode, b)
		}
	}
}

// TestHTTP2TargetDies: what was promised and does not come resets the stream.
func TestHTTP2TargetDies(t *testing.T) {
	secure := secured(t)
	_, addr := newRig(t, func(c *Config) {
		secure(c)
		c.Groups[0].Version = HTTP2
	}, h2Target(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/late" {
			_, _ = io.WriteString(w, "some")
			_ = http.NewResponseController(w).Flush()
		}
		panic(http.ErrAbortHandler)
	}))
	client := insecure(true)
	if status, body := get(t, client, "https://"+addr+"/early"); status != 502 || body != page(502) {
		t.Errorf("%d %s", status, body)
	}
	resp, err := client.Get("https://" + addr + "/late")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("a cut body looks complete")
	}
	resp.Body.Close()
}
