package cloudformation

import (
	"context"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// secretValue reads what {{resolve:secretsmanager:...}} stands for.
func (s *Service) secretValue(ctx context.Context, d template.Dynamic) (string, error) {
	id, key, stage, version := d.SecretParts()
	out, err := secretsmanagerapi.NewClient(s.invoker).GetSecretValue(ctx, &secretsmanagerapi.GetSecretValueRequest{SecretId: id, VersionStage: stage, VersionId: version})
	if err != nil {
		return "", err
	}
	if key == "" {
		return out.SecretString, nil
	}
	doc, err := template.Read(out.SecretString)
	if err != nil || doc.Get(key) == nil {
		return "", &template.Error{Message: "Could not find a value associated with JSONKey in SecretString"}
	}
	return doc.Get(key).Str(), nil
}

// parameterValue reads what {{resolve:ssm:name[:version]}} stands for.
func (s *Service) parameterValue(ctx context.Context, name string, secure bool) (string, error) {
	out, err := ssmapi.NewClient(s.invoker).GetParameter(ctx, &ssmapi.GetParameterRequest{Name: name, WithDecryption: &secure})
	if err != nil {
		return "", err
	}
	if isSecure := out.Parameter.Type == "SecureString"; isSecure != secure {
		return "", &template.Error{Message: "Non-secure ssm prefix was used for secure parameter: " + name}
	}
	return out.Parameter.Value, nil
}
