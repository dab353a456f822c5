package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/cli"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// dnsConfig is the DNS server for this machine, which somebody may ask for.
type dnsConfig struct {
	address string // "" for none
	forward bool   // ask the machine's resolvers for what is not ours
	open    bool   // other addresses than loopback are meant
}

// check refuses addresses that others could ask.
func (c dnsConfig) check() error {
	if c.address == "" {
		return nil
	}
	at, err := netip.ParseAddrPort(c.address)
	switch {
	case err != nil:
		return &cli.Error{What: "--dns " + c.address + " is no address and port", Fix: "--dns 127.0.0.53:53", Exit: cli.ExitUsage}
	case !at.Addr().IsLoopback() && !c.open:
		return &cli.Error{What: "--dns " + c.address + " is not a loopback address", Why: "other machines could ask it", Fix: "--dns 127.0.0.x:53, or --dns-open when that is meant", Exit: cli.ExitUsage}
	}
	return nil
}

// hostDNS answers this machine what anybody on the internet could ask: public hosted
// zones, internet-facing load balancers, registries, and AWS's names, which lead here.
type hostDNS struct {
	config dnsConfig
	db     *store.DB
	local  *localNames
	region string
	server *dns.Server
	wake   chan struct{}
	state  atomic.Value // string
}

func newHostDNS(c dnsConfig, db *store.DB, local *localNames, region string) *hostDNS {
	var forward dns.Forwarder = dns.Refuse{}
	if c.forward {
		forward = dns.NewHostForwarder("/etc/resolv.conf")
	}
	h := &hostDNS{config: c, db: db, local: local, region: region, server: dns.NewServer(dns.Zone{}, forward, &dns.Recent{}), wake: make(chan struct{}, 1)}
	h.state.Store("off")
	if c.address == "" {
		return h
	}
	tables := []string{
		state.HostedZones.Name(), state.RecordSets.Name(), state.DNSHealthChecks.Name(), state.DNSHealthCheckOpinions.Name(), state.LoadBalancers.Name(), state.Targets.Name(),
		state.TargetGroups.Name(), state.ListenerRules.Name(), state.Repositories.Name(),
	}
	db.OnCommit(func(changes []store.Change) {
		if slices.ContainsFunc(changes, func(c store.Change) bool { return slices.Contains(tables, c.Table) }) {
			h.look()
		}
	})
	return h
}

// look makes the server look at the records again.
func (h *hostDNS) look() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// zone is what the server knows now.
func (h *hostDNS) zone() dns.Zone {
	z := hosted.Internet(h.db.Read(), h.region)
	for _, name := range h.local.registries() {
		if a, ok := h.local.names.Addr(name); ok {
			z.Hosts[name] = []netip.Addr{a}
		}
	}
	if a, ok := h.local.names.Addr(apiName); ok {
		z.Services, z.S3 = netip.PrefixFrom(a, a.BitLen()), netip.PrefixFrom(a, a.BitLen())
	}
	return z
}

// Run answers until ctx ends. An address that cannot be had does not keep Neargate from running.
func (h *hostDNS) Run(ctx context.Context) error {
	if h.config.address == "" {
		return nil
	}
	packets, stream, err := listenDNS(ctx, h.config.address)
	if err != nil {
		h.state.Store(fmt.Sprintf("not on %s: %v", h.config.address, err))
		slog.Warn("the DNS server for this machine does not answer", "address", h.config.address, "error", err)
		return nil
	}
	h.server.SetZone(h.zone())
	h.state.Store("on " + h.config.address)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.server.Serve(ctx, []net.PacketConn{packets}, []net.Listener{stream}) })
	for {
		select {
		case <-ctx.Done():
			return group.Wait()
		case <-h.wake:
			h.server.SetZone(h.zone())
		}
	}
}

// listenDNS listens on an address by UDP and TCP.
func listenDNS(ctx context.Context, address string) (net.PacketConn, net.Listener, error) {
	var config net.ListenConfig
	packets, err := config.ListenPacket(ctx, "udp", address)
	if err != nil {
		return nil, nil, err
	}
	stream, err := config.Listen(ctx, "tcp", packets.LocalAddr().String())
	if err != nil {
		return nil, nil, errors.Join(err, packets.Close())
	}
	return packets, stream, nil
}

// State says where the server answers.
func (h *hostDNS) State() string { return h.state.Load().(string) }
