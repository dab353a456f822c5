package loadbalancer

import (
	"crypto/tls"
	"net"
	"syscall"
)

// socketBelow returns the socket under a TLS connection, nil where there is none.
func socketBelow(c net.Conn) syscall.RawConn {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if sc, ok := c.(syscall.Conn); ok {
		raw, _ := sc.SyscallConn()
		return raw
	}
	return nil
}
