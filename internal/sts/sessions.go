package sts

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/state"
)

// Sessions assumes roles for Neargate's own services. Make it with
// [Service.Sessions].
type Sessions struct{ s *Service }

// Sessions returns what other services assume roles with.
func (s *Service) Sessions() *Sessions { return &Sessions{s} }

// AssumeForService makes a session of a role for a service that acts for a
// resource: ecs-tasks.amazonaws.com for a task, cloudformation.amazonaws.com for
// a stack. The role's trust policy is evaluated with aws:SourceArn and
// aws:SourceAccount; the error is an *access.NotAssumable when it does not trust
// the service. The session lasts as long as asked for, whatever the role's
// longest session says, as it does for AWS's own services. A role of another
// account than sourceAccount is refused.
func (x *Sessions) AssumeForService(_ context.Context, roleARN, service, sourceARN, sourceAccount, sessionName string, duration time.Duration) (access.Credentials, error) {
	role, err := x.trusted(roleARN, service, sourceARN, sourceAccount)
	if err != nil {
		return access.Credentials{}, err
	}
	now := x.s.now()
	return x.s.keys.Issue(access.Session{
		Account: role.Account, RoleARN: role.ARN(), RoleID: role.ID, Name: sessionName, Scope: sourceARN, Issued: now, Expires: now.Add(duration),
	})
}

// CanAssume returns nil when AssumeForService would succeed: the role exists in
// the account and trusts the service for the resource.
func (x *Sessions) CanAssume(_ context.Context, account, _, roleARN, service, sourceARN string) error {
	_, err := x.trusted(roleARN, service, sourceARN, account)
	return err
}

func (x *Sessions) trusted(roleARN, service, sourceARN, sourceAccount string) (*state.Role, error) {
	region := ""
	if parts := strings.SplitN(sourceARN, ":", 5); len(parts) == 5 {
		region = parts[3]
	}
	return x.s.auth.Trust(access.Assumption{RoleARN: roleARN, Service: service, SourceARN: sourceARN, SourceAccount: sourceAccount, Region: region})
}
