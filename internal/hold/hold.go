// Package hold keeps the question of an SDK's waiter until there is an answer to
// it. A waiter asks every 6 to 30 seconds, which is longer than most things take
// here; held, it learns of the end at once. Questions of people and of other
// loops are answered at once.
//
// Notice is how the one who asks sleeps until something was written.
package hold

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/caller"
)

// longest is how long a question is held. It is below the read time-outs of
// clients (60 s), and they ask again.
const longest = 20 * time.Second

// Waiter holds a waiter's question until settled says that there is an answer,
// or long enough. Any other question is not held.
func (n *Notice) Waiter(ctx context.Context, settled func() bool) {
	if !IsWaiter(caller.From(ctx).UserAgent) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	// Whatever ends the wait, the answer is what is then.
	_ = n.Wait(ctx, nil, func(context.Context) (bool, error) { return settled(), nil })
}

// IsWaiter reads the features of a user agent: botocore marks a waiter's
// requests by B in "m/...", the aws CLI by its command.
func IsWaiter(userAgent string) bool {
	for word := range strings.FieldsSeq(userAgent) {
		if features, ok := strings.CutPrefix(word, "m/"); ok && slices.Contains(strings.Split(features, ","), "B") {
			return true
		}
	}
	return Command(userAgent) != ""
}

// Command is the waiter that the aws CLI (version 2) was asked for, such as
// "ecs.wait.tasks-stopped"; "" where the user agent does not tell.
func Command(userAgent string) string {
	for word := range strings.FieldsSeq(userAgent) {
		for _, prefix := range []string{"md/command#", "command/"} {
			if command, ok := strings.CutPrefix(word, prefix); ok && strings.Contains(command, ".wait.") {
				return command
			}
		}
	}
	return ""
}

// Notice lets any number of waiters sleep until something is signalled. The
// zero value is ready.
type Notice struct {
	mu sync.Mutex
	ch chan struct{} // closed by the next signal; guarded by mu
}

// Signal wakes all that wait.
func (n *Notice) Signal() {
	n.mu.Lock()
	if n.ch != nil {
		close(n.ch)
		n.ch = nil
	}
	n.mu.Unlock()
}

// Next is closed by the next signal.
func (n *Notice) Next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ch == nil {
		n.ch = make(chan struct{})
	}
	return n.ch
}

// ErrStopped ends a wait whose stop channel was closed.
var ErrStopped = errors.New("stopped waiting")

const (
	settle  = 5 * time.Millisecond // signals come in groups: look once per group
	recheck = 2 * time.Second      // a lost signal is a delay, never a fault
)

// Wait asks done after every signal until it says so or fails. Closing stop ends
// it with ErrStopped, the end of ctx with its error.
func (n *Notice) Wait(ctx context.Context, stop <-chan struct{}, done func(context.Context) (bool, error)) error {
	for {
		next := n.Next() // before looking, so that nothing is missed
		if ok, err := done(ctx); err != nil || ok {
			return err
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
		case <-stop:
			timer.Stop()
			return ErrStopped
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
