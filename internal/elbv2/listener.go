package elbv2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateListener opens a port of a load balancer. The same request again finds the
// same listener.
func (s *Service) CreateListener(ctx context.Context, in *elbv2api.CreateListenerInput) (*elbv2api.CreateListenerOutput, error) {
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	var out elbv2api.Listener
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		b, err := q.loadBalancer(in.LoadBalancerArn)
		if err != nil {
			return err
		}
		switch {
		case in.Port == nil:
			return invalid("A port must be specified")
		case in.Protocol == "":
			return invalid("A protocol must be specified")
		}
		l := &state.Listener{
			Account: q.account, Region: q.region, Path: b.Path + "/" + ids.Hex(16), Port: *in.Port, Protocol: string(in.Protocol), CreatedAt: s.Now(), Tags: tags,
		}
		if err := s.secure(l, in.SslPolicy, in.Certificates); err != nil {
			return err
		}
		if err := q.mutual(l, in.MutualAuthentication); err != nil {
			return err
		}
		if err := alpn(l, in.AlpnPolicy); err != nil {
			return err
		}
		actions, err := s.actions(q, l, nil, in.DefaultActions)
		if err != nil {
			return err
		}
		if old, ok := q.listenerOn(b, l.Port); ok {
			if !sameListener(old, l) || !slices.EqualFunc(describeActions(q.defaultRule(old).Actions), describeActions(actions), sameAction) {
				return &elbv2api.DuplicateListenerException{Message: "A listener already exists on this port for this load balancer '" + b.ARN() + "'"}
			}
			out = q.describeListener(old)
			return nil
		}
		if count(state.Listeners.By(tx, "load-balancer", b.Key())) >= maxListeners {
			return &elbv2api.TooManyListenersException{Message: "The maximum number of listeners for the load balancer has been reached"}
		}
		state.Listeners.Put(tx, l)
		state.ListenerRules.Put(tx, &state.ListenerRule{
			Account: l.Account, Region: l.Region, Path: l.Path + "/" + ids.Hex(16), Priority: state.DefaultRulePriority, Actions: actions, CreatedAt: s.Now(),
		})
		out = q.describeListener(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.CreateListenerOutput{Listeners: []elbv2api.Listener{out}}, nil
}

func (q scope) listenerOn(b *state.LoadBalancer, port int32) (*state.Listener, bool) {
	for l := range state.Listeners.By(q.tx, "load-balancer", b.Key()) {
		if l.Port == port {
			return l, true
		}
	}
	return nil, false
}

func sameListener(a, b *state.Listener) bool {
	return a.Protocol == b.Protocol && a.Mutual == b.Mutual && a.SSLPolicy == b.SSLPolicy && a.ALPNPolicy == b.ALPNPolicy && slices.Equal(a.Certificates[:min(1, len(a.Certificates))], b.Certificates) && sameTags(a.Tags, b.Tags)
}

// changeListener runs a change about a copy of a listener.
func (s *Service) changeListener(ctx context.Context, text string, change func(scope, *state.Listener) error) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		l, err := q.listener(text)
		if err != nil {
			return err
		}
		changed := *l
		return change(q, &changed)
	})
}

// ModifyListener changes what is given.
func (s *Service) ModifyListener(ctx context.Context, in *elbv2api.ModifyListenerInput) (*elbv2api.ModifyListenerOutput, error) {
	var out elbv2api.Listener
	err := s.changeListener(ctx, in.ListenerArn, func(q scope, l *state.Listener) error {
		if in.Port != nil && *in.Port != l.Port {
			if _, taken := q.listenerOn(q.balancerOf(l), *in.Port); taken {
				return &elbv2api.DuplicateListenerException{Message: "A listener already exists on this port for this load balancer '" + q.balancerOf(l).ARN() + "'"}
			}
			l.Port = *in.Port
		}
		if in.Protocol != "" {
			l.Protocol = string(in.Protocol)
		}
		if err := s.secure(l, in.SslPolicy, in.Certificates); err != nil {
			return err
		}
		if err := q.mutual(l, in.MutualAuthentication); err != nil {
			return err
		}
		if err := alpn(l, in.AlpnPolicy); err != nil {
			return err
		}
		if err := q.mayBe(l, len(in.DefaultActions) > 0); err != nil {
			return err
		}
		state.Listeners.Put(q.tx, l)
		if len(in.DefaultActions) > 0 {
			actions, err := s.actions(q, l, q.defaultRule(l).Actions, in.DefaultActions)
			if err != nil {
				return err
			}
			state.ListenerRules.Update(q.tx, q.defaultRule(l).Key(), func(r *state.ListenerRule) { r.Actions = actions })
		}
		out = q.describeListener(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyListenerOutput{Listeners: []elbv2api.Listener{out}}, nil
}

// mayBe refuses a protocol that an action of a listener's rules cannot have. replaced says
// that the default actions are others in a moment.
func (q scope) mayBe(l *state.Listener, replaced bool) error {
	for _, r := range q.rulesOf(l) {
		if err := q.compatible(l, r.Actions); err != nil && !(replaced && r.IsDefault()) {
			return err
		}
	}
	if l.Protocol == "HTTPS" {
		return nil
	}
	for _, r := range q.rulesOf(l) {
		if !(replaced && r.IsDefault()) && slices.ContainsFunc(r.Actions, func(a state.ListenerAction) bool { return a.OIDC != nil }) {
			return invalidAction("Actions of type 'authenticate-oidc' are supported only on HTTPS listeners")
		}
	}
	return nil
}

// DeleteListener closes a port, with its rules.
func (s *Service) DeleteListener(ctx context.Context, in *elbv2api.DeleteListenerInput) (*elbv2api.DeleteListenerOutput, error) {
	err := s.changeListener(ctx, in.ListenerArn, func(q scope, l *state.Listener) error {
		q.removeListener(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.DeleteListenerOutput{}, nil
}

func (q scope) removeListener(l *state.Listener) {
	for r := range state.ListenerRules.By(q.tx, "listener", l.Key()) {
		state.ListenerRules.Delete(q.tx, r.Key())
	}
	state.Listeners.Delete(q.tx, l.Key())
}
