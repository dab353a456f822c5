package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
)

// iamGroup is AWS::IAM::Group.
type iamGroup struct{}

var iamGroupSchema = &Schema{
	Type:       "AWS::IAM::Group",
	Properties: Properties{"GroupName": String.Replaces(), "Path": String, "ManagedPolicyArns": Strings, "Policies": inlinePolicies},
	Attributes: []string{"Arn"},
	Name:       "GroupName",
	IAM:        true,
}

// Schema is the type's schema.
func (iamGroup) Schema() *Schema { return iamGroupSchema }

func (r *Request) group() holder { return holder{"Group", r.PhysicalID} }

// Create makes the group with its policies.
func (iamGroup) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreateGroupRequest{GroupName: r.Or("GroupName", r.Name(128)), Path: r.Text("Path")}
		if _, err := r.iam().CreateGroup(ctx, in); err != nil && !(r.Retry && isCode(err, "EntityAlreadyExists")) {
			return Result{}, err
		}
		r.PhysicalID = in.GroupName
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return iamGroupResult(ctx, r, r.group().setPolicies(ctx, r, nil))
}

// Update changes path and policies.
func (iamGroup) Update(ctx context.Context, r *Request) (Result, error) {
	if r.Changed("Path") {
		if err := r.iam().UpdateGroup(ctx, &iamapi.UpdateGroupRequest{GroupName: r.PhysicalID, NewPath: r.Or("Path", "/")}); err != nil {
			return Result{}, err
		}
	}
	return iamGroupResult(ctx, r, r.group().setPolicies(ctx, r, r.Previous))
}

// Delete deletes the group with the stack's policies.
func (iamGroup) Delete(ctx context.Context, r *Request) error {
	if err := r.group().dropPolicies(ctx, r); err != nil {
		return err
	}
	return gone(r.iam().DeleteGroup(ctx, &iamapi.DeleteGroupRequest{GroupName: r.PhysicalID}), "NoSuchEntity")
}

func iamGroupResult(ctx context.Context, r *Request, err error) (Result, error) {
	if err != nil {
		return Result{}, err
	}
	out, err := r.iam().GetGroup(ctx, &iamapi.GetGroupRequest{GroupName: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.Group.Arn)}, nil
}

// iamMembers is AWS::IAM::UserToGroupAddition.
type iamMembers struct{}

var iamMembersSchema = &Schema{
	Type:       "AWS::IAM::UserToGroupAddition",
	Properties: Properties{"GroupName": String.Required(), "Users": Strings.Required()},
	Attributes: []string{"Id"},
	IAM:        true,
}

// Schema is the type's schema.
func (iamMembers) Schema() *Schema { return iamMembersSchema }

// Create puts the users into the group.
func (iamMembers) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		r.PhysicalID = r.Name(128)
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return r.members(ctx, "", nil)
}

// members puts the users into their group and takes those of old, who were in
// another group or are no longer wanted, out of theirs.
func (r *Request) members(ctx context.Context, oldGroup string, old []string) (Result, error) {
	group, wanted := r.Text("GroupName"), list(r.Properties.Get("Users"))
	for _, user := range wanted {
		if err := r.iam().AddUserToGroup(ctx, &iamapi.AddUserToGroupRequest{GroupName: group, UserName: user}); err != nil {
			return Result{}, err
		}
	}
	if group == oldGroup {
		old = difference(old, wanted)
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}, r.leave(ctx, oldGroup, old)
}

func (r *Request) leave(ctx context.Context, group string, users []string) error {
	for _, user := range users {
		err := r.iam().RemoveUserFromGroup(ctx, &iamapi.RemoveUserFromGroupRequest{GroupName: group, UserName: user})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Update changes who is in which group.
func (iamMembers) Update(ctx context.Context, r *Request) (Result, error) {
	return r.members(ctx, r.Previous.Get("GroupName").Str(), list(r.Previous.Get("Users")))
}

// Delete takes the users out of the group.
func (iamMembers) Delete(ctx context.Context, r *Request) error {
	return r.leave(ctx, r.Text("GroupName"), list(r.Properties.Get("Users")))
}
