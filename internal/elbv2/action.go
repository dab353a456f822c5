package elbv2

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// The types of actions that we carry out.
const (
	actionForward  = "forward"
	actionRedirect = "redirect"
	actionFixed    = "fixed-response"
	actionOIDC     = "authenticate-oidc"
)

// actions checks the actions of a listener or of a rule of it, and makes records of
// them: at most one that authenticates, and one that answers, in this order. old are
// those that they replace.
func (s *Service) actions(q scope, l *state.Listener, old []state.ListenerAction, in []elbv2api.Action) ([]state.ListenerAction, error) {
	if len(in) == 0 {
		return nil, invalid("At least one action must be specified")
	}
	in = slices.Clone(in)
	slices.SortStableFunc(in, func(a, b elbv2api.Action) int { return cmp.Compare(wire.Or(a.Order, 0), wire.Or(b.Order, 0)) })
	var out []state.ListenerAction
	for i, a := range in {
		last := i == len(in)-1
		switch asks := a.Type == actionOIDC; {
		case i > 0 && wire.Or(a.Order, 0) == wire.Or(in[i-1].Order, 0):
			return nil, invalidAction("Each action must have a different order")
		case asks && last:
			return nil, invalidAction("The last action must be one of 'forward, redirect, fixed-response'")
		case asks && i > 0:
			return nil, invalidAction("Only one authentication action can be specified")
		}
		action, err := s.action(q, l, old, a)
		if err != nil {
			return nil, err
		}
		if !last && action.OIDC == nil {
			return nil, invalidAction("Only one of 'forward, redirect, fixed-response' can be specified, and it must be the last action")
		}
		out = append(out, action)
	}
	return out, q.compatible(l, out)
}

func (s *Service) action(q scope, l *state.Listener, old []state.ListenerAction, in elbv2api.Action) (state.ListenerAction, error) {
	out := state.ListenerAction{Type: string(in.Type), Order: in.Order}
	switch out.Type {
	case actionOIDC:
		return out, s.oidc(l, old, in.AuthenticateOidcConfig, &out)
	case actionForward:
		return out, q.forward(l.LoadBalancer(), in, &out)
	case actionRedirect:
		return out, redirect(in.RedirectConfig, &out)
	case actionFixed:
		return out, fixed(in.FixedResponseConfig, &out)
	}
	return out, unsupported("The action type '" + out.Type + "'")
}

// forward takes the target groups of a forward action, in either of its forms.
func (q scope) forward(balancer string, in elbv2api.Action, out *state.ListenerAction) error {
	c := in.ForwardConfig
	switch {
	case in.TargetGroupArn == "" && (c == nil || len(c.TargetGroups) == 0):
		return invalid("A target group ARN must be specified")
	case c == nil || len(c.TargetGroups) == 0:
		out.TargetGroups, out.TargetGroupOnly = []state.ActionTargetGroup{{ARN: in.TargetGroupArn, Weight: 1}}, true
	case in.TargetGroupArn != "" && (len(c.TargetGroups) > 1 || c.TargetGroups[0].TargetGroupArn != in.TargetGroupArn):
		return invalid("You can specify either a target group ARN or a forward config, or both only if the config has the one target group")
	case len(c.TargetGroups) > 5:
		return invalid("A forward action can have at most 5 target groups")
	default:
		for _, g := range c.TargetGroups {
			w := wire.Or(g.Weight, 1)
			if w < 0 || w > 999 {
				return invalid("The weight '%d' of a target group must be between '0' and '999' inclusive", w)
			}
			out.TargetGroups = append(out.TargetGroups, state.ActionTargetGroup{ARN: g.TargetGroupArn, Weight: w})
		}
	}
	if c != nil && c.TargetGroupStickinessConfig != nil {
		sticky := c.TargetGroupStickinessConfig
		out.Sticky, out.StickySeconds = sticky.Enabled, sticky.DurationSeconds
		n := wire.Or(sticky.DurationSeconds, 0)
		if wire.Or(sticky.Enabled, false) && (n < 1 || n > 604800) {
			return invalid("Target group stickiness duration must be between '1' and '604800' seconds inclusive")
		}
	}
	for i, g := range out.TargetGroups {
		if slices.ContainsFunc(out.TargetGroups[:i], func(o state.ActionTargetGroup) bool { return o.ARN == g.ARN }) {
			return invalid("The target group '%s' was specified more than once", g.ARN)
		}
		if err := q.mayForward(balancer, g.ARN); err != nil {
			return err
		}
	}
	return nil
}

// mayForward checks that a load balancer may forward to a group: it is there, in the
// same VPC, and no other load balancer's.
func (q scope) mayForward(balancer, group string) error {
	g, err := q.targetGroup(group)
	if err != nil {
		return err
	}
	b, ok := state.LoadBalancers.Get(q.tx, q.key(balancer))
	if ok && b.VpcID != g.VpcID {
		return invalid("The target group with targetGroupARN '%s' is not in the same VPC as the load balancer '%s'", group, b.ARN())
	}
	if users := q.usersOf(group); len(users) > 0 && users[0] != balancer {
		return &elbv2api.TargetGroupAssociationLimitException{Message: "The following target groups cannot be associated with more than one load balancer: " + group}
	}
	return nil
}

func redirect(in *elbv2api.RedirectActionConfig, out *state.ListenerAction) error {
	if in == nil {
		return invalid("A redirect action must have a redirect config")
	}
	r := state.RedirectAction{
		Protocol: or(in.Protocol, "#{protocol}"), Port: or(in.Port, "#{port}"), Host: or(in.Host, "#{host}"), Path: or(in.Path, "/#{path}"), Query: or(in.Query, "#{query}"), StatusCode: string(in.StatusCode),
	}
	switch {
	case !slices.Contains(elbv2api.RedirectActionStatusCodeEnum("").EnumValues(), r.StatusCode):
		return invalid("The redirect status code '%s' must be one of 'HTTP_301, HTTP_302'", r.StatusCode)
	case r.Port != "#{port}" && !isPort(r.Port):
		return invalid("The redirect port '%s' must be '#{port}' or between '1' and '65535' inclusive", r.Port)
	case !strings.HasPrefix(r.Path, "/"):
		return invalid("The redirect path '%s' must begin with '/'", r.Path)
	case strings.ContainsAny(r.Host+r.Path+r.Query, "\r\n \t\x00"):
		return invalid("The redirect config contains invalid characters")
	case r.Protocol == "#{protocol}" && r.Port == "#{port}" && r.Host == "#{host}" && r.Path == "/#{path}":
		return invalid("You must modify at least one of the following components to avoid a redirect loop: protocol, port, hostname or path.")
	}
	out.Redirect = &r
	return nil
}

func isPort(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 1 && n <= 65535
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func fixed(in *elbv2api.FixedResponseActionConfig, out *state.ListenerAction) error {
	if in == nil {
		return invalid("A fixed response action must have a fixed response config")
	}
	types := []string{"", "text/plain", "text/css", "text/html", "application/javascript", "application/json"}
	if !slices.Contains(types, in.ContentType) {
		return invalid("The content type '%s' must be one of '%s'", in.ContentType, strings.Join(types[1:], ", "))
	}
	out.FixedResponse = &state.FixedResponseAction{StatusCode: in.StatusCode, ContentType: in.ContentType, MessageBody: in.MessageBody}
	return nil
}

// describeActions are actions as the API has them.
func describeActions(in []state.ListenerAction) []elbv2api.Action {
	out := []elbv2api.Action{}
	for _, a := range in {
		action := elbv2api.Action{Type: elbv2api.ActionTypeEnum(a.Type), Order: a.Order}
		switch {
		case a.Redirect != nil:
			r := a.Redirect
			action.RedirectConfig = &elbv2api.RedirectActionConfig{
				Protocol: r.Protocol, Port: r.Port, Host: r.Host, Path: r.Path, Query: r.Query, StatusCode: elbv2api.RedirectActionStatusCodeEnum(r.StatusCode),
			}
		case a.OIDC != nil:
			action.AuthenticateOidcConfig = describeOIDC(a.OIDC)
		case a.FixedResponse != nil:
			f := a.FixedResponse
			action.FixedResponseConfig = &elbv2api.FixedResponseActionConfig{StatusCode: f.StatusCode, ContentType: f.ContentType, MessageBody: f.MessageBody}
		default:
			describeForward(a, &action)
		}
		out = append(out, action)
	}
	return out
}

// describeForward gives both forms where there is one target group, as AWS does.
func describeForward(a state.ListenerAction, out *elbv2api.Action) {
	sticky := wire.Or(a.Sticky, false)
	out.ForwardConfig = &elbv2api.ForwardActionConfig{TargetGroupStickinessConfig: &elbv2api.TargetGroupStickinessConfig{Enabled: &sticky, DurationSeconds: a.StickySeconds}}
	for _, g := range a.TargetGroups {
		out.ForwardConfig.TargetGroups = append(out.ForwardConfig.TargetGroups, elbv2api.TargetGroupTuple{TargetGroupArn: g.ARN, Weight: &g.Weight})
	}
	if len(a.TargetGroups) == 1 {
		out.TargetGroupArn = a.TargetGroups[0].ARN
	}
}
