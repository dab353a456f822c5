package healthcheck

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// How long checkers wait, and how much of an answer they search.
const (
	connectTimeout = 4 * time.Second
	answerTimeout  = 2 * time.Second
	bodyTimeout    = 2 * time.Second
	tcpTimeout     = 10 * time.Second
	searched       = 5120     // bytes of the body
	maxHead        = 16 << 10 // bytes of the answer's head
)

// probe asks an endpoint once.
func (c *Checkers) probe(ctx context.Context, t Target) Result {
	addr, note, err := t.Check.Addr, "", error(nil)
	if !addr.IsValid() {
		if addr, err = c.options.Resolve(ctx, t.Check.Name); err != nil {
			return Result{Status: "Failure: DNS resolution failed: " + err.Error()}
		}
		note = " Resolved IP: " + addr.String()
	}
	limit := connectTimeout
	if t.Check.Type == "TCP" {
		limit = tcpTimeout
	}
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := c.options.Dial(dialing, t.Key.Region, netip.AddrPortFrom(addr, t.Check.Port))
	if err != nil {
		return Result{Status: "Failure: " + connectFailure(err) + note}
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if t.Check.Type == "TCP" {
		return Result{true, "Success: TCP connection established." + note}
	}
	status, passed := t.Check.ask(ctx, conn, addr)
	if passed {
		return Result{true, "Success: " + status + note}
	}
	return Result{Status: "Failure: " + status + note}
}

func connectFailure(err error) string {
	switch {
	case timedOut(err):
		return "Connection timed out. The endpoint or the internet connection is down, or requests are being blocked by your firewall."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "Connection refused."
	}
	return "The endpoint cannot be reached."
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// ask sends one request over a connection, and says whether the answer is good.
func (k Check) ask(ctx context.Context, conn net.Conn, addr netip.Addr) (string, bool) {
	secure := strings.HasPrefix(k.Type, "HTTPS")
	if secure {
		_ = conn.SetDeadline(time.Now().Add(connectTimeout))
		config := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // Route 53 does not verify certificates
		if k.SNI {
			config.ServerName = k.Name
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return "SSL handshake failed.", false
		}
		conn = secured
	}
	_ = conn.SetDeadline(time.Now().Add(answerTimeout))
	request := "GET " + k.path() + " HTTP/1.1\r\nHost: " + k.host(addr, secure) + "\r\nConnection: close\r\nUser-Agent: Amazon-Route53-Health-Check-Service (Neargate)\r\nAccept: */*\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return "The endpoint closed the connection.", false
	}
	response, err := http.ReadResponse(bufio.NewReader(io.LimitReader(conn, maxHead+searched)), nil)
	switch {
	case timedOut(err):
		return "HTTP response timed out.", false
	case err != nil:
		return "The HTTP response is not valid.", false
	}
	defer response.Body.Close()
	status := fmt.Sprintf("HTTP Status Code %d, %s", response.StatusCode, http.StatusText(response.StatusCode))
	if response.StatusCode < 200 || response.StatusCode > 399 {
		return status + ".", false
	}
	if k.Search == "" {
		return status + ".", true
	}
	_ = conn.SetDeadline(time.Now().Add(bodyTimeout))
	body, _ := io.ReadAll(io.LimitReader(response.Body, searched)) // what came in time is searched
	if !strings.Contains(string(body), k.Search) {
		return status + ". The search string was not found in the response body.", false
	}
	return status + ".", true
}

// path is the request's target as it may stand in a request line.
func (k Check) path() string {
	path, query, asked := strings.Cut("/"+strings.TrimPrefix(k.Path, "/"), "?")
	out := (&url.URL{Path: path}).EscapedPath()
	if asked {
		out += "?" + strings.NewReplacer(" ", "%20", "\r", "", "\n", "").Replace(query)
	}
	return out
}

// host is the Host field: the name, or else the address, with a port that is not the usual one.
func (k Check) host(addr netip.Addr, secure bool) string {
	host := k.Name
	if host == "" {
		host = addr.String()
		if addr.Is6() {
			host = "[" + host + "]"
		}
	}
	if secure && k.Port == 443 || !secure && k.Port == 80 {
		return host
	}
	return host + ":" + strconv.Itoa(int(k.Port))
}
