package health

import (
	"context"
	"errors"
	"net"
	"net/netip"
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
	wanted  chan []Target
}

// New returns a Checker; Run makes it ask.
func New(o Options) *Checker { return &Checker{options: o, wanted: make(chan []Target, 1)} }

// Set makes targets all that are asked. What is asked already and has not changed
// goes on undisturbed; a new target is asked at once.
func (c *Checker) Set(targets []Target) {}

// Run asks until ctx ends.
func (c *Checker) Run(ctx context.Context) error {
	return errors.New("asking targets is not built yet")
}
