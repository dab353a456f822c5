package hosted

import (
	"context"
	"maps"
	"slices"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Watcher tells when the health of a record set changes because that of something
// else did. Changes of record sets themselves are told by Route 53.
type Watcher struct {
	db      *store.DB
	changed func()
	last    map[string]bool
	wake    chan struct{}
}

// NewWatcher returns a Watcher of what changes from now on; Run makes it call changed.
func NewWatcher(db *store.DB, changed func()) *Watcher {
	w := &Watcher{db: db, changed: changed, last: Unhealthy(db.Read()), wake: make(chan struct{}, 1)}
	tables := []string{state.Targets.Name(), state.TargetGroups.Name(), state.ListenerRules.Name(), state.LoadBalancers.Name(), state.DNSHealthChecks.Name(), state.DNSHealthCheckOpinions.Name()}
	db.OnCommit(func(changes []store.Change) {
		if slices.ContainsFunc(changes, func(c store.Change) bool { return slices.Contains(tables, c.Table) }) {
			select {
			case w.wake <- struct{}{}:
			default:
			}
		}
	})
	return w
}

// Run looks at every change until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	for {
		if now := Unhealthy(w.db.Read()); !maps.Equal(now, w.last) {
			w.last = now
			w.changed()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
	}
}

// Unhealthy are the keys of the record sets that are not healthy.
func Unhealthy(tx *store.Tx) map[string]bool {
	out := map[string]bool{}
	j := newJudge(tx)
	for r := range state.RecordSets.By(tx, "judged", "yes") {
		if !j.healthy(r, 0) {
			out[r.Key()] = true
		}
	}
	return out
}
