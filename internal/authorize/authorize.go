// Package authorize holds the vocabulary of permission checks: which IAM action
// an operation needs, on which resources, with which condition keys. Each
// service exports one Service table; the gateway asks the Checker for every
// request before the handler runs, so handlers never check themselves, but for
// hand-overs such as iam:PassRole. The evaluation is in package iam.
//
// The tables follow AWS's Service Authorization Reference.
package authorize

import (
	"context"
	"maps"
	"strings"

	"github.com/neargate/neargate/internal/caller"
)

// Rule is one permission that an operation needs.
type Rule struct {
	// Action is the IAM action, for example "ecs:RunTask".
	Action string
	// Resources returns the ARNs that the request touches; nil, or an empty
	// answer, stands for "*". Each must be allowed.
	Resources func(id caller.Identity, in any) []string
	// Conditions returns the values of service-specific and request condition
	// keys (aws:RequestTag/..., ecs:cluster ...); may be nil. Global keys that
	// follow from the Identity are added by the Checker.
	Conditions func(id caller.Identity, in any) map[string][]string
	// Applies reports whether the request needs the permission; nil: every one does.
	Applies func(id caller.Identity, in any) bool
}

// Service is the authorization table of one AWS service.
type Service struct {
	// Rules has an entry for each served operation. An operation with an empty
	// list needs no permission (sts:GetCallerIdentity). One without an entry is refused.
	Rules map[string][]Rule
	// ResourcePolicy returns the resource-based policy document of a resource
	// and the account that owns the resource; nil when the service has no resource policies.
	ResourcePolicy func(ctx context.Context, resource string) (document, owner string, ok bool)
	// ResourceTags returns the tags of the resource with the given ARN, for
	// aws:ResourceTag and the service's own ResourceTag: each resource of a request
	// is held to its own. nil when Conditions has them.
	ResourceTags func(id caller.Identity, resource string) map[string]string
}

// WithTags returns the conditions of a request for one of its resources: with
// that resource's tags, and without those of others.
func WithTags(conditions map[string][]string, service string, tags map[string]string) map[string][]string {
	global, own := "aws:resourcetag/", strings.ToLower(service)+":resourcetag/"
	out := make(map[string][]string, len(conditions)+2*len(tags))
	for key, values := range conditions {
		lower := strings.ToLower(key)
		if !strings.HasPrefix(lower, global) && !strings.HasPrefix(lower, own) {
			out[lower] = values
		}
	}
	for key, value := range tags {
		lower := strings.ToLower(key)
		out[global+lower], out[own+lower] = []string{value}, []string{value}
	}
	return out
}

// Checker decides whether the caller in ctx may do something.
type Checker interface {
	// Check returns nil when the principal in ctx may perform action on
	// resource, and AWS's AccessDenied error (a wire.Error) when not.
	Check(ctx context.Context, action, resource string, conditions map[string][]string) error
}

// TagOnCreate adds to operations that make something the permission to tag it,
// which AWS asks for when the request has tags. createKey is the condition key
// that names the operation (ec2:CreateAction); "" when the service has none. nil
// resources stand for those of the operation's first rule.
func TagOnCreate(rules map[string][]Rule, action, createKey string, resources func(caller.Identity, any) []string, operations ...string) {
	for _, operation := range operations {
		first := rules[operation][0]
		rule := Rule{Action: action, Resources: resources, Applies: func(id caller.Identity, in any) bool { return hasTags(first.Conditions(id, in)) }}
		if rule.Resources == nil {
			rule.Resources = first.Resources
		}
		rule.Conditions = func(id caller.Identity, in any) map[string][]string {
			conditions := maps.Clone(first.Conditions(id, in))
			if createKey != "" {
				conditions[createKey] = []string{operation}
			}
			return conditions
		}
		rules[operation] = append(rules[operation], rule)
	}
}

func hasTags(conditions map[string][]string) bool {
	for key := range conditions {
		if strings.EqualFold(key, "aws:TagKeys") {
			return true
		}
	}
	return false
}

// On returns a Resources function that always names the same resources.
func On(resources ...string) func(caller.Identity, any) []string {
	return func(caller.Identity, any) []string { return resources }
}
