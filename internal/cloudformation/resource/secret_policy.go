package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
)

// secretPolicy is AWS::SecretsManager::ResourcePolicy.
type secretPolicy struct{}

var secretPolicySchema = &Schema{
	Type:       "AWS::SecretsManager::ResourcePolicy",
	Properties: Properties{"SecretId": String.Required().Replaces(), "ResourcePolicy": Document.Required(), "BlockPublicPolicy": Boolean},
	Attributes: []string{"Id"},
}

// Schema is the type's schema.
func (secretPolicy) Schema() *Schema { return secretPolicySchema }

// Create puts the policy on the secret; its physical id is the secret's.
func (t secretPolicy) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		r.PhysicalID = r.Text("SecretId")
	}
	result, err := t.Update(ctx, r)
	if err != nil {
		return Result{}, err
	}
	return result, r.Created(r.PhysicalID)
}

// Update replaces the policy.
func (secretPolicy) Update(ctx context.Context, r *Request) (Result, error) {
	_, err := r.secrets().PutResourcePolicy(ctx, &secretsmanagerapi.PutResourcePolicyRequest{
		SecretId: r.PhysicalID, ResourcePolicy: r.Properties.Get("ResourcePolicy").JSON(), BlockPublicPolicy: r.Flag("BlockPublicPolicy"),
	})
	return secretResult(r), err
}

// Delete takes the policy off the secret.
func (secretPolicy) Delete(ctx context.Context, r *Request) error {
	_, err := r.secrets().DeleteResourcePolicy(ctx, &secretsmanagerapi.DeleteResourcePolicyRequest{SecretId: r.PhysicalID})
	return gone(err, "ResourceNotFoundException")
}
