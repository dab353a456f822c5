package frontdoor

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
)

// prefixed is a connection from which some bytes were read before, which come again.
type prefixed struct {
	net.Conn
	before []byte
}

// Read implements net.Conn.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.before) > 0 {
		n := copy(b, p.before)
		p.before = p.before[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// CloseWrite ends our side of the connection.
func (p *prefixed) CloseWrite() error {
	if half, ok := p.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return p.Close()
}

// head is the beginning of a connection of HTTP.
type head struct {
	host    string // canonical
	upgrade bool   // another protocol is asked for
	bytes   []byte // as they are passed on
	rest    []byte // what came behind
}

// errHead says that what came is no head that can be passed on.
var errHead = errors.New("frontdoor: no request of HTTP/1.1 with one Host field")

// readHead reads the head of a request, at most maxHead bytes.
func readHead(c net.Conn) (head, error) {
	var all []byte
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		all = append(all, buf[:n]...)
		if end := bytes.Index(all, []byte("\r\n\r\n")); end >= 0 {
			return parseHead(string(all[:end]), all[end+4:])
		}
		if err != nil {
			return head{}, err
		}
		if len(all) > maxHead {
			return head{}, errHead
		}
	}
}

// parseHead finds out where a request leads, and asks for the connection to end with it.
func parseHead(text string, rest []byte) (head, error) {
	lines := strings.Split(text, "\r\n")
	if !strings.HasSuffix(lines[0], " HTTP/1.1") && !strings.HasSuffix(lines[0], " HTTP/1.0") {
		return head{}, errHead
	}
	h := head{rest: rest}
	hosts, kept, connection := 0, lines[:1:1], []string(nil)
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") || strings.ContainsAny(line, "\r\n\x00") {
			return head{}, errHead // folded fields, too: they could be read in two ways
		}
		switch strings.ToLower(name) {
		case "host":
			hosts++
			h.host = canonical(strings.TrimSpace(value))
		case "connection":
			connection = append(connection, line)
			for token := range strings.SplitSeq(value, ",") {
				h.upgrade = h.upgrade || strings.EqualFold(strings.TrimSpace(token), "upgrade")
			}
			continue
		}
		kept = append(kept, line)
	}
	if hosts != 1 || h.host == "" {
		return head{}, errHead
	}
	if h.upgrade {
		kept = append(kept, connection...)
	} else {
		kept = append(kept, "Connection: close")
	}
	h.bytes = []byte(strings.Join(kept, "\r\n") + "\r\n\r\n")
	return h, nil
}

// canonical is a host without port and final dot, in lower case.
func canonical(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// upgraded carries what follows a request for another protocol. Nothing more of the
// client goes on before the load balancer has agreed (101): otherwise the next
// request, which may be for another one, would.
func upgraded(ctx context.Context, client, to net.Conn, rest []byte) {
	stop := context.AfterFunc(ctx, func() { _ = client.Close(); _ = to.Close() })
	defer stop()
	begin := make([]byte, len("HTTP/1.1 101"))
	n, err := io.ReadFull(to, begin)
	if _, failed := client.Write(begin[:n]); err != nil || failed != nil {
		return
	}
	if string(begin) == "HTTP/1.1 101" {
		carry(ctx, &prefixed{Conn: client, before: rest}, to)
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(client, to)
}

// errSeen ends the reading of a ClientHello.
var errSeen = errors.New("frontdoor: seen")

// readHello reads the ClientHello of TLS, and returns what was read for it.
func readHello(ctx context.Context, c net.Conn) (hello *tls.ClientHelloInfo, seen []byte, err error) {
	r := &recorder{Conn: c}
	err = tls.Server(r, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello = h
		return nil, errSeen
	}}).HandshakeContext(ctx) //nolint:gosec // no handshake is made
	if hello == nil {
		return nil, nil, err
	}
	return hello, r.seen, nil
}

// recorder keeps what is read of a connection, and lets nothing be written.
type recorder struct {
	net.Conn
	seen []byte
}

// Read implements net.Conn.
func (r *recorder) Read(b []byte) (int, error) {
	if len(r.seen) > maxHead {
		return 0, errHead
	}
	n, err := r.Conn.Read(b)
	r.seen = append(r.seen, b[:n]...)
	return n, err
}

// Write implements net.Conn.
func (*recorder) Write(b []byte) (int, error) { return len(b), nil }
