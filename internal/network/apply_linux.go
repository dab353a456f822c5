package network

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"github.com/neargate/neargate/internal/fault"
)

// vpc is a VPC that is real: its namespace and the handles into it.
type vpc struct {
	kernel *Kernel
	id     string

	mu        sync.Mutex // taken by Set, Remove, Listen: one at a time
	removed   bool
	ns        *os.File // nil until the first Set
	routes    *netlink.Handle
	firewall  *firewall
	firewall6 *firewall    // nil before the VPC has IPv6
	drops     *dropLog     // nil when the kernel cannot report them
	number    atomic.Int32 // of the uplink; -1 before it is known
	applied   Host         // what the kernel has
	known     bool         // applied is true; otherwise it is to be read again
	marked    bool         // there may be untracked connections of this process's time
	doubtful  atomic.Bool  // another VPC's Set changed what the kernel has
	listeners map[io.Closer]struct{}
	deleting  map[string]chan struct{} // links that go in the background
}

// set makes the namespace what v means.
func (s *vpc) set(v VPC) error {
	if s.doubtful.Swap(false) {
		s.known = false
	}
	if err := s.open(); err != nil {
		return err
	}
	if len(v.IPv6CIDRs) > 0 && !kernelHasSix() {
		s.kernel.log.Warn("this machine's kernel has no IPv6", "vpc", s.id)
		v.IPv6CIDRs = nil
	}
	now := Plan(s.kernel.site, v, int(s.number.Load()))
	if s.drops == nil {
		now.Filter, now.Filter6 = now.Filter.withoutLogs(), now.Filter6.withoutLogs()
	}
	now, err := s.addPeers(now)
	if err != nil {
		return err
	}
	if err := s.apply(s.applied, now); err != nil {
		return err
	}
	if !s.known {
		if err := s.kernel.threads.enter(s.ns, strict); err != nil {
			return err
		}
	}
	look := s.narrower() && (s.marked || !s.known) // to look takes the kernel some milliseconds
	s.applied, s.known, s.marked = now, true, s.marked || now.Filter.canMark() || now.Filter6.canMark()
	if !look {
		return nil
	}
	found, err := s.endUntracked(v)
	s.marked = s.marked || found
	return err
}

// narrower reports whether what was allowed before the last change may not be now.
func (s *vpc) narrower() bool {
	return s.firewall.narrower || s.firewall6 != nil && s.firewall6.narrower
}

// open finds or makes the namespace and learns what is in it.
func (s *vpc) open() error {
	name := s.kernel.site.namespace(s.id)
	if s.ns == nil {
		ns, err := openNamespace(name)
		if errors.Is(err, fs.ErrNotExist) {
			ns, err = s.kernel.threads.create(name, setUpVPC)
		}
		if err != nil {
			return err
		}
		if err := s.attach(ns); err != nil {
			return err
		}
	}
	if s.known {
		return nil
	}
	return s.adopt()
}

// attach opens the handles into the namespace.
func (s *vpc) attach(ns *os.File) error {
	routes, err := routeHandle(ns)
	if err != nil {
		_ = ns.Close()
		return err
	}
	firewall, err := newFirewall(int(ns.Fd()), "ng", nftables.TableFamilyIPv4)
	if err != nil {
		routes.Close()
		_ = ns.Close()
		return err
	}
	s.ns, s.routes, s.firewall = ns, routes, firewall
	if s.drops, err = openDropLog(ns); err != nil {
		s.kernel.log.Warn("what security groups drop is counted, but not shown", "vpc", s.id, "error", err)
	} else {
		s.kernel.readers.Go(s.drops.read)
	}
	s.listeners, s.deleting = map[io.Closer]struct{}{}, map[string]chan struct{}{}
	return nil
}

// setUpVPC prepares a new VPC namespace, before it has links: they inherit. New
// namespaces have the settings of the machine, whatever those are.
func setUpVPC() error {
	for _, c := range [][2]string{
		{"ipv4/ip_forward", "1"},
		{"ipv4/tcp_tw_reuse", "1"},           // a client of a network load balancer may come again from its port
		{"ipv4/conf/all/rp_filter", "0"},     // each link for itself
		{"ipv4/conf/default/rp_filter", "1"}, // strict: a source must be reachable where it came from
		{"ipv4/conf/all/arp_ignore", "0"},    // routers are addresses of lo
		{"ipv4/conf/default/arp_ignore", "0"},
		{"ipv4/conf/all/arp_filter", "0"},
		{"ipv4/conf/default/arp_filter", "0"},
		{"ipv4/conf/default/proxy_arp", "1"},  // the router answers for every interface of the VPC
		{"ipv4/conf/all/send_redirects", "0"}, // there is no better way
		{"ipv4/conf/default/send_redirects", "0"},
		{"ipv4/conf/all/route_localnet", "0"},
		{"ipv4/conf/default/route_localnet", "0"},
		{"ipv4/conf/all/log_martians", "0"}, // they are counted; the machine's log is not ours
		{"ipv4/conf/default/log_martians", "0"},
	} {
		if err := sysctl(c[0], c[1]); err != nil {
			return err
		}
	}
	for _, c := range []string{"ipv6/conf/all/disable_ipv6", "ipv6/conf/default/disable_ipv6"} { // until a VPC has IPv6: see switchOnSix
		if err := sysctl(c, "1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Connections are counted, for flow logs; a kernel without counts has none.
	if err := sysctl("netfilter/nf_conntrack_acct", "1"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return loopbackUp()
}

// apply turns one host state into another: it adds, switches the packet filter
// over, and then takes away.
func (s *vpc) apply(old, now Host) error {
	if err := s.addLinks(old, now); err != nil {
		return err
	}
	if now.Uplink != nil && (old.Uplink == nil || !s.known) {
		if err := s.addUplink(*now.Uplink); err != nil {
			return fmt.Errorf("uplink: %w", err)
		}
	}
	fault.Point("network.links")
	if err := s.applySix(old, now); err != nil {
		return fmt.Errorf("IPv6: %w", err)
	}
	for _, a := range missing(now.Addresses, old.Addresses) {
		s.awaitDeleted(a.String())
		if err := s.address(a, s.routes.AddrReplace); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	if err := s.applyFilter(old.Filter, now.Filter); err != nil {
		return err
	}
	fault.Point("network.filter")
	if err := s.applyRoutes(old, now); err != nil {
		return err
	}
	if err := s.applyPublic(old, now); err != nil {
		return fmt.Errorf("public addresses: %w", err)
	}
	fault.Point("network.routes")
	for _, a := range missing(old.Addresses, now.Addresses) {
		if err := s.address(a, s.routes.AddrDel); err != nil {
			return fmt.Errorf("delete address %s: %w", a, err)
		}
	}
	s.dropLinks(old, now)
	return s.dropPeers(old, now)
}

// applyFilter changes the table, or writes it afresh when what it holds is not known.
func (s *vpc) applyFilter(old, now Filter) error {
	if s.known {
		return s.firewall.change(old, now)
	}
	return s.firewall.replace(now)
}

// applyRoutes adds routes and then rules, and takes them away in reverse.
func (s *vpc) applyRoutes(old, now Host) error {
	key := func(r HostRoute) HostRoute { return HostRoute{Table: r.Table, To: r.To, Metric: r.Metric} }
	stay := map[HostRoute]bool{}
	for _, r := range now.Routes {
		stay[key(r)] = true
	}
	for _, r := range missing(now.Routes, old.Routes) {
		if err := s.route(r, s.routes.RouteReplace); err != nil {
			return fmt.Errorf("add route %s: %w", r, err)
		}
	}
	for _, r := range missing(now.Rules, old.Rules) {
		if err := s.routes.RuleAdd(kernelRule(r)); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("add rule %s: %w", r, err)
		}
	}
	for _, r := range missing(old.Rules, now.Rules) {
		if err := s.routes.RuleDel(kernelRule(r)); err != nil && !gone(err) {
			return fmt.Errorf("delete rule %s: %w", r, err)
		}
	}
	for _, r := range missing(old.Routes, now.Routes) {
		if stay[key(r)] {
			continue // replaced
		}
		if err := s.route(r, s.routes.RouteDel); err != nil && !gone(err) {
			return fmt.Errorf("delete route %s: %w", r, err)
		}
	}
	return nil
}

// release closes the handles and listeners; the namespace stays.
func (s *vpc) release() {
	for l := range s.listeners {
		_ = l.Close()
	}
	if s.ns != nil {
		s.routes.Close()
		s.firewall.close()
		if s.firewall6 != nil {
			s.firewall6.close()
		}
		s.drops.close()
		_ = s.ns.Close()
	}
	s.ns, s.firewall6, s.known, s.listeners = nil, nil, false, nil
}

// remove takes the namespace away, with those of its ENIs.
func (s *vpc) remove() error {
	name := s.kernel.site.namespace(s.id)
	if s.ns == nil {
		ns, err := openNamespace(name)
		if errors.Is(err, fs.ErrNotExist) {
			return removeNamespace(name)
		}
		if err != nil {
			return err
		}
		if err := s.attach(ns); err != nil {
			return err
		}
	}
	if !s.known {
		if err := s.adopt(); err != nil {
			return err
		}
	}
	s.dropLinks(s.applied, Host{})
	if err := s.dropPeers(s.applied, Host{}); err != nil {
		return err
	}
	fault.Point("network.remove")
	s.release()
	return removeNamespace(name)
}
