package serviceconnect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// proxy is the proxy of one task.
type proxy struct {
	all  *Proxies
	task *state.Task // as it was when the proxy was made: what it needs of it does not change
	ctx  context.Context
	stop context.CancelFunc

	mu      sync.Mutex
	closed  bool
	opened  bool
	entries []*entry
}

// entry is a door that is open.
type entry struct {
	door
	server   *loadbalancer.Server
	listener net.Listener
	targets  []loadbalancer.Target
	leaving  map[netip.AddrPort]time.Time // targets that get no new requests, since when
}

func newProxy(all *Proxies, t *state.Task) *proxy {
	x := &proxy{all: all, task: t}
	x.ctx, x.stop = context.WithCancel(context.Background())
	for _, d := range doors(t) {
		x.entries = append(x.entries, &entry{door: d, leaving: map[netip.AddrPort]time.Time{}})
	}
	return x
}

// open opens the doors that are not open yet, and then leads what comes from
// outside to them.
func (x *proxy) open(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed || x.opened {
		return nil
	}
	eni := x.task.Interface.ID
	ports := map[uint16]uint16{}
	for _, e := range x.entries {
		if e.listener == nil {
			if err := x.listen(ctx, e); err != nil {
				return fmt.Errorf("service connect: %s at %s: %w", e.id, e.address, err)
			}
		}
		if at, err := netip.ParseAddrPort(e.listener.Addr().String()); err == nil && e.instead != 0 {
			ports[e.instead] = at.Port()
		}
	}
	if len(ports) > 0 {
		if err := x.all.Plane.Redirect(eni, ports); err != nil {
			return err
		}
	}
	x.opened = true
	return nil
}

// listen opens one door.
func (x *proxy) listen(ctx context.Context, e *entry) error {
	l, err := x.all.Plane.Listen(ctx, x.task.Interface.ID, "tcp4", e.address)
	if err != nil {
		return err
	}
	o := loadbalancer.Options{ConnectTimeout: connectTimeout, Log: x.all.Log, Dial: x.dial(e)}
	if observe := x.all.Observe; observe != nil {
		o.Record = func(r *loadbalancer.AccessRecord) { observe.Request(x.task, &e.service, e.endpoint, r) }
		o.Connection = func(r *loadbalancer.ConnectionRecord) { observe.Connection(x.task, &e.service, e.endpoint, r) }
	}
	e.server = loadbalancer.New(o)
	if e.endpoint == nil {
		e.targets = e.container()
	}
	if err := e.server.Apply(e.config(e.targets)); err != nil {
		return errors.Join(err, l.Close())
	}
	e.listener = l
	x.all.serve(func(ctx context.Context) error {
		ctx, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(x.ctx, end)()
		if err := e.server.Serve(ctx, traffic, "", l); err != nil && ctx.Err() == nil {
			x.all.Log.Error("a listener of Service Connect ended", "task", x.task.ID, "door", e.id, "error", err)
		}
		return nil
	})
	return nil
}

// dial connects from the task: to another, or to its own container, which may
// listen on 127.0.0.1 or on the address of its interface.
func (x *proxy) dial(e *entry) func(context.Context, loadbalancer.Hop) (net.Conn, error) {
	eni := x.task.Interface.ID
	return func(ctx context.Context, hop loadbalancer.Hop) (net.Conn, error) {
		c, err := x.all.Plane.Dial(ctx, eni, "tcp", hop.Target.String())
		if e.endpoint == nil && errors.Is(err, syscall.ECONNREFUSED) {
			return x.all.Plane.Dial(ctx, eni, "tcp", fmt.Sprintf("%s:%d", x.task.Interface.PrivateIP, hop.Target.Port()))
		}
		return c, err
	}
}

// How long a target that left Cloud Map keeps what it carries: as long as that
// lasts, and a little longer for what is under way to it.
const leaveSlack = 2 * time.Second

// apply sends the traffic of each endpoint to the instances that Cloud Map has
// now. It says when to look again.
func (x *proxy) apply(tx *store.Tx) (again time.Duration, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return 0, nil
	}
	for _, e := range x.entries {
		if e.endpoint == nil || e.server == nil {
			continue
		}
		targets := e.withLeaving(members(state.ConnectTargets(tx, x.task, e.service)), time.Now())
		if len(e.leaving) > 0 {
			again = leaveSlack
		}
		if slices.Equal(targets, e.targets) {
			continue
		}
		if err := e.server.Apply(e.config(targets)); err != nil {
			return 0, err
		}
		e.targets = targets
	}
	return again, nil
}

// withLeaving adds the targets that are gone from Cloud Map and still carry something.
func (e *entry) withLeaving(targets []loadbalancer.Target, now time.Time) []loadbalancer.Target {
	here := map[netip.AddrPort]bool{}
	for _, t := range targets {
		here[t.Addr] = true
		delete(e.leaving, t.Addr)
	}
	for _, t := range e.targets {
		if here[t.Addr] {
			continue
		}
		since, known := e.leaving[t.Addr]
		if !known {
			since = now
			e.leaving[t.Addr] = now
		}
		if now.Sub(since) >= leaveSlack && e.server.Outstanding(traffic, t.Addr) == 0 {
			delete(e.leaving, t.Addr)
			continue
		}
		t.State = loadbalancer.Draining
		targets = append(targets, t)
	}
	return targets
}

// sendsTo reports whether an endpoint is that of a service of Cloud Map.
func (x *proxy) sendsTo(d *state.DiscoveryService) bool {
	return d.NamespaceKey() == x.task.ConnectNamespace() && slices.ContainsFunc(x.entries, func(e *entry) bool {
		return e.endpoint != nil && strings.EqualFold(e.service.Discovery(), d.Name)
	})
}

// busy is how many requests and connections from outside the container carries.
func (x *proxy) busy() int64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := int64(0)
	for _, e := range x.entries {
		if e.endpoint == nil && e.server != nil {
			n += e.server.Outstanding(traffic, e.targets[0].Addr)
		}
	}
	return n
}

// close ends everything now: the containers have ended before.
func (x *proxy) close() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.closed = true
	x.stop()
	now, cancel := context.WithCancel(context.Background())
	cancel()
	for _, e := range x.entries {
		if e.listener != nil {
			_ = e.listener.Close()
			_ = e.server.Close(now)
		}
	}
}
