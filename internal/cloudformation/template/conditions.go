package template

import (
	"errors"
	"slices"
	"strings"
)

// isCondition reports whether v has the form of a condition.
func isCondition(v *Value) bool {
	if v == nil || v.Kind != Map || len(v.Entries) != 1 {
		return false
	}
	return slices.Contains([]string{"Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not", "Condition"}, v.Entries[0].Key)
}

// named decides the condition of a name. path holds the names that led here.
func (e *Evaluator) named(name string, path []string) (bool, error) {
	if holds, ok := e.conditions[name]; ok {
		return holds, nil
	}
	if slices.Contains(path, name) {
		return false, formatError("Circular dependency between conditions: [%s]", strings.Join(path, ", "))
	}
	v := e.t.Conditions.Get(name)
	if v == nil {
		return false, formatError("Unresolved condition dependency %s in the Conditions block of the template", name)
	}
	holds, err := e.decide(v, append(path, name))
	if errors.Is(err, ErrUnknown) && e.env.Undecided != nil {
		holds, err = e.env.Undecided(name), nil
	}
	if err == nil {
		e.conditions[name] = holds
	}
	return holds, err
}

// decide evaluates one boolean expression of conditions or rules.
func (e *Evaluator) decide(v *Value, path []string) (bool, error) {
	if v == nil || v.Kind != Map || len(v.Entries) != 1 {
		return false, formatError("Conditions can only be boolean operations on parameters and other conditions")
	}
	name, arg := v.Entries[0].Key, v.Entries[0].Value
	switch name {
	case "Condition":
		return e.named(arg.Str(), path)
	case "Fn::Equals":
		return e.equals(arg)
	case "Fn::Not":
		if arg.Kind != List || len(arg.Items) != 1 {
			return false, templateError("every Fn::Not object requires a list of 1 boolean parameter.")
		}
		holds, err := e.decide(arg.Items[0], path)
		return !holds, err
	case "Fn::And", "Fn::Or":
		return e.several(name, arg, path)
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn":
		return e.members(name, arg)
	}
	return false, formatError("Conditions can only be boolean operations on parameters and other conditions")
}

func (e *Evaluator) several(name string, arg *Value, path []string) (bool, error) {
	if arg.Kind != List || len(arg.Items) < 2 || len(arg.Items) > 10 {
		return false, templateError("every %s object requires a list of at least 2 and at most 10 boolean parameters.", name)
	}
	result := name == "Fn::And"
	for _, item := range arg.Items {
		holds, err := e.decide(item, path)
		if err != nil {
			return false, err
		}
		if name == "Fn::And" {
			result = result && holds
		} else {
			result = result || holds
		}
	}
	return result, nil
}

func (e *Evaluator) equals(arg *Value) (bool, error) {
	const form = "every Fn::Equals object requires a list of 2 string parameters."
	if arg.Kind != List || len(arg.Items) != 2 {
		return false, templateError(form)
	}
	args, unknown, err := e.arguments(arg)
	if err != nil {
		return false, err
	}
	if unknown != nil {
		return false, ErrUnknown
	}
	if len(args) != 2 {
		return false, templateError(form)
	}
	return Equal(args[0], args[1]), nil
}
