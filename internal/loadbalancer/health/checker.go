package health

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
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

	mu     sync.Mutex
	wanted map[Key]Target
	change chan struct{} // something is to be begun or ended
}

// New returns a Checker; Run makes it ask.
func New(o Options) *Checker {
	return &Checker{options: o, change: make(chan struct{}, 1)}
}

// Set makes targets all that are asked. What is asked already and has not changed
// goes on undisturbed; a new target is asked at once. A check that has changed
// counts from the state that was reached.
func (c *Checker) Set(targets []Target) {
	wanted := make(map[Key]Target, len(targets))
	for _, t := range targets {
		wanted[t.Key] = t
	}
	c.mu.Lock()
	c.wanted = wanted
	c.mu.Unlock()
	select {
	case c.change <- struct{}{}:
	default:
	}
}

// asked is a target that is being asked.
type asked struct {
	target  Target
	machine *Machine
	stop    context.CancelFunc
	done    chan struct{}
}

// Run asks until ctx ends.
func (c *Checker) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	running := map[Key]*asked{}
	for {
		c.mu.Lock()
		wanted := c.wanted
		c.mu.Unlock()
		for key, a := range running {
			if t, ok := wanted[key]; !ok || t.Check != a.target.Check || t.Zone != a.target.Zone {
				a.stop()
				<-a.done
				if !ok {
					delete(running, key)
				}
			}
		}
		for key, t := range wanted {
			before := running[key]
			if before != nil && before.target.Check == t.Check && before.target.Zone == t.Zone {
				continue
			}
			a := &asked{target: t, machine: NewMachine(t.Last), done: make(chan struct{})}
			if before != nil {
				a.machine = NewMachine(before.machine.Status)
			}
			var asking context.Context
			asking, a.stop = context.WithCancel(ctx)
			running[key] = a
			group.Go(func() error {
				defer close(a.done)
				defer a.stop()
				c.ask(asking, a)
				return nil
			})
		}
		select {
		case <-ctx.Done():
			return group.Wait()
		case <-c.change:
		}
	}
}

// ask checks one target again and again.
func (c *Checker) ask(ctx context.Context, a *asked) {
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		began := time.Now()
		result := c.probe(ctx, a.target)
		if ctx.Err() != nil {
			return
		}
		if a.machine.Observe(a.target.Check, result, time.Now()) {
			c.options.Report(a.target.Key, a.machine.Status)
		}
		next.Reset(max(a.machine.Wait(a.target.Check)-time.Since(began), time.Millisecond))
	}
}
