package network

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/neargate/neargate/internal/fault"
)

// hostSide is what VPCs need of the host's own network namespace: the other
// ends of their uplinks, forwarding, and translation to the host's address.
type hostSide struct {
	site    Site
	threads threads
	ns      *os.File

	mu          sync.Mutex
	prepared    bool
	preparedSix bool
	next        int // where to look for a free uplink
}

// forwardingWasOff is the name of an empty chain in our table which remembers
// that we switched forwarding on: it lives and dies with the setting.
const forwardingWasOff = "forwarding-was-off"

func newHostSide(o Options, t threads) (*hostSide, error) {
	path := o.HostNS
	if path == "" {
		path = "/proc/thread-self/ns/net"
	}
	ns, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	hash := fnv.New32a() // instances begin at different places
	_, _ = hash.Write([]byte(o.Site.Instance))
	return &hostSide{site: o.Site, threads: t, ns: ns, next: int(hash.Sum32() % uint32(o.Site.capacity()))}, nil
}

func (h *hostSide) close() error { return h.ns.Close() }

// tablePrefix is what the names of the tables of all instances start with.
const tablePrefix = "neargate-"

// table is the name of our nftables table in the host.
func (h *hostSide) table() string { return tablePrefix + h.site.Instance }

// hostFilter is our table in the host. It forwards and translates for our
// uplinks only, between public IPs and out to the internet, and keeps tasks away
// from the host itself, whose own calls come from one address.
func hostFilter(site Site) Filter {
	ours := site.uplinks() + "*"
	return Filter{Chains: []Chain{
		{Name: "input", Hook: &Hook{"filter", "input", 0, false}, Rules: []FilterRule{
			{Match: []Match{InLink(ours), established}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{InLink(ours)}, Verdict: Verdict{Kind: Drop}},
		}},
		{Name: "forward", Hook: &Hook{"filter", "forward", 0, false}, Rules: []FilterRule{
			{Match: []Match{InLink(ours), OutLink(ours), SourceAddr(site.PublicIPs()), TargetAddr(site.PublicIPs())}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{InLink(ours), OutLink(ours)}, Verdict: Verdict{Kind: Drop}},
			{Match: []Match{InLink(ours), TargetAddr(site.AWS)}, Verdict: Verdict{Kind: Drop}}, // never leaves the machine
			{Match: []Match{InLink(ours)}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{OutLink(ours), established}, Verdict: Verdict{Kind: Accept}},
			{Match: []Match{OutLink(ours)}, Verdict: Verdict{Kind: Drop}},
		}},
		{Name: "postrouting", Hook: &Hook{"nat", "postrouting", 100, false}, Rules: slices.Concat([]FilterRule{
			{Match: []Match{InLink(ours), OutLink(ours)}, Verdict: Verdict{Kind: Accept}}, // from public IP to public IP
			{Match: []Match{InLink(ours)}, Verdict: Verdict{Kind: Masquerade}},
		}, checkerRules(ours), []FilterRule{
			{Match: []Match{OutLink(ours)}, Verdict: Verdict{SourceTo, HostClient.String()}}, // from the host itself
		})},
	}}
}

// prepare writes our table and switches forwarding on, once, and sees to it that
// the tables of others let our packets pass.
func (h *hostSide) prepare() error {
	return h.prepareOnce(&h.prepared, nftables.TableFamilyIPv4, h.forward, nftables.TableFamilyIPv4, nftables.TableFamilyINet)
}

// prepareOnce calls forward for one family unless it was, and looks at the filters
// of others in some families each time, as they may have come since.
func (h *hostSide) prepareOnce(done *bool, family nftables.TableFamily, forward func(*firewall) error, others ...nftables.TableFamily) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, err := newFirewall(int(h.ns.Fd()), h.table(), family)
	if err != nil {
		return err
	}
	defer w.close()
	if !*done {
		if err := forward(w); err != nil {
			return err
		}
		*done = true
	}
	return h.passForeign(w.conn, others...)
}

// forward remembers whether forwarding was off, before it switches it on.
func (h *hostSide) forward(w *firewall) error {
	off, err := h.forwardingOff(w.conn)
	if err != nil {
		return err
	}
	f := hostFilter(h.site)
	if off {
		f.Chains = append(f.Chains, Chain{Name: forwardingWasOff})
	}
	if err := w.replace(f); err != nil {
		return err
	}
	fault.Point("network.host")
	return h.threads.enter(h.ns, func() error { return sysctl("ipv4/ip_forward", "1") })
}

// forwardingOff reports whether forwarding was off before any instance came.
func (h *hostSide) forwardingOff(conn *nftables.Conn) (bool, error) {
	chains, err := conn.ListChainsOfTableFamily(nftables.TableFamilyIPv4)
	if err != nil {
		return false, err
	}
	for _, c := range chains {
		if c.Name == forwardingWasOff && strings.HasPrefix(c.Table.Name, tablePrefix) {
			return true, nil
		}
	}
	var now []byte
	err = h.threads.enter(h.ns, func() error {
		now, err = os.ReadFile("/proc/sys/net/ipv4/ip_forward")
		return err
	})
	return strings.TrimSpace(string(now)) == "0", err
}

// free returns the number of an uplink that no link of the host uses.
func (h *hostSide) free(taken map[int]bool) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	handle, err := routeHandle(h.ns)
	if err != nil {
		return 0, err
	}
	defer handle.Close()
	addresses, err := whole(func() ([]netlink.Addr, error) { return handle.AddrList(nil, unix.AF_INET) })
	if err != nil {
		return 0, err
	}
	for _, a := range addresses {
		if ip, ok := netip.AddrFromSlice(a.IP.To4()); ok {
			if n, ok := h.site.uplinkNumber(ip); ok {
				taken[n] = true
			}
		}
	}
	for range h.site.capacity() {
		n := h.next
		h.next = (h.next + 1) % h.site.capacity()
		if !taken[n] {
			return n, nil
		}
	}
	return 0, fmt.Errorf("no uplink is free in %s", h.site.Uplinks)
}

// purge takes our links and our table away, and puts forwarding back when we
// switched it on and nobody else forwards.
func (h *hostSide) purge() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	handle, err := routeHandle(h.ns)
	if err != nil {
		return err
	}
	defer handle.Close()
	links, err := whole(handle.LinkList)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range links {
		if l.Type() == "veth" && strings.HasPrefix(l.Attrs().Name, h.site.uplinks()) {
			if err := handle.LinkDel(l); err != nil && !gone(err) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(append(errs, h.dropTable())...)
}

func (h *hostSide) dropTable() error {
	conn, err := nftables.New(nftables.WithNetNSFd(int(h.ns.Fd())))
	if err != nil {
		return err
	}
	if err := h.leaveForeign(conn); err != nil {
		return err
	}
	if err := h.dropTableSix(conn); err != nil {
		return err
	}
	chains, err := conn.ListChains()
	if err != nil {
		return err
	}
	ours, off, others := false, false, false
	for _, c := range chains {
		switch {
		case c.Table.Family == nftables.TableFamilyIPv6:
		case c.Table.Name == h.table():
			ours = true
			off = off || c.Name == forwardingWasOff
		case strings.HasPrefix(c.Table.Name, tablePrefix), forwards(c):
			others = true
		}
	}
	if !ours {
		return nil
	}
	h.prepared = false
	if off && !others {
		if err := h.threads.enter(h.ns, func() error { return sysctl("ipv4/ip_forward", "0") }); err != nil {
			return err
		}
	}
	fault.Point("network.purge")
	conn.DelTable(&nftables.Table{Name: h.table(), Family: nftables.TableFamilyIPv4})
	return conn.Flush()
}

// addUplink connects the VPC with the host. It may be repeated.
func (s *vpc) addUplink(u Uplink) error {
	side := s.kernel.host
	if err := side.prepare(); err != nil {
		return err
	}
	s.awaitDeleted(uplinkName)
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = uplinkName, internetMTU, net.FlagUp
	v := netlink.NewVeth(attrs)
	v.PeerName, v.PeerMTU, v.PeerNamespace = u.HostLink, internetMTU, netlink.NsFd(int(side.ns.Fd()))
	if err := s.routes.LinkAdd(v); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	fault.Point("network.uplink")
	up, err := s.routes.LinkByName(uplinkName)
	if err != nil {
		return err
	}
	// Without a route of its own: the host's end is no neighbour of tasks.
	own := &netlink.Addr{IPNet: ipNet(u.VPC), Flags: unix.IFA_F_NOPREFIXROUTE}
	if err := s.routes.AddrReplace(up, own); err != nil {
		return err
	}
	handle, err := routeHandle(side.ns)
	if err != nil {
		return err
	}
	defer handle.Close()
	peer, err := handle.LinkByName(u.HostLink)
	if err != nil {
		return err
	}
	if err := handle.AddrReplace(peer, &netlink.Addr{IPNet: ipNet(u.Host)}); err != nil {
		return err
	}
	if err := handle.LinkSetUp(peer); err != nil {
		return err
	}
	err = s.kernel.threads.enter(s.ns, func() error {
		// Errors come from routers that no route of ours leads to.
		return errors.Join(sysctl("ipv4/conf/"+uplinkName+"/rp_filter", "0"), sysctl("ipv4/conf/"+uplinkName+"/proxy_arp", "0"))
	})
	if err != nil {
		return err
	}
	return s.awaitUp(up.Attrs().Index)
}

// adoptUplink finds the number of the VPC's uplink, or a free one for it.
func (s *vpc) adoptUplink(h *Host, links map[int]string) error {
	for index, name := range links {
		if name != uplinkName {
			continue
		}
		up, err := s.routes.LinkByIndex(index)
		if err != nil {
			return err
		}
		addresses, err := whole(func() ([]netlink.Addr, error) { return s.routes.AddrList(up, unix.AF_INET) })
		if err != nil {
			return err
		}
		for _, a := range addresses {
			ip, _ := netip.AddrFromSlice(a.IP.To4())
			if n, ok := s.kernel.site.uplinkNumber(ip); ok {
				s.number.Store(int32(n))
				h.Uplink = new(s.kernel.site.uplink(n))
				return nil
			}
		}
		if err := deleteLink(s.routes, uplinkName); err != nil { // made, but never given an address
			return err
		}
	}
	n, err := s.kernel.host.free(s.kernel.uplinksTaken(s))
	s.number.Store(int32(n))
	return err
}

// uplinksTaken are the numbers that other VPCs hold, also those without a link yet.
func (k *Kernel) uplinksTaken(but *vpc) map[int]bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	taken := map[int]bool{}
	for _, v := range k.vpcs {
		if v != but {
			taken[int(v.number.Load())] = true
		}
	}
	return taken
}
