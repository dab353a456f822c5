package elbv2

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/store"
)

// principal is the name under which the service acts in an account.
const principal = "elasticloadbalancing.amazonaws.com"

// Linked makes service-linked roles. Satisfied by iam.Service.
type Linked interface {
	EnsureLinkedRole(ctx context.Context, account, service string) error
}

// Options are what the service needs. Without Plane records are kept and nothing
// listens: so do rehearsals.
type Options struct {
	DB     *store.DB
	Linked Linked
	// Certificate finds a certificate of ACM; its error is one of the API's.
	Certificate func(account, region, arn string) (Certificate, error)
	// Sealer protects the secrets of identity providers' clients. Nil: they are not kept.
	Sealer seal.Sealer
	Plane  *Plane
	// Metrics takes what load balancers do, for CloudWatch; nil for nobody.
	Metrics *metrics.Store
	// DrainEarly lets a deregistered target go once it has no requests left, instead
	// of after its deregistration delay.
	DrainEarly bool
	Now        func() time.Time
	Log        *slog.Logger
}

// Service is Elastic Load Balancing v2. Its methods are the generated API.
type Service struct {
	Options
	balancers reconcile.Loop // keys of load balancers
	groups    reconcile.Loop // keys of target groups

	mu      sync.Mutex
	running map[string]*balancer // guarded by mu; by the keys of load balancers
	serve   func(run func(context.Context) error)
}

var _ elbv2api.API = (*Service)(nil)

// New returns the service.
func New(o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Options: o}
	now := o.Now
	s.Now = func() time.Time { return now().UTC().Truncate(time.Millisecond) }
	s.init()
	return s
}

// linkedRole makes the service-linked role, which load balancers need.
func (s *Service) linkedRole(ctx context.Context, account string) error {
	if s.Linked == nil {
		return nil
	}
	return s.Linked.EnsureLinkedRole(ctx, account, principal)
}
