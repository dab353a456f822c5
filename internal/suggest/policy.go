package suggest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// Policy is a suggestion.
type Policy struct {
	Statements []Statement
	Notes      []string // what a reader should know: wildcards, what is left out
}

// Statement is an Allow statement. The JSON is that of a policy document, in
// which a list of one is its element.
type Statement struct {
	Actions    []string
	Resources  []string
	Conditions Conditions
}

// Conditions are operators, their keys and the values of those.
type Conditions map[string]map[string][]string

// For suggests a policy for what a principal did.
func For(uses []state.ActionUse) Policy {
	var p Policy
	var all []Statement
	for _, use := range uses {
		all = append(all, p.statements(use)...)
	}
	p.Statements = merged(all)
	slices.SortFunc(p.Statements, func(a, b Statement) int {
		return cmp.Or(slices.Compare(a.Actions, b.Actions), slices.Compare(a.Resources, b.Resources))
	})
	if size := len(strings.Join(strings.Fields(p.Document()), "")); size > maxInline {
		p.note("the policy has %d characters, and the inline policies of a role may have %d: share it among managed policies", size, maxInline)
	}
	return p
}

// maxInline is how many characters, without spaces, the inline policies of a role
// may have together.
const maxInline = 10240

// note adds a note once.
func (p *Policy) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(p.Notes, text) {
		p.Notes = append(p.Notes, text)
	}
}

// statements are those that one action needs: one for each resource and what it
// was narrowed by.
func (p *Policy) statements(use state.ActionUse) []Statement {
	var needed []state.ResourceUse
	for _, on := range use.On {
		switch {
		case on.Allowed == 0:
			p.note("not included, because it was denied: %s on %s%s", use.Action, on.Resource, restMark(on))
		case on.ByResource:
			p.note("not needed, because the resource's own policy allows it: %s on %s%s", use.Action, on.Resource, restMark(on))
		default:
			needed = append(needed, on)
		}
	}
	patterns := p.patterns(use.Action, needed)
	var all []Statement
	for _, resource := range slices.Sorted(maps.Keys(patterns)) {
		all = append(all, Statement{Actions: []string{use.Action}, Resources: []string{resource}, Conditions: p.conditions(patterns[resource])})
	}
	return all
}

func restMark(on state.ResourceUse) string {
	if on.Rest {
		return "..."
	}
	return ""
}

// merged joins statements that differ in their resources only, and then those
// that differ in their actions only.
func merged(all []Statement) []Statement {
	join := func(all []Statement, key func(Statement) string, into func(to *Statement, s Statement)) []Statement {
		var out []Statement
		at := map[string]int{}
		for _, s := range all {
			k := key(s)
			if i, ok := at[k]; ok {
				into(&out[i], s)
				continue
			}
			at[k] = len(out)
			out = append(out, s)
		}
		return out
	}
	all = join(all, func(s Statement) string { return fmt.Sprint(s.Actions, s.Conditions) },
		func(to *Statement, s Statement) { to.Resources = union(to.Resources, s.Resources) })
	return join(all, func(s Statement) string { return fmt.Sprintf("%q %v", s.Resources, s.Conditions) },
		func(to *Statement, s Statement) { to.Actions = union(to.Actions, s.Actions) })
}

// union is a sorted list of what is in either.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// MarshalJSON implements json.Marshaler: the statement as policies have it.
func (s Statement) MarshalJSON() ([]byte, error) {
	conditions := map[string]map[string]any{}
	for operator, keys := range s.Conditions {
		conditions[operator] = map[string]any{}
		for key, values := range keys {
			conditions[operator][key] = single(values)
		}
	}
	return encode(struct {
		Effect    string
		Action    any
		Resource  any
		Condition map[string]map[string]any `json:",omitempty"`
	}{"Allow", single(s.Actions), single(s.Resources), conditions})
}

func single(list []string) any {
	if len(list) == 1 {
		return list[0]
	}
	return list
}

// Document is the policy's text, indented; "" when nothing is needed.
func (p Policy) Document() string {
	if len(p.Statements) == 0 {
		return ""
	}
	compact, err := encode(struct {
		Version   string
		Statement []Statement
	}{"2012-10-17", p.Statements})
	if err != nil {
		return "" // texts only: cannot fail
	}
	var out bytes.Buffer
	if json.Indent(&out, compact, "", "  ") != nil {
		return ""
	}
	return out.String()
}

// encode is JSON without escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// keyName is a condition key as AWS writes it.
func keyName(key string) string {
	if name, ok := map[string]string{
		"iam:passedtoservice": "iam:PassedToService", "iam:awsservicename": "iam:AWSServiceName", "iam:policyarn": "iam:PolicyARN", "iam:permissionsboundary": "iam:PermissionsBoundary",
		"ecs:createaction": "ecs:CreateAction", "ec2:createaction": "ec2:CreateAction", "elasticloadbalancing:createaction": "elasticloadbalancing:CreateAction", "kms:viaservice": "kms:ViaService",
	}[key]; ok {
		return name
	}
	return strings.ToLower(key)
}
