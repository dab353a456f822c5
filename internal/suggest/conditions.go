package suggest

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
)

// conditions narrow a statement by the keys that all its requests have.
func (p *Policy) conditions(uses []state.ResourceUse) Conditions {
	var out Conditions
	for _, key := range keysOfAll(uses) {
		var values []string
		for _, on := range uses {
			values = append(values, on.Keys[key])
		}
		slices.Sort(values)
		values = slices.Compact(values)
		if values[0] == "" || key == "ecs:cluster" && namesCluster(uses) {
			continue // nothing to narrow by; the resources say it
		}
		operator := "StringEquals"
		if key == "ecs:cluster" || key == "iam:policyarn" {
			operator = "ArnEquals"
		}
		if key == "s3:prefix" {
			wild := false
			for i := range values {
				values[i] = escapes.Replace(values[i])
			}
			values = fold(values, func(string, int) { wild = true })
			if wild || slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, "${") }) {
				operator = "StringLike"
			}
		}
		if out == nil {
			out = Conditions{}
		}
		if out[operator] == nil {
			out[operator] = map[string][]string{}
		}
		out[operator][keyName(key)] = values
	}
	return out
}

// keysOfAll are the keys that every request has, in their order.
func keysOfAll(uses []state.ResourceUse) []string {
	var all []string
	for key := range uses[0].Keys {
		if !slices.ContainsFunc(uses, func(on state.ResourceUse) bool { _, ok := on.Keys[key]; return !ok }) {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}

// namesCluster reports whether the resources are in a cluster by their ARN.
func namesCluster(uses []state.ResourceUse) bool {
	return !slices.ContainsFunc(uses, func(on state.ResourceUse) bool {
		return on.Resource == "*" || strings.Contains(on.Resource, ":task-definition/")
	})
}
