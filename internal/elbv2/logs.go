package elbv2

import (
	"context"

	"github.com/neargate/neargate/internal/state"
)

// checkLogs checks what a request wants logged.
func (s *Service) checkLogs(_ context.Context, _, planned *state.LoadBalancer) error {
	for _, key := range []string{"access_logs.s3.enabled", "connection_logs.s3.enabled"} {
		if (lookup{balancerAttributes, planned.Attributes}).truth(key) {
			return unsupported("The attribute '" + key + "'")
		}
	}
	return nil
}
