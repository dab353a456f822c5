// Package reconcile runs level-triggered loops. A loop has keys, each naming a
// resource ("000000000000/us-east-1/vpc-1"), never a change. Whoever sees that
// something may have changed adds the key; the loop then calls Do with it, which
// loads the newest state, plans, acts and writes what is.
//
// Promises: adding never blocks and collapses; one key is never worked on twice
// at once, and a key that is added while it is worked on is worked on once more
// afterwards; an error repeats the key after a growing pause; Do may ask to be
// called again later. So a lost notice is a delay and never a fault.
//
// A Crew is for what never ends by itself, as checks of health: it keeps a goroutine
// at work on each thing that is wanted.
package reconcile

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Defaults of a Loop.
const (
	defaultWorkers = 8
	firstPause     = 50 * time.Millisecond
	longestPause   = 15 * time.Second
)

// Result is what Do answers when nothing went wrong.
type Result struct {
	// After asks for another look at the key after this time; 0 asks for none.
	After time.Duration
}

// Loop works on keys. Name and Do must be set. The zero values of the rest are
// good defaults.
type Loop struct {
	Name    string
	Do      func(ctx context.Context, key string) (Result, error)
	Workers int // keys worked on at once

	once   sync.Once
	mu     sync.Mutex
	wake   chan struct{}
	queue  []string          // keys that wait, in order
	states map[string]*entry // keys that wait, run or pause
}

// entry is what the loop knows of a key.
type entry struct {
	queued, running, again bool
	pause                  time.Duration
	timer                  *time.Timer
}

func (l *Loop) init() {
	l.once.Do(func() {
		l.wake = make(chan struct{}, 1)
		l.states = map[string]*entry{}
	})
}

// Add asks for a look at keys. It may be called before Run and never blocks.
func (l *Loop) Add(keys ...string) {
	l.init()
	l.mu.Lock()
	for _, k := range keys {
		l.add(k)
	}
	l.mu.Unlock()
	l.signal()
}

func (l *Loop) add(key string) {
	e := l.states[key]
	if e == nil {
		e = &entry{}
		l.states[key] = e
	}
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	switch {
	case e.running:
		e.again = true
	case !e.queued:
		e.queued = true
		l.queue = append(l.queue, key)
	}
}

func (l *Loop) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and returns when the calls of Do that run then have
// returned. It returns nil; errors of Do are logged and repeated.
func (l *Loop) Run(ctx context.Context) error {
	l.init()
	workers := l.Workers
	if workers == 0 {
		workers = defaultWorkers
	}
	var group errgroup.Group
	group.SetLimit(workers)
	for ctx.Err() == nil {
		key, ok := l.next()
		if !ok {
			select {
			case <-l.wake:
			case <-ctx.Done():
			}
			continue
		}
		group.Go(func() error {
			result, err := l.Do(ctx, key)
			l.finished(ctx, key, result, err)
			return nil
		})
	}
	return group.Wait()
}

func (l *Loop) next() (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return "", false
	}
	key := l.queue[0]
	l.queue = l.queue[1:]
	e := l.states[key]
	e.queued, e.running = false, true
	return key, true
}

func (l *Loop) finished(ctx context.Context, key string, result Result, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.states[key]
	e.running = false
	wait := result.After
	if err == nil {
		e.pause = 0
	} else if ctx.Err() == nil {
		e.pause = min(max(2*e.pause, firstPause), longestPause)
		wait = e.pause
		slog.Warn("will try again", "loop", l.Name, "key", key, "in", wait, "error", err)
	}
	switch {
	case e.again:
		e.again = false
		l.add(key)
		l.signal()
	case wait > 0:
		e.timer = time.AfterFunc(wait, func() { l.Add(key) })
	default:
		if e.pause == 0 {
			delete(l.states, key)
		}
	}
}
