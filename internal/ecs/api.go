package ecs

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/hold"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Roles tells whether a role can be handed to a task. Satisfied by sts.
type Roles interface {
	// CanAssume returns nil when the service principal may assume the role for
	// the resource sourceARN of the account: the role exists and trusts it.
	CanAssume(ctx context.Context, account, region, roleARN, service, sourceARN string) error
}

// Deps are what the service needs of others.
type Deps struct {
	DB        *store.DB
	Checker   authorize.Checker
	Roles     Roles
	Linked    LinkedRoles // nil: none are made
	CloudMap  CloudMap    // nil where no service has Service Connect
	Decisions decision.Recorder
	Pace      deployment.Pace
	Now       func() time.Time // nil for time.Now
}

// LinkedRoles makes the service-linked role of a service in an account, unless
// it is there.
type LinkedRoles interface {
	EnsureLinkedRole(ctx context.Context, account, service string) error
}

// linkedRole makes AWSServiceRoleForECS when an account first has a cluster or a
// service, as ECS does.
func (s *Service) linkedRole(ctx context.Context, account string) error {
	if s.Linked == nil {
		return nil
	}
	return s.Linked.EnsureLinkedRole(ctx, account, "ecs.amazonaws.com")
}

// Service is Amazon ECS.
type Service struct {
	Deps
	scheduler reconcile.Loop // keys of services
	janitor   reconcile.Loop // forgets what AWS forgets, too
	written   hold.Notice    // a service or task was written
}

var _ ecsapi.API = (*Service)(nil)

// New makes the service. Run must be running for services to have tasks.
func New(deps Deps) *Service {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Decisions == nil {
		deps.Decisions = decision.Discard
	}
	if deps.Pace == (deployment.Pace{}) {
		deps.Pace = deployment.FastPace
	}
	s := &Service{Deps: deps}
	s.scheduler = reconcile.Loop{Name: "ecs service scheduler", Do: s.schedule}
	s.janitor = reconcile.Loop{Name: "ecs janitor", Do: s.forget, Workers: 1}
	s.DB.OnCommit(s.noticed)
	return s
}

// scope is whose resources a request speaks of.
type scope struct {
	Account, Region string
}

func scopeOf(ctx context.Context) scope {
	id := caller.From(ctx)
	return scope{id.Account, id.Region}
}

func (c scope) key(id string) string { return state.Key(c.Account, c.Region, id) }

func (c scope) prefix() string { return state.Prefix(c.Account, c.Region) }
