package network

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	vpcs       map[string]*vpc // by VPC id
	attached   map[string]*vpc // by ENI id
	background sync.WaitGroup  // links that are being deleted
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
	k := &Kernel{site: o.Site, log: o.Log, threads: threads{home}, vpcs: map[string]*vpc{}, attached: map[string]*vpc{}}
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
	k.mu.Lock()
	s := k.vpcs[v.ID]
	if s == nil {
		s = k.newVPC(v.ID)
		k.vpcs[v.ID] = s
	}
	k.mu.Unlock()

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.removed {
		return fmt.Errorf("%w: %s is being removed", ErrNotFound, v.ID)
	}
	if err := s.set(v); err != nil {
		s.known = false
		return fmt.Errorf("network: set %s: %w", v.ID, err)
	}
	k.remember(s, v)
	return nil
}

func (k *Kernel) newVPC(id string) *vpc {
	s := &vpc{kernel: k, id: id}
	s.number.Store(-1)
	return s
}

// remember keeps which VPC an ENI is in.
func (k *Kernel) remember(s *vpc, v VPC) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, of := range k.attached {
		if of == s {
			delete(k.attached, id)
		}
	}
	for _, e := range v.ENIs {
		k.attached[e.ID] = s
	}
}

// Remove implements Engine.
func (k *Kernel) Remove(_ context.Context, vpcID string) error {
	k.mu.Lock()
	s := k.vpcs[vpcID]
	if s == nil {
		s = k.newVPC(vpcID) // perhaps of a former process
	}
	delete(k.vpcs, vpcID)
	k.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removed = true
	k.remember(s, VPC{})
	if err := s.remove(); err != nil {
		return fmt.Errorf("network: remove %s: %w", vpcID, err)
	}
	return nil
}

// Keep implements Engine.
func (k *Kernel) Keep(ctx context.Context, vpcIDs []string) error {
	wanted := map[string]bool{}
	for _, id := range vpcIDs {
		wanted[k.site.namespace(id)] = true
	}
	var errs []error
	for _, v := range k.all() {
		if !slices.Contains(vpcIDs, v.id) {
			errs = append(errs, k.Remove(ctx, v.id))
			continue
		}
		v.mu.Lock()
		wanted[v.applied.Namespace] = true
		for _, l := range v.applied.Links {
			wanted[l.Namespace] = true
		}
		v.mu.Unlock()
	}
	names, err := namespacesNamed(k.site.namespaces())
	errs = append(errs, err)
	for _, n := range names {
		if !wanted[n] {
			errs = append(errs, k.removeStray(ctx, n))
		}
	}
	return errors.Join(errs...)
}

// removeStray removes a namespace that nobody of this process has told of.
func (k *Kernel) removeStray(ctx context.Context, name string) error {
	id := strings.TrimPrefix(name, k.site.namespaces())
	if strings.HasPrefix(id, "eni-") {
		return removeNamespace(name)
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
		errs = append(errs, k.removeStray(ctx, n))
	}
	k.background.Wait()
	errs = append(errs, k.host.purge())
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
	return s.firewall.counters()
}

func (k *Kernel) vpc(id string) (*vpc, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.vpcs[id]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
}
