package oidc

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// audience is aud of a token: one name or several.
type audience []string

// UnmarshalJSON implements json.Unmarshaler.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// subject checks an ID token, and returns whom it is about. It came from the token
// endpoint itself, by TLS, which stands for its signature (OpenID Connect Core
// 3.1.3.7): a load balancer is not told where the provider's keys are.
func (c *Client) subject(p *rule.OIDC, token string) (string, *Failure) {
	wrong := func(why string) (string, *Failure) { return "", denied(401, "AuthInvalidIdToken", why) }
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return wrong("there is none: does the scope have openid?")
	}
	plain, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return wrong("it is malformed")
	}
	var claims struct {
		Issuer   string   `json:"iss"`
		Subject  string   `json:"sub"`
		Audience audience `json:"aud"`
		Expires  float64  `json:"exp"`
	}
	switch {
	case json.Unmarshal(plain, &claims) != nil || claims.Subject == "":
		return wrong("it is malformed")
	case claims.Issuer != p.Issuer:
		return wrong("its iss is " + brief(claims.Issuer) + ", not the action's issuer")
	case !slices.Contains(claims.Audience, p.ClientID):
		return wrong("its aud is not the action's client")
	case claims.Expires <= float64(c.Now().Unix()):
		return wrong("it has expired")
	}
	return claims.Subject, nil
}
