package sts

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const (
	defaultRoleDuration  = time.Hour
	maxChained           = time.Hour // a role that assumes a role
	defaultTokenDuration = 12 * time.Hour
	maxRootDuration      = time.Hour
	maxPacked            = 2048 // characters of session policies
	maxTags              = 50
)

// AssumeRole makes credentials of a session of a role.
func (s *Service) AssumeRole(ctx context.Context, in *stsapi.AssumeRoleRequest) (*stsapi.AssumeRoleResponse, error) {
	id := caller.From(ctx)
	if err := refuseMFA(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	if len(in.ProvidedContexts) > 0 {
		return nil, validation("Neargate does not carry out ProvidedContexts.")
	}
	role, ok := access.RoleOf(s.db.Read(), in.RoleArn)
	if !ok { // deleted since the gateway looked
		return nil, wire.NewError("AccessDenied", 403, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", id.ARN, in.RoleArn)
	}
	session, err := s.newSession(ctx, role, in)
	if err != nil {
		return nil, err
	}
	c, err := s.keys.Issue(session)
	if err != nil {
		return nil, err
	}
	out := &stsapi.AssumeRoleResponse{
		Credentials:     credentialsOut(c),
		AssumedRoleUser: &stsapi.AssumedRoleUser{AssumedRoleId: c.Identity.UserID, Arn: c.Identity.ARN},
		SourceIdentity:  session.SourceIdentity,
	}
	if percent := packedPercent(session); percent > 0 {
		out.PackedPolicySize = &percent
	}
	return out, nil
}

func (s *Service) newSession(ctx context.Context, role *state.Role, in *stsapi.AssumeRoleRequest) (access.Session, error) {
	session, err := s.roleSession(caller.From(ctx), role, in.RoleSessionName, in.DurationSeconds)
	if err != nil {
		return session, err
	}
	if err := s.restrict(&session, role.Account, in.Policy, in.PolicyArns); err != nil {
		return session, err
	}
	return session, s.tag(ctx, &session, in)
}

// roleDuration holds the wanted duration against the role's and the caller's limits.
func roleDuration(id caller.Identity, role *state.Role, wanted *int32) (time.Duration, error) {
	if wanted == nil {
		return defaultRoleDuration, nil
	}
	d := time.Duration(*wanted) * time.Second
	switch {
	case id.Type == caller.AssumedRole && d > maxChained:
		return 0, validation("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case d > time.Duration(role.MaxSessionDuration)*time.Second:
		return 0, validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return d, nil
}

// tag adds the session's tags: those of the request, for which sts:TagSession
// is needed, and the transitive ones of the caller's own session.
func (s *Service) tag(ctx context.Context, session *access.Session, in *stsapi.AssumeRoleRequest) error {
	id := caller.From(ctx)
	session.Tags, session.TransitiveTags = map[string]string{}, slices.Clone(in.TransitiveTagKeys)
	for _, t := range in.Tags {
		for k := range session.Tags {
			if strings.EqualFold(k, t.Key) {
				return errDuplicateTags
			}
		}
		session.Tags[t.Key] = t.Value
	}
	for _, k := range in.TransitiveTagKeys {
		if _, ok := session.Tags[k]; !ok {
			return wire.NewError("InvalidParameterValue", 400, "The specified transitive tag key must be included in the requested tags.")
		}
	}
	for _, k := range id.TransitiveTags {
		if _, ok := session.Tags[k]; ok {
			return wire.NewError("InvalidParameterValue", 400, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		session.Tags[k] = id.Tags[k]
		session.TransitiveTags = append(session.TransitiveTags, k)
	}
	if len(session.Tags) > maxTags {
		return wire.NewError("InvalidParameterValue", 400, "The number of session tags is more than %d.", maxTags)
	}
	if len(in.Tags) > 0 {
		if err := s.auth.Check(ctx, "sts:TagSession", in.RoleArn, assumeConditions(id, in)); err != nil {
			return err
		}
	}
	// A source identity stays through a chain of roles, and each must allow it.
	if session.SourceIdentity = in.SourceIdentity; session.SourceIdentity == "" {
		session.SourceIdentity = id.SourceIdentity
	}
	switch {
	case session.SourceIdentity == "":
		return nil
	case id.SourceIdentity != "" && id.SourceIdentity != session.SourceIdentity:
		return wire.NewError("AccessDenied", 403, "User: %s is not authorized to perform: sts:SetSourceIdentity on resource: %s", id.ARN, in.RoleArn)
	}
	return s.auth.Check(ctx, "sts:SetSourceIdentity", in.RoleArn, assumeConditions(id, in))
}

// GetSessionToken makes temporary credentials of the calling user.
func (s *Service) GetSessionToken(ctx context.Context, in *stsapi.GetSessionTokenRequest) (*stsapi.GetSessionTokenResponse, error) {
	id := caller.From(ctx)
	if err := refuseMFA(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	if !id.IssuedAt.IsZero() || id.Type != caller.User && id.Type != caller.Root {
		return nil, wire.NewError("AccessDenied", 403, "Cannot call GetSessionToken with session credentials")
	}
	now := s.now()
	session := access.Session{Account: id.Account, Issued: now, Expires: now.Add(tokenDuration(id, in.DurationSeconds))}
	ofUser(&session, id)
	c, err := s.keys.Issue(session)
	if err != nil {
		return nil, err
	}
	return &stsapi.GetSessionTokenResponse{Credentials: credentialsOut(c)}, nil
}

// refuseMFA: there are no MFA devices yet, so no code can be right.
func refuseMFA(serial, code string) error {
	if serial == "" && code == "" {
		return nil
	}
	return wire.NewError("AccessDenied", 403, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}

func credentialsOut(c access.Credentials) *stsapi.Credentials {
	return &stsapi.Credentials{AccessKeyId: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: c.Expiration}
}

func validation(format string, args ...any) error {
	return wire.NewError("ValidationError", 400, format, args...)
}
