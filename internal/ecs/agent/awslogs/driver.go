package awslogs

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Event is a log event.
type Event struct {
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Message   string `json:"message"`
}

// Refused is an error of Put that repeating does not help.
type Refused struct{ Err error }

func (e *Refused) Error() string { return e.Err.Error() }

// Unwrap returns the error.
func (e *Refused) Unwrap() error { return e.Err }

// Stream is a log file and where its events go.
type Stream struct {
	Path string // the file; it may come later
	// Start matches the first line of an event of several lines; nil when each
	// line is an event.
	Start *regexp.Regexp
	// Put stores events, at most 10,000 and 1 MiB. An error that is not *Refused
	// is tried again. again says that the same batch may have been stored before,
	// without us hearing of it; it must not be stored twice.
	Put func(ctx context.Context, events []Event, again bool) error
	// Buffer bounds the file while events cannot be stored.
	Buffer Buffer
	// Dropped is told of events that were refused for good, and of lines that did
	// not fit into the Buffer; may be nil.
	Dropped func(err error)
	// Unreachable is told when events cannot be stored for a while; may be nil.
	Unreachable func(err error)
}

// Options of a Driver.
type Options struct {
	Flush time.Duration // how long events gather before they are stored
	Log   *slog.Logger
}

// Driver follows any number of files.
type Driver struct {
	options Options
	watch   *watcher

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before
	group   *errgroup.Group
	waiting []*tail // followed before Run
	tails   map[string]*tail
}

// New makes a driver. Run must be running for anything to be read.
func New(o Options) *Driver {
	return &Driver{options: o, watch: newWatcher(), tails: map[string]*tail{}}
}

// Run reads the files until ctx ends.
func (d *Driver) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.watch.run(ctx) })
	d.mu.Lock()
	d.ctx, d.group = ctx, group
	for _, t := range d.waiting {
		d.start(t)
	}
	d.waiting = nil
	d.mu.Unlock()
	<-ctx.Done()
	return group.Wait()
}

// start runs a tail; d.mu is held.
func (d *Driver) start(t *tail) {
	ctx, cancel := context.WithCancel(d.ctx)
	t.cancel = cancel
	d.group.Go(func() error {
		defer cancel()
		t.run(ctx)
		return nil
	})
}

// Follow begins to read a file. Following one that is followed does nothing.
func (d *Driver) Follow(s Stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tails[s.Path] != nil {
		return
	}
	t := newTail(s, d.options)
	d.tails[s.Path] = t
	d.watch.add(s.Path, t.poke)
	if d.ctx == nil {
		d.waiting = append(d.waiting, t)
		return
	}
	d.start(t)
}

// ErrNoProgress is returned by Drain when nothing was stored for too long.
var ErrNoProgress = errors.New("awslogs: no events could be stored")

// Drain returns nil when everything that the file holds now is stored or was
// refused. It gives up when nothing was stored for as long as patience, or ctx
// ends. The file must not be written to any more.
func (d *Driver) Drain(ctx context.Context, path string, patience time.Duration) error {
	d.mu.Lock()
	t := d.tails[path]
	d.mu.Unlock()
	if t == nil {
		return nil
	}
	t.finish()
	for before := t.batches.Load(); ; {
		timer := time.NewTimer(patience)
		select {
		case <-t.drained:
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		if now := t.batches.Load(); now != before {
			before = now
			continue
		}
		return ErrNoProgress
	}
}

// Forget ends the reading of a file.
func (d *Driver) Forget(path string) {
	d.mu.Lock()
	t := d.tails[path]
	delete(d.tails, path)
	d.mu.Unlock()
	if t == nil {
		return
	}
	d.watch.remove(path)
	if t.cancel != nil {
		t.cancel()
	}
}
