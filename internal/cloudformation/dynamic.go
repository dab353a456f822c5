package cloudformation

import (
	"cmp"
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// dynamic resolves the dynamic references of the properties of a resource of a
// type. A nested stack gets references to secrets of keys as they are written: it
// resolves them itself, and does not keep what they stand for as parameters.
func (o *operation) dynamic(ctx context.Context, typ string) func(template.Dynamic) (string, error) {
	return func(d template.Dynamic) (string, error) {
		switch {
		case d.AccessKey() != "" && typ == stackType:
			return template.SecretOfKey(d.AccessKey()), nil
		case d.AccessKey() != "":
			return o.keySecret(d.AccessKey())
		case d.Service == "secretsmanager":
			return o.s.secretValue(ctx, d)
		}
		return o.s.parameterValue(ctx, strings.TrimSpace(d.Rest), d.Service == "ssm-secure")
	}
}

// keySecret is the secret of an access key that this stack made, or another one
// of the same tree of nested stacks: nobody gets at others by such a reference.
func (o *operation) keySecret(id string) (string, error) {
	tx := o.s.db.Read()
	for r := range state.StackResources.By(tx, "physical", state.Key(o.stack.Account, o.stack.Region, id)) {
		stack, ok := state.Stacks.Get(tx, state.Key(r.Account, r.Region, r.StackID))
		if r.Live.Type != "AWS::IAM::AccessKey" || !ok || cmp.Or(stack.RootID, stack.ID) != cmp.Or(o.stack.RootID, o.stack.ID) {
			continue
		}
		if secret, ok := o.s.secret(id); ok {
			return secret, nil
		}
	}
	return "", &template.Error{Message: "The access key " + id + " is none of this stack's"}
}

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
