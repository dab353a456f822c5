package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Dialer implements Engine.
func (k *Kernel) Dialer(eniID string) Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		o, err := k.origin(eniID, network)
		if err != nil {
			return nil, err
		}
		return o.dial(ctx, network, address)
	}
}

// origin is where connections of an ENI come from.
func (k *Kernel) origin(eniID, network string) (origin, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	o, ok := k.origins[eniID]
	if !ok {
		return o, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%w: %s", ErrNotFound, eniID)}
	}
	return o, nil
}

// origin is where connections of an ENI come from.
type origin struct {
	vpc       *vpc
	threads   threads
	namespace string
	ip, ip6   netip.Addr   // of the ENI
	bind      netip.Addr   // set for hosted ENIs, which share the VPC's namespace
	resolvers []netip.Addr // none when the VPC has no DNS support
	mark      uint32       // of a node of a network load balancer
	// client is set for connections that such a node opens for one of its clients.
	client netip.AddrPort
}

// dial resolves the host's name when it is one, and tries its addresses in turn.
func (o origin) dial(ctx context.Context, network, address string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: network, Err: err} }
	kind, err := socketType(network)
	if err != nil {
		return fail(err)
	}
	name, service, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	n, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return fail(&net.AddrError{Err: "invalid port", Addr: service})
	}
	var targets []netip.Addr
	if a, err := netip.ParseAddr(name); err == nil {
		targets = []netip.Addr{a.Unmap()}
	} else if targets, err = o.lookup(ctx, name); err != nil {
		return fail(err)
	}
	var first error
	for i, a := range targets {
		to := netip.AddrPortFrom(a, uint16(n))
		part, cancel := share(ctx, len(targets)-i)
		conn, err := o.connect(part, kind, to)
		cancel()
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = &net.OpError{Op: "dial", Net: network, Addr: net.TCPAddrFromAddrPort(to), Err: err}
		}
	}
	return nil, first
}

// share gives the next of several attempts its part of the time that is left.
func share(ctx context.Context, attempts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok || attempts < 2 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(attempts))
}

func socketType(network string) (int, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return unix.SOCK_STREAM, nil
	case "udp", "udp4", "udp6":
		return unix.SOCK_DGRAM, nil
	}
	return 0, net.UnknownNetworkError(network)
}

// HostDialer dials addresses (not names) from the host, as whoever calls from
// this machine does. An address to which no route of ours leads is ErrNotFound, so
// that nothing leaves the machine.
func (k *Kernel) HostDialer() Dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		fail := func(err error) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: network, Err: err} }
		kind, err := socketType(network)
		if err != nil {
			return fail(err)
		}
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fail(err)
		}
		if ours, err := k.host.leadsTo(to.Addr()); err != nil || !ours {
			return fail(errors.Join(err, fmt.Errorf("%w: a route to %s", ErrNotFound, to.Addr())))
		}
		conn, err := connectIn(ctx, k.host.threads, k.host.ns, kind, func(int, int) error { return nil }, to)
		if err != nil {
			return fail(err)
		}
		return conn, nil
	}
}

// connect connects out of the namespace of an ENI.
func (o origin) connect(ctx context.Context, kind int, to netip.AddrPort) (net.Conn, error) {
	if to.Addr().Is6() && !o.ip6.IsValid() {
		return nil, &net.AddrError{Err: "the interface has no IPv6 address", Addr: to.Addr().String()}
	}
	ns, err := openNamespace(o.namespace)
	if err != nil {
		return nil, err
	}
	defer ns.Close()
	return connectIn(ctx, o.threads, ns, kind, o.prepare, to)
}

// prepare gives a socket its address where the namespace does not decide it.
func (o origin) prepare(fd, family int) error {
	switch {
	case o.client.IsValid():
		return o.impersonate(fd)
	case o.bind.IsValid() && family == unix.AF_INET:
		return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrInet4{Addr: o.bind.As4()}))
	}
	return nil
}

// connectIn makes only the socket in the namespace; connecting and everything
// after it happen on the ordinary poller, so that a dead target holds no thread.
// Before, the socket is prepared.
func connectIn(ctx context.Context, threads threads, ns *os.File, kind int, prepare func(fd, family int) error, to netip.AddrPort) (net.Conn, error) {
	family := unix.AF_INET
	if to.Addr().Is6() {
		family = unix.AF_INET6
	}
	var fd int
	err := threads.enter(ns, func() error {
		var err error
		fd, err = unix.Socket(family, kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close() // FileConn has a descriptor of its own
	if err := prepare(fd, family); err != nil {
		return nil, err
	}
	if err := await(ctx, file, to); err != nil {
		return nil, err
	}
	return net.FileConn(file)
}

func socketAddress(to netip.AddrPort) unix.Sockaddr {
	if to.Addr().Is6() {
		return &unix.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port())}
	}
	return &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}
}

// await connects a non-blocking socket. It connects in the first call of Write
// and not before, because the poller reports only what happens after it looks.
func await(ctx context.Context, file *os.File, to netip.AddrPort) error {
	stop := context.AfterFunc(ctx, func() { _ = file.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	started := false
	err = raw.Write(func(fd uintptr) bool {
		if !started {
			started = true
			result = unix.Connect(int(fd), socketAddress(to))
			return !errors.Is(result, unix.EINPROGRESS)
		}
		var code int
		if code, result = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); result == nil && code != 0 {
			result = syscall.Errno(code)
		}
		if result != nil {
			return true
		}
		_, err := unix.Getpeername(int(fd))
		return err == nil // otherwise the poller still told of the time before connect
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) && errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case err != nil:
		return err
	case result != nil:
		return os.NewSyscallError("connect", result)
	}
	return nil
}
