package network

import (
	"errors"
	"net"
	"net/netip"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// routeProtocol marks our routes, as /etc/iproute2/rt_protos has no name for it.
const routeProtocol = 78

// address adds or deletes an address of lo.
func (s *vpc) address(a netip.Addr, do func(netlink.Link, *netlink.Addr) error) error {
	address := &netlink.Addr{IPNet: ipNet(host(a))}
	if a.Is6() {
		address.Flags = unix.IFA_F_NODAD
	}
	err := do(loopback, address)
	if errors.Is(err, unix.EADDRNOTAVAIL) {
		return nil // deleted already
	}
	return err
}

// loopback is lo of any network namespace.
var loopback = &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}

// route adds or deletes a route.
func (s *vpc) route(r HostRoute, do func(*netlink.Route) error) error {
	k := netlink.Route{Table: int(r.Table), Dst: ipNet(r.To), Priority: r.Metric, Protocol: routeProtocol}
	switch r.Type {
	case LocalRoute:
		k.Type, k.LinkIndex, k.Scope = unix.RTN_LOCAL, 1, netlink.SCOPE_HOST
	case BlackholeRT:
		k.Type = unix.RTN_BLACKHOLE
	default:
		link, err := s.routes.LinkByName(r.Link)
		if err != nil {
			return err
		}
		k.Type, k.LinkIndex, k.Scope = unix.RTN_UNICAST, link.Attrs().Index, netlink.SCOPE_LINK
		if r.Gateway.IsValid() {
			k.Gw, k.Scope = r.Gateway.AsSlice(), netlink.SCOPE_UNIVERSE
			if r.Gateway.Is4() {
				k.Flags = int(netlink.FLAG_ONLINK)
			}
		}
	}
	return do(&k)
}

// hostRoute is the reverse of route; false for routes that are not ours.
func hostRoute(r netlink.Route, links map[int]string) (HostRoute, bool) {
	if r.Protocol != routeProtocol {
		return HostRoute{}, false
	}
	h := HostRoute{Table: uint32(r.Table), To: defaultRoute, Metric: r.Priority}
	if r.Family == unix.AF_INET6 {
		h.To = everywhere6
		if h.Metric == metric6 {
			h.Metric = 0
		}
	}
	if r.Dst != nil {
		h.To = prefixOf(r.Dst)
	}
	switch r.Type {
	case unix.RTN_LOCAL:
		h.Type = LocalRoute
	case unix.RTN_BLACKHOLE:
		h.Type = BlackholeRT
	default:
		h.Type, h.Link = Unicast, links[r.LinkIndex]
		if r.Gw != nil {
			h.Gateway = addrOf(r.Gw)
		}
	}
	return h, true
}

func kernelRule(r PolicyRule) *netlink.Rule {
	k := netlink.NewRule()
	k.Priority, k.Table, k.Family = r.Priority, int(r.Table), unix.AF_INET
	if !r.From.IsValid() {
		k.Mark = r.Mark
		return k
	}
	k.Src = ipNet(r.From)
	if r.From.Addr().Is6() {
		k.Family = unix.AF_INET6
	}
	return k
}

// families are those of the kernel.
func families() []int {
	if kernelHasSix() {
		return []int{unix.AF_INET, unix.AF_INET6}
	}
	return []int{unix.AF_INET}
}

// metric6 is what the kernel makes of no metric for IPv6.
const metric6 = 1024

// addrOf and prefixOf say in our words what netlink says in those of package net.
func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func prefixOf(n *net.IPNet) netip.Prefix {
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addrOf(n.IP), bits)
}

// adopt learns what the namespace holds, so that the difference to the plan is
// true. The packet filter is not read: it is replaced as a whole. Nor is the inside
// of ENIs: it is gone through again.
func (s *vpc) adopt() error {
	var h Host
	links, err := whole(s.routes.LinkList)
	if err != nil {
		return err
	}
	inside, err := s.kernel.namespacesByLink()
	if err != nil {
		return err
	}
	names := map[int]string{}
	for _, l := range links {
		name := l.Attrs().Name
		names[l.Attrs().Index] = name
		if strings.HasPrefix(name, peerPrefix) {
			h.Peers = append(h.Peers, PeerLink{Name: name})
		} else if name != "lo" && name != uplinkName {
			h.Links = append(h.Links, Link{Name: name, Namespace: inside[name]})
		}
	}
	h.Namespace = s.kernel.site.namespace(s.id)
	if err := s.adoptUplink(&h, names); err != nil {
		return err
	}
	for _, family := range families() {
		if err := s.adoptFamily(&h, family, names); err != nil {
			return err
		}
	}
	s.applied = h
	return nil
}

// adoptFamily learns the addresses, routes and rules of one family.
func (s *vpc) adoptFamily(h *Host, family int, links map[int]string) error {
	addresses, err := whole(func() ([]netlink.Addr, error) { return s.routes.AddrList(loopback, family) })
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if ip := addrOf(a.IP); ip.IsValid() && !ip.IsLoopback() {
			h.Addresses = append(h.Addresses, ip)
		}
	}
	routes, err := whole(func() ([]netlink.Route, error) {
		return s.routes.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
	})
	if err != nil {
		return err
	}
	for _, r := range routes {
		if r, ok := hostRoute(r, links); ok {
			h.Routes = append(h.Routes, r)
		}
	}
	rules, err := whole(func() ([]netlink.Rule, error) { return s.routes.RuleList(family) })
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.Priority == flowRules {
			h.Rules = append(h.Rules, PolicyRule{Priority: r.Priority, Mark: r.Mark, Table: uint32(r.Table)})
		}
		if (r.Priority == insideRules || r.Priority == publicRules || r.Priority == subnetRules) && r.Src != nil {
			h.Rules = append(h.Rules, PolicyRule{Priority: r.Priority, From: prefixOf(r.Src), Table: uint32(r.Table)})
		}
	}
	return nil
}

// namespacesByLink tells the namespaces of all ENIs by the names of their links.
func (k *Kernel) namespacesByLink() (map[string]string, error) {
	all := map[string]string{}
	names, err := namespacesNamed(k.site.namespaces() + eniIDs)
	for _, n := range names {
		all[linkName(strings.TrimPrefix(n, k.site.namespaces()))] = n
	}
	return all, err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// gone reports whether an error says that what is to be deleted is not there.
func gone(err error) bool {
	var notFound netlink.LinkNotFoundError
	return errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.As(err, &notFound)
}
