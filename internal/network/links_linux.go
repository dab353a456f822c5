package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/fault"
)

// addLinks makes the interfaces that are new, and goes again through those that
// a former process made, for it may have died half-way.
func (s *vpc) addLinks(old, now Host) error {
	had := map[string]Link{}
	for _, l := range old.Links {
		had[l.Name] = l
	}
	for _, l := range now.Links {
		before, ok := had[l.Name]
		if ok && before.same(l) {
			continue
		}
		known := before.Address.IsValid() // and not adopted
		if known && before.sameBut6(l) {
			known = false // the link stays
		} else if known { // another address or MAC: a new link
			if err := deleteLink(s.routes, l.Name); err != nil {
				return err
			}
		}
		if err := s.link(l, ok && !known); err != nil {
			return fmt.Errorf("interface %s: %w", l.Namespace, err)
		}
	}
	return nil
}

// same reports whether two descriptions of a link are equal.
func (l Link) same(o Link) bool { return l.sameBut6(o) && l.IPv6 == o.IPv6 }

func (l Link) sameBut6(o Link) bool {
	return l.Namespace == o.Namespace && l.Address == o.Address && l.Gateway == o.Gateway && l.MAC.String() == o.MAC.String()
}

// link makes one interface work: namespace, veth, address, default route.
func (s *vpc) link(l Link, there bool) error {
	s.awaitDeleted(l.Name)
	s.awaitDeleted(l.Address.Addr().String())
	s.awaitDeleted(l.IPv6.String())
	inside, err := openNamespace(l.Namespace)
	if errors.Is(err, fs.ErrNotExist) {
		if there { // its other end went with a namespace that is no more
			if err := deleteLink(s.routes, l.Name); err != nil {
				return err
			}
			there = false
		}
		inside, err = s.kernel.threads.create(l.Namespace, setUpENI)
	}
	if err != nil {
		return err
	}
	defer inside.Close()
	fault.Point("network.namespace")
	if !there {
		if err := s.veth(l, inside); err != nil {
			return err
		}
	}
	fault.Point("network.veth")
	ours, err := s.routes.LinkByName(l.Name)
	if err != nil {
		return err
	}
	if err := s.configure(l, inside, ours.Attrs().HardwareAddr); err != nil {
		return err
	}
	if err := s.kernel.threads.enter(s.ns, func() error {
		// Otherwise the router's answer to ARP waits for up to 0.8 s.
		return sysctl("ipv4/neigh/"+l.Name+"/proxy_delay", "0")
	}); err != nil {
		return err
	}
	return s.awaitUp(ours.Attrs().Index)
}

// setUpENI prepares a new ENI namespace.
func setUpENI() error {
	for _, c := range [][2]string{
		{"ipv4/ip_unprivileged_port_start", "0"}, // as containers are used to: who is not root may have port 80
		{"ipv4/ip_forward", "0"},                 // whatever the machine does
	} {
		if err := sysctl(c[0], c[1]); err != nil {
			return err
		}
	}
	return loopbackUp()
}

// veth makes both ends at once, each in its place.
func (s *vpc) veth(l Link, inside *os.File) error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = l.Name, attachedMTU, net.FlagUp
	v := netlink.NewVeth(attrs)
	v.PeerName, v.PeerMTU, v.PeerHardwareAddr = "eth0", attachedMTU, l.MAC
	v.PeerNamespace = netlink.NsFd(int(inside.Fd()))
	return s.routes.LinkAdd(v)
}

// configure gives eth0 its addresses and its router. It may be repeated.
func (s *vpc) configure(l Link, inside *os.File, router net.HardwareAddr) error {
	h, err := routeHandle(inside)
	if err != nil {
		return err
	}
	defer h.Close()
	eth0, err := h.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := h.AddrReplace(eth0, &netlink.Addr{IPNet: ipNet(l.Address)}); err != nil {
		return fmt.Errorf("address %s: %w", l.Address, err)
	}
	if err := h.LinkSetUp(eth0); err != nil {
		return err
	}
	err = h.RouteReplace(&netlink.Route{LinkIndex: eth0.Attrs().Index, Dst: ipNet(defaultRoute), Gw: l.Gateway.AsSlice()})
	if err != nil {
		return fmt.Errorf("default route: %w", err)
	}
	return s.configureSix(l, h, eth0, inside, router)
}

// awaitUp waits until the kernel passes packets over a fresh link: its first
// ones are lost otherwise, and the first connection takes a second.
func (s *vpc) awaitUp(index int) error {
	for range 1000 {
		l, err := s.routes.LinkByIndex(index)
		if err != nil {
			return err
		}
		if l.Attrs().OperState == netlink.OperUp {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("the link does not come up")
}

// dropLinks takes interfaces away. No packet passes them any more; deleting a
// veth blocks for some 30 ms, which is nobody's to wait for.
func (s *vpc) dropLinks(old, now Host) {
	stay, reused := map[string]bool{}, map[netip.Addr]bool{}
	for _, l := range now.Links {
		stay[l.Name] = true
		reused[l.Address.Addr()], reused[l.IPv6] = true, true
	}
	for _, a := range now.Addresses {
		reused[a] = true
	}
	var names []string
	var free, again []netip.Addr
	for _, l := range old.Links {
		if stay[l.Name] {
			continue
		}
		names = append(names, l.Name)
		if l.Namespace != "" {
			if err := removeNamespace(l.Namespace); err != nil {
				s.kernel.log.Warn("an interface's namespace stays", "namespace", l.Namespace, "error", err)
			}
		}
		for _, a := range []netip.Addr{l.Address.Addr(), l.IPv6} {
			switch {
			case !a.IsValid():
			case reused[a]:
				again = append(again, a)
			default:
				free = append(free, a)
			}
		}
	}
	s.kernel.forgetFlows(s.ns, again) // at once, before its new owner has any
	if old.Uplink != nil && now.Uplink == nil {
		names = append(names, uplinkName)
	}
	if len(names) > 0 {
		fault.Point("network.drop")
		s.deleteLater(names, free)
	}
}

// deleteLater deletes links, and what is known of the flows of addresses that
// are free again, on sockets of its own, which the others need not share.
func (s *vpc) deleteLater(names []string, free []netip.Addr) {
	ns, err := openNamespace(s.kernel.site.namespace(s.id))
	if err != nil {
		return // and the links are gone with it
	}
	done := make(chan struct{})
	for _, n := range names {
		s.deleting[n] = done
	}
	for _, a := range free {
		s.deleting[a.String()] = done
	}
	s.kernel.background.Go(func() {
		defer close(done)
		defer ns.Close()
		s.kernel.forgetFlows(ns, free)
		h, err := routeHandle(ns)
		if err != nil {
			s.kernel.log.Warn("links stay", "links", names, "error", err)
			return
		}
		defer h.Close()
		for _, n := range names {
			if err := deleteLink(h, n); err != nil {
				s.kernel.log.Warn("a link stays", "link", n, "error", err)
			}
		}
	})
}

// awaitDeleted waits until a link or an address that is to be used again has
// been deleted.
func (s *vpc) awaitDeleted(what string) {
	if wait := s.deleting[what]; wait != nil {
		<-wait
		delete(s.deleting, what)
	}
}

func deleteLink(h *netlink.Handle, name string) error {
	l, err := h.LinkByName(name)
	if err == nil {
		err = h.LinkDel(l)
	}
	if err != nil && !gone(err) {
		return err
	}
	return nil
}

// forgetFlows ends the connections of addresses that are free again, so that
// their next owners inherit none.
func (k *Kernel) forgetFlows(ns *os.File, free []netip.Addr) {
	if len(free) == 0 {
		return
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(int(ns.Fd())), unix.NETLINK_NETFILTER)
	if err != nil {
		return
	}
	defer h.Close()
	filters := map[netlink.InetFamily][]netlink.CustomConntrackFilter{}
	for _, a := range free {
		family := netlink.InetFamily(unix.AF_INET)
		if a.Is6() {
			family = unix.AF_INET6
		}
		for _, by := range []netlink.ConntrackFilterType{netlink.ConntrackOrigSrcIP, netlink.ConntrackOrigDstIP} {
			f := &netlink.ConntrackFilter{}
			if f.AddIP(by, a.AsSlice()) == nil {
				filters[family] = append(filters[family], f)
			}
		}
	}
	for family, some := range filters {
		if _, err := h.ConntrackDeleteFilters(netlink.ConntrackTable, family, some...); err != nil {
			k.log.Debug("connections stay tracked", "addresses", free, "error", err)
		}
	}
}
