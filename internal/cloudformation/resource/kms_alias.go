package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/kmsapi"
)

// kmsAlias is AWS::KMS::Alias.
type kmsAlias struct{}

var kmsAliasSchema = &Schema{
	Type:       "AWS::KMS::Alias",
	Properties: Properties{"AliasName": String.Required().Replaces(), "TargetKeyId": String.Required()},
	Name:       "AliasName",
}

// Schema is the type's schema.
func (kmsAlias) Schema() *Schema { return kmsAliasSchema }

// Create gives the key its alias.
func (kmsAlias) Create(ctx context.Context, r *Request) (Result, error) {
	name := r.Text("AliasName")
	if r.PhysicalID == "" {
		err := r.kms().CreateAlias(ctx, &kmsapi.CreateAliasRequest{AliasName: name, TargetKeyId: r.Text("TargetKeyId")})
		if r.Retry {
			err = gone(err, "AlreadyExistsException")
		}
		if err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: name}, r.Created(name)
}

// Update points the alias to another key.
func (kmsAlias) Update(ctx context.Context, r *Request) (Result, error) {
	err := r.kms().UpdateAlias(ctx, &kmsapi.UpdateAliasRequest{AliasName: r.PhysicalID, TargetKeyId: r.Text("TargetKeyId")})
	return Result{PhysicalID: r.PhysicalID}, err
}

// Delete takes the alias away.
func (kmsAlias) Delete(ctx context.Context, r *Request) error {
	return gone(r.kms().DeleteAlias(ctx, &kmsapi.DeleteAliasRequest{AliasName: r.PhysicalID}), "NotFoundException")
}
