package cloudformation

import (
	"context"
	"errors"
	"sync"
	"time"
)

// notice lets any number of waiters sleep until something is signalled.
type notice struct {
	mu sync.Mutex
	ch chan struct{} // closed by the next signal; guarded by mu
}

func (n *notice) signal() {
	n.mu.Lock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
	n.mu.Unlock()
}

func (n *notice) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

// errCancelled says that a resource was given up because another one failed.
var errCancelled = errors.New("cancelled")

const (
	settle   = 5 * time.Millisecond // commits come in groups: look once per group
	recheck  = 2 * time.Second      // a lost notice is a delay, never a fault
	patience = 3 * time.Hour        // after which a resource counts as never ready
)

// wait asks done whenever something was written to the store, until it says so
// or fails. cancelled ends the wait with errCancelled.
func (s *Service) wait(ctx context.Context, cancelled <-chan struct{}, done func(context.Context) (bool, error)) error {
	deadline := time.Now().Add(patience)
	for {
		next := s.commits.next() // before looking, so that nothing is missed
		ok, err := done(ctx)
		if err != nil || ok {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New("Exceeded attempts to wait")
		}
		timer := time.NewTimer(recheck)
		select {
		case <-next:
			timer.Reset(settle)
			select {
			case <-timer.C:
			case <-ctx.Done():
			}
		case <-timer.C:
		case <-cancelled:
			timer.Stop()
			return errCancelled
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
