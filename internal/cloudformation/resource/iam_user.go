package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
)

// iamUser is AWS::IAM::User.
type iamUser struct{}

var iamUserSchema = &Schema{
	Type: "AWS::IAM::User",
	Properties: Properties{
		"UserName": String.Replaces(), "Path": String, "Groups": Strings, "ManagedPolicyArns": Strings, "PermissionsBoundary": String,
		"Policies": inlinePolicies, "Tags": Tags,
	},
	Attributes: []string{"Arn"},
	Name:       "UserName",
	IAM:        true,
}

// Schema is the type's schema.
func (iamUser) Schema() *Schema { return iamUserSchema }

// Create makes the user with its policies and puts it into its groups.
func (iamUser) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreateUserRequest{UserName: r.Or("UserName", r.Name(64)), Path: r.Text("Path"), PermissionsBoundary: r.Text("PermissionsBoundary"), Tags: iamTags(r.allTags(r.Properties.Get("Tags")))}
		if _, err := r.iam().CreateUser(ctx, in); err != nil && !(r.Retry && isCode(err, "EntityAlreadyExists")) {
			return Result{}, err
		}
		r.PhysicalID = in.UserName
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	if err := r.user().setPolicies(ctx, r, nil); err != nil {
		return Result{}, err
	}
	return iamUserResult(ctx, r, r.userGroups(ctx, nil))
}

func (r *Request) user() holder { return holder{"User", r.PhysicalID} }

// userGroups puts the user into its groups and takes it out of those of old that
// are no longer wanted.
func (r *Request) userGroups(ctx context.Context, old []string) error {
	wanted := list(r.Properties.Get("Groups"))
	for _, group := range difference(wanted, old) {
		if err := r.iam().AddUserToGroup(ctx, &iamapi.AddUserToGroupRequest{GroupName: group, UserName: r.PhysicalID}); err != nil {
			return err
		}
	}
	for _, group := range difference(old, wanted) {
		err := r.iam().RemoveUserFromGroup(ctx, &iamapi.RemoveUserFromGroupRequest{GroupName: group, UserName: r.PhysicalID})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Update changes path, boundary, policies, groups and tags.
func (iamUser) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("Path") {
		if err := r.iam().UpdateUser(ctx, &iamapi.UpdateUserRequest{UserName: r.PhysicalID, NewPath: r.Or("Path", "/")}); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("PermissionsBoundary") {
		var err error
		if boundary := r.Text("PermissionsBoundary"); boundary != "" {
			err = r.iam().PutUserPermissionsBoundary(ctx, &iamapi.PutUserPermissionsBoundaryRequest{UserName: r.PhysicalID, PermissionsBoundary: boundary})
		} else {
			err = r.iam().DeleteUserPermissionsBoundary(ctx, &iamapi.DeleteUserPermissionsBoundaryRequest{UserName: r.PhysicalID})
		}
		if err != nil {
			return Result{}, err
		}
	}
	if err := r.user().setPolicies(ctx, r, r.Previous); err != nil {
		return Result{}, err
	}
	if err := r.userGroups(ctx, list(r.Previous.Get("Groups"))); err != nil {
		return Result{}, err
	}
	set, removed := r.tagChange()
	if set != nil {
		if err := r.iam().TagUser(ctx, &iamapi.TagUserRequest{UserName: r.PhysicalID, Tags: iamTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		if err := r.iam().UntagUser(ctx, &iamapi.UntagUserRequest{UserName: r.PhysicalID, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return iamUserResult(ctx, r, nil)
}

// Delete takes the user out of its groups and deletes it with the stack's policies.
func (iamUser) Delete(ctx context.Context, r *Request) error {
	for _, group := range list(r.Properties.Get("Groups")) {
		err := r.iam().RemoveUserFromGroup(ctx, &iamapi.RemoveUserFromGroupRequest{GroupName: group, UserName: r.PhysicalID})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	if err := r.user().dropPolicies(ctx, r); err != nil {
		return err
	}
	return gone(r.iam().DeleteUser(ctx, &iamapi.DeleteUserRequest{UserName: r.PhysicalID}), "NoSuchEntity")
}

func iamUserResult(ctx context.Context, r *Request, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	out, err := r.iam().GetUser(ctx, &iamapi.GetUserRequest{UserName: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.User.Arn)}, nil
}
