package frontdoor

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"unicode"
)

// page answers a request itself, as plain text, and asks for the connection to end.
func page(c net.Conn, status, text string) {
	text = "Neargate: " + text + "\n"
	fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(text), text)
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(c, maxHead)) // a reset would take the answer away
}

// unknown says which load balancers there are.
func (f *Front) unknown(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, name)
	names := f.options.Names()
	if len(names) == 0 {
		return fmt.Sprintf("no load balancer is called %q, and there is no internet-facing load balancer.", name)
	}
	return fmt.Sprintf("no load balancer is called %q. There are:\n  %s", name, strings.Join(names, "\n  "))
}

func unreachable(name string, addr netip.Addr, port int) string {
	return fmt.Sprintf("%s does not answer at %s:%d. It needs a listener on port %d, and its security groups must allow 203.0.113.1, which this machine is.", name, addr, port, port)
}
