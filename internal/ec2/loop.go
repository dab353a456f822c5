package ec2

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Run lets the data plane follow the records until ctx ends. It begins with what
// a former process left: VPCs on the host that no longer exist are taken away.
func (s *Service) Run(ctx context.Context) error {
	var keys, ids []string
	tx := s.db.Read()
	for vpc := range state.Vpcs.All(tx, "") {
		records, _ := loadVPC(tx, &s.options, vpc.Key())
		if records.onHost() {
			ids = append(ids, vpc.ID)
		}
		if records.onHost() || records.unsettled() {
			keys = append(keys, vpc.Key())
		}
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
	exists, err := s.apply(ctx, key)
	s.finish(key, turn, err)
	if !exists && err == nil {
		s.forget(key)
	}
	return reconcile.Result{}, err
}

// apply reports whether the VPC exists.
func (s *Service) apply(ctx context.Context, key string) (bool, error) {
	tx := s.db.Read()
	records, ok := loadVPC(tx, &s.options, key)
	if !ok || !records.onHost() {
		_, _, id := state.SplitKey(key)
		s.edge.Remove(id)
		if err := s.engine.Remove(ctx, id); err != nil {
			return ok, err
		}
		s.notice(key, records)
		if !ok {
			return false, nil
		}
		return true, s.writeStatuses(ctx, records)
	}
	view := edge.VPC{Network: hostView(records), Zone: s.zone(tx, records.vpc)}
	if err := s.engine.Set(ctx, view.Network); err != nil {
		return true, err
	}
	if err := s.edge.Set(ctx, view); err != nil {
		return true, err
	}
	s.notice(key, records)
	fault.Point("ec2.set")
	return true, s.writeStatuses(ctx, records)
}

// notice lets the peers of a VPC follow when it came onto the host or left it: the
// link between the two is there only while both are.
func (s *Service) notice(key string, r vpcRecords) {
	s.mu.Lock()
	before, now := s.present[key], r.onHost()
	if now {
		s.present[key] = true
	} else {
		delete(s.present, key)
	}
	s.mu.Unlock()
	if before == now {
		return
	}
	for _, p := range r.peers {
		s.changed(p.vpc.Key())
	}
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
