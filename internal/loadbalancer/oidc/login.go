package oidc

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// ResponsePath is where identity providers send clients back to.
const ResponsePath = "/oauth2/idpresponse"

// Login is a client on its way to the provider.
type Login struct {
	Location string // of the authorization endpoint
	Cookie   string // a value of Set-Cookie
}

// Begin sends a client that wanted target (a URL) to the provider. host is the
// request's, with its port.
func (k Keeper) Begin(balancer string, p *rule.OIDC, host, target string, now time.Time) Login {
	nonce := rand.Text()
	state := k.seal(attempt{Nonce: nonce, URL: target, Began: now, Use: use(balancer, p)}, "state")
	q := url.Values{}
	for name, value := range p.Extra {
		q.Set(name, value)
	}
	extra := ""
	if len(q) > 0 {
		extra = "&" + q.Encode()
	}
	separator := "?"
	if strings.Contains(p.AuthorizationEndpoint, "?") {
		separator = "&"
	}
	return Login{
		Location: p.AuthorizationEndpoint + separator + "client_id=" + url.QueryEscape(p.ClientID) + "&redirect_uri=" + url.QueryEscape(redirectURI(host)) +
			"&response_type=code&scope=" + url.QueryEscape(p.Scope) + "&state=" + state + extra,
		Cookie: set(NonceCookie, nonce, now.Add(loginTime)),
	}
}

func redirectURI(host string) string { return "https://" + host + ResponsePath }

// Return is a client that has come back from the provider.
type Return struct {
	Provider *rule.OIDC
	Code     string
	URL      string // where it wanted to go
}

// Back reads what a client brings back in its query. providers are those of the
// listener's actions.
func (k Keeper) Back(balancer string, providers []*rule.OIDC, query string, cookie func(name string) string, now time.Time) (Return, *Failure) {
	values, _ := url.ParseQuery(query)
	if values.Get("state") == "" {
		return Return{}, denied(401, "AuthMissingStateParam", "")
	}
	var a attempt
	if !k.open(values.Get("state"), "state", &a) {
		return Return{}, denied(401, "AuthInvalidStateParam", "")
	}
	i := slices.IndexFunc(providers, func(p *rule.OIDC) bool { return bytes.Equal(use(balancer, p), a.Use) })
	switch {
	case i < 0:
		return Return{}, denied(401, "AuthInvalidStateParam", "no action of the listener began it")
	case now.Sub(a.Began) > loginTime:
		return Return{}, denied(401, "AuthInvalidStateParam", "the client took longer than 15 minutes")
	case subtle.ConstantTimeCompare([]byte(cookie(NonceCookie)), []byte(a.Nonce)) != 1:
		return Return{}, denied(401, "AuthInvalidAWSALBAuthNonce", "")
	case values.Get("code") == "" && values.Get("error") != "":
		return Return{}, denied(561, "AuthMissingCodeParam", "the provider says "+brief(values.Get("error")))
	case values.Get("code") == "":
		return Return{}, denied(401, "AuthMissingCodeParam", "")
	}
	return Return{Provider: providers[i], Code: values.Get("code"), URL: a.URL}, nil
}

// Done is the cookie that ends a sign-in.
func Done(now time.Time) string { return set(NonceCookie, gone, now.Add(-time.Hour)) }

// brief is a provider's word, fit for a log.
func brief(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text[:min(len(text), 100)])
}
