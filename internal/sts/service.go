package sts

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service implements the API of STS.
type Service struct {
	db   *store.DB
	keys *access.Keys
	auth *access.Authorizer
	now  func() time.Time
}

var _ stsapi.API = (*Service)(nil)

// New returns the service. It registers the trust policies of roles with auth.
func New(db *store.DB, keys *access.Keys, auth *access.Authorizer) *Service {
	s := &Service{db: db, keys: keys, auth: auth, now: func() time.Time { return time.Now().UTC().Truncate(time.Second) }}
	auth.Register("sts", s.Authorization())
	return s
}

// Authorization: the resource policy of a role is its trust policy.
// GetCallerIdentity and GetSessionToken need no permission.
func (s *Service) Authorization() authorize.Service {
	return authorize.Service{
		Rules: map[string][]authorize.Rule{
			"AssumeRole":                 {{Action: "sts:AssumeRole", Resources: roleARN, Conditions: assumeConditions}},
			"DecodeAuthorizationMessage": {{Action: "sts:DecodeAuthorizationMessage"}},
			"GetAccessKeyInfo":           {{Action: "sts:GetAccessKeyInfo"}},
			"GetCallerIdentity":          {},
			"GetSessionToken":            {},
			// Nobody has credentials yet: the handler asks the role's trust policy.
			"AssumeRoleWithWebIdentity": {},
			"GetFederationToken":        {{Action: "sts:GetFederationToken", Resources: federatedARN, Conditions: federationConditions}},
		},
		ResourcePolicy: s.trustPolicy,
	}
}

func roleARN(_ caller.Identity, in any) []string {
	return []string{in.(*stsapi.AssumeRoleRequest).RoleArn}
}

func federatedARN(id caller.Identity, in any) []string {
	return []string{access.FederatedARN(id.Account, in.(*stsapi.GetFederationTokenRequest).Name)}
}

func federationConditions(_ caller.Identity, in any) map[string][]string {
	return requestTags(map[string][]string{}, in.(*stsapi.GetFederationTokenRequest).Tags)
}

func requestTags(m map[string][]string, tags []stsapi.Tag) map[string][]string {
	for _, t := range tags {
		m["aws:requesttag/"+strings.ToLower(t.Key)] = []string{t.Value}
		m["aws:tagkeys"] = append(m["aws:tagkeys"], t.Key)
	}
	return m
}

// assumeConditions has what trust policies ask about a session to be.
func assumeConditions(_ caller.Identity, in any) map[string][]string {
	r := in.(*stsapi.AssumeRoleRequest)
	m := map[string][]string{"sts:rolesessionname": {r.RoleSessionName}}
	if r.ExternalId != "" {
		m["sts:externalid"] = []string{r.ExternalId}
	}
	if r.SourceIdentity != "" {
		m["sts:sourceidentity"] = []string{r.SourceIdentity}
	}
	requestTags(m, r.Tags)
	if len(r.TransitiveTagKeys) > 0 {
		m["sts:transitivetagkeys"] = r.TransitiveTagKeys
	}
	return m
}

// trustPolicy is the trust policy of a role and the account that owns it.
func (s *Service) trustPolicy(_ context.Context, resource string) (document, owner string, ok bool) {
	role, ok := access.RoleOf(s.db.Read(), resource)
	if !ok {
		return "", "", false
	}
	return role.TrustPolicy, role.Account, true
}

// GetCallerIdentity tells who the caller is.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	id := caller.From(ctx)
	return &stsapi.GetCallerIdentityResponse{UserId: id.UserID, Account: id.Account, Arn: id.ARN}, nil
}

// GetAccessKeyInfo tells the account of an access key: of a long-term one from
// its record, of a session's from its id, which holds the account as AWS's do.
func (s *Service) GetAccessKeyInfo(_ context.Context, in *stsapi.GetAccessKeyInfoRequest) (*stsapi.GetAccessKeyInfoResponse, error) {
	if key, ok := state.AccessKeys.Get(s.db.Read(), in.AccessKeyId); ok {
		return &stsapi.GetAccessKeyInfoResponse{Account: key.Account}, nil
	}
	if account, ok := access.AccountOfKey(in.AccessKeyId); ok {
		if _, known := state.Accounts.Get(s.db.Read(), account); known || account == access.OperatorAccount {
			return &stsapi.GetAccessKeyInfoResponse{Account: account}, nil
		}
	}
	return nil, wire.NewError("ValidationError", 400, "Invalid Access Key: %s", in.AccessKeyId)
}

// DecodeAuthorizationMessage opens the message that a denial of EC2 carries.
func (s *Service) DecodeAuthorizationMessage(_ context.Context, in *stsapi.DecodeAuthorizationMessageRequest) (*stsapi.DecodeAuthorizationMessageResponse, error) {
	message, ok := s.auth.DecodeMessage(in.EncodedMessage)
	if !ok {
		return nil, &stsapi.InvalidAuthorizationMessageException{Message: "Message is not valid"}
	}
	return &stsapi.DecodeAuthorizationMessageResponse{DecodedMessage: message}, nil
}
