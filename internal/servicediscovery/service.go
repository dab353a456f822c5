package servicediscovery

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// principal is how other services know Cloud Map.
const principal = "servicediscovery.amazonaws.com"

// Options are what the service needs.
type Options struct {
	DB      *store.DB
	Invoker wire.Invoker     // reaches Route 53 and EC2
	Now     func() time.Time // time.Now but in tests
}

// Service is AWS Cloud Map. Its methods are the generated API.
type Service struct {
	Options
	zones     route53api.API
	networks  ec2api.API
	balancers elbv2api.API
	loop      reconcile.Loop
}

var _ servicediscoveryapi.API = (*Service)(nil)

// New returns the service. Operations are carried out once Run is called.
func New(o Options) *Service {
	s := &Service{Options: o, zones: route53api.NewClient(o.Invoker), networks: ec2api.NewClient(o.Invoker), balancers: elbv2api.NewClient(o.Invoker)}
	s.loop = reconcile.Loop{Name: "servicediscovery", Do: s.step}
	s.DB.OnCommit(func(changes []store.Change) {
		for _, c := range changes {
			switch c.Table {
			case state.DiscoveryOperations.Name():
				if o, ok := state.DiscoveryOperations.Get(s.DB.Read(), c.Key); ok && o.Status == state.OperationSubmitted {
					s.loop.Add(o.Target())
				}
			case state.ServiceInstances.Name():
				account, region, id := state.SplitKey(c.Key)
				service, _, _ := strings.Cut(id, "/")
				s.loop.Add(state.Key(account, region, service))
			}
		}
	})
	return s
}

// Run carries out operations, and keeps DNS records, until ctx ends. It begins
// with what an earlier process left.
func (s *Service) Run(ctx context.Context) error {
	for o := range state.DiscoveryOperations.All(s.DB.Read(), "") {
		if o.Status == state.OperationSubmitted {
			s.loop.Add(o.Target())
		}
	}
	for v := range state.DiscoveryServices.All(s.DB.Read(), "") {
		s.loop.Add(v.Key())
	}
	return s.loop.Run(ctx)
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }

// newID makes an id as Cloud Map does: ns-a3ccy2e7e3a7rile.
func newID(prefix string) string { return prefix + ids.Lower(16) }

// bare is the id in an ARN, or the id itself.
func bare(idOrARN string) string { return idOrARN[strings.LastIndexByte(idOrARN, '/')+1:] }

// ownARN reports whether an ARN, where one was given instead of an id, is of the
// caller's account and region.
func ownARN(id caller.Identity, idOrARN string) bool {
	return !strings.HasPrefix(idOrARN, "arn:") || strings.HasPrefix(idOrARN, "arn:aws:servicediscovery:"+id.Region+":"+id.Account+":")
}

// namespace finds a namespace of the caller by its id or ARN.
func namespace(tx *store.Tx, id caller.Identity, idOrARN string) (*state.Namespace, error) {
	if ownARN(id, idOrARN) {
		if n, ok := state.Namespaces.Get(tx, state.Key(id.Account, id.Region, bare(idOrARN))); ok {
			return n, nil
		}
	}
	return nil, &servicediscoveryapi.NamespaceNotFound{Message: "Namespace not found: " + idOrARN}
}

func invalid(message string) error { return &servicediscoveryapi.InvalidInput{Message: message} }

// refused names what is not carried out.
func refused(what string) error { return invalid("Neargate does not carry out " + what + ".") }
