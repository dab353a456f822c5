package main

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ecr"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/elbv2"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/registry"
)

// front serves every name that we answer for, on this machine and inside VPCs:
// registries and keys of load balancers by their hosts, and AWS's APIs otherwise.
type front struct {
	gateway http.Handler
	ecr     *ecr.Service
	public  *registry.Public
	users   http.HandlerFunc // public keys of load balancers that sign users in
}

func (f front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch host := bareHost(r.Host); {
	case ecr.IsHost(host):
		f.ecr.ServeHTTP(w, withOrigin(r))
	case elbv2.IsKeyHost(host):
		f.users(w, r)
	case slices.Contains(f.public.Hosts(), host):
		f.public.ServeHTTP(w, withOrigin(r))
	default:
		f.gateway.ServeHTTP(w, r)
	}
}

func bareHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// withOrigin tells a registry where a request came from. Who makes it is in the
// request's token.
func withOrigin(r *http.Request) *http.Request {
	id := caller.Identity{Type: caller.Anonymous, SourceIP: netip.MustParseAddr("203.0.113.1"), SecureTransport: true, UserAgent: r.UserAgent(), RequestID: ids.UUID()}
	if from, ok := originOf(r.Context()); ok {
		id.SourceIP, id.SourceVPC, id.SourceVPCE = from.SourceIP, from.VPC, from.Endpoint
	}
	return r.WithContext(caller.With(r.Context(), id))
}

// originOf tells where in a VPC a request came from.
func originOf(ctx context.Context) (gateway.Origin, bool) {
	facts, ok := edge.Conn(ctx)
	if !ok {
		return gateway.Origin{}, false
	}
	return gateway.Origin{VPC: facts.VPC, Endpoint: facts.Endpoint, SourceIP: facts.Seen}, true
}

// answers reports whether certificates are issued for a name: AWS's own, the
// registries' whose images were loaded, and aliases below .localhost.
func (f front) answers(name string) bool {
	for _, domain := range []string{".amazonaws.com", ".api.aws", ".localhost", ".localhost.localstack.cloud"} {
		if strings.HasSuffix(name, domain) {
			return true
		}
	}
	return name == "localhost" || slices.Contains(f.public.Hosts(), name)
}
