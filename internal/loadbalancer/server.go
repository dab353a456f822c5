package loadbalancer

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/loadbalancer/oidc"
)

// Hop is a connection that a node is about to make to a target.
type Hop struct {
	Network string // tcp or udp
	Zone    string // of the node that makes it
	Target  netip.AddrPort
	// Client is set where the target is to see the client's own address (client IP
	// preservation of network load balancers); otherwise the node's is used.
	Client netip.AddrPort
}

// Options is what a Server needs from outside.
type Options struct {
	// Dial connects to a target from a node's private address.
	Dial func(ctx context.Context, hop Hop) (net.Conn, error)
	// Record is called after each request, Connection after each client connection
	// and flow, both concurrently and on the request's own time: be quick. Nil: nobody asks.
	Record     func(*AccessRecord)
	Connection func(*ConnectionRecord)
	// ConnectTimeout is how long one attempt to reach a target may take; 0 is 10 s.
	ConnectTimeout time.Duration
	// Key protects stickiness cookies, 32 bytes; kept over restarts it keeps
	// clients at their targets. Nil: a random one.
	Key []byte
	// DialName connects to host:port from the node in a zone, whose VPC knows the
	// name: so are identity providers asked. Nil: there are none.
	DialName func(ctx context.Context, zone, address string) (net.Conn, error)
	// Roots are the authorities of identity providers' certificates; nil: the machine's.
	Roots func() *x509.CertPool
	// Signer signs what targets are told of users; nil: they get no such token.
	Signer *oidc.Signer
	Log    *slog.Logger
}

// Server is one load balancer.
type Server struct {
	options Options
	jar     jar
	keeper  oidc.Keeper
	clock   func() time.Time // of sessions; tests have their own
	live    atomic.Pointer[live]
	targets atomic.Int64 // connections to targets
	zones   sync.Map     // of *zoneCounts: connections by their node's zone

	mu       sync.Mutex
	closed   bool
	sessions map[dismissed]struct{}
	stops    map[int]context.CancelFunc // of Serves
	serves   int
	running  sync.WaitGroup
}

// dismissed is a connection or flow that can be told to end.
type dismissed interface {
	dismiss()   // once it carries nothing
	terminate() // now
}

// New returns a load balancer that has no listeners yet.
func New(o Options) *Server {
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = connectTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: o, sessions: map[dismissed]struct{}{}, stops: map[int]context.CancelFunc{}}
	key := o.Key
	if len(key) != 32 {
		key = nil
	}
	s.jar, _ = newJar(key) // 32 bytes never fail
	s.keeper, s.clock = oidc.NewKeeper(key), time.Now
	s.live.Store(&live{})
	return s
}

// Apply makes c what the load balancer is from the next request on. Connections
// stay, except those to targets that are gone. An error means that c cannot be,
// and that the previous configuration stays.
func (s *Server) Apply(c Config) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.live.Load()
	l, err := s.compile(c, before)
	if err != nil {
		return err
	}
	s.live.Store(l)
	stays := map[*backend]bool{}
	for _, g := range l.groups {
		for _, m := range g.members {
			stays[m.backend] = true
		}
	}
	for _, g := range before.groups {
		for _, m := range g.members {
			if !stays[m.backend] {
				m.leave(before.Type == Network && !g.EndDrainedFlows)
			}
		}
	}
	l.endFlows()
	return nil
}

// Serve carries what comes in on l for a listener, as the node in zone, until ctx
// ends or l is closed: then it stops accepting, gives requests that are being
// carried a few seconds to end, and returns. Several nodes of one listener each have
// their own Serve. It closes l.
func (s *Server) Serve(ctx context.Context, listener, zone string, l net.Listener) error {
	ctx, done, ok := s.begin(ctx)
	if !ok {
		return l.Close()
	}
	defer done()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	mine := &crowd{server: s}
	for {
		c, err := l.Accept()
		if err != nil {
			_ = l.Close()
			ended := ctx.Err() != nil || errors.Is(err, net.ErrClosed)
			if !ended && transient(err) {
				time.Sleep(5 * time.Millisecond) // out of descriptors
				continue
			}
			mine.end(drainOnStop)
			if ended {
				return nil
			}
			return err
		}
		mine.add(s.newSession(ctx, listener, zone, c))
	}
}

// transient says whether accepting may work again in a moment.
func transient(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM) || errors.Is(err, syscall.ECONNABORTED)
}

func (s *Server) newSession(ctx context.Context, listener, zone string, conn net.Conn) *session {
	c := &session{server: s, ctx: context.WithoutCancel(ctx), listener: listener, zone: zone, raw: conn, conn: conn, client: addrPort(conn.RemoteAddr()), local: addrPort(conn.LocalAddr())}
	c.address = c.client.Addr().String()
	c.count = s.zone(zone)
	c.count.enter()
	c.record = ConnectionRecord{Listener: listener, Zone: zone, Client: c.client, Local: c.local, Opened: time.Now(), TraceID: newConnTrace()}
	return c
}

// begin counts a Serve in, unless the server is closed; its context ends with the server.
func (s *Server) begin(ctx context.Context) (context.Context, func(), bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, false
	}
	ctx, cancel := context.WithCancel(ctx)
	id := s.serves
	s.serves++
	s.stops[id] = cancel
	s.running.Add(1)
	return ctx, func() {
		cancel()
		s.mu.Lock()
		delete(s.stops, id)
		s.mu.Unlock()
		s.running.Done()
	}, true
}

// crowd is the sessions of one Serve.
type crowd struct {
	server *Server
	group  errgroup.Group
	mu     sync.Mutex
	all    map[dismissed]struct{}
}

// add runs a session.
func (w *crowd) add(c *session) {
	w.enter(c)
	w.group.Go(func() error {
		defer w.exit(c)
		c.run()
		return nil
	})
}

func (w *crowd) enter(c dismissed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[dismissed]struct{}{}
	}
	w.all[c] = struct{}{}
	w.server.count(c, true)
}

func (w *crowd) exit(c dismissed) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, c)
	w.server.count(c, false)
}

func (s *Server) count(c dismissed, in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in {
		s.sessions[c] = struct{}{}
		return
	}
	delete(s.sessions, c)
}

// end waits for the sessions to end, and ends them after a while.
func (w *crowd) end(patience time.Duration) {
	w.each(dismissed.dismiss)
	late := time.AfterFunc(patience, func() { w.each(dismissed.terminate) })
	defer late.Stop()
	_ = w.group.Wait()
}

func (w *crowd) each(do func(dismissed)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		do(c)
	}
}

// Counts is what gauges of metrics are read from.
type Counts struct {
	Connections int64 // client connections and flows that are open
	Targets     int64 // connections to targets that are open
	Zones       map[string]ZoneCounts
}

// ZoneCounts counts the connections of the node in a zone, from clients and to targets.
type ZoneCounts struct {
	Open   int64
	Opened int64 // since Counts was called last
}

// zoneCounts is ZoneCounts while it is counted.
type zoneCounts struct{ open, opened atomic.Int64 }

func (z *zoneCounts) enter() {
	z.open.Add(1)
	z.opened.Add(1)
}

func (z *zoneCounts) leave() { z.open.Add(-1) }

// zone is where the connections of a zone's node are counted.
func (s *Server) zone(name string) *zoneCounts {
	if z, ok := s.zones.Load(name); ok {
		return z.(*zoneCounts)
	}
	z, _ := s.zones.LoadOrStore(name, &zoneCounts{})
	return z.(*zoneCounts)
}

// Counts returns what is open now, and what was opened since it was called last.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Connections: int64(len(s.sessions)), Targets: s.targets.Load(), Zones: map[string]ZoneCounts{}}
	s.zones.Range(func(name, z any) bool {
		counts := z.(*zoneCounts)
		c.Zones[name.(string)] = ZoneCounts{Open: counts.open.Load(), Opened: counts.opened.Swap(0)}
		return true
	})
	return c
}

// Outstanding returns how many requests and flows a target of a group carries now:
// a draining target that carries none can go.
func (s *Server) Outstanding(group string, target netip.AddrPort) int64 {
	if g := s.live.Load().groups[group]; g != nil {
		for _, m := range g.members {
			if m.Target.Addr == target {
				return m.outstanding.Load()
			}
		}
	}
	return 0
}

// Close stops accepting, closes idle connections, waits for requests that are
// being carried until ctx ends, and then closes everything.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, stop := range s.stops {
		stop()
	}
	s.mu.Unlock()
	now := context.AfterFunc(ctx, s.terminateAll)
	defer now()
	s.running.Wait()
	for _, g := range s.live.Load().groups {
		for _, m := range g.members {
			m.leave(false)
		}
	}
	return nil
}

func (s *Server) terminateAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.sessions {
		c.terminate()
	}
}
