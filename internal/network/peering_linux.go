package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/fault"
)

// addPeers makes the links of peering connections. One whose other VPC has no
// namespace yet is left to that VPC's Set, which makes both ends: its routes are
// black holes in the state that is returned, until this VPC is Set again.
func (s *vpc) addPeers(now Host) (Host, error) {
	missing := map[string]bool{}
	for _, p := range now.Peers {
		err := s.peer(p)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing[p.Name] = true
		case err != nil:
			return now, fmt.Errorf("peering link %s: %w", p.Name, err)
		}
	}
	if len(missing) == 0 {
		return now, nil
	}
	var routes []HostRoute
	for _, r := range now.Routes {
		if missing[r.Link] {
			r = HostRoute{Table: r.Table, To: r.To, Type: BlackholeRT, Metric: r.Metric}
		}
		routes = append(routes, r)
	}
	now.Routes = routes
	return now, nil
}

// peer makes one link, or finds it. It may be repeated.
func (s *vpc) peer(p PeerLink) error {
	k := s.kernel
	k.peering.Lock() // both ends may be at it
	defer k.peering.Unlock()
	other, err := openNamespace(p.Namespace)
	if err != nil {
		return err
	}
	defer other.Close()
	made, err := s.ensurePeerVeth(p, other)
	if err != nil {
		return err
	}
	fault.Point("network.peer")
	for _, end := range []struct {
		ns   *os.File
		peer string
	}{{s.ns, p.Peer}, {other, p.MAC}} {
		if err := k.setUpPeer(end.ns, p.Name, end.peer); err != nil {
			return err
		}
	}
	if made {
		k.doubt(strings.TrimPrefix(p.Namespace, k.site.namespaces()))
	}
	return nil
}

// ensurePeerVeth reports whether it made the link. One that has lost its other
// end, with a namespace that is no more, is made again.
func (s *vpc) ensurePeerVeth(p PeerLink, other *os.File) (bool, error) {
	theirs, err := routeHandle(other)
	if err != nil {
		return false, err
	}
	defer theirs.Close()
	_, here := s.routes.LinkByName(p.Name)
	_, there := theirs.LinkByName(p.Name)
	if here == nil && there == nil {
		return false, nil
	}
	if err := errors.Join(deleteLink(s.routes, p.Name), deleteLink(theirs, p.Name)); err != nil {
		return false, err
	}
	return true, s.peerVeth(p, other)
}

func (s *vpc) peerVeth(p PeerLink, other *os.File) error {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return err
	}
	peerMAC, err := net.ParseMAC(p.Peer)
	if err != nil {
		return err
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags, attrs.HardwareAddr = p.Name, attachedMTU, net.FlagUp, mac
	v := netlink.NewVeth(attrs)
	v.PeerName, v.PeerMTU, v.PeerHardwareAddr, v.PeerNamespace = p.Name, attachedMTU, peerMAC, netlink.NsFd(int(other.Fd()))
	return s.routes.LinkAdd(v)
}

// setUpPeer brings one end up, and tells it the hardware address of the other.
func (k *Kernel) setUpPeer(ns *os.File, name, peer string) error {
	h, err := routeHandle(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	link, err := h.LinkByName(name)
	if err != nil {
		return err
	}
	if err := h.LinkSetUp(link); err != nil {
		return err
	}
	mac, err := net.ParseMAC(peer)
	if err != nil {
		return err
	}
	err = h.NeighSet(&netlink.Neigh{LinkIndex: link.Attrs().Index, Family: unix.AF_INET, State: netlink.NUD_PERMANENT, IP: peerRouter.AsSlice(), HardwareAddr: mac})
	if err != nil {
		return fmt.Errorf("neighbour: %w", err)
	}
	return k.threads.enter(ns, func() error {
		// Where packets may come from is for the packet filter to say.
		return errors.Join(sysctl("ipv4/conf/"+name+"/rp_filter", "0"), sysctl("ipv4/conf/"+name+"/proxy_arp", "0"))
	})
}

// doubt makes the next Set of a VPC look at what the kernel has, because a link
// of it came or went by another's doing.
func (k *Kernel) doubt(vpcID string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if v := k.vpcs[vpcID]; v != nil {
		v.doubtful.Store(true)
	}
}

// dropPeers takes away the links of connections that are no more.
func (s *vpc) dropPeers(old, now Host) error {
	stay := map[string]bool{}
	for _, p := range now.Peers {
		stay[p.Name] = true
	}
	for _, p := range old.Peers {
		if !stay[p.Name] {
			if err := deleteLink(s.routes, p.Name); err != nil {
				return err
			}
		}
	}
	return nil
}
