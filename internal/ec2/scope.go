package ec2

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// scope is one request's view of the records: a transaction, and the account
// and region that it is about.
type scope struct {
	tx      *store.Tx
	caller  caller.Identity
	account string
	region  string
	now     time.Time
	options *Options

	touched map[string]bool // keys of the VPCs whose host state may have to change
}

func (s *Service) scope(ctx context.Context, tx *store.Tx) *scope {
	id := caller.From(ctx)
	q := s.scopeOf(tx, id.Account, id.Region)
	q.caller = id
	return q
}

// tool is the client that makes things in the scope.
func (q *scope) tool() string { return q.caller.Tool() }

// key is the key of a resource of the scope's account and region.
func (q *scope) key(id string) string { return state.Key(q.account, q.region, id) }

// prefix is the start of the keys of all resources of the account and region.
func (q *scope) prefix() string { return state.Prefix(q.account, q.region) }

// touch notes that the host state of a VPC may have to change.
func (q *scope) touch(vpcID string) { q.touched[q.key(vpcID)] = true }

// read runs f on a snapshot. The defaults of the region are made first, where
// it was never used.
func (s *Service) read(ctx context.Context, dryRun *bool, f func(q *scope) error) error {
	q := s.scope(ctx, s.db.Read())
	if _, ok := state.NetworkRegions.Get(q.tx, q.key(regionID)); !ok {
		if err := s.write(ctx, nil, func(*scope) error { return nil }); err != nil {
			return err
		}
		q = s.scope(ctx, s.db.Read())
	}
	if wire.Or(dryRun, false) {
		return errDryRun()
	}
	return f(q)
}

// write runs f on a transaction, commits it and lets the data plane follow on
// the VPCs that f touched. A dry run does all of it but commits nothing.
func (s *Service) write(ctx context.Context, dryRun *bool, f func(q *scope) error) error {
	q := &scope{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		q = s.scope(ctx, tx)
		q.ensureRegion()
		if err := f(q); err != nil {
			return err
		}
		q.touchPeers()
		if wire.Or(dryRun, false) {
			return errDryRun()
		}
		return nil
	})
	if err != nil {
		// The change may have been made all the same, when ctx ended while it was
		// on its way to the disk.
		for key := range q.touched {
			s.changed(key)
		}
		return err
	}
	s.follow(ctx, q.touched)
	return nil
}

// follow lets the data plane follow changes of VPCs. It waits a moment for that,
// so that what was answered is in force; an error is the loop's to repeat.
func (s *Service) follow(ctx context.Context, keys map[string]bool) {
	changes := map[string]uint64{}
	for key := range keys {
		changes[key] = s.changed(key)
	}
	if !s.isRunning() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for key, change := range changes {
		_ = s.settle(ctx, key, change)
	}
}
