package cloudformation

import (
	"context"
	"errors"
	"time"

	"github.com/neargate/neargate/internal/hold"
)

// errCancelled says that a resource was given up because another one failed.
var errCancelled = hold.ErrStopped

// patience is the time after which a resource counts as never ready.
const patience = 3 * time.Hour

// wait asks done whenever something was written to the store, until it says so
// or fails. cancelled ends the wait with errCancelled.
func (s *Service) wait(ctx context.Context, cancelled <-chan struct{}, done func(context.Context) (bool, error)) error {
	deadline := time.Now().Add(patience)
	return s.commits.Wait(ctx, cancelled, func(ctx context.Context) (bool, error) {
		ok, err := done(ctx)
		if !ok && err == nil && time.Now().After(deadline) {
			return false, errors.New("Exceeded attempts to wait")
		}
		return ok, err
	})
}
