package health

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
)

const userAgent = "ELB-HealthChecker/2.0"

// probe asks a target once.
func (c *Checker) probe(ctx context.Context, t Target) Result {
	ctx, cancel := context.WithTimeout(ctx, t.Check.Timeout)
	defer cancel()
	addr := t.Key.Addr
	if t.Check.Port != 0 {
		addr = netip.AddrPortFrom(addr.Addr(), t.Check.Port)
	}
	conn, err := c.options.Dial(ctx, t.Zone, addr)
	if err != nil {
		return resultOf(err)
	}
	defer conn.Close()
	if t.Check.Protocol == "TCP" {
		return passed
	}
	deadline, _ := ctx.Deadline()
	_ = conn.SetDeadline(deadline)
	h2 := t.Check.Version == "HTTP2" || t.Check.Version == "GRPC"
	if t.Check.Protocol == "HTTPS" {
		conf := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // load balancers do not verify targets
		if h2 {
			conf.NextProtos = []string{"h2"}
		}
		secured := tls.Client(conn, conf)
		if err := secured.HandshakeContext(ctx); err != nil {
			return resultOf(err)
		}
		if h2 && secured.ConnectionState().NegotiatedProtocol != "h2" {
			return failed
		}
		conn = secured
	}
	ask := askHTTP1
	if h2 {
		ask = askHTTP2
	}
	code, err := ask(ctx, conn, addr, t.Check)
	if err != nil {
		return resultOf(err)
	}
	matcher, err := ParseMatcher(t.Check.Matcher)
	switch {
	case err != nil:
		return Result{Reason: ReasonInternal, Description: err.Error()}
	case !matcher.Matches(code):
		return Mismatch(code)
	}
	return passed
}

func resultOf(err error) Result {
	var n net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout() {
		return timedOut
	}
	return failed
}

// askHTTP1 returns the status code of an answer.
func askHTTP1(_ context.Context, conn net.Conn, addr netip.AddrPort, c Check) (int, error) {
	request := "GET " + path(c) + " HTTP/1.1\r\nHost: " + addr.String() + "\r\nConnection: close\r\nUser-Agent: " + userAgent + "\r\nAccept-Encoding: gzip, compressed\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, 64<<10)), nil)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
}

// askHTTP2 returns the status code of an answer, of gRPC that of the call.
func askHTTP2(ctx context.Context, conn net.Conn, addr netip.AddrPort, c Check) (int, error) {
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{DisableCompression: true, DialContext: given, DialTLSContext: given, Protocols: &http.Protocols{}}
	scheme := "http"
	if _, secure := conn.(*tls.Conn); secure {
		scheme = "https"
		transport.Protocols.SetHTTP2(true)
	} else {
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	client, err := transport.NewClientConn(ctx, scheme, addr.String())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	u, err := url.ParseRequestURI(path(c))
	if err != nil {
		return 0, err
	}
	u.Scheme, u.Host = scheme, addr.String()
	r := (&http.Request{Method: http.MethodGet, URL: u, Header: http.Header{"User-Agent": {userAgent}}}).WithContext(ctx)
	grpc := c.Version == "GRPC"
	if grpc {
		empty := make([]byte, 5) // a message of no bytes
		r.Method, r.Body, r.ContentLength = http.MethodPost, io.NopCloser(bytes.NewReader(empty)), int64(len(empty))
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("Te", "trailers")
	}
	response, err := client.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 1<<20)); err != nil && grpc {
		return 0, err
	}
	if !grpc {
		return response.StatusCode, nil
	}
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	return strconv.Atoi(status)
}

func path(c Check) string {
	if c.Path == "" {
		if c.Version == "GRPC" {
			return "/AWS.ALB/healthcheck"
		}
		return "/"
	}
	return c.Path
}
