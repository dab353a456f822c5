package network

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// Listen implements Engine.
func (k *Kernel) Listen(ctx context.Context, vpcID, network, address string) (net.Listener, error) {
	return listen(k, vpcID, func(c net.ListenConfig) (net.Listener, error) { return c.Listen(ctx, network, address) })
}

// ListenPacket implements Engine.
func (k *Kernel) ListenPacket(ctx context.Context, vpcID, network, address string) (net.PacketConn, error) {
	return listen(k, vpcID, func(c net.ListenConfig) (net.PacketConn, error) { return c.ListenPacket(ctx, network, address) })
}

// listen opens a socket in the VPC's namespace. It is served by the ordinary
// poller of this process, wherever its goroutines run.
func listen[L io.Closer](k *Kernel, vpcID string, open func(net.ListenConfig) (L, error)) (L, error) {
	var l L
	s, err := k.vpc(vpcID)
	if err != nil {
		return l, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ns == nil {
		return l, fmt.Errorf("%w: %s", ErrNotFound, vpcID)
	}
	err = k.threads.enter(s.ns, func() error {
		l, err = open(net.ListenConfig{Control: listenOptions})
		return err
	})
	if err == nil {
		s.listeners[l] = struct{}{}
	}
	return l, err
}

// listenOptions lets a socket answer for addresses that only a subnet's routes
// make local, and lets one for an address stand beside one for the wildcard.
func listenOptions(network, _ string, c syscall.RawConn) error {
	var err error
	control := c.Control(func(fd uintptr) {
		if err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_TRANSPARENT, 1); err != nil {
			return
		}
		if network == "tcp4" {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}
	})
	if control != nil {
		return control
	}
	return os.NewSyscallError("setsockopt", err)
}

// count adds all counters of the table.
func (w *firewall) count(c *Counters) error {
	objects, err := w.conn.GetObjects(w.table)
	if err != nil {
		return fmt.Errorf("network: read counters: %w", err)
	}
	for _, o := range objects {
		if o, ok := o.(*nftables.CounterObj); ok {
			c.add(o.Name, Count{o.Packets, o.Bytes})
		}
	}
	return nil
}
