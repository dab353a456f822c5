package roles

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
)

// trust are the parts of a trust policy that say who is let in.
type trust struct {
	Statement oneOrMore[struct {
		Effect    string
		Principal json.RawMessage
		Condition map[string]map[string]oneOrMore[any]
	}]
}

// oneOrMore is a JSON list, or its only element.
type oneOrMore[T any] []T

// UnmarshalJSON implements json.Unmarshaler.
func (l *oneOrMore[T]) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, (*[]T)(l)); err == nil {
		return nil
	}
	var one T
	err := json.Unmarshal(b, &one)
	*l = oneOrMore[T]{one}
	return err
}

// assumedBy tells who may assume a role, one line for each principal with its
// conditions, and the services among them.
func assumedBy(document string) (lines, services []string) {
	var t trust
	if json.Unmarshal([]byte(document), &t) != nil {
		return []string{"nobody: its trust policy cannot be read"}, nil
	}
	for _, s := range t.Statement {
		condition := conditions(s.Condition)
		for _, p := range principals(s.Principal) {
			kind, name := p[0], p[1]
			if s.Effect != "Allow" {
				lines = append(lines, "not by "+name+condition)
				continue
			}
			if kind == "Service" {
				services = append(services, name)
			}
			lines = append(lines, named(kind, name)+condition)
		}
	}
	if len(lines) == 0 {
		lines = []string{"nobody"}
	}
	return lines, services
}

func named(kind, name string) string {
	switch {
	case kind == "Service":
		return "the service " + name
	case kind == "Federated":
		return "users of the identity provider " + name
	case name == "*":
		return "anybody whose own policies allow it"
	case strings.HasSuffix(name, ":root") || len(name) == 12 && strings.Trim(name, "0123456789") == "":
		if a, err := arn.Parse(name); err == nil {
			name = a.Account
		}
		return "principals of the account " + name + " whose own policies allow it"
	}
	return name
}

// principals are kinds and names, in their order.
func principals(raw json.RawMessage) (all [][2]string) {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return [][2]string{{"AWS", word}}
	}
	var byKind map[string]oneOrMore[string]
	if json.Unmarshal(raw, &byKind) != nil {
		return nil
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		for _, name := range byKind[kind] {
			all = append(all, [2]string{kind, name})
		}
	}
	return all
}

// conditions are told as ", when KEY OPERATOR VALUE and ...".
func conditions(all map[string]map[string]oneOrMore[any]) string {
	var parts []string
	for _, operator := range slices.Sorted(maps.Keys(all)) {
		for _, key := range slices.Sorted(maps.Keys(all[operator])) {
			var values []string
			for _, v := range all[operator][key] {
				values = append(values, fmt.Sprint(v))
			}
			parts = append(parts, key+" "+operator+" "+strings.Join(values, " or "))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return ", when " + strings.Join(parts, " and ")
}
