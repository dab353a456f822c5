package network

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
)

// Options are what an engine of this machine needs to know.
type Options struct {
	Site Site
	// HostNS is the path of the network namespace that plays the host, to
	// which uplinks lead; empty means the one of this process.
	HostNS string
	Log    *slog.Logger // nil discards
}

// Kernel is the Engine of this machine: namespaces, veths and nftables.
type Kernel struct {
	site    Site
	log     *slog.Logger
	threads threads
	host    *hostSide

	mu         sync.Mutex
	vpcs       map[string]*vpc   // by VPC id
	origins    map[string]origin // by ENI id: where its connections come from
	background sync.WaitGroup    // links that are being deleted
	readers    sync.WaitGroup    // of what packet filters report
	peering    sync.Mutex        // taken while a link between two VPCs is made
}

var _ Engine = (*Kernel)(nil)

// Open returns the engine. It changes nothing on the host before the first Set.
// Close lets go of it and leaves the network in place.
func Open(o Options) (*Kernel, error) {
	if err := o.Site.Validate(); err != nil {
		return nil, err
	}
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	k := &Kernel{site: o.Site, log: o.Log, threads: threads{home}, vpcs: map[string]*vpc{}, origins: map[string]origin{}}
	if k.host, err = newHostSide(o, k.threads); err != nil {
		_ = home.Close()
		return nil, err
	}
	return k, nil
}

// Close waits for what is being deleted and closes listeners and sockets. The
// network stays as it is, for a later process to adopt.
func (k *Kernel) Close() error {
	for _, v := range k.all() {
		v.mu.Lock()
		v.release()
		v.mu.Unlock()
	}
	k.background.Wait()
	k.readers.Wait()
	return errors.Join(k.host.close(), k.threads.home.Close())
}

func (k *Kernel) all() []*vpc {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []*vpc
	for _, v := range k.vpcs {
		all = append(all, v)
	}
	return all
}

// Set implements Engine.
func (k *Kernel) Set(ctx context.Context, v VPC) error {
	if err := v.Validate(k.site); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s := k.take(v.ID)
	defer s.mu.Unlock()
	if err := s.set(v); err != nil {
		s.known = false
		return fmt.Errorf("network: set %s: %w", v.ID, err)
	}
	k.remember(s, v)
	return nil
}

// take returns a VPC, locked, whether it was Set before or not.
func (k *Kernel) take(id string) *vpc {
	for {
		k.mu.Lock()
		s := k.vpcs[id]
		if s == nil {
			s = &vpc{kernel: k, id: id}
			s.number.Store(-1)
			k.vpcs[id] = s
		}
		k.mu.Unlock()
		s.mu.Lock()
		if !s.removed {
			return s
		}
		s.mu.Unlock() // removed while we waited for it
	}
}

// remember keeps where connections of the VPC's ENIs come from, so that dialing
// waits for no Set.
func (k *Kernel) remember(s *vpc, v VPC) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.origins, func(_ string, o origin) bool { return o.vpc == s })
	for _, e := range v.ENIs {
		o := origin{vpc: s, threads: k.threads, namespace: k.site.namespace(e.ID), ip: e.IP, ip6: e.IPv6}
		switch {
		case len(v.Nameservers) > 0 && !e.Kind.Hosted(): // what AWS hosts does not ask them
			o.resolvers = v.Nameservers
		case v.DNSSupport:
			o.resolvers = []netip.Addr{v.Resolver()}
		}
		if e.Kind.Hosted() {
			o.namespace, o.bind = k.site.namespace(v.ID), e.IP
			if e.Kind == FlowBalancer {
				o.mark = e.mark()
			}
		}
		if e.Kind != Detached {
			k.origins[e.ID] = o
		}
	}
}

// Remove implements Engine.
func (k *Kernel) Remove(_ context.Context, vpcID string) error {
	s := k.take(vpcID) // perhaps only a former process knew it
	defer s.mu.Unlock()
	k.remember(s, VPC{})
	if err := s.remove(); err != nil {
		s.known = false
		return fmt.Errorf("network: remove %s: %w", vpcID, err)
	}
	s.removed = true
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.vpcs, vpcID)
	return nil
}

// Keep implements Engine.
func (k *Kernel) Keep(ctx context.Context, vpcIDs []string) error {
	var errs []error
	for _, v := range k.all() {
		if !slices.Contains(vpcIDs, v.id) {
			errs = append(errs, k.Remove(ctx, v.id))
		}
	}
	links := map[string]bool{} // of the VPCs that stay
	for _, id := range vpcIDs {
		errs = append(errs, k.linksOf(id, links))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("network: keep: %w", err) // what is not known for a stray stays
	}
	names, err := namespacesNamed(k.site.namespaces())
	errs = append(errs, err)
	for _, n := range names {
		id := strings.TrimPrefix(n, k.site.namespaces())
		if !slices.Contains(vpcIDs, id) && !links[linkName(id)] {
			errs = append(errs, k.removeStray(ctx, id))
		}
	}
	return errors.Join(errs...)
}

// linksOf adds the names of the links of a VPC, Set by this process or a former one.
func (k *Kernel) linksOf(vpcID string, links map[string]bool) error {
	if s, err := k.vpc(vpcID); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.known {
			for _, l := range s.applied.Links {
				links[l.Name] = true
			}
			return nil
		}
	}
	ns, err := openNamespace(k.site.namespace(vpcID))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer ns.Close()
	h, err := routeHandle(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	all, err := whole(h.LinkList)
	for _, l := range all {
		links[l.Attrs().Name] = true
	}
	return err
}

// removeStray removes the namespace of a VPC or ENI that nobody of this process
// has told of.
func (k *Kernel) removeStray(ctx context.Context, id string) error {
	if strings.HasPrefix(id, eniIDs) {
		return removeNamespace(k.site.namespace(id))
	}
	return k.Remove(ctx, id)
}

// Purge implements Engine.
func (k *Kernel) Purge(ctx context.Context) error {
	var errs []error
	for _, v := range k.all() {
		errs = append(errs, k.Remove(ctx, v.id))
	}
	names, err := namespacesNamed(k.site.namespaces())
	errs = append(errs, err)
	for _, n := range names {
		errs = append(errs, k.removeStray(ctx, strings.TrimPrefix(n, k.site.namespaces())))
	}
	k.background.Wait()
	errs = append(errs, k.host.purge())
	_ = os.Remove(namespaceDir) // only when nobody has a name there
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("network: purge: %w", err)
	}
	return nil
}

// NetNS implements Engine.
func (k *Kernel) NetNS(eniID string) string { return namespaceDir + k.site.namespace(eniID) }

// Counters implements Engine.
func (k *Kernel) Counters(_ context.Context, vpcID string) (Counters, error) {
	s, err := k.vpc(vpcID)
	if err != nil {
		return Counters{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ns == nil {
		return Counters{}, fmt.Errorf("%w: %s", ErrNotFound, vpcID)
	}
	c := Counters{Rules: map[string]Count{}, EgressDrops: map[string]Count{}, IngressDrops: map[string]Count{}, ACLEntries: map[ACLRule]Count{}, Carried: map[string]Count{}}
	for _, w := range []*firewall{s.firewall, s.firewall6} {
		if w == nil {
			continue
		}
		if err := w.count(&c); err != nil {
			return Counters{}, err
		}
	}
	return c, nil
}

func (k *Kernel) vpc(id string) (*vpc, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.vpcs[id]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
}
