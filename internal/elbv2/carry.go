package elbv2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/loadbalancer/health"
	"github.com/neargate/neargate/internal/state"
)

// balancer is a load balancer that carries traffic.
type balancer struct {
	server  *loadbalancer.Server
	checker *health.Checker
	stop    context.CancelFunc
	ctx     context.Context
	doors   map[door]io.Closer
	nodes   atomic.Pointer[[]state.LoadBalancerSubnet]
	// draining is which targets get no more requests, since when.
	draining  atomic.Pointer[map[health.Key]time.Time]
	lines     logLines
	spool     spool
	meters    *meters
	measured  time.Time // when connections were counted last
	delivered time.Time // when logs were delivered last
	logs      atomic.Pointer[logging]
	uses      []string // its target groups and zones, as far as targets depend on them
}

// logging is what the recording of requests has to know.
type logging struct {
	access, connections bool
	ports               map[string]string // of listeners, by ARN
}

// door is where a node listens.
type door struct {
	listener string // ARN
	zone     string
	address  string // IP:port
	packets  bool   // UDP
}

// carry makes the traffic of a load balancer what its records say.
func (s *Service) carry(ctx context.Context, b *state.LoadBalancer) error {
	q := scope{s.DB.Read(), b.Account, b.Region}
	c := s.configuration(q, b)
	r := s.run(b)
	nodes := b.Subnets
	r.nodes.Store(&nodes)
	if err := r.server.Apply(c); err != nil {
		return fmt.Errorf("load balancer %s: %w", b.Path, err)
	}
	r.noticeDraining(c, s.Now())
	r.logs.Store(loggingOf(b, c))
	r.checker.Set(q.checks(b, c))
	if err := s.open(ctx, b, r, c); err != nil {
		return err
	}
	s.noticeUses(b, r, c)
	return s.failOver(ctx, b, c)
}

// run starts a load balancer, unless it runs.
func (s *Service) run(b *state.LoadBalancer) *balancer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.running[b.Key()]; r != nil {
		return r
	}
	r := &balancer{doors: map[door]io.Closer{}, meters: newMeters(s.Metrics, namespaceOf(b), b), measured: s.Now()}
	r.ctx, r.stop = context.WithCancel(context.Background())
	r.server = loadbalancer.New(loadbalancer.Options{
		Key: s.Plane.Key, Log: s.Log, Roots: s.Plane.Roots, Signer: s.signer(b.Region),
		DialName: func(ctx context.Context, zone, address string) (net.Conn, error) {
			return s.dialName(ctx, r, "tcp", zone, address)
		},
		Record:     func(record *loadbalancer.AccessRecord) { s.record(b.Path, r, record) },
		Connection: func(record *loadbalancer.ConnectionRecord) { s.connection(b, r, record) },
		Dial:       func(ctx context.Context, hop loadbalancer.Hop) (net.Conn, error) { return s.dial(ctx, r, hop) },
	})
	key := b.Key()
	r.checker = health.New(health.Options{
		Dial: func(ctx context.Context, zone string, addr netip.AddrPort) (net.Conn, error) {
			return s.dial(ctx, r, loadbalancer.Hop{Network: "tcp", Zone: zone, Target: addr})
		},
		Report: func(k health.Key, st health.Status) { s.report(r.ctx, key, k, st) },
	})
	s.running[key] = r
	if err := s.openSpool(b, r); err != nil {
		s.Log.Error("a crash would take away lines of logs", "load balancer", b.Path, "error", err)
	}
	if r.spool.file != nil {
		s.serveFor(r, func(ctx context.Context) error {
			if err := r.save(ctx); err != nil {
				s.Log.Error("lines of a log were not written down", "load balancer", b.Path, "error", err)
			}
			return nil
		})
	}
	s.serveFor(r, func(ctx context.Context) error {
		err := r.checker.Run(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	})
	return r
}

// serveFor runs something until the service ends, or the load balancer's traffic does.
func (s *Service) serveFor(r *balancer, run func(context.Context) error) {
	s.serve(func(ctx context.Context) error {
		ctx, end := context.WithCancel(ctx)
		defer end()
		defer context.AfterFunc(r.ctx, end)()
		return run(ctx)
	})
}

func loggingOf(b *state.LoadBalancer, c loadbalancer.Config) *logging {
	l := &logging{ports: map[string]string{}}
	if bucket, _ := accessLog.bucket(b); bucket != "" {
		l.access = true
	}
	if bucket, _ := connectionLog.bucket(b); bucket != "" {
		l.connections = true
	}
	for _, listener := range c.Listeners {
		l.ports[listener.ID] = strconv.Itoa(int(listener.Port))
	}
	return l
}

// record counts a request, and notes it for the access log.
func (s *Service) record(name string, r *balancer, record *loadbalancer.AccessRecord) {
	r.meters.count(record)
	if l := r.logs.Load(); l != nil && l.access {
		r.lines.add(logPlace{accessLog, record.Zone}, accessLine(name, record))
	}
}

// connection notes a connection for the connection log, or a flow for the access log.
func (s *Service) connection(b *state.LoadBalancer, r *balancer, record *loadbalancer.ConnectionRecord) {
	l := r.logs.Load()
	switch {
	case b.Network():
		r.meters.flow(record)
		if l != nil && l.access && record.Protocol == loadbalancer.TLS {
			r.lines.add(logPlace{accessLog, record.Zone}, flowLine(b, record))
		}
	default:
		r.meters.connection(record)
		if l == nil || !l.connections {
			return
		}
		r.lines.add(logPlace{connectionLog, record.Zone}, connectionLine(dash(l.ports[record.Listener]), record))
	}
}

// dial connects to a target from the node of a zone, or from any when there is none.
func (s *Service) dial(ctx context.Context, r *balancer, hop loadbalancer.Hop) (net.Conn, error) {
	if !hop.Client.IsValid() {
		return s.dialName(ctx, r, hop.Network, hop.Zone, hop.Target.String())
	}
	node, err := r.node(hop.Zone)
	if err != nil {
		return nil, err
	}
	return s.Plane.DialFor(ctx, node, hop.Client, hop.Network, hop.Target.String())
}

// dialName is dial for an address whose host may be a name that the node's VPC knows.
func (s *Service) dialName(ctx context.Context, r *balancer, network, zone, address string) (net.Conn, error) {
	node, err := r.node(zone)
	if err != nil {
		return nil, err
	}
	return s.Plane.Dial(ctx, node, network, address)
}

// node is the interface of the node in a zone, or of any when there is none.
func (r *balancer) node(zone string) (string, error) {
	nodes := *r.nodes.Load()
	if len(nodes) == 0 {
		return "", errors.New("the load balancer has no nodes")
	}
	i := max(0, slices.IndexFunc(nodes, func(n state.LoadBalancerSubnet) bool { return n.AvailabilityZone == zone }))
	return nodes[i].InterfaceID, nil
}

// open opens the doors that are wanted, and closes the others: what is being carried
// through them ends by itself.
func (s *Service) open(ctx context.Context, b *state.LoadBalancer, r *balancer, c loadbalancer.Config) error {
	wanted := map[door]bool{}
	for _, l := range c.Listeners {
		for _, n := range b.Subnets {
			if n.PrivateIP == "" {
				continue
			}
			d := door{listener: l.ID, zone: n.AvailabilityZone, address: fmt.Sprintf("%s:%d", n.PrivateIP, l.Port)}
			if l.Protocol != loadbalancer.UDP {
				wanted[d] = true
			}
			if d.packets = true; l.Protocol == loadbalancer.UDP || l.Protocol == loadbalancer.TCPUDP {
				wanted[d] = true
			}
		}
	}
	for d, l := range r.doors {
		if !wanted[d] {
			_ = l.Close()
			delete(r.doors, d)
		}
	}
	for d := range wanted {
		if r.doors[d] != nil {
			continue
		}
		l, serve, err := s.door(ctx, b, r, d)
		if err != nil {
			return err
		}
		r.doors[d] = l
		s.serveFor(r, func(ctx context.Context) error {
			if err := serve(ctx); err != nil && !errors.Is(err, net.ErrClosed) && ctx.Err() == nil {
				s.Log.Error("a listener of a load balancer ended", "listener", d.listener, "address", d.address, "error", err)
			}
			return nil
		})
	}
	return nil
}

// door opens a door, and returns how to carry what comes in.
func (s *Service) door(ctx context.Context, b *state.LoadBalancer, r *balancer, d door) (io.Closer, func(context.Context) error, error) {
	if d.packets {
		p, err := s.Plane.ListenPacket(ctx, b.VpcID, "udp4", d.address)
		return p, func(ctx context.Context) error { return r.server.ServePacket(ctx, d.listener, d.zone, p) }, err
	}
	l, err := s.Plane.Listen(ctx, b.VpcID, "tcp4", d.address)
	return l, func(ctx context.Context) error { return r.server.Serve(ctx, d.listener, d.zone, l) }, err
}

// stop ends the traffic of a load balancer, and returns what it was; nil when
// there was none.
func (s *Service) stop(key string) *balancer {
	s.mu.Lock()
	r := s.running[key]
	delete(s.running, key)
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	r.stop()
	gone, cancel := context.WithCancel(context.Background())
	cancel() // its interfaces are about to go: nothing can end in order
	_ = r.server.Close(gone)
	for _, l := range r.doors {
		_ = l.Close()
	}
	account, region, _ := state.SplitKey(key)
	for _, use := range r.uses {
		if g, ok := first(state.TargetGroups.By(s.DB.Read(), "arn", use)); ok && g.Account == account && g.Region == region {
			s.groups.Add(g.Key())
		}
	}
	return r
}

// noticeUses lets the loop of target groups look at those that the load balancer
// began or ceased to use, and at all of them when its zones changed.
func (s *Service) noticeUses(b *state.LoadBalancer, r *balancer, c loadbalancer.Config) {
	var uses []string
	for _, n := range b.Subnets {
		uses = append(uses, n.AvailabilityZone)
	}
	for _, g := range c.Groups {
		uses = append(uses, g.ID)
	}
	slices.Sort(uses)
	if slices.Equal(uses, r.uses) {
		return
	}
	tx := s.DB.Read()
	for _, use := range append(r.uses, uses...) {
		if g, ok := first(state.TargetGroups.By(tx, "arn", use)); ok {
			s.groups.Add(g.Key())
		}
	}
	r.uses = uses
}
