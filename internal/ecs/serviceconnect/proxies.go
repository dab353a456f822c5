package serviceconnect

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Plane is what proxies are made of on this machine: sockets in the namespace of
// a task's network interface.
type Plane struct {
	Listen   func(ctx context.Context, eniID, network, address string) (net.Listener, error)
	Dial     func(ctx context.Context, eniID, network, address string) (net.Conn, error)
	Redirect func(eniID string, ports map[uint16]uint16) error
	// Listening lists the TCP sockets that wait for connections.
	Listening func(eniID string) []netip.AddrPort
}

// Options is what Proxies need of others.
type Options struct {
	DB       *store.DB
	Plane    Plane
	CloudMap CloudMap
	// Observe is told of each request and each connection that ended; nil for nobody.
	Observe Observer
	Log     *slog.Logger
}

// Observer counts what proxies carry, for metrics. endpoint is nil for what came
// to the task from outside.
type Observer interface {
	Request(t *state.Task, s *state.ConnectService, endpoint *state.ConnectEndpoint, r *loadbalancer.AccessRecord)
	Connection(t *state.Task, s *state.ConnectService, endpoint *state.ConnectEndpoint, r *loadbalancer.ConnectionRecord)
}

// connectTimeout is how long one attempt to reach a task may take.
const connectTimeout = time.Second

// Proxies are the proxies of all tasks.
type Proxies struct {
	Options
	tasks reconcile.Loop // keys of tasks

	started chan struct{} // closed once serve is there
	serve   func(func(context.Context) error)

	mu      sync.Mutex
	running map[string]*proxy // by key of task
}

// New makes the proxies; Run must be running for tasks to get any.
func New(o Options) *Proxies {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p := &Proxies{Options: o, started: make(chan struct{}), running: map[string]*proxy{}}
	p.tasks = reconcile.Loop{Name: "ecs service connect", Do: p.step, Workers: 32}
	p.DB.OnCommit(p.noticed)
	return p
}

// Run carries the traffic of Service Connect until ctx ends. It begins with the
// tasks that run, so that a restart brings everything back.
func (p *Proxies) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	p.serve = func(run func(context.Context) error) { group.Go(func() error { return run(ctx) }) }
	close(p.started)
	for t := range state.Tasks.All(p.DB.Read(), "") {
		if t.Connect != nil {
			p.tasks.Add(t.Key())
		}
	}
	group.Go(func() error { return p.tasks.Run(ctx) })
	return group.Wait()
}

// noticed is told of every commit.
func (p *Proxies) noticed(changes []store.Change) {
	var tx *store.Tx
	for _, c := range changes {
		switch c.Table {
		case state.Tasks.Name():
			if tx == nil {
				tx = p.DB.Read()
			}
			if t, ok := state.Tasks.Get(tx, c.Key); ok && t.Connect != nil {
				p.tasks.Add(c.Key)
			}
		case state.ServiceInstances.Name():
			if tx == nil {
				tx = p.DB.Read()
			}
			p.changed(tx, c.Key)
		}
	}
}

// changed looks at the proxies that send to the service of an instance.
func (p *Proxies) changed(tx *store.Tx, instanceKey string) {
	d, ok := state.DiscoveryServices.Get(tx, instanceKey[:strings.LastIndexByte(instanceKey, '/')])
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, x := range p.running {
		if x.sendsTo(d) {
			p.tasks.Add(key)
		}
	}
}

// step makes the proxy of one task what the records say.
func (p *Proxies) step(ctx context.Context, key string) (reconcile.Result, error) {
	t, ok := state.Tasks.Get(p.DB.Read(), key)
	if !ok || t.Connect == nil {
		p.Close(key)
		return reconcile.Result{}, nil
	}
	switch t.LastStatus {
	case state.TaskProvisioning:
		return reconcile.Result{}, nil
	case state.TaskDeprovisioning, state.TaskStopped: // the agent has closed it
		_, err := p.attend(ctx, t)
		return reconcile.Result{}, err
	case state.TaskPending: // the agent opens it before the containers start
		if p.of(key) == nil {
			return reconcile.Result{}, nil
		}
	}
	x, err := p.open(ctx, t)
	if err != nil || x == nil {
		return reconcile.Result{}, err
	}
	again, err := x.apply(p.DB.Read()) // read after it is known to run: later changes are told
	if err != nil {
		return reconcile.Result{}, err
	}
	wait, err := p.attend(ctx, t)
	if wait > 0 && (again == 0 || wait < again) {
		again = wait
	}
	return reconcile.Result{After: again}, err
}

func (p *Proxies) of(key string) *proxy {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running[key]
}

// Open opens the proxy of a task and returns when it carries traffic. It may be repeated.
func (p *Proxies) Open(ctx context.Context, t *state.Task) error {
	select {
	case <-p.started:
	case <-ctx.Done():
		return ctx.Err()
	}
	x, err := p.open(ctx, t)
	if err == nil && x != nil {
		_, err = x.apply(p.DB.Read())
	}
	if err == nil {
		p.tasks.Add(t.Key())
	}
	return err
}

// open returns the task's proxy; nil when its end has come.
func (p *Proxies) open(ctx context.Context, t *state.Task) (*proxy, error) {
	p.mu.Lock()
	x := p.running[t.Key()]
	if x == nil {
		// Close comes after the record says so: nothing is opened behind it.
		now, ok := state.Tasks.Get(p.DB.Read(), t.Key())
		if !ok || now.LastStatus == state.TaskDeprovisioning || now.LastStatus == state.TaskStopped {
			p.mu.Unlock()
			return nil, nil
		}
		x = newProxy(p, t)
		p.running[t.Key()] = x
	}
	p.mu.Unlock()
	return x, x.open(ctx)
}

// Close ends the proxy of a task, with whatever it carries.
func (p *Proxies) Close(key string) {
	p.mu.Lock()
	x := p.running[key]
	delete(p.running, key)
	p.mu.Unlock()
	if x != nil {
		x.close()
	}
}
