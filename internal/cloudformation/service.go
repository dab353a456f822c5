package cloudformation

import (
	"context"
	"log/slog"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/hold"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Sessions makes sessions of service roles. Satisfied by sts.
type Sessions interface {
	// AssumeForService makes a session of a role that trusts the service for
	// the resource sourceARN of the account.
	AssumeForService(ctx context.Context, roleARN, service, sourceARN, sourceAccount, sessionName string, duration time.Duration) (access.Credentials, error)
}

// Options are what a Service works with.
type Options struct {
	DB       *store.DB
	Invoker  wire.Invoker      // the other services
	Checker  authorize.Checker // for iam:PassRole
	Sessions Sessions
	// Secret is the secret of an access key that a stack made.
	Secret func(accessKeyID string) (secret string, ok bool)
	Log    *slog.Logger // nil for the default
}

// Service carries out the CloudFormation API. Run does the work of its stacks.
type Service struct {
	db       *store.DB
	invoker  wire.Invoker
	checker  authorize.Checker
	sessions Sessions
	secret   func(accessKeyID string) (string, bool)
	log      *slog.Logger
	types    map[string]resource.Type
	loop     reconcile.Loop
	commits  hold.Notice
}

var _ cloudformationapi.API = (*Service)(nil)

// maxStacks is how many stacks are worked on at once. A stack with nested
// stacks waits for them, so it must be larger than any real nesting.
const maxStacks = 1024

// New returns a Service. Stacks are worked on once Run is called.
func New(o Options) *Service {
	s := &Service{db: o.DB, invoker: o.Invoker, checker: o.Checker, sessions: o.Sessions, secret: o.Secret, log: o.Log, types: resource.Types()}
	if s.log == nil {
		s.log = slog.Default()
	}
	s.types[stackType] = nestedStack{s}
	s.loop = reconcile.Loop{Name: "cloudformation", Workers: maxStacks, Do: s.operate}
	s.db.OnCommit(func(changes []store.Change) {
		s.commits.Signal()
		for _, c := range changes {
			if c.Table == state.Stacks.Name() && !c.Deleted {
				s.loop.Add(c.Key)
			}
		}
	})
	return s
}

// Run takes up the operations that are under way and works until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	for stack := range state.Stacks.By(s.db.Read(), "busy", "yes") {
		s.loop.Add(stack.Key())
	}
	return s.loop.Run(ctx)
}

// actor is the context in which a stack's operation calls other services.
func (s *Service) actor(ctx context.Context, stack *state.Stack) (context.Context, error) {
	id := stack.Operation.Caller
	if role := stack.Config.RoleARN; role != "" {
		session, err := s.sessions.AssumeForService(ctx, role, servicePrincipal, stack.ID, stack.Account, "AWSCloudFormation", sessionLength)
		if err != nil {
			return nil, invalid("Role %s is invalid or cannot be assumed", role)
		}
		id = session.Identity
	}
	return caller.With(ctx, via(id, stack.Account, stack.Region)), nil
}

const (
	servicePrincipal = "cloudformation.amazonaws.com"
	sessionLength    = 12 * time.Hour // of a service role; a longer operation takes a new one when it goes on
)

// via marks an identity as acting through CloudFormation.
func via(id caller.Identity, account, region string) caller.Identity {
	id.Account, id.Region, id.ViaService, id.SecureTransport = account, region, servicePrincipal, true
	return id
}

// asCaller is the context of calls that a request itself makes.
func asCaller(ctx context.Context) context.Context {
	id := caller.From(ctx)
	return caller.With(ctx, via(id, id.Account, id.Region))
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
