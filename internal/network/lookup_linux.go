package network

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// How a container's resolver asks: twice, but not for the whole time of a dial.
const (
	lookupAttempts = 2
	lookupTimeout  = 2 * time.Second
)

// lookup asks the VPC's resolver from inside the ENI's namespace. Errors are
// *net.DNSError, as the standard library's.
func (o origin) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if len(o.resolvers) == 0 {
		return nil, &net.DNSError{Err: "the VPC has no DNS support", Name: name, IsNotFound: true}
	}
	var server netip.AddrPort
	var err error
	for i := range max(lookupAttempts, len(o.resolvers)) {
		server = netip.AddrPortFrom(o.resolvers[i%len(o.resolvers)], 53)
		var answer *dns.Msg
		if answer, err = o.ask(ctx, server, name); err == nil {
			return addresses(answer, name, server.String())
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, &net.DNSError{Err: err.Error(), Name: name, Server: server.String(), IsTimeout: errors.Is(err, os.ErrDeadlineExceeded), IsTemporary: true}
}

// ask sends one question, and asks again over TCP when the answer was cut.
func (o origin) ask(ctx context.Context, server netip.AddrPort, name string) (*dns.Msg, error) {
	o.bind = netip.Addr{} // a hosted ENI asks inside its namespace, where no group filters DNS
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), dns.TypeA)
	for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
		ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
		defer cancel()
		conn, err := o.connect(ctx, kind, server)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		client := dns.Client{Net: "udp", Timeout: lookupTimeout}
		if kind == unix.SOCK_STREAM {
			client.Net = "tcp"
		}
		answer, _, err := client.ExchangeWithConnContext(ctx, question, &dns.Conn{Conn: conn})
		if err != nil || !answer.Truncated || kind == unix.SOCK_STREAM {
			return answer, err
		}
	}
	panic("unreachable")
}

// addresses takes the IPv4 addresses out of an answer.
func addresses(m *dns.Msg, name, server string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, rr := range m.Answer {
		if a, ok := rr.(*dns.A); ok {
			if ip, ok := netip.AddrFromSlice(a.A.To4()); ok {
				all = append(all, ip)
			}
		}
	}
	switch {
	case m.Rcode == dns.RcodeNameError || (m.Rcode == dns.RcodeSuccess && len(all) == 0):
		return nil, &net.DNSError{Err: "no such host", Name: name, Server: server, IsNotFound: true}
	case m.Rcode != dns.RcodeSuccess:
		return nil, &net.DNSError{Err: "server misbehaving", Name: name, Server: server, IsTemporary: true}
	}
	return all, nil
}

// Lookup resolves a name as a process behind the ENI would: by a query to the
// VPC's resolver from its namespace. Errors are *net.DNSError.
func (k *Kernel) Lookup(ctx context.Context, eniID, name string) ([]netip.Addr, error) {
	k.mu.Lock()
	o, ok := k.origins[eniID]
	k.mu.Unlock()
	if !ok {
		return nil, &net.DNSError{Err: ErrNotFound.Error() + ": " + eniID, Name: name, IsNotFound: true}
	}
	return o.lookup(ctx, name)
}
