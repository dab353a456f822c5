package unused

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// interval is how late a use may be in the records.
const interval = 30 * time.Second

// Engine has the packet filters' counters; network.Kernel is one.
type Engine interface {
	Counters(ctx context.Context, vpcID string) (network.Counters, error)
}

// Edge has the counts of what went through endpoints; edge.Edge is one.
type Edge interface{ Usage() map[string]edge.Usage }

// Collector adds counters up durably. DB, Engine and Edge must be set.
type Collector struct {
	DB     *store.DB
	Engine Engine
	Edge   Edge

	mu   sync.Mutex
	seen map[string]edge.Usage // by id: what the counters said last
}

// Run collects until ctx ends, and then once more.
func (c *Collector) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := c.Collect(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return c.Collect(context.WithoutCancel(ctx))
		}
	}
}

// Collect brings the records up to date, and forgets those of what is gone.
func (c *Collector) Collect(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	tx := c.DB.Read()
	fresh := map[string]state.NetworkUse{} // by key
	now := time.Now().UTC().Truncate(time.Second)
	note := func(account, region, id, counter string, total edge.Usage) {
		grown := c.grown(counter+id, total)
		if grown == (edge.Usage{}) {
			return
		}
		use := state.NetworkUse{Account: account, Region: region, ID: id, Last: now}
		if old, ok := fresh[use.Key()]; ok {
			use = old
		}
		use.Connections, use.Bytes = use.Connections+grown.Connections, use.Bytes+grown.Bytes
		fresh[use.Key()] = use
	}
	for vpc := range state.Vpcs.All(tx, "") {
		counters, err := c.Engine.Counters(ctx, vpc.ID)
		if errors.Is(err, network.ErrNotFound) {
			continue // nothing has an address in it
		}
		if err != nil {
			return err
		}
		for id, n := range counters.Rules {
			note(vpc.Account, vpc.Region, id, "", edge.Usage{Connections: n.Packets})
		}
		for nat := range state.NatGateways.By(tx, "vpc", vpc.Key()) {
			n := counters.Carried[nat.NetworkInterfaceID]
			note(vpc.Account, vpc.Region, nat.ID, "carried ", edge.Usage{Connections: n.Packets, Bytes: n.Bytes})
		}
	}
	for id, n := range c.Edge.Usage() {
		if account, region, ok := owner(tx, id); ok {
			note(account, region, id, "", n)
		}
	}
	return c.write(ctx, fresh)
}

// grown is what a counter gained since it was last looked at. One that is
// smaller than before began again.
func (c *Collector) grown(counter string, total edge.Usage) edge.Usage {
	if c.seen == nil {
		c.seen = map[string]edge.Usage{}
	}
	last := c.seen[counter]
	c.seen[counter] = total
	if total.Connections < last.Connections || total.Bytes < last.Bytes {
		return total
	}
	return edge.Usage{Connections: total.Connections - last.Connections, Bytes: total.Bytes - last.Bytes}
}

func (c *Collector) write(ctx context.Context, fresh map[string]state.NetworkUse) error {
	gone := false
	for use := range state.NetworkUses.All(c.DB.Read(), "") {
		gone = gone || !exists(c.DB.Read(), use)
	}
	if len(fresh) == 0 && !gone {
		return nil
	}
	return c.DB.Write(ctx, func(tx *store.Tx) error {
		for key, use := range fresh {
			if old, ok := state.NetworkUses.Get(tx, key); ok {
				use.Connections, use.Bytes = old.Connections+use.Connections, old.Bytes+use.Bytes
			}
			if exists(tx, &use) {
				state.NetworkUses.Put(tx, &use)
			}
		}
		for use := range state.NetworkUses.All(tx, "") {
			if !exists(tx, use) {
				state.NetworkUses.Delete(tx, use.Key())
			}
		}
		return nil
	})
}

// exists reports whether what was used is still there.
func exists(tx *store.Tx, use *state.NetworkUse) bool {
	ok := false
	switch {
	case strings.HasPrefix(use.ID, "sgr-"):
		for range state.SecurityGroups.By(tx, "rule", use.Key()) {
			ok = true
		}
	case strings.HasPrefix(use.ID, "vpce-"):
		_, ok = state.VpcEndpoints.Get(tx, use.Key())
	case strings.HasPrefix(use.ID, "nat-"):
		_, ok = state.NatGateways.Get(tx, use.Key())
	}
	return ok
}

// owner finds whose endpoint or NAT gateway an id is.
func owner(tx *store.Tx, id string) (account, region string, ok bool) {
	for e := range state.VpcEndpoints.By(tx, "bare-id", id) {
		return e.Account, e.Region, true
	}
	if strings.HasPrefix(id, "nat-") {
		for n := range state.NatGateways.All(tx, "") {
			if n.ID == id {
				return n.Account, n.Region, true
			}
		}
	}
	return "", "", false
}
