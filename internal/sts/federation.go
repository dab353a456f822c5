package sts

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

// GetFederationToken makes temporary credentials of a federated user: it has
// what the calling user may do and the session policies of the request allow,
// and what resources grant to it by name.
func (s *Service) GetFederationToken(ctx context.Context, in *stsapi.GetFederationTokenRequest) (*stsapi.GetFederationTokenResponse, error) {
	id := caller.From(ctx)
	if !id.IssuedAt.IsZero() || id.Type != caller.User && id.Type != caller.Root {
		return nil, wire.NewError("AccessDenied", 403, "Cannot call GetFederationToken with session credentials")
	}
	now := s.now()
	session := access.Session{Account: id.Account, Federated: in.Name, Issued: now, Expires: now.Add(tokenDuration(id, in.DurationSeconds)), Tags: map[string]string{}}
	ofUser(&session, id)
	if err := s.restrict(&session, id.Account, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		for k := range session.Tags {
			if strings.EqualFold(k, t.Key) {
				return nil, errDuplicateTags
			}
		}
		session.Tags[t.Key] = t.Value
	}
	c, err := s.keys.Issue(session)
	if err != nil {
		return nil, err
	}
	return &stsapi.GetFederationTokenResponse{
		Credentials:      credentialsOut(c),
		FederatedUser:    &stsapi.FederatedUser{FederatedUserId: c.Identity.UserID, Arn: c.Identity.ARN},
		PackedPolicySize: packedPercent(session),
	}, nil
}

// tokenDuration is how long credentials of a user or the root user last.
func tokenDuration(id caller.Identity, wanted *int32) time.Duration {
	d, longest := defaultTokenDuration, 36*time.Hour
	if id.Type == caller.Root {
		d, longest = maxRootDuration, maxRootDuration
	}
	if wanted != nil {
		d = min(time.Duration(*wanted)*time.Second, longest)
	}
	return d
}
