package elbv2

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/loadbalancer"
	"github.com/neargate/neargate/internal/loadbalancer/rule"
	"github.com/neargate/neargate/internal/state"
)

// configuration is what the records of a load balancer mean for its traffic.
func (s *Service) configuration(q scope, b *state.LoadBalancer) loadbalancer.Config {
	if b.Network() {
		return s.flowConfiguration(q, b)
	}
	a := lookup{balancerAttributes, b.Attributes}
	c := loadbalancer.Config{
		Name: b.Path, ARN: b.ARN(), Type: loadbalancer.Application,
		Attributes: loadbalancer.Attributes{
			IdleTimeout: seconds(a, "idle_timeout.timeout_seconds"), ClientKeepAlive: seconds(a, "client_keep_alive.seconds"), HTTP2: a.truth("routing.http2.enabled"),
			DropInvalid: a.truth("routing.http.drop_invalid_header_fields.enabled"), Desync: loadbalancer.Desync(a.text("routing.http.desync_mitigation_mode")),
			ForwardedFor: loadbalancer.ForwardedFor(a.text("routing.http.xff_header_processing.mode")), ClientPort: a.truth("routing.http.xff_client_port.enabled"),
			PreserveHost: a.truth("routing.http.preserve_host_header.enabled"), TLSHeaders: a.truth("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
			CrossZone: a.truth("load_balancing.cross_zone.enabled"),
		},
	}
	groups := map[string]bool{}
	for l := range state.Listeners.By(q.tx, "load-balancer", b.Key()) {
		listener := loadbalancer.Listener{
			ID: l.ARN(), Port: uint16(l.Port), Protocol: loadbalancer.Protocol(l.Protocol), Policy: l.SSLPolicy, Headers: headers(l), MutualTLS: q.mutualTLS(l),
		}
		listener.Certificates = s.certificatesOf(l)
		for _, r := range q.rulesOf(l) {
			actions := s.ruleActions(l, r, groups)
			if r.IsDefault() {
				listener.Default = actions
				continue
			}
			listener.Rules = append(listener.Rules, rule.Rule{ID: r.ARN(), Priority: int(r.Priority), Conditions: ruleConditions(r), Actions: actions})
		}
		if l.Protocol == "HTTPS" && len(listener.Certificates) == 0 {
			continue
		}
		c.Listeners = append(c.Listeners, listener)
	}
	c.Groups = q.groupConfigurations(groups)
	return c
}

// certificatesOf are the certificates of a listener that are there.
func (s *Service) certificatesOf(l *state.Listener) []loadbalancer.Certificate {
	var out []loadbalancer.Certificate
	for _, arn := range l.Certificates {
		if s.Certificate == nil {
			continue
		}
		found, err := s.Certificate(l.Account, l.Region, arn)
		if err != nil {
			s.Log.Error("a certificate of a listener is not there", "listener", l.ARN(), "certificate", arn, "error", err)
			continue
		}
		out = append(out, loadbalancer.Certificate{ID: arn, Leaf: found.Leaf})
	}
	return out
}

func (q scope) groupConfigurations(named map[string]bool) []loadbalancer.Group {
	var out []loadbalancer.Group
	for g := range state.TargetGroups.All(q.tx, state.Prefix(q.account, q.region)) {
		if named[g.ARN()] {
			out = append(out, q.groupConfiguration(g))
		}
	}
	return out
}

func seconds(a lookup, key string) time.Duration { return time.Duration(a.number(key)) * time.Second }

// headers are what a listener's attributes say of headers.
func headers(l *state.Listener) loadbalancer.Headers {
	a := lookup{listenerAttributes(l.Protocol), l.Attributes}
	h := loadbalancer.Headers{Renamed: map[string]string{}, Response: map[string]string{}, HideServer: !a.truth("routing.http.response.server.enabled")}
	for key, name := range responseHeaders {
		if v := a.text(key); v != "" {
			h.Response[name] = v
		}
	}
	if l.Protocol == "HTTPS" {
		for key, name := range tlsHeaders {
			if v := a.text(key); v != "" && v != name {
				h.Renamed[name] = v
			}
		}
	}
	return h
}

// ruleActions are the actions of a rule; the groups that they name are noted.
func (s *Service) ruleActions(l *state.Listener, r *state.ListenerRule, groups map[string]bool) []rule.Action {
	var out []rule.Action
	for _, a := range r.Actions {
		action := rule.Action{Type: rule.ActionType(a.Type)}
		switch {
		case a.Redirect != nil:
			action.Redirect = rule.RedirectTo{Protocol: a.Redirect.Protocol, Host: a.Redirect.Host, Port: a.Redirect.Port, Path: a.Redirect.Path, Query: a.Redirect.Query, Status: 302}
			if a.Redirect.StatusCode == "HTTP_301" {
				action.Redirect.Status = 301
			}
		case a.OIDC != nil:
			action.OIDC = s.identityProvider(l, a.OIDC)
		case a.FixedResponse != nil:
			action.Fixed = rule.Fixed{Status: decimal(a.FixedResponse.StatusCode), ContentType: a.FixedResponse.ContentType, Body: a.FixedResponse.MessageBody}
		}
		for _, g := range a.TargetGroups {
			groups[g.ARN] = true
			action.Forward.Groups = append(action.Forward.Groups, rule.Weighted{Group: g.ARN, Weight: int(g.Weight)})
		}
		if wire.Or(a.Sticky, false) {
			action.Forward.Sticky = time.Duration(wire.Or(a.StickySeconds, 0)) * time.Second
		}
		out = append(out, action)
	}
	return out
}

func ruleConditions(r *state.ListenerRule) []rule.Condition {
	var out []rule.Condition
	for _, c := range r.Conditions {
		condition := rule.Condition{Field: rule.Field(c.Field), Header: c.HeaderName, Values: c.Values}
		for _, pair := range c.QueryString {
			condition.Pairs = append(condition.Pairs, rule.Pair{Key: pair.Key, Value: pair.Value})
		}
		out = append(out, condition)
	}
	return out
}

// groupConfiguration is what the records of a target group and its targets mean.
func (q scope) groupConfiguration(g *state.TargetGroup) loadbalancer.Group {
	a := lookup{groupAttributesOf(g), g.Attributes}
	out := loadbalancer.Group{ID: g.ARN(), Protocol: loadbalancer.Protocol(g.Protocol), Version: loadbalancer.Version(g.ProtocolVersion)}
	if cross := a.text("load_balancing.cross_zone.enabled"); cross == "true" || cross == "false" {
		out.CrossZone = new(cross == "true")
	}
	if g.Network() {
		flowAttributes(g, &out)
	} else {
		requestAttributes(a, &out)
	}
	out.MinHealthy, out.MinHealthyPercent = a.number(minHealthy+"count"), a.number(minHealthy+"percentage") // "off" is 0
	for t := range state.Targets.By(q.tx, "group", g.Key()) {
		for _, at := range q.placesOf(g, t) {
			target := loadbalancer.Target{Addr: at.addr, Zone: at.zone, State: loadbalancer.State(t.Health)}
			if t.Health == state.TargetHealthy {
				target.Since = t.HealthSince
			}
			out.Targets = append(out.Targets, target)
		}
	}
	return out
}

// requestAttributes gives the configuration of an application load balancer's target
// group what its attributes say.
func requestAttributes(a lookup, out *loadbalancer.Group) {
	out.Algorithm, out.SlowStart = loadbalancer.Algorithm(a.text("load_balancing.algorithm.type")), seconds(a, "slow_start.duration_seconds")
	if a.truth("stickiness.enabled") {
		kind := a.text("stickiness.type")
		out.Stickiness = loadbalancer.Stickiness{
			Type: loadbalancer.StickinessType(kind), Duration: seconds(a, "stickiness."+strings.TrimSuffix(kind, "_cookie")+"_cookie.duration_seconds"),
		}
		if out.Stickiness.Type == loadbalancer.AppCookie {
			out.Stickiness.Cookie = a.text("stickiness.app_cookie.cookie_name")
		}
	}
}

// decimal is a number that was checked when it was taken.
func decimal(text string) int {
	n := 0
	for _, c := range text {
		n = 10*n + int(c-'0')
	}
	return n
}
