package rehearsal

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/acm"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudwatch"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/ecr"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/kms"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/route53"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/secretsmanager"
	"github.com/neargate/neargate/internal/servicediscovery"
	"github.com/neargate/neargate/internal/ssm"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/sts"
)

// Instance is the services of one account and region, in memory. Make it with
// Open and end it with Close.
type Instance struct {
	Account, Region string

	db       *store.DB
	site     network.Site
	gate     *gateway.Gateway
	checker  *access.Authorizer
	sessions *sts.Sessions
	networks *ec2.Service
	refusals *refusals

	dir  string
	stop context.CancelFunc
	done sync.WaitGroup
}

// Origin is the running instance whose records a rehearsal begins with. They are
// not changed.
type Origin struct {
	DB     *store.DB
	Sealer seal.Sealer
}

// Open makes an instance for an account and a region: an empty one, or when
// there is an origin one with its records.
func Open(account, region string, origin *Origin) (*Instance, error) {
	dir, err := os.MkdirTemp("", "neargate-check-")
	if err != nil {
		return nil, err
	}
	x := &Instance{Account: account, Region: region, dir: dir, refusals: &refusals{},
		site: network.DefaultSite("check")}
	if origin == nil {
		db, err := store.OpenMemory(state.Schema()...)
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		origin = &Origin{DB: db, Sealer: seal.Temporary()}
	}
	x.db = origin.DB.Fork()
	if err := x.open(origin.Sealer); err != nil {
		x.Close()
		return nil, err
	}
	return x, nil
}

// open wires the services as cmd/neargate does for a running instance.
func (x *Instance) open(sealer seal.Sealer) error {
	keys := access.NewKeys(x.db, sealer)
	x.checker = access.NewAuthorizer(keys, x.refusals)
	lines, err := logstore.Open(filepath.Join(x.dir, "logs"))
	if err != nil {
		return err
	}
	objects, err := blob.OpenObjects(filepath.Join(x.dir, "objects"), blob.Key{1})
	if err != nil {
		return err
	}
	blobs, err := blob.OpenStore(filepath.Join(x.dir, "blobs"))
	if err != nil {
		return err
	}
	authority, err := pki.Open(filepath.Join(x.dir, "pki"))
	if err != nil {
		return err
	}
	key := make([]byte, 32) // nothing that it seals leaves this process
	registries, err := ecr.New(ecr.Config{DB: x.db, Blobs: blobs, Checker: x.checker, Key: key})
	if err != nil {
		return err
	}
	buckets, err := s3.New(s3.Config{DB: x.db, Objects: objects, Checker: x.checker})
	if err != nil {
		return err
	}
	x.sessions = sts.New(x.db, keys, x.checker).Sessions()
	x.networks = ec2.New(x.db, noEngine{}, noEdge{}, ec2.Divide(x.site))
	scheduler := ecs.New(ecs.Deps{DB: x.db, Checker: x.checker, Roles: x.sessions, Decisions: x.refusals})
	identities, groups := iam.New(x.db, sealer, x.checker), logs.New(x.db, lines, time.Now)
	x.gate = gateway.New(gateway.Config{Keys: keys, Checker: x.checker, Region: x.Region})
	keyService, secrets, parameters := kms.New(x.db, sealer, time.Now), secretsmanager.New(x.db, x.gate, validPolicy, time.Now), ssm.New(x.db, x.gate, time.Now)
	certificates := acm.New(acm.Options{DB: x.db, Sealer: sealer, Authority: authority, Now: time.Now})
	mount := func(model *wire.Service, handlers wire.Handlers, table authorize.Service) {
		x.gate.Mount(model, handlers, table)
		x.checker.Register(model.SigningName, table)
	}
	mount(iamapi.Model, iamapi.Bind(identities), identities.Authorization())
	mount(ec2api.Model, ec2api.Bind(x.networks), x.networks.Authorization())
	mount(ecsapi.Model, ecsapi.Bind(scheduler), scheduler.Authorization())
	mount(ecrapi.Model, ecrapi.Bind(registries), registries.Authorization())
	mount(logsapi.Model, logsapi.Bind(groups), groups.Authorization())
	mount(s3api.Model, s3api.Bind(buckets), buckets.Authorization())
	mount(kmsapi.Model, kmsapi.Bind(keyService), keyService.Authorization())
	mount(secretsmanagerapi.Model, secretsmanagerapi.Bind(secrets), secrets.Authorization())
	zones := route53.New(route53.Options{DB: x.db, Changed: func() {}, Now: time.Now})
	mount(route53api.Model, route53api.Bind(zones), zones.Authorization())
	discovery := servicediscovery.New(servicediscovery.Options{DB: x.db, Invoker: x.gate, Now: time.Now})
	mount(servicediscoveryapi.Model, servicediscoveryapi.Bind(discovery), discovery.Authorization())
	watch := cloudwatch.New(cloudwatch.Options{DB: x.db})
	mount(cloudwatchapi.Model, cloudwatchapi.Bind(watch), watch.Authorization())
	mount(acmapi.Model, acmapi.Bind(certificates), certificates.Authorization())
	mount(ssmapi.Model, ssmapi.Bind(parameters), parameters.Authorization())

	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	x.done.Go(func() { _ = x.networks.Run(ctx) }) // ends with ctx; its data plane never fails
	x.done.Go(func() { _ = discovery.Run(ctx) })  // so does this
	return nil
}

// Close ends the instance and removes what it wrote.
func (x *Instance) Close() {
	if x.stop != nil {
		x.stop()
		x.done.Wait()
	}
	if x.db != nil {
		_ = x.db.Close() // it is in memory
	}
	_ = os.RemoveAll(x.dir) // best effort: a temporary directory
}

// Operator returns ctx as the account's root user, who deploys.
func (x *Instance) Operator(ctx context.Context) context.Context {
	return caller.With(ctx, caller.ForRoot(x.Account, x.Region))
}

// Invoke implements wire.Invoker: an operation as the principal in ctx.
func (x *Instance) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	return x.gate.Invoke(ctx, service, operation, in)
}

// validPolicy says what is wrong with a resource-based policy.
func validPolicy(document string) error {
	_, err := policy.Parse(document, policy.Resource)
	return err
}

// noEngine and noEdge are a data plane that accepts everything and does nothing.
type noEngine struct{}

func (noEngine) Set(context.Context, network.VPC) error { return nil }
func (noEngine) Remove(context.Context, string) error   { return nil }
func (noEngine) Keep(context.Context, []string) error   { return nil }
func (noEngine) NetNS(string) string                    { return "" }

type noEdge struct{}

func (noEdge) Set(context.Context, edge.VPC) error { return nil }
func (noEdge) Remove(string)                       {}

// refusals remembers the last refusal, which the caller of a refused operation
// asks for next. It implements decision.Recorder.
type refusals struct {
	mu   sync.Mutex
	last decision.Decision
}

// Record implements decision.Recorder.
func (r *refusals) Record(_ context.Context, d decision.Decision) {
	if d.Verdict == decision.Allow {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = d
}

func (r *refusals) take() decision.Decision {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.last
	r.last = decision.Decision{}
	return d
}
