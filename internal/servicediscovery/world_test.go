package servicediscovery_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/elbv2"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/route53"
	"github.com/neargate/neargate/internal/servicediscovery"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
)

// world is Cloud Map with Route 53 and EC2's records beside it, reached as by
// clients: through a gateway, in which operations may be denied.
type world struct {
	t      *testing.T
	db     *store.DB
	ctx    context.Context // the root user's
	gate   *gateway.Gateway
	maps   servicediscoveryapi.API
	zones  route53api.API
	mu     sync.Mutex
	denied string                     // guarded by mu; an operation
	as     map[string]caller.Identity // guarded by mu; who called an operation last
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, ctx: caller.With(t.Context(), caller.ForRoot(account, region)), as: map[string]caller.Identity{}}
	w.gate = gateway.New(gateway.Config{Checker: w, Region: region})
	networks := ec2.New(db, nil, nil, ec2.Divide(network.DefaultSite("test")))
	w.gate.Mount(ec2api.Model, ec2api.Bind(networks), networks.Authorization())
	zones := route53.New(route53.Options{DB: db, Changed: func() {}, Now: time.Now})
	w.gate.Mount(route53api.Model, route53api.Bind(zones), zones.Authorization())
	balancers := elbv2.New(elbv2.Options{DB: db})
	w.gate.Mount(elbv2api.Model, elbv2api.Bind(balancers), balancers.Authorization())
	w.maps, w.zones = servicediscoveryapi.NewClient(w.gate), route53api.NewClient(w.gate)
	w.write(func(tx *store.Tx) {
		for _, id := range []string{"vpc-1", "vpc-2"} {
			state.Vpcs.Put(tx, &state.Vpc{Account: account, Region: region, ID: id})
		}
	})
	s := servicediscovery.New(servicediscovery.Options{DB: db, Invoker: w.gate, Now: time.Now})
	w.gate.Mount(servicediscoveryapi.Model, servicediscoveryapi.Bind(s), s.Authorization())
	w.run(s)
	return w
}

func (w *world) run(s *servicediscovery.Service) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	})
}

// CheckOperation implements gateway.Checker: all but one operation is allowed.
func (w *world) CheckOperation(ctx context.Context, _ authorize.Service, operation string, _ any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.as[operation] = caller.From(ctx)
	if w.denied == operation {
		return wire.NewError("AccessDenied", 403, "User is not authorized to perform: %s", operation)
	}
	return nil
}

func (w *world) deny(operation string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denied = operation
}

// caller is who called an operation last.
func (w *world) caller(operation string) caller.Identity {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.as[operation]
}

func (w *world) write(f func(tx *store.Tx)) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *store.Tx) error {
		f(tx)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// ended waits until an operation has ended.
func (w *world) ended(id string, err error) *servicediscoveryapi.Operation {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	for range 1000 {
		out, err := w.maps.GetOperation(w.ctx, &servicediscoveryapi.GetOperationRequest{OperationId: id})
		if err != nil {
			w.t.Fatal(err)
		}
		if out.Operation.Status != servicediscoveryapi.OperationStatusSubmitted {
			return out.Operation
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("the operation does not end")
	return nil
}

// succeeds waits for an operation that must succeed, and returns its target of a type.
func (w *world) succeeds(target servicediscoveryapi.OperationTargetType, id string, err error) string {
	w.t.Helper()
	o := w.ended(id, err)
	if o.Status != servicediscoveryapi.OperationStatusSuccess {
		w.t.Fatalf("%s: %s %s", o.Type, o.ErrorCode, o.ErrorMessage)
	}
	return o.Targets[target]
}

// private makes a private namespace.
func (w *world) private(name, vpc string) string {
	w.t.Helper()
	out, err := w.maps.CreatePrivateDnsNamespace(w.ctx, &servicediscoveryapi.CreatePrivateDnsNamespaceRequest{Name: name, Vpc: vpc})
	return w.succeeds("NAMESPACE", out.OperationId, err)
}

func (w *world) namespace(id string) *servicediscoveryapi.Namespace {
	w.t.Helper()
	out, err := w.maps.GetNamespace(w.ctx, &servicediscoveryapi.GetNamespaceRequest{Id: id})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Namespace
}

func wants(t *testing.T, what string, err error, text string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%s: %v\nwant %s", what, err, text)
	}
}
