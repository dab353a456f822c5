package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// holder is a role, user or group that policies are put on.
type holder struct{ kind, name string }

// holders are what the properties Roles, Users and Groups name.
func holders(properties *template.Value) []holder {
	var out []holder
	for _, kind := range []string{"Role", "User", "Group"} {
		for _, name := range list(properties.Get(kind + "s")) {
			out = append(out, holder{kind, name})
		}
	}
	return out
}

func (h holder) attach(ctx context.Context, r *Request, arn string) error {
	switch h.kind {
	case "Role":
		return r.iam().AttachRolePolicy(ctx, &iamapi.AttachRolePolicyRequest{RoleName: h.name, PolicyArn: arn})
	case "User":
		return r.iam().AttachUserPolicy(ctx, &iamapi.AttachUserPolicyRequest{UserName: h.name, PolicyArn: arn})
	}
	return r.iam().AttachGroupPolicy(ctx, &iamapi.AttachGroupPolicyRequest{GroupName: h.name, PolicyArn: arn})
}

// detach detaches a managed policy; one that is not attached, or whose holder is
// gone, is no error.
func (h holder) detach(ctx context.Context, r *Request, arn string) error {
	var err error
	switch h.kind {
	case "Role":
		err = r.iam().DetachRolePolicy(ctx, &iamapi.DetachRolePolicyRequest{RoleName: h.name, PolicyArn: arn})
	case "User":
		err = r.iam().DetachUserPolicy(ctx, &iamapi.DetachUserPolicyRequest{UserName: h.name, PolicyArn: arn})
	default:
		err = r.iam().DetachGroupPolicy(ctx, &iamapi.DetachGroupPolicyRequest{GroupName: h.name, PolicyArn: arn})
	}
	return gone(err, "NoSuchEntity")
}

func (h holder) put(ctx context.Context, r *Request, name, document string) error {
	switch h.kind {
	case "Role":
		return r.iam().PutRolePolicy(ctx, &iamapi.PutRolePolicyRequest{RoleName: h.name, PolicyName: name, PolicyDocument: document})
	case "User":
		return r.iam().PutUserPolicy(ctx, &iamapi.PutUserPolicyRequest{UserName: h.name, PolicyName: name, PolicyDocument: document})
	}
	return r.iam().PutGroupPolicy(ctx, &iamapi.PutGroupPolicyRequest{GroupName: h.name, PolicyName: name, PolicyDocument: document})
}

// remove deletes an inline policy, as detach does.
func (h holder) remove(ctx context.Context, r *Request, name string) error {
	var err error
	switch h.kind {
	case "Role":
		err = r.iam().DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyRequest{RoleName: h.name, PolicyName: name})
	case "User":
		err = r.iam().DeleteUserPolicy(ctx, &iamapi.DeleteUserPolicyRequest{UserName: h.name, PolicyName: name})
	default:
		err = r.iam().DeleteGroupPolicy(ctx, &iamapi.DeleteGroupPolicyRequest{GroupName: h.name, PolicyName: name})
	}
	return gone(err, "NoSuchEntity")
}

// setPolicies attaches and puts the policies of the properties ManagedPolicyArns
// and Policies, then removes those of old that are no longer wanted.
func (h holder) setPolicies(ctx context.Context, r *Request, old *template.Value) error {
	wanted, had := list(r.Properties.Get("ManagedPolicyArns")), list(old.Get("ManagedPolicyArns"))
	for _, arn := range difference(wanted, had) {
		if err := h.attach(ctx, r, arn); err != nil {
			return err
		}
	}
	names := map[string]bool{}
	for _, p := range items(r.Properties.Get("Policies")) {
		name := p.Get("PolicyName").Str()
		names[name] = true
		if err := h.put(ctx, r, name, p.Get("PolicyDocument").JSON()); err != nil {
			return err
		}
	}
	for _, arn := range difference(had, wanted) {
		if err := h.detach(ctx, r, arn); err != nil {
			return err
		}
	}
	for _, p := range items(old.Get("Policies")) {
		if name := p.Get("PolicyName").Str(); !names[name] {
			if err := h.remove(ctx, r, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropPolicies removes the policies that the stack gave.
func (h holder) dropPolicies(ctx context.Context, r *Request) error {
	for _, arn := range list(r.Properties.Get("ManagedPolicyArns")) {
		if err := h.detach(ctx, r, arn); err != nil {
			return err
		}
	}
	for _, p := range items(r.Properties.Get("Policies")) {
		if err := h.remove(ctx, r, p.Get("PolicyName").Str()); err != nil {
			return err
		}
	}
	return nil
}
