package roles

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/unused"
)

// notes are what a reader should know besides.
func (v *view) notes(r *state.Role, role *Role, services []string, uses []state.ActionUse) []string {
	var all []string
	if role.Kind.Hint != "" {
		all = append(all, role.Kind.Hint)
	}
	if p := role.Kind.Principal; p != "" && !slices.Contains(services, p) {
		all = append(all, "its trust policy does not let "+p+" in, which a "+role.Kind.Name+" needs")
	}
	for _, ref := range role.NamedBy {
		if (ref.As == task.Name || ref.As == execution.Name) && role.Kind.Principal != task.Principal {
			all = append(all, ref.What+" names it as its "+ref.As+", which needs trust in "+task.Principal)
		}
	}
	if role.Kind.Name == task.Name && role.Used && v.writesLogs(role) && !slices.ContainsFunc(uses, func(u state.ActionUse) bool { return u.Allowed > 0 && strings.HasPrefix(u.Action, "logs:") }) {
		if g := logActions(role.Granted); len(g) > 0 {
			all = append(all, "the awslogs driver writes with the execution role: this one did not need "+list(g)+" for it")
		}
	}
	if role.Used && r.LinkedService == "" {
		all = append(all, v.neverUsed(r, uses)...)
	}
	return all
}

// writesLogs reports whether a task definition that names the role uses the
// awslogs driver.
func (v *view) writesLogs(role *Role) bool {
	for _, d := range v.definitions {
		if d.TaskRoleARN != role.ARN {
			continue
		}
		for _, c := range d.Containers {
			if c.Log != nil && c.Log.Driver == "awslogs" {
				return true
			}
		}
	}
	return false
}

func logActions(granted []Granted) []string {
	var all []string
	for _, g := range granted {
		for _, action := range g.Actions {
			if strings.HasPrefix(action, "logs:") {
				all = append(all, action)
			}
		}
	}
	return all
}

// neverUsed tells what each policy of a role grants and was never used.
func (v *view) neverUsed(r *state.Role, uses []state.ActionUse) []string {
	var all []string
	add := func(policy, document string) {
		if never := unused.NeverUsed(document, uses); len(never) > 0 {
			all = append(all, "never used of "+policy+": "+list(never))
		}
	}
	for _, inline := range r.Inline {
		add(inline.Name, inline.Document)
	}
	for _, arn := range r.Attached {
		for own := range state.Policies.By(v.tx, "arn", arn) {
			add(own.Name, own.Document())
		}
	}
	return all
}

// likenesses are the names of the account's roles by their likeness.
func (v *view) likenesses() map[string][]string {
	all := map[string][]string{}
	for r := range state.Roles.All(v.tx, state.Prefix(v.account, "")) {
		if r.LinkedService == "" {
			like := likeness(r)
			all[like] = append(all[like], r.Name)
		}
	}
	return all
}

// likeness is the same for roles with the same trust and policies, however these
// are written and named.
func likeness(r *state.Role) string {
	var inline []string
	for _, p := range r.Inline {
		inline = append(inline, canonical(p.Document))
	}
	slices.Sort(inline)
	attached := slices.Sorted(slices.Values(r.Attached))
	return fmt.Sprintf("%s\n%q\n%q\n%s", canonical(r.TrustPolicy), inline, attached, r.Boundary)
}

// canonical is a JSON text without spaces and with sorted keys, and lists of one
// as their element.
func canonical(text string) string {
	var v any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return text
	}
	b, err := json.Marshal(singles(v))
	if err != nil {
		return text
	}
	return string(b)
}

func singles(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = singles(v[key])
		}
	case []any:
		if len(v) == 1 {
			return singles(v[0])
		}
		for i := range v {
			v[i] = singles(v[i])
		}
	}
	return v
}
