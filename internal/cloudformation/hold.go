package cloudformation

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/caller"
)

// maxHold is how long a waiter's question is held. It is below the read
// time-outs of clients (60 s), and they ask again.
const maxHold = 20 * time.Second

// hold keeps the question of an SDK's waiter until the stack has settled: it
// would ask again only after 15 or 30 seconds, which is most of the time that a
// deployment takes here. Questions of people and of other loops are answered at once.
func (s *Service) hold(ctx context.Context, name string) {
	if !isWaiter(caller.From(ctx).UserAgent) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxHold)
	defer cancel()
	// Whatever ends the wait, the answer is what the stack is then.
	_ = s.wait(ctx, nil, func(ctx context.Context) (bool, error) {
		stack, err := s.existing(ctx, name)
		return err != nil || stack.Status == "REVIEW_IN_PROGRESS" || !strings.HasSuffix(stack.Status, "_IN_PROGRESS"), nil
	})
}

// isWaiter reads the features of a user agent: botocore marks a waiter's
// requests by B in "m/...".
func isWaiter(userAgent string) bool {
	for word := range strings.FieldsSeq(userAgent) {
		if features, ok := strings.CutPrefix(word, "m/"); ok {
			return slices.Contains(strings.Split(features, ","), "B")
		}
	}
	return false
}
