package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// secret is AWS::SecretsManager::Secret.
type secret struct{}

var secretSchema = &Schema{
	Type: "AWS::SecretsManager::Secret",
	Properties: Properties{
		"Name": String.Replaces(), "Description": String, "SecretString": String, "KmsKeyId": String, "Tags": Tags,
		"GenerateSecretString": Object(Properties{
			"PasswordLength": Integer, "ExcludeCharacters": String, "ExcludeNumbers": Boolean, "ExcludePunctuation": Boolean,
			"ExcludeUppercase": Boolean, "ExcludeLowercase": Boolean, "IncludeSpace": Boolean, "RequireEachIncludedType": Boolean,
			"SecretStringTemplate": String, "GenerateStringKey": String,
		}),
	},
	Attributes: []string{"Id"},
	Name:       "Name",
}

// Schema is the type's schema.
func (secret) Schema() *Schema { return secretSchema }

func (r *Request) secrets() secretsmanagerapi.API { return secretsmanagerapi.NewClient(r.Invoker) }

func secretTags(tags []state.Tag) []secretsmanagerapi.Tag {
	var out []secretsmanagerapi.Tag
	for _, t := range tags {
		out = append(out, secretsmanagerapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// Create makes the secret with the given or a random value.
func (secret) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID != "" {
		return secretResult(r), nil
	}
	in := &secretsmanagerapi.CreateSecretRequest{Name: r.Or("Name", r.Name(512)), Description: r.Text("Description"), KmsKeyId: r.Text("KmsKeyId"), Tags: secretTags(r.allTags(r.Properties.Get("Tags")))}
	if r.Retry {
		out, err := r.secrets().DescribeSecret(ctx, &secretsmanagerapi.DescribeSecretRequest{SecretId: in.Name})
		if err == nil && out.DeletedDate.IsZero() {
			r.PhysicalID = out.ARN
			return secretResult(r), r.Created(out.ARN)
		}
	}
	var err error
	if in.SecretString, err = r.secretValue(ctx); err != nil {
		return Result{}, err
	}
	in.ClientRequestToken = r.clientToken()
	out, err := r.secrets().CreateSecret(ctx, in)
	if err != nil {
		return Result{}, err
	}
	r.PhysicalID = out.ARN
	return secretResult(r), r.Created(out.ARN)
}

// secretValue returns the value that the template gives or asks to be made.
func (r *Request) secretValue(ctx context.Context) (string, error) {
	given := r.Properties.Get("GenerateSecretString")
	if given == nil {
		return r.Text("SecretString"), nil
	}
	in := &secretsmanagerapi.GetRandomPasswordRequest{}
	if err := bind(given, in, "SecretStringTemplate", "GenerateStringKey"); err != nil {
		return "", err
	}
	out, err := r.secrets().GetRandomPassword(ctx, in)
	if err != nil {
		return "", err
	}
	key, text := given.Get("GenerateStringKey").Str(), given.Get("SecretStringTemplate").Str()
	if key == "" {
		return out.RandomPassword, nil
	}
	doc, err := template.Read(text)
	if err != nil || doc.Kind != template.Map {
		return "", &Failure{Code: "InvalidRequest", Message: "SecretStringTemplate must be a JSON object"}
	}
	return doc.With(key, template.Text(out.RandomPassword)).JSON(), nil
}

func secretResult(r *Request) Result {
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("Id", r.PhysicalID)}
}

// Update changes description, key, value and tags. A new GenerateSecretString makes a new value.
func (secret) Update(ctx context.Context, r *Request) (Result, error) {
	in := &secretsmanagerapi.UpdateSecretRequest{SecretId: r.PhysicalID, Description: new(r.Text("Description")), ClientRequestToken: r.clientToken()}
	if r.Changed("SecretString") || r.Changed("GenerateSecretString") {
		var err error
		if in.SecretString, err = r.secretValue(ctx); err != nil {
			return Result{}, err
		}
	}
	if r.Changed("KmsKeyId") {
		in.KmsKeyId = r.Or("KmsKeyId", "alias/aws/secretsmanager")
	}
	if r.Changed("Description") || r.Changed("KmsKeyId") || in.SecretString != "" {
		if _, err := r.secrets().UpdateSecret(ctx, in); err != nil {
			return Result{}, err
		}
	}
	set, removed := r.tagChange()
	if set != nil {
		if err := r.secrets().TagResource(ctx, &secretsmanagerapi.TagResourceRequest{SecretId: r.PhysicalID, Tags: secretTags(set)}); err != nil {
			return Result{}, err
		}
	}
	if removed != nil {
		if err := r.secrets().UntagResource(ctx, &secretsmanagerapi.UntagResourceRequest{SecretId: r.PhysicalID, TagKeys: removed}); err != nil {
			return Result{}, err
		}
	}
	return secretResult(r), nil
}

// Delete deletes the secret at once, without a recovery window.
func (secret) Delete(ctx context.Context, r *Request) error {
	yes := true
	_, err := r.secrets().DeleteSecret(ctx, &secretsmanagerapi.DeleteSecretRequest{SecretId: r.PhysicalID, ForceDeleteWithoutRecovery: &yes})
	return gone(err, "ResourceNotFoundException")
}
