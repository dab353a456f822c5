package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// iamAccessKey is AWS::IAM::AccessKey.
type iamAccessKey struct{}

var iamAccessKeySchema = &Schema{
	Type:       "AWS::IAM::AccessKey",
	Properties: Properties{"UserName": String.Required().Replaces(), "Status": String, "Serial": Integer.Replaces()},
	Attributes: []string{"SecretAccessKey"},
	IAM:        true,
}

// Schema is the type's schema.
func (iamAccessKey) Schema() *Schema { return iamAccessKeySchema }

// Create makes the key. Its secret is the resource's attribute from then on, as in
// CloudFormation, but records have a reference in its place: only IAM keeps the
// secret, sealed, and what uses the attribute gets it as it is made.
func (iamAccessKey) Create(ctx context.Context, r *Request) (Result, error) {
	user := r.Text("UserName")
	out, err := r.iam().CreateAccessKey(ctx, &iamapi.CreateAccessKeyRequest{UserName: user})
	if err != nil {
		return Result{}, err
	}
	r.PhysicalID = out.AccessKey.AccessKeyId
	if err := r.Created(r.PhysicalID); err != nil {
		return Result{}, err
	}
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("SecretAccessKey", template.SecretOfKey(r.PhysicalID))}, accessKeyStatus(ctx, r, user)
}

func accessKeyStatus(ctx context.Context, r *Request, user string) error {
	status := iamapi.StatusType(r.Or("Status", string(iamapi.StatusTypeActive)))
	return r.iam().UpdateAccessKey(ctx, &iamapi.UpdateAccessKeyRequest{UserName: user, AccessKeyId: r.PhysicalID, Status: status})
}

// Update switches the key on or off.
func (iamAccessKey) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID}, accessKeyStatus(ctx, r, r.Text("UserName"))
}

// Delete deletes the key.
func (iamAccessKey) Delete(ctx context.Context, r *Request) error {
	return gone(r.iam().DeleteAccessKey(ctx, &iamapi.DeleteAccessKeyRequest{UserName: r.Text("UserName"), AccessKeyId: r.PhysicalID}), "NoSuchEntity")
}
