package runtimetest

import (
	"context"
	"sync"

	"github.com/neargate/neargate/internal/runtime"
)

// watcher is the queue of one Watch; it grows as needed.
type watcher struct {
	mu     sync.Mutex
	queue  []runtime.Event
	wakeUp chan struct{}
}

func (w *watcher) push(e runtime.Event) {
	w.mu.Lock()
	w.queue = append(w.queue, e)
	w.mu.Unlock()
	select {
	case w.wakeUp <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []runtime.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	events := w.queue
	w.queue = nil
	return events
}

// Watch implements runtime.Containers.
func (f *Fake) Watch(ctx context.Context, notify func(runtime.Event)) error {
	w := &watcher{wakeUp: make(chan struct{}, 1)}
	w.push(runtime.Event{Kind: runtime.Resync})
	f.mu.Lock()
	f.watchers[w] = struct{}{}
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.watchers, w)
		f.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.wakeUp:
			for _, e := range w.take() {
				notify(e)
			}
		}
	}
}

// emit tells all watchers; the fake's lock is held.
func (f *Fake) emit(kind runtime.EventKind, id string) {
	for w := range f.watchers {
		w.push(runtime.Event{Kind: kind, ContainerID: id})
	}
}
