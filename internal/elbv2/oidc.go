package elbv2

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/loadbalancer/oidc"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
	"github.com/neargate/neargate/internal/state"
)

// AWS's defaults and limits of actions that authenticate.
const (
	defaultScope          = "openid"
	defaultCookie         = "AWSELBAuthSessionCookie"
	defaultSessionSeconds = 604800
	maxExtraParams        = 10
)

var cookieForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}$")

// oidc takes an action that authenticates with an identity provider. Its secret is
// kept sealed, or is that of the action that it replaces.
func (s *Service) oidc(l *state.Listener, old []state.ListenerAction, in *elbv2api.AuthenticateOidcActionConfig, out *state.ListenerAction) error {
	if in == nil {
		return invalidAction("An authenticate-oidc action must have an authenticate OIDC config")
	}
	if l.Protocol != "HTTPS" {
		return invalidAction("Actions of type 'authenticate-oidc' are supported only on HTTPS listeners")
	}
	o := &state.OIDCAction{
		Issuer: in.Issuer, AuthorizationEndpoint: in.AuthorizationEndpoint, TokenEndpoint: in.TokenEndpoint, UserInfoEndpoint: in.UserInfoEndpoint, ClientID: in.ClientId,
		Scope: or(in.Scope, defaultScope), CookieName: or(in.SessionCookieName, defaultCookie), SessionTimeout: wire.Or(in.SessionTimeout, defaultSessionSeconds),
		ExtraParams: in.AuthenticationRequestExtraParams, OnUnauthenticated: cmp.Or(string(in.OnUnauthenticatedRequest), rule.Login),
	}
	if err := checkOIDC(o); err != nil {
		return err
	}
	if wire.Or(in.UseExistingClientSecret, false) {
		i := slices.IndexFunc(old, func(a state.ListenerAction) bool { return a.OIDC != nil })
		switch {
		case in.ClientSecret != "":
			return invalidAction("You cannot both specify a client secret and set UseExistingClientSecret to true")
		case i < 0:
			return invalidAction("You cannot set UseExistingClientSecret to true: there is no existing client secret")
		}
		o.SealedSecret = old[i].OIDC.SealedSecret
	} else {
		if in.ClientSecret == "" {
			return invalidAction("You must specify a client secret")
		}
		if s.Sealer != nil {
			o.SealedSecret = s.Sealer.Seal([]byte(in.ClientSecret), secretPurpose(l))
		}
	}
	out.OIDC = o
	return nil
}

func secretPurpose(l *state.Listener) string { return "elbv2 client secret " + l.Key() }

func checkOIDC(o *state.OIDCAction) error {
	for name, value := range map[string]string{
		"Issuer": o.Issuer, "AuthorizationEndpoint": o.AuthorizationEndpoint, "TokenEndpoint": o.TokenEndpoint, "UserInfoEndpoint": o.UserInfoEndpoint,
	} {
		if u, err := url.Parse(value); err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
			return invalidAction("The %s '%s' must be a full URL, including the HTTPS protocol, the domain, and the path", name, value)
		}
	}
	switch {
	case o.ClientID == "":
		return invalidAction("You must specify a client ID")
	case !cookieForm.MatchString(o.CookieName):
		return invalidAction("The session cookie name '%s' is not valid", o.CookieName)
	case o.SessionTimeout < 1 || o.SessionTimeout > defaultSessionSeconds:
		return invalidAction("The session timeout '%d' must be between '1' and '604800' seconds inclusive", o.SessionTimeout)
	case len(o.ExtraParams) > maxExtraParams:
		return invalidAction("An authentication request can have at most 10 extra parameters")
	case !slices.Contains([]string{rule.Login, rule.Allow, rule.Deny}, o.OnUnauthenticated):
		return invalidAction("OnUnauthenticatedRequest must be one of 'deny, allow, authenticate'")
	}
	for _, name := range []string{"client_id", "redirect_uri", "response_type", "scope", "state"} {
		if _, taken := o.ExtraParams[name]; taken {
			return invalidAction("The extra parameter '%s' is one of the load balancer's own", name)
		}
	}
	return nil
}

// describeOIDC is an action as the API has it, without its secret.
func describeOIDC(o *state.OIDCAction) *elbv2api.AuthenticateOidcActionConfig {
	return &elbv2api.AuthenticateOidcActionConfig{
		Issuer: o.Issuer, AuthorizationEndpoint: o.AuthorizationEndpoint, TokenEndpoint: o.TokenEndpoint, UserInfoEndpoint: o.UserInfoEndpoint, ClientId: o.ClientID,
		Scope: o.Scope, SessionCookieName: o.CookieName, SessionTimeout: new(o.SessionTimeout), AuthenticationRequestExtraParams: maps.Clone(o.ExtraParams),
		OnUnauthenticatedRequest: elbv2api.AuthenticateOidcActionConditionalBehaviorEnum(o.OnUnauthenticated),
	}
}

// identityProvider is what an action means for traffic.
func (s *Service) identityProvider(l *state.Listener, o *state.OIDCAction) *rule.OIDC {
	out := &rule.OIDC{
		Issuer: o.Issuer, AuthorizationEndpoint: o.AuthorizationEndpoint, TokenEndpoint: o.TokenEndpoint, UserInfoEndpoint: o.UserInfoEndpoint, ClientID: o.ClientID,
		Scope: o.Scope, Extra: o.ExtraParams, Cookie: o.CookieName, Timeout: time.Duration(o.SessionTimeout) * time.Second, Otherwise: o.OnUnauthenticated,
	}
	if s.Sealer == nil {
		return out
	}
	secret, err := s.Sealer.Open(o.SealedSecret, secretPurpose(l))
	if err != nil {
		s.Log.Error("a client secret of a listener cannot be read", "listener", l.ARN(), "error", err)
	}
	out.ClientSecret = string(secret)
	return out
}

// signer signs what targets in a region are told of users.
func (s *Service) signer(region string) *oidc.Signer {
	signer, err := oidc.NewSigner(s.Plane.Key, region)
	if err != nil {
		s.Log.Error("there is no key for the tokens of users", "region", region, "error", err)
	}
	return signer
}

// The host where a region's keys of load balancers are, around its region.
const keyHostStart, keyHostEnd = "public-keys.auth.elb.", ".amazonaws.com"

// IsKeyHost reports whether a host is one of those where the public keys of load
// balancers are.
func IsKeyHost(host string) bool {
	return strings.HasPrefix(host, keyHostStart) && strings.HasSuffix(host, keyHostEnd)
}

// ServePublicKey answers https://public-keys.auth.elb.REGION.amazonaws.com/KID with
// the key that proves x-amzn-oidc-data, as PEM.
func (s *Service) ServePublicKey(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	region := strings.TrimSuffix(strings.TrimPrefix(host, keyHostStart), keyHostEnd)
	signer := s.signer(region)
	if signer == nil || r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path != "/"+signer.KeyID {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(signer.PublicKey())
}
