package reconcile

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Crew keeps one goroutine at work on each thing that is wanted. Make it with NewCrew.
type Crew[K comparable, T any] struct {
	same func(a, b T) bool
	work func(ctx context.Context, key K, t T)
	gone func(key K)

	mu     sync.Mutex
	wanted map[K]T
	change chan struct{} // something is to be begun or ended
}

// NewCrew returns a crew without work. same tells whether work on a can go on
// undisturbed when b is wanted; if not it ends before that on b begins. work works
// on a thing until its context ends. gone is told of keys that are wanted no more,
// when the work on them has ended.
func NewCrew[K comparable, T any](same func(a, b T) bool, work func(ctx context.Context, key K, t T), gone func(key K)) *Crew[K, T] {
	return &Crew[K, T]{same: same, work: work, gone: gone, change: make(chan struct{}, 1)}
}

// Set says what is wanted from now on. The map is the crew's afterwards.
func (c *Crew[K, T]) Set(wanted map[K]T) {
	c.mu.Lock()
	c.wanted = wanted
	c.mu.Unlock()
	select {
	case c.change <- struct{}{}:
	default:
	}
}

// job is a thing that is worked on.
type job[T any] struct {
	on   T
	stop context.CancelFunc
	done chan struct{}
}

// Run keeps the crew at work until ctx ends.
func (c *Crew[K, T]) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	running := map[K]*job[T]{}
	for {
		c.mu.Lock()
		wanted := c.wanted
		c.mu.Unlock()
		for key, j := range running {
			t, ok := wanted[key]
			if ok && c.same(j.on, t) {
				continue
			}
			j.stop()
			<-j.done
			delete(running, key)
			if !ok {
				c.gone(key)
			}
		}
		for key, t := range wanted {
			if running[key] == nil {
				running[key] = c.begin(ctx, group, key, t)
			}
		}
		select {
		case <-ctx.Done():
			return group.Wait()
		case <-c.change:
		}
	}
}

func (c *Crew[K, T]) begin(ctx context.Context, group *errgroup.Group, key K, t T) *job[T] {
	ctx, stop := context.WithCancel(ctx)
	j := &job[T]{on: t, stop: stop, done: make(chan struct{})}
	group.Go(func() error {
		defer close(j.done)
		defer stop()
		c.work(ctx, key, t)
		return nil
	})
	return j
}
