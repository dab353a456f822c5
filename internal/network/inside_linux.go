package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"

	"github.com/google/nftables"
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
// would. The caller closes it before the ENI goes.
func (k *Kernel) ListenInside(ctx context.Context, eniID, network, address string) (net.Listener, error) {
	var l net.Listener
	err := k.inside(eniID, func(o origin, ns *os.File) error {
		return o.threads.enter(ns, func() (err error) {
			l, err = (&net.ListenConfig{}).Listen(ctx, network, address)
			return err
		})
	})
	return l, err
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
