package kms

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service is AWS KMS. Its methods are the generated API.
type Service struct {
	db   *store.DB
	seal seal.Sealer
	now  func() time.Time
}

var _ kmsapi.API = (*Service)(nil)

// New returns the service. Key material is sealed by sealer; now is time.Now but in tests.
func New(db *store.DB, sealer seal.Sealer, now func() time.Time) *Service {
	return &Service{db: db, seal: sealer, now: func() time.Time { return now().UTC().Truncate(time.Millisecond) }}
}

// Run deletes keys whose waiting period has ended and rotates those that are
// due, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		if err := s.tend(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// tend does what is due now.
func (s *Service) tend(ctx context.Context) error {
	now := s.now()
	due := func(key *state.KMSKey) bool { return gone(key, now) || rotationDue(key, now) }
	var keys []string
	for key := range state.KMSKeys.All(s.db.Read(), "") {
		if due(key) {
			keys = append(keys, key.Key())
		}
	}
	if len(keys) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, name := range keys {
			key, ok := state.KMSKeys.Get(tx, name)
			if !ok || !due(key) {
				continue
			}
			if gone(key, now) {
				remove(tx, key)
				continue
			}
			changed := *key
			if err := s.rotate(&changed, "AUTOMATIC"); err != nil {
				return err
			}
			state.KMSKeys.Put(tx, &changed)
		}
		return nil
	})
}

// remove deletes a key and its aliases.
func remove(tx *store.Tx, key *state.KMSKey) {
	var aliases []string
	for a := range state.KMSAliases.By(tx, "key", key.Key()) {
		aliases = append(aliases, a.Key())
	}
	for _, a := range aliases {
		state.KMSAliases.Delete(tx, a)
	}
	state.KMSKeys.Delete(tx, key.Key())
}

func gone(key *state.KMSKey, now time.Time) bool {
	return !key.DeletionAt.IsZero() && !key.DeletionAt.After(now)
}

// update changes a copy of the record of a customer's key of the caller's account.
func (s *Service) update(ctx context.Context, keyID string, change func(*state.KMSKey) error) (*state.KMSKey, error) {
	var changed state.KMSKey
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		key, err := s.find(tx, caller.From(ctx), keyID)
		if err != nil {
			return err
		}
		if key.Service != "" {
			return &kmsapi.UnsupportedOperationException{Message: key.ARN() + " is an AWS managed key, which only AWS may change."}
		}
		changed = *key
		if err := change(&changed); err != nil {
			return err
		}
		state.KMSKeys.Put(tx, &changed)
		return nil
	})
	return &changed, err
}
