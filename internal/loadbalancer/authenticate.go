package loadbalancer

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
	"github.com/neargate/neargate/internal/loadbalancer/oidc"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
)

// user is what targets are told of who asks.
type user struct{ subject, token, data string }

// authenticate finds out who asks; false when the request has been answered.
func (x *exchange) authenticate(p *rule.OIDC) bool {
	x.guarded = true
	s, ok := x.server.keeper.Session(x.live.Name, p, x.cookie, x.server.clock())
	if ok && s.RefreshToken != "" && !s.AccessUntil.IsZero() && !s.AccessUntil.After(x.server.clock()) {
		s, ok = x.refresh(p, s)
	}
	if ok {
		return x.introduce(p, s)
	}
	switch p.Otherwise {
	case rule.Allow:
		return true
	case rule.Deny:
		x.refuse(401, "")
		return false
	}
	if x.req.Host == "" {
		x.fail(&oidc.Failure{Status: 401, Reason: "AuthMissingHostHeader", Outcome: oidc.Broken})
		return false
	}
	login := x.server.keeper.Begin(x.live.Name, p, x.req.Host, "https://"+x.req.Host+x.req.Target, x.server.clock())
	x.cookies = append(x.cookies, login.Cookie)
	x.reply(302, "text/html", page(302), http1.Field{Name: "Location", Value: login.Location})
	return false
}

func (x *exchange) cookie(name string) string { return cookie(x.req.Fields, name) }

// introduce notes whom targets are to be told of.
func (x *exchange) introduce(p *rule.OIDC, s *oidc.Session) bool {
	x.user = user{subject: s.Subject, token: s.AccessToken}
	if signer := x.server.options.Signer; signer != nil {
		data, err := signer.Token(x.live.ARN, p, s, x.server.clock())
		if err != nil {
			x.fail(&oidc.Failure{Status: 500, Reason: "AuthUnhandledException", Outcome: oidc.Broken, Detail: err.Error()})
			return false
		}
		x.user.data = data
	}
	return true
}

// refresh renews a session whose access token has expired. One that the provider
// does not renew has ended.
func (x *exchange) refresh(p *rule.OIDC, old *oidc.Session) (*oidc.Session, bool) {
	s, failure := x.identityProvider().Refresh(x.ctx, p, old)
	if failure != nil {
		x.server.options.Log.Warn("a session could not be refreshed", "load balancer", x.live.Name, "issuer", p.Issuer, "error", failure)
		return nil, false
	}
	x.record.Authentication = oidc.Refreshed
	x.cookies = append(x.cookies, x.server.keeper.Cookies(x.live.Name, p, s, x.cookie, x.server.clock())...)
	return s, true
}

// comesBack answers a client whom an identity provider has sent back; false when the request is
// an ordinary one.
func (x *exchange) comesBack() bool {
	if len(x.front.providers) == 0 || x.path != oidc.ResponsePath {
		return false
	}
	x.record.Actions = "authenticate"
	x.record.Priority = 0
	back, failure := x.server.keeper.Back(x.live.Name, x.front.providers, x.query, x.cookie, x.server.clock())
	if failure != nil {
		x.fail(failure)
		return true
	}
	begun := time.Now()
	s, failure := x.identityProvider().Exchange(x.ctx, back.Provider, x.req.Host, back.Code)
	x.record.AuthenticationTime = time.Since(begun)
	if failure != nil {
		x.fail(failure)
		return true
	}
	x.record.Authentication = oidc.Success
	x.cookies = append(x.server.keeper.Cookies(x.live.Name, back.Provider, s, x.cookie, x.server.clock()), oidc.Done(x.server.clock()))
	x.reply(302, "text/html", page(302), http1.Field{Name: "Location", Value: back.URL})
	return true
}

// fail answers that nobody could be signed in, and says why in records and our log.
func (x *exchange) fail(f *oidc.Failure) {
	x.record.Authentication = f.Outcome
	x.server.options.Log.Warn("a client could not be signed in", "load balancer", x.live.Name, "error", f)
	x.refuse(f.Status, f.Reason)
}

// identityProvider asks providers from the node that the client came to.
func (x *exchange) identityProvider() *oidc.Client {
	o := &x.server.options
	c := &oidc.Client{Now: x.server.clock, Dial: func(ctx context.Context, address string) (net.Conn, error) {
		if o.DialName == nil {
			return nil, errors.New("the load balancer reaches no names")
		}
		return o.DialName(ctx, x.zone, address)
	}}
	if o.Roots != nil {
		c.Roots = o.Roots()
	}
	return c
}

// providers are the identity providers of a listener's actions.
func providers(f *Listener) []*rule.OIDC {
	var out []*rule.OIDC
	actions := f.Default
	for _, r := range f.Rules {
		actions = append(actions[:len(actions):len(actions)], r.Actions...)
	}
	for i := range actions {
		if p := actions[i].OIDC; p != nil {
			out = append(out, p)
		}
	}
	return out
}

// addUser gives the fields that tell targets who asks.
func (x *exchange) addUser(field func(name, value string)) {
	if x.user.subject == "" {
		return
	}
	field("X-Amzn-Oidc-Accesstoken", x.user.token)
	field("X-Amzn-Oidc-Identity", x.user.subject)
	if x.user.data != "" {
		field("X-Amzn-Oidc-Data", x.user.data)
	}
}
