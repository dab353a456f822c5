package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
)

// iamProfile is AWS::IAM::InstanceProfile.
type iamProfile struct{}

var iamProfileSchema = &Schema{
	Type:       "AWS::IAM::InstanceProfile",
	Properties: Properties{"InstanceProfileName": String.Replaces(), "Path": String.Replaces(), "Roles": Strings.Required()},
	Attributes: []string{"Arn"},
	Name:       "InstanceProfileName",
	IAM:        true,
}

// Schema is the type's schema.
func (iamProfile) Schema() *Schema { return iamProfileSchema }

// Create makes the profile and puts its role into it.
func (iamProfile) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &iamapi.CreateInstanceProfileRequest{InstanceProfileName: r.Or("InstanceProfileName", r.Name(128)), Path: r.Text("Path")}
		if _, err := r.iam().CreateInstanceProfile(ctx, in); err != nil && !(r.Retry && isCode(err, "EntityAlreadyExists")) {
			return Result{}, err
		}
		r.PhysicalID = in.InstanceProfileName
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return r.profileRoles(ctx)
}

// Update exchanges the role.
func (iamProfile) Update(ctx context.Context, r *Request) (Result, error) { return r.profileRoles(ctx) }

// profileRoles makes the roles of the profile those that are wanted: old ones
// leave first, as there is room for one.
func (r *Request) profileRoles(ctx context.Context) (Result, error) {
	out, err := r.iam().GetInstanceProfile(ctx, &iamapi.GetInstanceProfileRequest{InstanceProfileName: r.PhysicalID})
	if err != nil {
		return Result{}, err
	}
	var has []string
	for _, role := range out.InstanceProfile.Roles {
		has = append(has, role.RoleName)
	}
	wanted := list(r.Properties.Get("Roles"))
	if err := r.profileLoses(ctx, difference(has, wanted)); err != nil {
		return Result{}, err
	}
	for _, role := range difference(wanted, has) {
		if err := r.iam().AddRoleToInstanceProfile(ctx, &iamapi.AddRoleToInstanceProfileRequest{InstanceProfileName: r.PhysicalID, RoleName: role}); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Arn", out.InstanceProfile.Arn)}, nil
}

func (r *Request) profileLoses(ctx context.Context, roles []string) error {
	for _, role := range roles {
		err := r.iam().RemoveRoleFromInstanceProfile(ctx, &iamapi.RemoveRoleFromInstanceProfileRequest{InstanceProfileName: r.PhysicalID, RoleName: role})
		if err = gone(err, "NoSuchEntity"); err != nil {
			return err
		}
	}
	return nil
}

// Delete deletes the profile.
func (iamProfile) Delete(ctx context.Context, r *Request) error {
	if err := r.profileLoses(ctx, list(r.Properties.Get("Roles"))); err != nil {
		return err
	}
	return gone(r.iam().DeleteInstanceProfile(ctx, &iamapi.DeleteInstanceProfileRequest{InstanceProfileName: r.PhysicalID}), "NoSuchEntity")
}
