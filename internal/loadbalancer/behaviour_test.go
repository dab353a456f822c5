package loadbalancer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func TestPipelining(t *testing.T) {
	_, addr := newRig(t, nil, target(t, echo))
	out := talk(t, addr, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	at := -1
	for _, want := range []string{"GET /1 ", "POST /2 ", "body=abc", "POST /3 ", "body=de", "GET /4 "} {
		i := strings.Index(out, want)
		if i < at || i < 0 {
			t.Fatalf("%q is not where it should be: %q", want, out)
		}
		at = i
	}
}

// TestContinue: a client that waits for 100 gets it, and its body arrives.
func TestContinue(t *testing.T) {
	_, addr := newRig(t, nil, target(t, echo))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
	br := bufio.NewReader(c)
	if line, err := br.ReadString('\n'); err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	_, _ = io.WriteString(c, "hello")
	if out, _ := io.ReadAll(br); !strings.Contains(string(out), "HTTP/1.1 200 OK") || !strings.HasSuffix(string(out), "body=hello") {
		t.Fatalf("%q", out)
	}
}

func TestTrailers(t *testing.T) {
	_, addr := newRig(t, nil, target(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set(http.TrailerPrefix+"X-Out", "seen "+r.Trailer.Get("X-In"))
		_, _ = io.WriteString(w, "body")
	}))
	out := talk(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTrailer: X-In\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-In: 7\r\n\r\n")
	if !strings.HasSuffix(out, "4\r\nbody\r\n0\r\nX-Out: seen 7\r\n\r\n") {
		t.Fatalf("%q", out)
	}
}

// TestStreams: a piece is with the client before the target sends the next one.
func TestStreams(t *testing.T) {
	next := make(chan struct{})
	_, addr := newRig(t, nil, target(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}))
	resp, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	br := bufio.NewReader(resp.Body)
	for i := range 3 {
		if line, err := br.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q %v", line, err)
		}
		next <- struct{}{}
	}
}

// TestHalfClosed: a client that has ended its side still gets its answer.
// TestHeadComesFirst: the head of an answer does not wait for the body, of any
// kind, and with HTTP/2 neither.
func TestHeadComesFirst(t *testing.T) {
	next := make(chan struct{})
	_, addr := newRig(t, secured(t), target(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", "4")
		}
		_ = http.NewResponseController(w).Flush()
		<-next
		_, _ = io.WriteString(w, "body")
	}))
	for _, client := range []*http.Client{insecure(false), insecure(true)} {
		for _, path := range []string{"/length", "/chunks"} {
			resp, err := client.Get("https://" + addr + path)
			if err != nil {
				t.Fatal(err)
			}
			next <- struct{}{}
			if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "body" {
				t.Errorf("%q %v", body, err)
			}
			_ = resp.Body.Close()
		}
		client.CloseIdleConnections()
	}
}

func TestHalfClosed(t *testing.T) {
	answer := make(chan struct{})
	_, addr := newRig(t, nil, target(t, func(w http.ResponseWriter, r *http.Request) {
		<-answer
		echo(w, r)
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET /half HTTP/1.1\r\nHost: a\r\n\r\n")
	_ = c.(*net.TCPConn).CloseWrite()
	time.AfterFunc(50*time.Millisecond, func() { close(answer) })
	if out, err := io.ReadAll(c); err != nil || !strings.Contains(string(out), "GET /half ") {
		t.Fatalf("%q %v", out, err)
	}
}

// TestClientGoes: a client that resets its connection ends the request at the target.
func TestClientGoes(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	r, addr := newRig(t, nil, target(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
		close(ended)
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-asked
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
	<-ended
	if a := r.recorded(1)[0]; a.Status != 460 || a.TargetStatus != 0 {
		t.Errorf("%+v", a)
	}
}

// TestEarlyAnswer: a target may answer before it has read the body; the client gets
// the answer although it is still sending.
func TestEarlyAnswer(t *testing.T) {
	to := rawTarget(t, func(c net.Conn, r *bufio.Reader) {
		for { // the head only
			line, err := r.ReadString('\n')
			if err != nil || line == "\r\n" {
				break
			}
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
		_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
	})
	_, addr := newRig(t, nil, to)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\nsome")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 413 {
		t.Fatalf("%v %v", resp, err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "big" {
		t.Fatalf("%q %v", b, err)
	}
}

// TestClientCutsBody: a target must not take half a body for a whole one.
func TestClientCutsBody(t *testing.T) {
	result := make(chan error, 1)
	r, addr := newRig(t, nil, rawTarget(t, func(_ net.Conn, r *bufio.Reader) {
		req, err := http.ReadRequest(r)
		if err == nil {
			_, err = io.ReadAll(req.Body)
		}
		result <- err
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
	_ = c.Close()
	if err := <-result; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the target read the body with %v", err)
	}
	if a := r.recorded(1)[0]; a.Status != 400 {
		t.Errorf("%+v", a)
	}
}

// TestThousandConnections: all at once, each several times, mixed with bodies.
func TestThousandConnections(t *testing.T) {
	r, addr := newRig(t, func(c *Config) { c.Attributes.IdleTimeout = time.Minute }, target(t, echo), target(t, echo))
	const clients = 1000
	var ready sync.WaitGroup
	ready.Add(clients)
	var group errgroup.Group
	for i := range clients {
		group.Go(func() error {
			c, err := net.Dial("tcp", addr)
			ready.Done()
			if err != nil {
				return err
			}
			defer func() { _ = c.Close() }()
			ready.Wait()
			br := bufio.NewReader(c)
			ends := false
			for n := range 3 {
				if ends { // as the answer had said
					_ = c.Close()
					if c, err = net.Dial("tcp", addr); err != nil {
						return err
					}
					br.Reset(c)
				}
				body := strings.Repeat("b", (i*7+n*5000)%9000)
				_, _ = fmt.Fprintf(c, "POST /%d/%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", i, n, len(body), body)
				resp, err := http.ReadResponse(br, nil)
				if err != nil {
					return err
				}
				ends = resp.Close
				got, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != 200 || !strings.HasPrefix(string(got), fmt.Sprintf("POST /%d/%d ", i, n)) || !strings.HasSuffix(string(got), "body="+body) {
					return fmt.Errorf("%d/%d: %d, %d bytes, %v", i, n, resp.StatusCode, len(got), err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	r.recorded(3 * clients)
}

// TestApplyLosesNothing: requests go on while targets come and go in the
// configuration; those that leave are drained first, as ECS does.
func TestApplyLosesNothing(t *testing.T) {
	one, two := target(t, echo), target(t, echo)
	r, addr := newRig(t, nil, one)
	var stop atomic.Bool
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			client := &http.Client{Transport: &http.Transport{}}
			for !stop.Load() {
				resp, err := client.Get("http://" + addr)
				if err != nil {
					return err
				}
				if _, err = io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
					return fmt.Errorf("%d %v", resp.StatusCode, err)
				}
				resp.Body.Close()
			}
			return nil
		})
	}
	state := func(a, b State) {
		r.config.Groups = []Group{r.config.Groups[0]}
		r.config.Groups[0].Targets = nil
		for addr, s := range map[string]State{one: a, two: b} {
			if s != "" {
				r.config.Groups[0].Targets = append(r.config.Groups[0].Targets, Target{Addr: mustAddr(addr), State: s})
			}
		}
		r.apply()
		time.Sleep(10 * time.Millisecond)
	}
	for range 10 {
		state(Healthy, Initial)
		state(Healthy, Healthy)
		state(Draining, Healthy)
		for r.server.Outstanding(groupID, mustAddr(one)) > 0 {
			time.Sleep(time.Millisecond)
		}
		state("", Healthy)
		state(Healthy, Healthy)
		state(Healthy, Draining)
		for r.server.Outstanding(groupID, mustAddr(two)) > 0 {
			time.Sleep(time.Millisecond)
		}
		state(Healthy, "")
	}
	stop.Store(true)
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}
