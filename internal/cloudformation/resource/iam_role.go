package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/state"
)

// iamRole is AWS::IAM::Role.
type iamRole struct{}

var inlinePolicies = ListOf(Object(Properties{"PolicyName": String.Required(), "PolicyDocument": Document.Required()}))

var iamRoleSchema = &Schema{
	Type: "AWS::IAM::Role",
	Properties: Properties{
		"RoleName": String.Replaces(), "Path": String.Replaces(), "AssumeRolePolicyDocument": Document.Required(), "Description": String,
		"ManagedPolicyArns": Strings, "MaxSessionDuration": Integer, "PermissionsBoundary": String, "Policies": inlinePolicies, "Tags": Tags,
	},
	Attributes: []string{"Arn", "RoleId"},
	Name:       "RoleName",
	IAM:        true,
}

// Schema is the type's schema.
func (iamRole) Schema() *Schema { return iamRoleSchema }

func (r *Request) iam() iamapi.API { return iamapi.NewClient(r.Invoker) }

func iamTags(tags []state.Tag) []iamapi.Tag {
	var out []iamapi.Tag
	for _, t := range tags {
		out = append(out, iamapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// Create makes the role with its policies.
func (iamRole) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreateRoleRequest{Tags: iamTags(r.allTags(r.Properties.Get("Tags")))}
		if err := bind(r.Properties, in, "Tags", "ManagedPolicyArns", "Policies"); err != nil {
			return Result{}, err
		}
		if in.RoleName == "" {
			in.RoleName = r.Name(64)
		}
		if _, err := r.iam().CreateRole(ctx, in); err != nil && !(r.Retry && isCode(err, "EntityAlreadyExists")) {
			return Result{}, err
		}
		r.PhysicalID = in.RoleName
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	if err := r.role().setPolicies(ctx, r, nil); err != nil {
		return Result{}, err
	}
	return iamRoleResult(ctx, r)
}

func (r *Request) role() holder { return holder{"Role", r.PhysicalID} }

// Update changes the trust policy, the policies, the settings and the tags.
func (iamRole) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("AssumeRolePolicyDocument") {
		err := r.iam().UpdateAssumeRolePolicy(ctx, &iamapi.UpdateAssumeRolePolicyRequest{RoleName: r.PhysicalID, PolicyDocument: r.Properties.Get("AssumeRolePolicyDocument").JSON()})
		if err != nil {
			return Result{}, err
		}
	}
	if r.Changed("Description") || r.Changed("MaxSessionDuration") {
		hour := int32(3600)
		in := &iamapi.UpdateRoleRequest{RoleName: r.PhysicalID, Description: r.Text("Description"), MaxSessionDuration: &hour}
		if v := r.Properties.Get("MaxSessionDuration"); v != nil {
			hour = port(v)
		}
		if _, err := r.iam().UpdateRole(ctx, in); err != nil {
			return Result{}, err
		}
	}
	if err := r.roleBoundary(ctx); err != nil {
		return Result{}, err
	}
	if err := r.role().setPolicies(ctx, r, r.Previous); err != nil {
		return Result{}, err
	}
	set, removed := r.tagChange()
	if set != nil {
		if err := r.iam().TagRole(ctx, &iamapi.TagRoleRequest{RoleName: r.PhysicalID, Tags: iamTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		if err := r.iam().UntagRole(ctx, &iamapi.UntagRoleRequest{RoleName: r.PhysicalID, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return iamRoleResult(ctx, r)
}

func (r *Request) roleBoundary(ctx context.Context) error {
	boundary := r.Text("PermissionsBoundary")
	switch {
	case !r.Changed("PermissionsBoundary"):
		return nil
	case boundary == "":
		return r.iam().DeleteRolePermissionsBoundary(ctx, &iamapi.DeleteRolePermissionsBoundaryRequest{RoleName: r.PhysicalID})
	}
	return r.iam().PutRolePermissionsBoundary(ctx, &iamapi.PutRolePermissionsBoundaryRequest{RoleName: r.PhysicalID, PermissionsBoundary: boundary})
}

// Delete removes the policies that the stack gave the role, and the role.
func (iamRole) Delete(ctx context.Context, r *Request) error {
	if err := r.role().dropPolicies(ctx, r); err != nil {
		return err
	}
	return gone(r.iam().DeleteRole(ctx, &iamapi.DeleteRoleRequest{RoleName: r.PhysicalID}), "NoSuchEntity")
}

func iamRoleResult(ctx context.Context, r *Request) (Result, error) {
	out, err := r.iam().GetRole(ctx, &iamapi.GetRoleRequest{RoleName: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.Role.Arn, "RoleId", out.Role.RoleId)}, nil
}
