package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
)

// iamLinkedRole is AWS::IAM::ServiceLinkedRole.
type iamLinkedRole struct{}

var iamLinkedRoleSchema = &Schema{
	Type:       "AWS::IAM::ServiceLinkedRole",
	Properties: Properties{"AWSServiceName": String.Required().Replaces(), "CustomSuffix": String.Replaces(), "Description": String},
	Attributes: []string{"RoleName"},
}

// Schema is the type's schema.
func (iamLinkedRole) Schema() *Schema { return iamLinkedRoleSchema }

// Create makes the role.
func (iamLinkedRole) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreateServiceLinkedRoleRequest{}
		if err := bind(r.Properties, in); err != nil {
			return Result{}, err
		}
		out, err := r.iam().CreateServiceLinkedRole(ctx, in)
		switch {
		case err == nil:
			r.PhysicalID = out.Role.RoleName
		case r.Retry && isCode(err, "InvalidInput") && strings.Contains(err.Error(), "has been taken in this account"):
			_, rest, _ := strings.Cut(err.Error(), "Service role name ")
			r.PhysicalID, _, _ = strings.Cut(rest, " ")
		default:
			return Result{}, err
		}
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return linkedRoleResult(r), nil
}

func linkedRoleResult(r *Request) Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("RoleName", r.PhysicalID)}
}

// Update changes the description.
func (iamLinkedRole) Update(ctx context.Context, r *Request) (Result, error) {
	_, err := r.iam().UpdateRoleDescription(ctx, &iamapi.UpdateRoleDescriptionRequest{RoleName: r.PhysicalID, Description: r.Text("Description")})
	return linkedRoleResult(r), err
}

// Delete deletes the role, unless its service still uses it.
func (iamLinkedRole) Delete(ctx context.Context, r *Request) error {
	task, err := r.iam().DeleteServiceLinkedRole(ctx, &iamapi.DeleteServiceLinkedRoleRequest{RoleName: r.PhysicalID})
	if err != nil {
		return gone(err, "NoSuchEntity")
	}
	out, err := r.iam().GetServiceLinkedRoleDeletionStatus(ctx, &iamapi.GetServiceLinkedRoleDeletionStatusRequest{DeletionTaskId: task.DeletionTaskId})
	if err == nil && out.Status == iamapi.DeletionTaskStatusTypeFailed {
		return &Failure{Code: "ResourceConflict", Message: out.Reason.Reason}
	}
	return err
}
