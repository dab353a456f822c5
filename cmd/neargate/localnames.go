package main

import (
	"context"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/loopback"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// apiName stands for all public names of AWS's APIs: its address answers for
// them with TLS, and `neargate run` leads its command's look-ups there. The names
// themselves never go into the machine's own hosts file.
const apiName = "api.neargate.localhost"

// localNames keeps the names that this machine resolves to us: the registries
// that have repositories, and internet-facing load balancers.
type localNames struct {
	names      *loopback.Names
	db         *store.DB
	registries func() []string
	resolver   *commandResolver
	wake       chan struct{}
}

func newLocalNames(db *store.DB, names *loopback.Names, registries func() []string, resolver *commandResolver) *localNames {
	l := &localNames{names: names, db: db, registries: registries, resolver: resolver, wake: make(chan struct{}, 1)}
	db.OnCommit(func(changes []store.Change) {
		if slices.ContainsFunc(changes, func(c store.Change) bool {
			return c.Table == state.Repositories.Name() || c.Table == state.LoadBalancers.Name()
		}) {
			select {
			case l.wake <- struct{}{}:
			default:
			}
		}
	})
	return l
}

// Run keeps the names up to date until ctx ends.
func (l *localNames) Run(ctx context.Context) error {
	for {
		balancers := l.loadBalancers()
		l.names.Set(append(l.registries(), apiName))
		l.names.Also(balancers)
		if api, ok := l.names.Addr(apiName); ok {
			l.resolver.lead(api, balancers)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		}
	}
}

// loadBalancers are the names of internet-facing load balancers with the public
// address of a node, which the machine has a route to; internal ones do not answer it.
func (l *localNames) loadBalancers() map[string]netip.Addr {
	out := map[string]netip.Addr{}
	for b := range state.LoadBalancers.All(l.db.Read(), "") {
		if addresses := b.Addresses(); b.InternetFacing() && len(addresses) > 0 {
			if a, err := netip.ParseAddr(addresses[0]); err == nil {
				out[b.DNSName] = a
			}
		}
	}
	return out
}

// apiHosts are the public names of the APIs that we serve, in a region, and
// those of the buckets that there are.
func (l *localNames) apiHosts(services []*wire.Service, region string) []string {
	var out []string
	for b := range state.Buckets.All(l.db.Read(), "") {
		out = append(out, b.Name+".s3."+b.Region+".amazonaws.com", b.Name+".s3.amazonaws.com")
	}
	for _, s := range services {
		out = append(out, s.EndpointPrefix+"."+region+".amazonaws.com")
		if region == "us-east-1" || s.EndpointPrefix == "iam" || s.EndpointPrefix == "sts" || s.EndpointPrefix == "s3" {
			out = append(out, s.EndpointPrefix+".amazonaws.com")
		}
	}
	return out
}
