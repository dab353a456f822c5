package loadbalancer

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
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
	// Key protects stickiness cookies, 32 bytes; kept over restarts it keeps
	// clients at their targets. Nil: a random one.
	Key []byte
	Log *slog.Logger
	// Now is the clock of records, slow start and cookies. Nil: time.Now.
	Now func() time.Time
}

// Server is one load balancer.
type Server struct {
	options Options
	config  atomic.Pointer[Config]
	mu      sync.Mutex
	closed  bool
}

// errNotYet stands until traffic is carried.
var errNotYet = errors.New("carrying traffic is not built yet")

// New returns a load balancer that has no listeners yet.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{options: o}
}

// Apply makes c what the load balancer is from the next request on. Connections
// stay, except those to targets that are gone. An error means that c cannot be,
// and that the previous configuration stays.
func (s *Server) Apply(c Config) error {
	s.config.Store(&c)
	return nil
}

// Serve carries what comes in on l for a listener, as the node in zone, until ctx
// ends or l is closed: then it stops accepting, lets requests that are being
// carried end (see Close), and returns. Several nodes of one listener each have
// their own Serve. It closes l.
func (s *Server) Serve(ctx context.Context, listener, zone string, l net.Listener) error {
	return errors.Join(errNotYet, l.Close())
}

// ServePacket is Serve for UDP.
func (s *Server) ServePacket(ctx context.Context, listener, zone string, p net.PacketConn) error {
	return errors.Join(errNotYet, p.Close())
}

// Counts is what gauges of metrics are read from.
type Counts struct {
	Connections int64 // client connections and flows that are open
	Targets     int64 // connections to targets that are open
}

// Counts returns what is open now.
func (s *Server) Counts() Counts { return Counts{} }

// Close stops accepting, closes idle connections, waits for requests that are
// being carried until ctx ends, and then closes everything.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
