package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/loopback"
)

// resolverTries is how many loopback addresses are tried for the resolver.
const resolverTries = 16

// commandResolver is the DNS server of what runs in `neargate run`: all of AWS's
// public names lead to this instance, in every region and for buckets that are
// made meanwhile, load balancers have their public addresses, and the rest is
// the machine's. Only the private resolv.conf of such commands names it.
type commandResolver struct {
	instance string
	server   *dns.Server
	at       atomic.Pointer[netip.Addr] // where it answers; nil while it does not
}

func newCommandResolver(instance string, forward dns.Forwarder) *commandResolver {
	return &commandResolver{instance: instance, server: dns.NewServer(dns.Zone{}, forward, &dns.Recent{})}
}

// Run answers on port 53 of a loopback address of the instance's own until ctx
// ends. Where no such port is to be had, commands have the hosts file alone.
func (c *commandResolver) Run(ctx context.Context) error {
	packets, stream, at, err := c.listen(ctx)
	if err != nil {
		slog.Warn("names for neargate run: the hosts file only", "error", err)
		return nil
	}
	c.at.Store(&at)
	defer c.at.Store(nil)
	return c.server.Serve(ctx, []net.PacketConn{packets}, []net.Listener{stream})
}

func (c *commandResolver) listen(ctx context.Context) (net.PacketConn, net.Listener, netip.Addr, error) {
	var last error
	for try := range resolverTries {
		at := loopback.Address(c.instance, "resolver", try)
		packets, stream, err := listenDNS(ctx, netip.AddrPortFrom(at, 53).String())
		if err == nil {
			return packets, stream, at, nil
		}
		last = err
	}
	return nil, nil, netip.Addr{}, last
}

// lead says where AWS's names lead, and which others there are. It returns the
// resolver's address, "" while there is none.
func (c *commandResolver) lead(api netip.Addr, others map[string]netip.Addr) string {
	all := netip.PrefixFrom(api, api.BitLen())
	zone := dns.Zone{Services: all, S3: all, Hosts: map[string][]netip.Addr{}}
	for name, addr := range others {
		zone.Hosts[name] = []netip.Addr{addr}
	}
	c.server.SetZone(zone)
	if at := c.at.Load(); at != nil {
		return at.String()
	}
	return ""
}
