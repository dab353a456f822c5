package network

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// applyPublic brings the host's routes to the VPC's public IPs up to date. They
// are compared with what the host has, so that nothing need be remembered.
func (s *vpc) applyPublic(old, now Host) error {
	if now.Uplink == nil || s.known && old.Uplink != nil && slices.Equal(old.Public, now.Public) {
		return nil // without an uplink they are gone with it
	}
	h, err := routeHandle(s.kernel.host.ns)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(now.Uplink.HostLink)
	if err != nil {
		return err
	}
	has := map[netip.Addr]netlink.Route{}
	for _, family := range families() {
		there, err := whole(func() ([]netlink.Route, error) {
			return h.RouteListFiltered(family, &netlink.Route{LinkIndex: link.Attrs().Index, Protocol: routeProtocol}, netlink.RT_FILTER_OIF|netlink.RT_FILTER_PROTOCOL)
		})
		if err != nil {
			return err
		}
		for _, r := range there {
			if r.Dst != nil {
				has[addrOf(r.Dst.IP)] = r
			}
		}
	}
	for _, a := range now.Public {
		if _, ok := has[a]; ok {
			delete(has, a)
			continue
		}
		// The metric tells equal addresses of two instances apart.
		n := int(s.number.Load())
		route := netlink.Route{Dst: ipNet(host(a)), LinkIndex: link.Attrs().Index, Gw: now.Uplink.VPC.Addr().AsSlice(), Protocol: routeProtocol, Priority: n + 1}
		if a.Is6() {
			route.Gw = hostRouter6.AsSlice()
		}
		if err := h.RouteReplace(&route); err != nil {
			return fmt.Errorf("route to %s: %w", a, err)
		}
	}
	for a, r := range has {
		if err := h.RouteDel(&r); err != nil && !gone(err) {
			return fmt.Errorf("delete route to %s: %w", a, err)
		}
	}
	return nil
}

// leadsTo reports whether packets of the host to an address take a route of ours.
func (h *hostSide) leadsTo(a netip.Addr) (bool, error) {
	handle, err := routeHandle(h.ns)
	if err != nil {
		return false, err
	}
	defer handle.Close()
	routes, err := handle.RouteGetWithOptions(a.AsSlice(), &netlink.RouteGetOptions{FIBMatch: true})
	if errors.Is(err, unix.ENETUNREACH) || errors.Is(err, unix.EHOSTUNREACH) {
		return false, nil
	}
	return slices.ContainsFunc(routes, func(r netlink.Route) bool { return r.Protocol == routeProtocol }), err
}
