package audit

import (
	"context"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/logstore"
)

const (
	queued    = 4096 // calls that wait to be stored; then callers wait, too
	gatherFor = 100 * time.Millisecond
	maxBatch  = 2048

	// Retention is how long events can be looked up, as on AWS.
	Retention = 90 * 24 * time.Hour
	// maxBytes bounds what is kept of one stream.
	maxBytes     = 256 << 20
	trimInterval = 10 * time.Minute
)

// Category tells the two kinds of events apart.
type Category string

// The categories: operations on resources, and those on what is in them.
const (
	Management Category = "Management"
	Data       Category = "Data"
)

// Log stores records of calls. It is safe for concurrent use; Record blocks
// while more calls wait than memory shall hold.
type Log struct {
	store *logstore.Store
	queue chan item
	done  chan struct{} // closed when Run has ended
	log   *slog.Logger

	mu   sync.Mutex // one at a time stores
	last int64      // time of the newest stored event, in ms: the order of storing is the order of time
}

// item is a call to store, or somebody who waits for all calls before it.
type item struct {
	call   Call
	stored chan struct{}
}

// Open returns a Log in a folder of its own.
func Open(dir string, log *slog.Logger) (*Log, error) {
	store, err := logstore.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Log{store: store, queue: make(chan item, queued), done: make(chan struct{}), log: log}, nil
}

// Record takes a call. What In and Out point to must not change afterwards.
func (l *Log) Record(c Call) {
	if c.Identity.Account == "" || c.Operation == nil {
		return // nobody's call: there is no account that could look it up
	}
	select {
	case <-l.done: // the last requests end after Run
		l.put([]item{{call: c}})
		return
	default:
	}
	select {
	case l.queue <- item{call: c}:
	case <-l.done:
		l.put([]item{{call: c}})
	}
}

// Settle returns when the calls recorded so far are stored.
func (l *Log) Settle(ctx context.Context) {
	mark := item{stored: make(chan struct{})}
	select {
	case l.queue <- mark:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-mark.stored:
	case <-l.done:
	case <-ctx.Done():
	}
}

// Run stores calls until ctx ends, and then those that still wait.
func (l *Log) Run(ctx context.Context) error {
	defer func() {
		close(l.done)
		l.put(l.rest(nil)) // what came in between
	}()
	trim := time.NewTicker(trimInterval)
	defer trim.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-trim.C:
			l.trim(time.Now())
		case first := <-l.queue:
			l.put(l.gather(first))
		}
	}
}

// gather waits a moment for more: one sync of the disk serves them all. Who
// waits for the end does not wait for that.
func (l *Log) gather(first item) []item {
	items := []item{first}
	timer := time.NewTimer(gatherFor)
	defer timer.Stop()
	for len(items) < maxBatch && items[len(items)-1].stored == nil {
		select {
		case it := <-l.queue:
			items = append(items, it)
		case <-timer.C:
			return l.rest(items)
		}
	}
	return items
}

// rest adds what is queued already.
func (l *Log) rest(items []item) []item {
	for len(items) < maxBatch+queued {
		select {
		case it := <-l.queue:
			items = append(items, it)
		default:
			return items
		}
	}
	return items
}

func (l *Log) put(items []item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = max(l.last, time.Now().UnixMilli())
	batches := map[string][]logstore.Event{}
	for _, it := range items {
		if it.stored != nil {
			continue
		}
		category := it.call.category()
		id := streamID(it.call.Identity.Account, it.call.region(), category)
		batches[id] = append(batches[id], logstore.Event{Time: l.last, Message: it.call.event(category)})
	}
	for id, batch := range batches {
		if err := l.store.Append(id, batch); err != nil {
			l.log.Error("calls are missing in the audit log", "stream", id, "calls", len(batch), "error", err)
		}
	}
	for _, it := range items {
		if it.stored != nil {
			close(it.stored)
		}
	}
}

// Position is a place in a stream: events are behind or before it.
type Position = logstore.Position

// Stored is an event as it is kept: when, where, and its JSON.
type Stored struct {
	Position Position // Time is when it was stored, in ms: at or after the event's own
	JSON     string
}

// Read yields the events of an account and region behind a position, in the
// order in which they were stored; backward, those before it, newest first. nil
// begins at the end from which is read.
func (l *Log) Read(account, region string, category Category, from *Position, backward bool) iter.Seq2[Stored, error] {
	return func(yield func(Stored, error) bool) {
		for e, err := range l.store.Read(streamID(account, region, category), logstore.Range{After: from, Backward: backward}) {
			if !yield(Stored{e.Position(), e.Message}, err) {
				return
			}
		}
	}
}

// Arrival returns a channel that is closed with the next event of a stream.
func (l *Log) Arrival(account, region string, category Category) (<-chan struct{}, error) {
	return l.store.Arrival(streamID(account, region, category))
}

// streamID names a stream: ids have no hyphens, and regions no z.
func streamID(account, region string, category Category) string {
	return account + strings.ReplaceAll(region, "-", "z") + strings.ToLower(string(category[:1]))
}

// Regions implements Reader.
func (l *Log) Regions(account string) []string {
	ids, err := l.store.IDs()
	if err != nil {
		l.log.Warn("listing the audit log", "error", err)
	}
	var regions []string
	for _, id := range ids {
		if rest, ok := strings.CutPrefix(id, account); ok && len(rest) > 1 {
			regions = append(regions, strings.ReplaceAll(rest[:len(rest)-1], "z", "-"))
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// trim forgets what is too old or too much, whole segments at a time.
func (l *Log) trim(now time.Time) {
	ids, err := l.store.IDs()
	for _, id := range ids {
		before := now.Add(-Retention).UnixMilli()
		if info, infoErr := l.store.Info(id); infoErr == nil && info.Bytes > maxBytes {
			// Events are spread over the time evenly enough: what is left is looked at again next time.
			excess := float64(info.Bytes-maxBytes) / float64(info.Bytes)
			before = max(before, info.First+int64(excess*float64(info.Last-info.First)))
		}
		if trimErr := l.store.Trim(id, before); trimErr != nil {
			err = trimErr
		}
	}
	if err != nil {
		l.log.Warn("trimming the audit log", "error", err)
	}
}
