package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	wire "github.com/miekg/dns"

	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/route53"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// healthCheckers are the places from which Route 53 checks endpoints.
func healthCheckers() []route53.Checker {
	var out []route53.Checker
	for _, c := range network.HealthCheckers {
		out = append(out, route53.Checker{Region: c.Region, Addr: c.Addr})
	}
	return out
}

// checkDialer connects as the health checkers do. Of our own public addresses only
// those that somebody has are called, and of AWS's none: the others would be looked
// for outside of this machine.
func checkDialer(db *store.DB, site network.Site) func(context.Context, string, netip.AddrPort) (net.Conn, error) {
	return func(ctx context.Context, region string, to netip.AddrPort) (net.Conn, error) {
		a := to.Addr()
		if !a.IsGlobalUnicast() || a.IsPrivate() {
			return nil, fmt.Errorf("%s is not an address of the internet", a)
		}
		if site.AWS.Contains(a) && !taken(db.Read(), a) {
			<-ctx.Done() // nobody answers
			return nil, ctx.Err()
		}
		return network.DialAsChecker(ctx, region, to.String())
	}
}

func taken(tx *store.Tx, a netip.Addr) bool {
	for range state.NetworkInterfaces.By(tx, "public", a.String()) {
		return true
	}
	return false
}

// internetLookup resolves names as anybody on the internet does: ours first, and
// others as this machine does.
func internetLookup(db *store.DB, region string) func(context.Context, string) (netip.Addr, error) {
	return func(ctx context.Context, name string) (netip.Addr, error) {
		if a, ok := hosted.Internet(db.Read(), region).Lookup(name, wire.TypeA); ok {
			addrs := a.Addrs
			for _, rr := range a.Records {
				if r, ok := rr.(*wire.A); ok {
					if ip, ok := netip.AddrFromSlice(r.A.To4()); ok {
						addrs = append(addrs, ip)
					}
				}
			}
			switch {
			case len(addrs) > 0:
				return addrs[rand.IntN(len(addrs))], nil
			case a.Elsewhere == "":
				return netip.Addr{}, fmt.Errorf("Rcode %s", wire.RcodeToString[a.Rcode]) //nolint:staticcheck // Route 53's words
			}
			name = a.Elsewhere
		}
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", name)
		if err != nil || len(addrs) == 0 {
			return netip.Addr{}, errors.New("no address was found")
		}
		return addrs[0].Unmap(), nil
	}
}
