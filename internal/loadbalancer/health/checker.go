package health

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/reconcile"
)

// Options is what a Checker needs from outside.
type Options struct {
	// Dial connects to a target from the node of a zone.
	Dial func(ctx context.Context, zone string, addr netip.AddrPort) (net.Conn, error)
	// Report is told of each change of a target's status, one call at a time per target.
	Report func(Key, Status)
}

// Checker asks targets how they are.
type Checker struct {
	options Options
	crew    *reconcile.Crew[Key, Target]

	mu       sync.Mutex
	machines map[Key]*Machine
}

// New returns a Checker; Run makes it ask.
func New(o Options) *Checker {
	c := &Checker{options: o, machines: map[Key]*Machine{}}
	same := func(a, b Target) bool { return a.Check == b.Check && a.Zone == b.Zone }
	c.crew = reconcile.NewCrew(same, c.ask, c.forget)
	return c
}

// Set makes targets all that are asked. What is asked already and has not changed
// goes on undisturbed; a new target is asked at once. A check that has changed
// counts from the state that was reached.
func (c *Checker) Set(targets []Target) {
	wanted := make(map[Key]Target, len(targets))
	for _, t := range targets {
		wanted[t.Key] = t
	}
	c.crew.Set(wanted)
}

// Run asks until ctx ends.
func (c *Checker) Run(ctx context.Context) error { return c.crew.Run(ctx) }

// machine counts for a target: anew, or from what an earlier check has reached.
func (c *Checker) machine(t Target) *Machine {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := NewMachine(t.Last)
	if before := c.machines[t.Key]; before != nil {
		m = NewMachine(before.Status)
	}
	c.machines[t.Key] = m
	return m
}

func (c *Checker) forget(k Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.machines, k)
}

// ask checks one target again and again.
func (c *Checker) ask(ctx context.Context, _ Key, t Target) {
	m := c.machine(t)
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		began := time.Now()
		result := c.probe(ctx, t)
		if ctx.Err() != nil {
			return
		}
		if m.Observe(t.Check, result, time.Now()) {
			c.options.Report(t.Key, m.Status)
		}
		next.Reset(max(m.Wait(t.Check)-time.Since(began), time.Millisecond))
	}
}
