package access

import (
	"context"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// uses collects when keys and roles were last used and stores it now and then:
// a request must not wait for the disk to be noted.
type uses struct {
	db *store.DB

	mu    sync.Mutex
	fresh map[string]state.KeyUse
}

// usesInterval is how late a last use may be in the store. AWS takes hours.
const usesInterval = 5 * time.Second

func newUses(db *store.DB) *uses { return &uses{db: db, fresh: map[string]state.KeyUse{}} }

func (u *uses) note(id, region, service string, at time.Time) {
	u.mu.Lock()
	u.fresh[id] = state.KeyUse{ID: id, At: at.UTC().Truncate(time.Second), Region: region, Service: service}
	u.mu.Unlock()
}

func (u *uses) run(ctx context.Context) error {
	tick := time.NewTicker(usesInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := u.flush(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return u.flush(context.WithoutCancel(ctx))
		}
	}
}

func (u *uses) flush(ctx context.Context) error {
	u.mu.Lock()
	fresh := u.fresh
	u.fresh = map[string]state.KeyUse{}
	u.mu.Unlock()
	if len(fresh) == 0 {
		return nil
	}
	return u.db.Write(ctx, func(tx *store.Tx) error {
		for _, use := range fresh {
			state.KeyUses.Put(tx, &use)
		}
		return nil
	})
}
