package cloudformation

import (
	"context"
	"strings"
)

// hold keeps the question of an SDK's waiter until the stack has settled: it
// would ask again only after 15 or 30 seconds, which is most of the time that a
// deployment takes here.
func (s *Service) hold(ctx context.Context, name string) {
	s.commits.Waiter(ctx, func() bool {
		stack, err := s.existing(ctx, name)
		return err != nil || stack.Status == "REVIEW_IN_PROGRESS" || !strings.HasSuffix(stack.Status, "_IN_PROGRESS")
	})
}
