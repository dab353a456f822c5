package networktest

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// Echo returns to each client of a listener what it says, until the test ends.
func Echo(t testing.TB, l net.Listener) {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
			t.Cleanup(func() { c.Close() })
		}
	}()
}

// EchoPackets is Echo for datagrams.
func EchoPackets(t testing.TB, c net.PacketConn) {
	t.Helper()
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := c.ReadFrom(b)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = c.WriteTo(b[:n], from)
			}
		}
	}()
}

// ListenPacket opens a UDP socket inside a network namespace.
func ListenPacket(t testing.TB, path, address string) net.PacketConn {
	t.Helper()
	var c net.PacketConn
	err := Enter(path, func() (err error) {
		c, err = net.ListenPacket("udp"+family(address), address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Speaks reports whether an echo comes back over a connection in time.
func Speaks(c net.Conn, within time.Duration) bool {
	_ = c.SetDeadline(time.Now().Add(within))
	if _, err := c.Write([]byte("echo?")); err != nil {
		return false
	}
	_, err := io.ReadFull(c, make([]byte, 5))
	return err == nil
}
