package ec2

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// settleTime is for how long an API call waits for the data plane to follow, so
// that what it answered is in force when the caller goes on.
const settleTime = 500 * time.Millisecond

// Run lets the data plane follow the records until ctx ends. It begins with all
// VPCs, and takes away those on the host that no longer exist.
func (s *Service) Run(ctx context.Context) error {
	var keys, ids []string
	for key, id := range s.onHost() {
		keys, ids = append(keys, key), append(ids, id)
	}
	s.setRunning(true)
	defer s.setRunning(false)
	if err := s.engine.Keep(ctx, ids); err != nil {
		return err
	}
	for _, key := range keys {
		s.changed(key)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.loop.Run(ctx) })
	return group.Wait()
}

// reconcile makes the data plane follow the records of one VPC.
func (s *Service) reconcile(ctx context.Context, key string) (reconcile.Result, error) {
	turn := s.begin(key)
	err := s.apply(ctx, key)
	s.finish(key, turn, err)
	return reconcile.Result{}, err
}

func (s *Service) apply(ctx context.Context, key string) error {
	tx := s.db.Read()
	records, ok := loadVPC(tx, &s.options, key)
	if !ok || !records.onHost() {
		_, _, id := state.SplitKey(key)
		s.edge.Remove(id)
		if err := s.engine.Remove(ctx, id); err != nil {
			return err
		}
		return s.writeStatuses(ctx, records)
	}
	view := edge.VPC{Network: hostView(records), Zone: s.zone(tx, records.vpc)}
	if err := s.engine.Set(ctx, view.Network); err != nil {
		return err
	}
	if err := s.edge.Set(ctx, view); err != nil {
		return err
	}
	return s.writeStatuses(ctx, records)
}

// writeStatuses writes down what the data plane now holds.
func (s *Service) writeStatuses(ctx context.Context, r vpcRecords) error {
	if !r.unsettled() {
		return nil
	}
	freed := false
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		q := s.scopeOf(tx, r.vpc.Account, r.vpc.Region)
		for _, e := range r.endpoints {
			setStatus(tx, state.VpcEndpoints, e.Key(), e.State, "available", func(e *state.VpcEndpoint) *string { return &e.State })
		}
		for _, n := range r.interfaces {
			setStatus(tx, state.NetworkInterfaces, n.Key(), n.Status, "in-use", func(n *state.NetworkInterface) *string { return &n.Status })
		}
		for _, n := range r.nats {
			if n.State == "deleting" {
				q.finishNAT(n)
				freed = true
				continue
			}
			setStatus(tx, state.NatGateways, n.Key(), n.State, "available", func(n *state.NatGateway) *string { return &n.State })
		}
		return nil
	})
	if err == nil && freed {
		s.changed(r.vpc.Key())
	}
	return err
}

// unsettled reports whether a status waits for the data plane.
func (r vpcRecords) unsettled() bool {
	for _, e := range r.endpoints {
		if e.State == "pending" {
			return true
		}
	}
	for _, n := range r.interfaces {
		if n.Status == "pending" {
			return true
		}
	}
	for _, n := range r.nats {
		if n.State == "pending" || n.State == "deleting" {
			return true
		}
	}
	return false
}

// setStatus turns "pending" into the status of what is there now; seen is what
// the data plane was told of.
func setStatus[T any](tx *store.Tx, table *store.Table[T], key, seen, status string, field func(*T) *string) {
	if rec, ok := table.Get(tx, key); ok && seen == "pending" && *field(rec) == "pending" {
		table.Update(tx, key, func(rec *T) { *field(rec) = status })
	}
}

// finishNAT ends a NAT gateway that the data plane has let go: its interface
// goes and its elastic address is free.
func (q *scope) finishNAT(n *state.NatGateway) {
	if eni, ok := state.NetworkInterfaces.Get(q.tx, q.key(n.NetworkInterfaceID)); ok {
		q.removeInterface(eni)
	}
	state.NatGateways.Update(q.tx, n.Key(), func(n *state.NatGateway) { n.State = "deleted" })
}

// progress knows how far the data plane follows each VPC's records.
type progress struct {
	mu      sync.Mutex
	running bool
	vpcs    map[string]*vpcProgress
}

// vpcProgress counts changes: those up to done are in force, and the last
// attempt, which covered those up to tried, ended with err.
type vpcProgress struct {
	wanted, tried, done uint64
	err                 error
	wake                chan struct{} // closed after each attempt
}

func (p *progress) of(key string) *vpcProgress {
	if p.vpcs == nil {
		p.vpcs = map[string]*vpcProgress{}
	}
	v := p.vpcs[key]
	if v == nil {
		v = &vpcProgress{wake: make(chan struct{})}
		p.vpcs[key] = v
	}
	return v
}

func (p *progress) setRunning(running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = running
}

func (p *progress) isRunning() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running
}

// changed notes a change of a VPC's records and sets the loop to work; the
// result is for settle.
func (s *Service) changed(key string) uint64 {
	s.mu.Lock()
	v := s.of(key)
	v.wanted++
	change := v.wanted
	s.mu.Unlock()
	s.loop.Add(key)
	return change
}

// begin returns the changes that the attempt which begins now will cover.
func (p *progress) begin(key string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.of(key).wanted
}

func (p *progress) finish(key string, turn uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.of(key)
	v.tried, v.err = turn, err
	if err == nil {
		v.done = turn
	}
	close(v.wake)
	v.wake = make(chan struct{})
}

// settle waits until a change of a VPC is in force. It returns the error of the
// first attempt that covered it, or ctx's.
func (p *progress) settle(ctx context.Context, key string, change uint64) error {
	for {
		p.mu.Lock()
		v := p.of(key)
		done, tried, err, wake := v.done >= change, v.tried >= change, v.err, v.wake
		p.mu.Unlock()
		switch {
		case done:
			return nil
		case tried && err != nil:
			return err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
