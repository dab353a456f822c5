package healthcheck

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/reconcile"
)

// maxAtOnce is how many endpoints are asked at the same moment.
const maxAtOnce = 64

// Options is what Checkers need from outside.
type Options struct {
	// Dial connects as the checker of a region.
	Dial func(ctx context.Context, region string, to netip.AddrPort) (net.Conn, error)
	// Resolve looks a name up as anybody on the internet does.
	Resolve func(ctx context.Context, name string) (netip.Addr, error)
	// Report is told when an opinion, or the text of its last result or failure, has
	// changed; one call at a time per target.
	Report func(Key, Opinion)
}

// Checkers ask endpoints how they are. Run makes them ask what Set told them to.
type Checkers struct {
	options Options
	busy    chan struct{}
	crew    *reconcile.Crew[Key, Target]

	mu       sync.Mutex
	opinions map[Key]Opinion
}

// New returns checkers without anything to ask.
func New(o Options) *Checkers {
	c := &Checkers{options: o, busy: make(chan struct{}, maxAtOnce), opinions: map[Key]Opinion{}}
	c.crew = reconcile.NewCrew(func(a, b Target) bool { return a.Check == b.Check }, c.ask, c.forget)
	return c
}

// Set makes targets all that is asked. What is asked already and has not changed
// goes on undisturbed; what is new is asked at once.
func (c *Checkers) Set(targets []Target) {
	wanted := make(map[Key]Target, len(targets))
	for _, t := range targets {
		wanted[t.Key] = t
	}
	c.crew.Set(wanted)
}

// Opinion is what a region's checker holds at present; false when it has not asked yet.
func (c *Checkers) Opinion(k Key) (Opinion, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.opinions[k]
	return o, ok
}

// Run asks until ctx ends.
func (c *Checkers) Run(ctx context.Context) error { return c.crew.Run(ctx) }

func (c *Checkers) forget(k Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.opinions, k)
}

// ask checks one target again and again.
func (c *Checkers) ask(ctx context.Context, key Key, t Target) {
	opinion := t.Last
	if now, ok := c.Opinion(key); ok {
		opinion = now
	}
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		select {
		case <-ctx.Done():
			return
		case c.busy <- struct{}{}:
		}
		began := time.Now()
		result := c.probe(ctx, t)
		<-c.busy
		if ctx.Err() != nil {
			return
		}
		before := opinion
		opinion = opinion.Observe(t.Check.Threshold, result, time.Now())
		c.mu.Lock()
		c.opinions[t.Key] = opinion
		c.mu.Unlock()
		if opinion.Failing != before.Failing || opinion.Status != before.Status || opinion.Failure != before.Failure {
			c.options.Report(t.Key, opinion)
		}
		next.Reset(max(t.Check.Interval-time.Since(began), time.Millisecond))
	}
}
