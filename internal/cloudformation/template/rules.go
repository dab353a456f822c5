package template

import (
	"slices"
	"strings"
)

// checkRules asserts the Rules section: parameter values that belong together.
// RefAll, ValueOf and ValueOfAll look at resources of the account and are
// refused by name.
func (e *Evaluator) checkRules() error {
	if e.t.Rules == nil {
		return nil
	}
	var failed []string
	for _, rule := range e.t.Rules.Entries {
		if condition := rule.Value.Get("RuleCondition"); condition != nil {
			holds, err := e.decide(condition, nil)
			if err != nil {
				return err
			}
			if !holds {
				continue
			}
		}
		assertions := rule.Value.Get("Assertions")
		if assertions == nil || assertions.Kind != List {
			return formatError("Every Rules member must contain Assertions: %s", rule.Key)
		}
		for _, a := range assertions.Items {
			holds, err := e.decide(a.Get("Assert"), nil)
			if err != nil {
				return err
			}
			if !holds {
				failed = append(failed, a.Get("AssertDescription").Str())
			}
		}
	}
	if failed != nil {
		// Not checked against AWS: the text lists the descriptions.
		return errorf("Template validation error: Rules failed: [%s]", strings.Join(failed, ", "))
	}
	return nil
}

// members evaluates Fn::Contains [list, value], Fn::EachMemberEquals [list,
// value] and Fn::EachMemberIn [list, list].
func (e *Evaluator) members(name string, arg *Value) (bool, error) {
	if arg.Kind != List || len(arg.Items) != 2 {
		return false, templateError("every %s object requires a list of 2 parameters.", name)
	}
	args, unknown, err := e.arguments(arg)
	if err != nil {
		return false, err
	}
	if unknown != nil {
		return false, ErrUnknown
	}
	if len(args) != 2 || args[0].Kind != List {
		return false, templateError("every %s object requires a list of 2 parameters.", name)
	}
	in := func(list []*Value, v *Value) bool {
		return slices.ContainsFunc(list, func(item *Value) bool { return Equal(item, v) })
	}
	switch name {
	case "Fn::Contains":
		return in(args[0].Items, args[1]), nil
	case "Fn::EachMemberEquals":
		return !slices.ContainsFunc(args[0].Items, func(v *Value) bool { return !Equal(v, args[1]) }), nil
	}
	return !slices.ContainsFunc(args[0].Items, func(v *Value) bool { return !in(args[1].Items, v) }), nil
}
