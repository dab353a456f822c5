package main

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ecs/agent"
	"github.com/neargate/neargate/internal/sts"
)

// sessionTime is how long sessions of roles last that services assume.
const sessionTime = 6 * time.Hour

// taskSessions assumes the roles of tasks.
type taskSessions struct{ *sts.Sessions }

// AssumeForService implements agent.Sessions.
func (s taskSessions) AssumeForService(ctx context.Context, account, _, roleARN, sessionName, service, sourceARN string) (agent.Credentials, error) {
	c, err := s.Sessions.AssumeForService(ctx, roleARN, service, sourceARN, account, sessionName, sessionTime)
	if err != nil {
		return agent.Credentials{}, err
	}
	return agent.Credentials{AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration}, nil
}

// flowLogSessions assumes the roles with which flow logs are delivered.
type flowLogSessions struct{ *sts.Sessions }

// AssumeFor implements flowlog.Sessions.
func (s flowLogSessions) AssumeFor(ctx context.Context, account, region, roleARN, service, session string) (caller.Identity, error) {
	c, err := s.Sessions.AssumeForService(ctx, roleARN, service, "", account, session, sessionTime)
	if err != nil {
		return caller.Identity{}, err
	}
	id := c.Identity
	id.Region, id.AccessKeyID, id.SecureTransport = region, c.AccessKeyID, true
	return id, nil
}

// stackSessions assumes the service roles of stacks.
type stackSessions struct{ *sts.Sessions }

// Assume implements cloudformation.Sessions.
func (s stackSessions) Assume(ctx context.Context, roleARN, sessionName string) (caller.Identity, error) {
	as := caller.From(ctx)
	c, err := s.Sessions.AssumeForService(ctx, roleARN, as.ServiceName, "", as.Account, sessionName, sessionTime)
	if err != nil {
		return caller.Identity{}, err
	}
	id := c.Identity
	id.Region, id.AccessKeyID, id.SecureTransport = as.Region, c.AccessKeyID, true
	return id, nil
}
