package decision

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/store"
)

// Limits of a Log.
const (
	ringSize   = 20_000 // decisions in memory, allowing ones included
	keepStored = 5_000  // denials on disk
	queueSize  = 4_096  // denials on their way to the disk
)

// Table holds denials, time-outs and errors durably; see [Log].
var Table = store.Define("decision", func(d *Decision) string { return d.ID },
	store.By("subject", func(d *Decision) []string { return d.Subjects }))

// Log is the Recorder of a running Neargate: it keeps the latest decisions in
// memory, and those that did not allow on disk, so that "why" still answers
// after a restart.
type Log struct {
	db    *store.DB
	queue chan *Decision

	mu   sync.Mutex
	ring []*Decision // oldest first once full: ring[next] is the oldest
	next int
}

// NewLog returns a Log that stores in db, which must have [Table]. Run must be
// running for denials to reach the disk.
func NewLog(db *store.DB) *Log {
	return &Log{db: db, queue: make(chan *Decision, queueSize)}
}

// Record implements Recorder.
func (l *Log) Record(ctx context.Context, d Decision) {
	note(ctx, &d)
	if d.Time.IsZero() {
		d.Time = time.Now()
	}
	if d.ID == "" {
		// Ids sort by time, which is how the oldest are found.
		d.ID = fmt.Sprintf("%016x-%s", d.Time.UnixNano(), ids.Hex(6))
	}
	l.mu.Lock()
	if len(l.ring) < ringSize {
		l.ring = append(l.ring, &d)
	} else {
		l.ring[l.next] = &d
		l.next = (l.next + 1) % ringSize
	}
	l.mu.Unlock()
	if d.Verdict == Allow || d.Account == "" { // nobody's: whoever sends nonsense must not push out what counts
		return
	}
	select {
	case l.queue <- &d:
	default:
		slog.Warn("a decision is kept in memory only: too many at once", "code", d.Code)
	}
}

// About returns the decisions that concern any of the subjects, oldest first.
func (l *Log) About(subjects ...string) []Decision {
	seen := map[string]bool{}
	var out []Decision
	add := func(d *Decision) {
		if !seen[d.ID] {
			seen[d.ID] = true
			out = append(out, *d)
		}
	}
	tx := l.db.Read()
	for _, s := range subjects {
		for d := range Table.By(tx, "subject", s) {
			add(d)
		}
	}
	l.mu.Lock()
	for _, d := range l.ring {
		if slices.ContainsFunc(d.Subjects, func(s string) bool { return slices.Contains(subjects, s) }) {
			add(d)
		}
	}
	l.mu.Unlock()
	slices.SortStableFunc(out, func(a, b Decision) int { return a.Time.Compare(b.Time) })
	return out
}

// Run writes denials to the store until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	stored := 0
	for range Table.All(l.db.Read(), "") {
		stored++
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case d := <-l.queue:
			batch := []*Decision{d}
			for len(l.queue) > 0 && len(batch) < 100 {
				batch = append(batch, <-l.queue)
			}
			stored += len(batch)
			err := l.db.Write(ctx, func(tx *store.Tx) error {
				for _, d := range batch {
					Table.Put(tx, d)
				}
				stored -= forget(tx, stored-keepStored)
				return nil
			})
			if err != nil && ctx.Err() == nil {
				return fmt.Errorf("storing decisions: %w", err)
			}
		}
	}
}

// forget deletes the n oldest decisions and returns how many it deleted.
func forget(tx *store.Tx, n int) int {
	deleted := 0
	if n <= 0 {
		return 0
	}
	for d := range Table.All(tx, "") {
		if deleted == n {
			break
		}
		Table.Delete(tx, d.ID)
		deleted++
	}
	return deleted
}
