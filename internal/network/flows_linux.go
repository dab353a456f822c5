package network

import (
	"context"
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// DialerFor implements Engine.
func (k *Kernel) DialerFor(eniID string, client netip.AddrPort) Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		o, err := k.origin(eniID, network)
		if err != nil {
			return nil, err
		}
		o.client = client
		return o.dial(ctx, network, address)
	}
}

// impersonate makes a socket one that speaks for the client of a node. Several
// sockets may have the client's address, as long as their targets differ.
func (o origin) impersonate(fd int) error {
	for _, option := range []struct{ level, name, value int }{
		{unix.SOL_IP, unix.IP_TRANSPARENT, 1}, {unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}, {unix.SOL_SOCKET, unix.SO_MARK, int(o.mark)},
	} {
		if err := unix.SetsockoptInt(fd, option.level, option.name, option.value); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
	}
	return os.NewSyscallError("bind", unix.Bind(fd, socketAddress(o.client)))
}
