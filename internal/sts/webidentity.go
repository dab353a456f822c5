package sts

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/sts/webidentity"
)

const (
	notJWT  = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
	noKeys  = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
	skewOK  = 5 * time.Minute // how far an issuer's clock may be ahead
	notThis = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
)

// AssumeRoleWithWebIdentity makes credentials of a session of a role for the
// bearer of a token of an OIDC issuer that the role's account trusts. The
// request is not signed: the token is the proof.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *stsapi.AssumeRoleWithWebIdentityRequest) (*stsapi.AssumeRoleWithWebIdentityResponse, error) {
	if in.ProviderId != "" {
		return nil, validation("Neargate does not carry out ProviderId, which is for OAuth 2.0 access tokens.")
	}
	token, err := webidentity.Parse(in.WebIdentityToken)
	if err != nil {
		return nil, invalidToken(notJWT)
	}
	role, ok := access.RoleOf(s.db.Read(), in.RoleArn)
	if !ok {
		return nil, wire.NewError("AccessDenied", 403, notThis)
	}
	provider, err := s.verified(ctx, role.Account, token)
	if err != nil {
		return nil, err
	}
	who := caller.From(ctx)
	who.Type, who.Account, who.Provider = caller.WebIdentity, "", provider.ARN()
	ctx = caller.With(ctx, who)
	if err := s.auth.Check(ctx, "sts:AssumeRoleWithWebIdentity", in.RoleArn, webConditions(provider, token.Claims, in.RoleSessionName)); err != nil {
		return nil, err
	}
	session, err := s.roleSession(who, role, in.RoleSessionName, in.DurationSeconds)
	if err != nil {
		return nil, err
	}
	session.Provider = provider.ARN()
	if err := s.restrict(&session, role.Account, in.Policy, in.PolicyArns); err != nil {
		return nil, err
	}
	c, err := s.keys.Issue(session)
	if err != nil {
		return nil, err
	}
	return &stsapi.AssumeRoleWithWebIdentityResponse{
		Credentials: credentialsOut(c), AssumedRoleUser: &stsapi.AssumedRoleUser{AssumedRoleId: c.Identity.UserID, Arn: c.Identity.ARN},
		SubjectFromWebIdentityToken: token.Claims.Subject, Audience: audienceOf(token.Claims), Provider: provider.ARN(), PackedPolicySize: packedPercent(session),
	}, nil
}

// verified holds a token against the account's providers: issuer, audience,
// times and signature.
func (s *Service) verified(ctx context.Context, account string, token *webidentity.Token) (*state.OIDCProvider, error) {
	c := token.Claims
	provider := s.providerOf(account, c.Issuer)
	now := s.now()
	switch {
	case provider == nil:
		return nil, invalidToken("No OpenIDConnect provider found in your account for " + c.Issuer)
	case !slices.Contains(provider.ClientIDs, audienceOf(c)):
		return nil, invalidToken("Incorrect token audience")
	case float64(now.Unix()) >= c.Expires:
		return nil, &stsapi.ExpiredTokenException{Message: "Token expired: current date/time " + unix(float64(now.Unix())) + " must be before the expiration date/time " + unix(c.Expires)}
	case float64(now.Add(skewOK).Unix()) < max(c.Issued, c.NotBefore):
		return nil, invalidToken("The token is not valid yet")
	case c.Tags != nil || c.SourceIdentity != nil:
		return nil, invalidToken("Neargate does not carry out session tags and source identities in tokens.")
	}
	err := webidentity.Issuer{URL: c.Issuer, Thumbprints: provider.Thumbprints}.Verify(ctx, token)
	switch {
	case errors.Is(err, webidentity.ErrIssuer):
		slog.Info("web identity", "issuer", c.Issuer, "error", err)
		return nil, invalidToken(noKeys)
	case err != nil:
		return nil, invalidToken("The token's signature could not be verified with the keys of its issuer")
	}
	return provider, nil
}

// providerOf is the account's provider of an issuer's URL.
func (s *Service) providerOf(account, issuer string) *state.OIDCProvider {
	scheme, name, ok := strings.Cut(issuer, "://")
	if !ok {
		return nil
	}
	wanted := &state.OIDCProvider{Account: account, URL: strings.TrimSuffix(name, "/")}
	p, ok := state.OIDCProviders.Get(s.db.Read(), wanted.ARN())
	if !ok || p.Plain != (scheme == "http") || scheme != "http" && scheme != "https" {
		return nil
	}
	return p
}

// audienceOf is what policies see as aud: the party that the token was made
// for, if it names one.
func audienceOf(c webidentity.Claims) string {
	if c.Party != "" {
		return c.Party
	}
	return c.Audience[0]
}

// webConditions are the condition keys of a token, which begin with its issuer.
func webConditions(p *state.OIDCProvider, c webidentity.Claims, session string) map[string][]string {
	m := map[string][]string{
		"sts:rolesessionname":           {session},
		strings.ToLower(p.URL) + ":aud": {audienceOf(c)},
		strings.ToLower(p.URL) + ":sub": {c.Subject},
		"aws:federatedprovider":         {p.ARN()},
	}
	if len(c.Methods) > 0 {
		m[strings.ToLower(p.URL)+":amr"] = c.Methods
	}
	if c.Party != "" {
		m[strings.ToLower(p.URL)+":oaud"] = c.Audience
	}
	return m
}

func unix(seconds float64) string { return strconv.FormatInt(int64(seconds), 10) }

func invalidToken(message string) error {
	return &stsapi.InvalidIdentityTokenException{Message: message}
}
