package agent

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/state"
)

const (
	tasksPrincipal = "ecs-tasks.amazonaws.com"
	// renewBefore is how long before their end credentials are made anew: SDKs
	// begin to ask 15 minutes before.
	renewBefore = 20 * time.Minute
)

// session returns credentials of a role of the task that are good for a while.
func (a *Agent) session(ctx context.Context, t *state.Task, role string) (Credentials, error) {
	l := a.of(t)
	l.mu.Lock()
	have, ok := l.sessions[role]
	l.mu.Unlock()
	if ok && time.Until(have.Expiration) > renewBefore {
		return have, nil
	}
	fresh, err := a.Sessions.AssumeForService(ctx, t.Account, t.Region, role, t.ID, tasksPrincipal, t.ARN())
	if err != nil {
		return Credentials{}, err
	}
	l.mu.Lock()
	l.sessions[role] = fresh
	l.mu.Unlock()
	return fresh, nil
}

// executionRole returns credentials of the task's execution role; none when the
// task has no such role.
func (a *Agent) executionRole(ctx context.Context, t *state.Task) (Credentials, error) {
	if t.ExecutionRoleARN == "" {
		return Credentials{}, nil
	}
	creds, err := a.session(ctx, t, t.ExecutionRoleARN)
	if err != nil {
		if ctx.Err() != nil {
			return creds, ctx.Err()
		}
		reason := textRole(t.ExecutionRoleARN)
		return creds, &failure{reason: reason, decision: decision.Decision{
			Phase: decision.IAM, Verdict: decision.Deny, Code: "iam.trust", Where: t.ExecutionRoleARN, AWSMessage: reason, Confidence: decision.Observed,
			Cause: "the execution role cannot be assumed by " + tasksPrincipal + ": " + err.Error(),
			Facts: []decision.Fact{{Name: "role", Value: t.ExecutionRoleARN}, {Name: "principal", Value: tasksPrincipal}},
		}}
	}
	return creds, nil
}
