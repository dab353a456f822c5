package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// iamPolicy is AWS::IAM::Policy: an inline policy put on roles and users.
type iamPolicy struct{}

var iamPolicySchema = &Schema{
	Type: "AWS::IAM::Policy",
	Properties: Properties{
		"PolicyName": String.Required(), "PolicyDocument": Document.Required(), "Roles": Strings, "Users": Strings,
	},
	Attributes: []string{"Id"},
	IAM:        true,
}

// Schema is the type's schema.
func (iamPolicy) Schema() *Schema { return iamPolicySchema }

// Create puts the policy on its roles and users. Its id is a name of its own.
func (iamPolicy) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		r.PhysicalID = r.Name(128)
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return iamPolicyPut(ctx, r)
}

func iamPolicyPut(ctx context.Context, r *Request) (Result, error) {
	name, document := r.Text("PolicyName"), r.Properties.Get("PolicyDocument").JSON()
	for _, role := range list(r.Properties.Get("Roles")) {
		if err := r.iam().PutRolePolicy(ctx, &iamapi.PutRolePolicyRequest{RoleName: role, PolicyName: name, PolicyDocument: document}); err != nil {
			return Result{}, err
		}
	}
	for _, user := range list(r.Properties.Get("Users")) {
		if err := r.iam().PutUserPolicy(ctx, &iamapi.PutUserPolicyRequest{UserName: user, PolicyName: name, PolicyDocument: document}); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, nil
}

// iamPolicyRemove takes a policy off roles and users.
func iamPolicyRemove(ctx context.Context, r *Request, name string, roles, users []string) error {
	for _, role := range roles {
		err := r.iam().DeleteRolePolicy(ctx, &iamapi.DeleteRolePolicyRequest{RoleName: role, PolicyName: name})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	for _, user := range users {
		err := r.iam().DeleteUserPolicy(ctx, &iamapi.DeleteUserPolicyRequest{UserName: user, PolicyName: name})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Update puts the policy where it is wanted and takes it off elsewhere.
func (iamPolicy) Update(ctx context.Context, r *Request) (Result, error) {
	result, err := iamPolicyPut(ctx, r)
	if err != nil {
		return result, err
	}
	roles, users := list(r.Previous.Get("Roles")), list(r.Previous.Get("Users"))
	if !r.Changed("PolicyName") {
		roles, users = difference(roles, list(r.Properties.Get("Roles"))), difference(users, list(r.Properties.Get("Users")))
	}
	return result, iamPolicyRemove(ctx, r, r.Previous.Get("PolicyName").Str(), roles, users)
}

// Delete takes the policy off its roles and users.
func (iamPolicy) Delete(ctx context.Context, r *Request) error {
	return iamPolicyRemove(ctx, r, r.Text("PolicyName"), list(r.Properties.Get("Roles")), list(r.Properties.Get("Users")))
}

// iamManagedPolicy is AWS::IAM::ManagedPolicy.
type iamManagedPolicy struct{}

var iamManagedPolicySchema = &Schema{
	Type: "AWS::IAM::ManagedPolicy",
	Properties: Properties{
		"ManagedPolicyName": String.Replaces(), "Path": String.Replaces(), "Description": String.Replaces(), "PolicyDocument": Document.Required(),
		"Roles": Strings, "Users": Strings,
	},
	Attributes: []string{"PolicyArn", "PolicyId", "DefaultVersionId", "AttachmentCount"},
	Name:       "ManagedPolicyName",
	IAM:        true,
}

// Schema is the type's schema.
func (iamManagedPolicy) Schema() *Schema { return iamManagedPolicySchema }

// Create makes the policy and attaches it.
func (iamManagedPolicy) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreatePolicyRequest{PolicyName: r.Or("ManagedPolicyName", r.Name(128)), Path: r.Text("Path"), Description: r.Text("Description"), PolicyDocument: r.Properties.Get("PolicyDocument").JSON()}
		out, err := r.iam().CreatePolicy(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = out.Policy.Arn
		case r.Retry && isCode(err, "EntityAlreadyExists"):
			r.PhysicalID = "arn:aws:iam::" + r.Account + ":policy" + r.Or("Path", "/") + in.PolicyName
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return iamManagedPolicyResult(ctx, r, r.attach(ctx, nil))
}

// attach attaches the policy where it is wanted and detaches it where old had it.
func (r *Request) attach(ctx context.Context, old *template.Value) error {
	for _, role := range difference(list(r.Properties.Get("Roles")), list(old.Get("Roles"))) {
		if err := r.iam().AttachRolePolicy(ctx, &iamapi.AttachRolePolicyRequest{RoleName: role, PolicyArn: r.PhysicalID}); err != nil {
			return err
		}
	}
	for _, user := range difference(list(r.Properties.Get("Users")), list(old.Get("Users"))) {
		if err := r.iam().AttachUserPolicy(ctx, &iamapi.AttachUserPolicyRequest{UserName: user, PolicyArn: r.PhysicalID}); err != nil {
			return err
		}
	}
	return r.detach(ctx, difference(list(old.Get("Roles")), list(r.Properties.Get("Roles"))), difference(list(old.Get("Users")), list(r.Properties.Get("Users"))))
}

func (r *Request) detach(ctx context.Context, roles, users []string) error {
	for _, role := range roles {
		err := r.iam().DetachRolePolicy(ctx, &iamapi.DetachRolePolicyRequest{RoleName: role, PolicyArn: r.PhysicalID})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	for _, user := range users {
		err := r.iam().DetachUserPolicy(ctx, &iamapi.DetachUserPolicyRequest{UserName: user, PolicyArn: r.PhysicalID})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Update makes a new default version and changes attachments.
func (iamManagedPolicy) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("PolicyDocument") {
		if err := r.dropOldVersions(ctx); err != nil {
			return Result{}, err
		}
		_, err := r.iam().CreatePolicyVersion(ctx, &iamapi.CreatePolicyVersionRequest{PolicyArn: r.PhysicalID, PolicyDocument: r.Properties.Get("PolicyDocument").JSON(), SetAsDefault: true})
		if err != nil {
			return Result{}, err
		}
	}
	return iamManagedPolicyResult(ctx, r, r.attach(ctx, r.Previous))
}

// dropOldVersions deletes the versions that are not the default: there may be five.
func (r *Request) dropOldVersions(ctx context.Context) error {
	out, err := r.iam().ListPolicyVersions(ctx, &iamapi.ListPolicyVersionsRequest{PolicyArn: r.PhysicalID})
	if err != nil {
		return gone(err, "NoSuchEntity")
	}
	for _, v := range out.Versions {
		if v.IsDefaultVersion {
			continue
		}
		err := r.iam().DeletePolicyVersion(ctx, &iamapi.DeletePolicyVersionRequest{PolicyArn: r.PhysicalID, VersionId: v.VersionId})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Delete detaches and deletes the policy.
func (iamManagedPolicy) Delete(ctx context.Context, r *Request) error {
	if err := r.detach(ctx, list(r.Properties.Get("Roles")), list(r.Properties.Get("Users"))); err != nil {
		return err
	}
	if err := r.dropOldVersions(ctx); err != nil {
		return err
	}
	return gone(r.iam().DeletePolicy(ctx, &iamapi.DeletePolicyRequest{PolicyArn: r.PhysicalID}), "NoSuchEntity")
}

func iamManagedPolicyResult(ctx context.Context, r *Request, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	out, err := r.iam().GetPolicy(ctx, &iamapi.GetPolicyRequest{PolicyArn: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	p := out.Policy
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("PolicyArn", p.Arn, "PolicyId", p.PolicyId, "DefaultVersionId", p.DefaultVersionId, "AttachmentCount", itoa(p.AttachmentCount))}, nil
}
