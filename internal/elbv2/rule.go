package elbv2

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// sortedRules puts rules into the order in which they are tried.
func sortedRules(rules iter.Seq[*state.ListenerRule]) []*state.ListenerRule {
	return slices.SortedFunc(rules, func(a, b *state.ListenerRule) int { return cmp.Compare(a.Priority, b.Priority) })
}

// CreateRule gives a listener a rule.
func (s *Service) CreateRule(ctx context.Context, in *elbv2api.CreateRuleInput) (*elbv2api.CreateRuleOutput, error) {
	if len(in.Transforms) > 0 {
		return nil, unsupported("Transforms")
	}
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	conditions, err := conditions(in.Conditions)
	if err != nil {
		return nil, err
	}
	var out elbv2api.Rule
	err = s.changeListener(ctx, in.ListenerArn, func(q scope, l *state.Listener) error {
		if q.balancerOf(l).Network() {
			return notPermitted("Rules are unsupported for Network Load Balancer listeners")
		}
		actions, err := s.actions(q, l, nil, in.Actions)
		if err != nil {
			return err
		}
		rules := q.rulesOf(l)
		if slices.ContainsFunc(rules, func(r *state.ListenerRule) bool { return r.Priority == in.Priority }) {
			return priorityInUse(in.Priority)
		}
		if len(rules) > maxRules {
			return &elbv2api.TooManyRulesException{Message: "The maximum number of rules for the load balancer has been reached"}
		}
		r := &state.ListenerRule{
			Account: l.Account, Region: l.Region, Path: l.Path + "/" + ids.Hex(16), Priority: in.Priority, Conditions: conditions, Actions: actions,
			CreatedAt: s.Now(), Tags: tags,
		}
		state.ListenerRules.Put(q.tx, r)
		out = describeRule(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.CreateRuleOutput{Rules: []elbv2api.Rule{out}}, nil
}

func priorityInUse(n int32) error {
	return &elbv2api.PriorityInUseException{Message: "Priority '" + strconv.Itoa(int(n)) + "' is currently in use"}
}

// DescribeRules lists rules with the default one last.
func (s *Service) DescribeRules(ctx context.Context, in *elbv2api.DescribeRulesInput) (*elbv2api.DescribeRulesOutput, error) {
	if (in.ListenerArn == "") == (len(in.RuleArns) == 0) {
		return nil, invalid("You must specify either listener ARN or rule ARNs, but not both")
	}
	q := scopeOf(ctx, s.DB.Read())
	var found []*state.ListenerRule
	for _, text := range unique(in.RuleArns) {
		r, err := q.rule(text)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	if in.ListenerArn != "" {
		l, err := q.listener(in.ListenerArn)
		if err != nil {
			return nil, err
		}
		found = q.rulesOf(l)
	}
	order := func(r *state.ListenerRule) string { return strconv.Itoa(int(r.Priority) + 1e7) }
	found, next, err := page(found, order, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	out := &elbv2api.DescribeRulesOutput{Rules: []elbv2api.Rule{}, NextMarker: next}
	for _, r := range found {
		out.Rules = append(out.Rules, describeRule(r))
	}
	return out, nil
}

func describeRule(r *state.ListenerRule) elbv2api.Rule {
	isDefault, priority := r.IsDefault(), strconv.Itoa(int(r.Priority))
	if isDefault {
		priority = "default"
	}
	return elbv2api.Rule{RuleArn: r.ARN(), Priority: priority, Conditions: describeConditions(r.Conditions), Actions: describeActions(r.Actions), IsDefault: &isDefault}
}

// ModifyRule changes what is given.
func (s *Service) ModifyRule(ctx context.Context, in *elbv2api.ModifyRuleInput) (*elbv2api.ModifyRuleOutput, error) {
	if len(in.Transforms) > 0 || in.ResetTransforms != nil {
		return nil, unsupported("Transforms")
	}
	var changed state.ListenerRule
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		r, err := q.rule(in.RuleArn)
		if err != nil {
			return err
		}
		if r.IsDefault() {
			return notPermitted("Default rule '%s' cannot be modified", in.RuleArn)
		}
		changed = *r
		if len(in.Conditions) > 0 {
			if changed.Conditions, err = conditions(in.Conditions); err != nil {
				return err
			}
		}
		if len(in.Actions) > 0 {
			l, _ := state.Listeners.Get(tx, q.key(r.Listener()))
			if changed.Actions, err = s.actions(q, l, r.Actions, in.Actions); err != nil {
				return err
			}
		}
		state.ListenerRules.Put(tx, &changed)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.ModifyRuleOutput{Rules: []elbv2api.Rule{describeRule(&changed)}}, nil
}

// DeleteRule deletes a rule.
func (s *Service) DeleteRule(ctx context.Context, in *elbv2api.DeleteRuleInput) (*elbv2api.DeleteRuleOutput, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		r, err := q.rule(in.RuleArn)
		if err != nil {
			return err
		}
		if r.IsDefault() {
			return notPermitted("Default rule '%s' cannot be deleted", in.RuleArn)
		}
		state.ListenerRules.Delete(tx, r.Key())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbv2api.DeleteRuleOutput{}, nil
}

// SetRulePriorities gives rules of one listener other priorities, all at once.
func (s *Service) SetRulePriorities(ctx context.Context, in *elbv2api.SetRulePrioritiesInput) (*elbv2api.SetRulePrioritiesOutput, error) {
	out := &elbv2api.SetRulePrioritiesOutput{}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		listener := ""
		for _, pair := range in.RulePriorities {
			r, err := q.rule(pair.RuleArn)
			switch {
			case err != nil:
				return err
			case pair.Priority == nil:
				return invalid("A priority must be specified")
			case r.IsDefault():
				return notPermitted("Default rule '%s' cannot be modified", pair.RuleArn)
			case listener != "" && r.Listener() != listener:
				return invalid("All rules must belong to the same listener")
			}
			listener = r.Listener()
			state.ListenerRules.Update(tx, r.Key(), func(r *state.ListenerRule) { r.Priority = *pair.Priority })
		}
		taken := map[int32]bool{}
		for r := range state.ListenerRules.By(tx, "listener", q.key(listener)) {
			if taken[r.Priority] {
				return priorityInUse(r.Priority)
			}
			taken[r.Priority] = true
		}
		for _, pair := range in.RulePriorities {
			r, _ := q.rule(pair.RuleArn)
			out.Rules = append(out.Rules, describeRule(r))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
