package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// What a proxy needs that lives beside the containers of a task, in the network
// namespace of the task's interface.

// inside runs fn with the origin of an attached ENI and its namespace.
func (k *Kernel) inside(eniID string, fn func(origin, *os.File) error) error {
	k.mu.Lock()
	o, ok := k.origins[eniID]
	k.mu.Unlock()
	if !ok || o.bind.IsValid() {
		return fmt.Errorf("%w: %s", ErrNotFound, eniID)
	}
	ns, err := openNamespace(o.namespace)
	if err != nil {
		return err
	}
	defer ns.Close()
	return fn(o, ns)
}

// ListenInside opens a stream listener as a process behind an attached ENI
// would. The caller closes it before the ENI goes. An IPv6 address that is not
// the interface's becomes one of its namespace's loopback.
func (k *Kernel) ListenInside(ctx context.Context, eniID, network, address string) (net.Listener, error) {
	var l net.Listener
	err := k.inside(eniID, func(o origin, ns *os.File) error {
		if at, err := netip.ParseAddrPort(address); err == nil && at.Addr().Is6() && at.Addr() != o.ip6 {
			if err := addLoopback(ns, at.Addr()); err != nil {
				return err
			}
		}
		return o.threads.enter(ns, func() (err error) {
			l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
			return err
		})
	})
	return l, err
}

// addLoopback gives lo of a namespace an address that it has not yet, or has.
func addLoopback(ns *os.File, a netip.Addr) error {
	h, err := routeHandle(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	lo, err := h.LinkByName("lo")
	if err != nil {
		return err
	}
	// Without duplicate detection, which would leave it tentative for a second.
	if err := h.AddrReplace(lo, &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(a, a.BitLen())), Flags: unix.IFA_F_NODAD}); err != nil {
		return err
	}
	for range 1000 { // its route follows a moment later
		if _, err = h.RouteGet(a.AsSlice()); err == nil {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return err
}

// Redirect leads TCP connections that come from outside to ports of an attached
// ENI to other ports of its IPv4 address: those of a proxy. What the task's own
// processes send to themselves goes where it says. It replaces what was said before.
func (k *Kernel) Redirect(eniID string, ports map[uint16]uint16) error {
	return k.inside(eniID, func(o origin, ns *os.File) error {
		w, err := newFirewall(int(ns.Fd()), "proxy", nftables.TableFamilyIPv4)
		if err != nil {
			return err
		}
		defer w.close()
		return w.replace(redirects(o.ip, ports))
	})
}

// redirects is the table of Redirect.
func redirects(ip netip.Addr, ports map[uint16]uint16) Filter {
	chain := Chain{Name: "inbound", Hook: &Hook{Type: "nat", Point: "prerouting", Priority: -100}}
	for from, to := range ports {
		chain.Rules = append(chain.Rules, FilterRule{
			Match:   []Match{InLink("eth0"), TargetAddr(netip.PrefixFrom(ip, ip.BitLen())), Protocol(TCP), Ports{int(from), int(from)}},
			Verdict: Verdict{Kind: TargetTo, To: net.JoinHostPort(ip.String(), strconv.Itoa(int(to)))},
		})
	}
	return Filter{Chains: []Chain{chain}}
}

// InsideGone reports whether an error of ListenInside or Redirect says that the
// interface is no more.
func InsideGone(err error) bool { return errors.Is(err, ErrNotFound) || errors.Is(err, os.ErrNotExist) }
