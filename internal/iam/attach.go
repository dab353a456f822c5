package iam

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// attach adds a managed policy; attaching it again changes nothing.
func attach(tx *store.Tx, account, policyARN, quota string, p *state.PrincipalPolicies) error {
	if _, err := arn.Parse(policyARN); err != nil {
		return validation("Invalid ARN:  Could not be parsed!")
	}
	if _, err := findPolicy(tx, account, policyARN); err != nil {
		return noSuchEntity("Policy %s does not exist or is not attachable.", policyARN)
	}
	if slices.Contains(p.Attached, policyARN) {
		return nil
	}
	if len(p.Attached) >= maxAttached {
		return limitExceeded("Cannot exceed quota for %s: %d", quota, maxAttached)
	}
	p.Attached = append(slices.Clone(p.Attached), policyARN)
	return nil
}

func detach(policyARN string, p *state.PrincipalPolicies) error {
	if _, err := arn.Parse(policyARN); err != nil {
		return validation("Invalid ARN:  Could not be parsed!")
	}
	if !slices.Contains(p.Attached, policyARN) {
		return noSuchEntity("Policy %s was not found.", policyARN)
	}
	p.Attached = without(p.Attached, func(a string) bool { return a == policyARN })
	return nil
}

// putInline adds or replaces an inline policy.
func putInline(name, document, owner string, limit int, p *state.PrincipalPolicies) error {
	if err := checkDocument(document, policy.Inline); err != nil {
		return err
	}
	inline := without(p.Inline, func(i state.InlinePolicy) bool { return i.Name == name })
	inline = append(inline, state.InlinePolicy{Name: name, Document: document})
	slices.SortFunc(inline, func(a, b state.InlinePolicy) int { return cmp.Compare(a.Name, b.Name) })
	total := 0
	for _, i := range inline {
		total += size(i.Document)
	}
	if total > limit {
		return limitExceeded("Maximum policy size of %d bytes exceeded for %s", limit, owner)
	}
	p.Inline = inline
	return nil
}

func inlineNamed(p *state.PrincipalPolicies, kind, name string) (state.InlinePolicy, error) {
	for _, i := range p.Inline {
		if i.Name == name {
			return i, nil
		}
	}
	return state.InlinePolicy{}, noSuchEntity("The %s policy with name %s cannot be found.", kind, name)
}

func dropInline(p *state.PrincipalPolicies, kind, name string) error {
	if _, err := inlineNamed(p, kind, name); err != nil {
		return err
	}
	p.Inline = without(p.Inline, func(i state.InlinePolicy) bool { return i.Name == name })
	return nil
}

func inlineNames(p *state.PrincipalPolicies) []string {
	names := make([]string, 0, len(p.Inline))
	for _, i := range p.Inline {
		names = append(names, i.Name)
	}
	return names
}

// attachedOut lists attached policies below a path.
func attachedOut(p *state.PrincipalPolicies, pathPrefix string) []iamapi.AttachedPolicy {
	out := []iamapi.AttachedPolicy{}
	for _, a := range p.Attached {
		_, path, _ := strings.Cut(a, ":policy/")
		path = "/" + path
		if strings.HasPrefix(path, pathPrefix) {
			out = append(out, iamapi.AttachedPolicy{PolicyName: path[strings.LastIndexByte(path, '/')+1:], PolicyArn: a})
		}
	}
	return out
}

func checkBoundary(tx *store.Tx, account, policyARN string) error {
	if policyARN == "" {
		return nil
	}
	if _, err := arn.Parse(policyARN); err != nil {
		return validation("Invalid ARN:  Could not be parsed!")
	}
	if _, err := findPolicy(tx, account, policyARN); err != nil {
		return noSuchEntity("Scope ARN: %s does not exist or is not attachable.", policyARN)
	}
	return nil
}

// AttachRolePolicy attaches a managed policy to a role.
func (s *Service) AttachRolePolicy(ctx context.Context, in *iamapi.AttachRolePolicyRequest) error {
	return s.changeRole(ctx, in.RoleName, func(tx *store.Tx, r *state.Role) error {
		return attach(tx, r.Account, in.PolicyArn, "PoliciesPerRole", &r.PrincipalPolicies)
	})
}

// DetachRolePolicy detaches a managed policy from a role.
func (s *Service) DetachRolePolicy(ctx context.Context, in *iamapi.DetachRolePolicyRequest) error {
	return s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) error { return detach(in.PolicyArn, &r.PrincipalPolicies) })
}

// ListAttachedRolePolicies lists the managed policies of a role.
func (s *Service) ListAttachedRolePolicies(ctx context.Context, in *iamapi.ListAttachedRolePoliciesRequest) (*iamapi.ListAttachedRolePoliciesResponse, error) {
	role, err := roleNamed(s.db.Read(), caller.From(ctx).Account, in.RoleName)
	if err != nil {
		return nil, err
	}
	list, truncated, marker, err := page(attachedOut(&role.PrincipalPolicies, in.PathPrefix), attachedName, in.Marker, in.MaxItems)
	return &iamapi.ListAttachedRolePoliciesResponse{AttachedPolicies: list, IsTruncated: truncated, Marker: marker}, err
}

func attachedName(p iamapi.AttachedPolicy) string { return p.PolicyName + " " + p.PolicyArn }

// PutRolePolicy adds or replaces an inline policy of a role.
func (s *Service) PutRolePolicy(ctx context.Context, in *iamapi.PutRolePolicyRequest) error {
	return s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) error {
		return putInline(in.PolicyName, in.PolicyDocument, "role "+r.Name, maxRoleInline, &r.PrincipalPolicies)
	})
}

// GetRolePolicy returns an inline policy of a role.
func (s *Service) GetRolePolicy(ctx context.Context, in *iamapi.GetRolePolicyRequest) (*iamapi.GetRolePolicyResponse, error) {
	role, err := roleNamed(s.db.Read(), caller.From(ctx).Account, in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := inlineNamed(&role.PrincipalPolicies, "role", in.PolicyName)
	return &iamapi.GetRolePolicyResponse{RoleName: role.Name, PolicyName: p.Name, PolicyDocument: encoded(p.Document)}, err
}

// DeleteRolePolicy deletes an inline policy of a role.
func (s *Service) DeleteRolePolicy(ctx context.Context, in *iamapi.DeleteRolePolicyRequest) error {
	return s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) error {
		return dropInline(&r.PrincipalPolicies, "role", in.PolicyName)
	})
}

// ListRolePolicies lists the names of a role's inline policies.
func (s *Service) ListRolePolicies(ctx context.Context, in *iamapi.ListRolePoliciesRequest) (*iamapi.ListRolePoliciesResponse, error) {
	role, err := roleNamed(s.db.Read(), caller.From(ctx).Account, in.RoleName)
	if err != nil {
		return nil, err
	}
	names, truncated, marker, err := page(inlineNames(&role.PrincipalPolicies), itself, in.Marker, in.MaxItems)
	return &iamapi.ListRolePoliciesResponse{PolicyNames: names, IsTruncated: truncated, Marker: marker}, err
}

// PutRolePermissionsBoundary sets a role's permissions boundary.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iamapi.PutRolePermissionsBoundaryRequest) error {
	return s.changeRole(ctx, in.RoleName, func(tx *store.Tx, r *state.Role) error {
		r.Boundary = in.PermissionsBoundary
		return checkBoundary(tx, r.Account, r.Boundary)
	})
}

// DeleteRolePermissionsBoundary removes a role's permissions boundary.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iamapi.DeleteRolePermissionsBoundaryRequest) error {
	return s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) error { r.Boundary = ""; return nil })
}
