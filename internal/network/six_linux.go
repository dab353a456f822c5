package network

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// IPv6 comes to a namespace with the first IPv6 range of its VPC, and its packet
// filter before it. Nobody discovers neighbours or routers: both ends of a link
// are told of each other, so that no first packet waits, and nobody can lie.

// kernelHasSix reports whether the kernel knows IPv6 at all.
func kernelHasSix() bool {
	_, err := os.Stat("/proc/sys/net/ipv6")
	return err == nil
}

// applySix does what IPv6 needs before there are addresses and routes.
func (s *vpc) applySix(old, now Host) error {
	if err := s.filterSix(old.Filter6, now); err != nil || !now.six() {
		return err
	}
	had := map[string]Link{}
	for _, l := range old.Links {
		had[l.Name] = l
	}
	for _, l := range now.Links {
		if before := had[l.Name]; l.IPv6.IsValid() && !(s.known && before.same(l)) {
			if err := neighbour(s.routes, l.Name, neighbourOf(l.IPv6, l.MAC)); err != nil {
				return fmt.Errorf("neighbour %s: %w", l.IPv6, err)
			}
		}
	}
	for _, p := range now.Peers {
		mac, err := net.ParseMAC(p.Peer)
		if err != nil {
			return err
		}
		if err := neighbour(s.routes, p.Name, neighbourOf(router6, mac)); err != nil && !gone(err) {
			return fmt.Errorf("neighbour of %s: %w", p.Name, err)
		}
	}
	if now.Uplink == nil || s.known && old.Uplink != nil && old.six() {
		return nil
	}
	return s.uplinkSix(*now.Uplink)
}

// filterSix writes the table of IPv6, and switches IPv6 on when it is there.
func (s *vpc) filterSix(old Filter, now Host) error {
	switch {
	case s.firewall6 != nil && s.known && now.six():
		return s.firewall6.change(old, now.Filter6)
	case s.firewall6 != nil:
		return s.firewall6.replace(now.Filter6)
	case !now.six():
		return nil
	}
	w, err := newFirewall(int(s.ns.Fd()), "ng", nftables.TableFamilyIPv6)
	if err != nil {
		return err
	}
	if err = w.replace(now.Filter6); err == nil {
		err = s.kernel.threads.enter(s.ns, switchOnSix)
	}
	if err != nil {
		w.close()
		return err
	}
	s.firewall6 = w
	return nil
}

// switchOnSix lets the calling thread's namespace route IPv6.
func switchOnSix() error {
	for _, c := range [][2]string{
		{"accept_dad", "0"},    // addresses are ours to give, and nobody's to contest
		{"addr_gen_mode", "1"}, // no link-local ones
		{"accept_ra", "0"},
		{"forwarding", "1"},
		{"disable_ipv6", "0"},
	} {
		for _, which := range []string{"all", "default"} {
			if err := sysctl("ipv6/conf/"+which+"/"+c[0], c[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func neighbourOf(ip netip.Addr, mac net.HardwareAddr) netlink.Neigh {
	return netlink.Neigh{Family: unix.AF_INET6, State: netlink.NUD_PERMANENT, IP: ip.AsSlice(), HardwareAddr: mac}
}

// neighbour tells a link of who is at its other end.
func neighbour(h *netlink.Handle, link string, n netlink.Neigh) error {
	l, err := h.LinkByName(link)
	if err != nil {
		return err
	}
	n.LinkIndex = l.Attrs().Index
	return h.NeighSet(&n)
}

// configureSix gives eth0 its IPv6 address and its router, or takes them away. As
// on AWS nothing but the address itself is on the link.
func (s *vpc) configureSix(l Link, h *netlink.Handle, eth0 netlink.Link, inside *os.File, router net.HardwareAddr) error {
	if !kernelHasSix() {
		return nil
	}
	there, err := whole(func() ([]netlink.Addr, error) { return h.AddrList(eth0, unix.AF_INET6) })
	if err != nil {
		return err
	}
	for _, a := range there {
		if ip := addrOf(a.IP); !ip.IsLinkLocalUnicast() && ip != l.IPv6 {
			if err := h.AddrDel(eth0, &a); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
				return err
			}
		}
	}
	route := &netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: ipNet(everywhere6), Gw: router6.AsSlice()}
	if !l.IPv6.IsValid() {
		if err := h.RouteDel(route); err != nil && !gone(err) {
			return err
		}
		return nil
	}
	if err := s.kernel.threads.enter(inside, func() error { return sysctl("ipv6/conf/eth0/disable_ipv6", "0") }); err != nil {
		return err
	}
	if err := h.AddrReplace(eth0, &netlink.Addr{IPNet: ipNet(host(l.IPv6)), Flags: unix.IFA_F_NODAD}); err != nil {
		return fmt.Errorf("address %s: %w", l.IPv6, err)
	}
	if err := neighbour(h, "eth0", neighbourOf(router6, router)); err != nil {
		return fmt.Errorf("router: %w", err)
	}
	if err := h.RouteReplace(route); err != nil {
		return fmt.Errorf("default route of IPv6: %w", err)
	}
	return nil
}

// hostRouter6 is the VPC's end of an uplink, as the host knows it.
var hostRouter6 = netip.MustParseAddr("fe80::2")

// uplinkSix lets an uplink carry IPv6. It may be repeated.
func (s *vpc) uplinkSix(u Uplink) error {
	side := s.kernel.host
	if err := side.prepareSix(); err != nil {
		return err
	}
	handle, err := routeHandle(side.ns)
	if err != nil {
		return err
	}
	defer handle.Close()
	theirs, err := handle.LinkByName(u.HostLink)
	if err != nil {
		return err
	}
	ours, err := s.routes.LinkByName(uplinkName)
	if err != nil {
		return err
	}
	err = side.threads.enter(side.ns, func() error { return sysctl("ipv6/conf/"+u.HostLink+"/disable_ipv6", "0") })
	if err != nil {
		return err
	}
	if err := neighbour(s.routes, uplinkName, neighbourOf(router6, theirs.Attrs().HardwareAddr)); err != nil {
		return fmt.Errorf("neighbour of the uplink: %w", err)
	}
	if err := neighbour(handle, u.HostLink, neighbourOf(hostRouter6, ours.Attrs().HardwareAddr)); err != nil {
		return fmt.Errorf("neighbour of the host: %w", err)
	}
	return nil
}
