package elbv2

import (
	"context"
	"reflect"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// DescribeListeners lists listeners.
func (s *Service) DescribeListeners(ctx context.Context, in *elbv2api.DescribeListenersInput) (*elbv2api.DescribeListenersOutput, error) {
	if (in.LoadBalancerArn == "") == (len(in.ListenerArns) == 0) {
		return nil, invalid("You must specify either listener ARNs or a load balancer ARN")
	}
	q := scopeOf(ctx, s.DB.Read())
	var found []*state.Listener
	for _, text := range unique(in.ListenerArns) {
		l, err := q.listener(text)
		if err != nil {
			return nil, err
		}
		found = append(found, l)
	}
	if in.LoadBalancerArn != "" {
		b, err := q.loadBalancer(in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		for l := range state.Listeners.By(q.tx, "load-balancer", b.Key()) {
			found = append(found, l)
		}
	}
	found, next, err := page(found, (*state.Listener).Key, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeListenersOutput{Listeners: []elbv2api.Listener{}, NextMarker: next}
	for _, l := range found {
		out.Listeners = append(out.Listeners, q.describeListener(l))
	}
	return out, nil
}

func (q scope) describeListener(l *state.Listener) elbv2api.Listener {
	out := elbv2api.Listener{
		ListenerArn: l.ARN(), LoadBalancerArn: elbARNOfBalancer(l), Port: &l.Port, Protocol: elbv2api.ProtocolEnum(l.Protocol), SslPolicy: l.SSLPolicy,
		DefaultActions: describeActions(q.defaultRule(l).Actions),
	}
	if len(l.Certificates) > 0 {
		out.Certificates = []elbv2api.Certificate{{CertificateArn: l.Certificates[0]}}
	}
	if l.ALPNPolicy != "" {
		out.AlpnPolicy = []string{l.ALPNPolicy}
	}
	out.MutualAuthentication = describeMutual(l)
	return out
}

func elbARNOfBalancer(l *state.Listener) string {
	return (&state.LoadBalancer{Account: l.Account, Region: l.Region, Path: l.LoadBalancer()}).ARN()
}

// sameAction reports whether two actions say the same, but for their order.
func sameAction(a, b elbv2api.Action) bool {
	a.Order, b.Order = nil, nil
	return reflect.DeepEqual(a, b)
}

// DescribeListenerAttributes lists the attributes of a listener.
func (s *Service) DescribeListenerAttributes(ctx context.Context, in *elbv2api.DescribeListenerAttributesInput) (*elbv2api.DescribeListenerAttributesOutput, error) {
	l, err := scopeOf(ctx, s.DB.Read()).listener(in.ListenerArn)
	if err != nil {
		return nil, err
	}
	return &elbv2api.DescribeListenerAttributesOutput{Attributes: listenerAttributesOut(l)}, nil
}

func listenerAttributesOut(l *state.Listener) []elbv2api.ListenerAttribute {
	var out []elbv2api.ListenerAttribute
	for _, a := range listenerAttributes(l.Protocol) {
		out = append(out, elbv2api.ListenerAttribute{Key: a.key, Value: valueOf(l.Attributes, a)})
	}
	return out
}

// ModifyListenerAttributes changes attributes of a listener.
func (s *Service) ModifyListenerAttributes(ctx context.Context, in *elbv2api.ModifyListenerAttributesInput) (*elbv2api.ModifyListenerAttributesOutput, error) {
	more := map[string]string{}
	for _, a := range in.Attributes {
		more[a.Key] = a.Value
	}
	var out []elbv2api.ListenerAttribute
	err := s.changeListener(ctx, in.ListenerArn, func(q scope, l *state.Listener) (err error) {
		if l.Attributes, err = setAttributes(listenerAttributes(l.Protocol), l.Attributes, more, "Listener"); err != nil {
			return err
		}
		state.Listeners.Put(q.tx, l)
		out = listenerAttributesOut(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyListenerAttributesOutput{Attributes: out}, nil
}
