package secretsmanager

import (
	"context"
	"reflect"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{}
	for operation := range secretsmanagerapi.Model.Operations {
		rules[operation] = []authorize.Rule{{Action: "secretsmanager:" + operation, Resources: s.resources, Conditions: s.conditions}}
	}
	for _, operation := range []string{"ListSecrets", "GetRandomPassword"} {
		rules[operation] = []authorize.Rule{{Action: "secretsmanager:" + operation}}
	}
	authorize.TagOnCreate(rules, "secretsmanager:TagResource", "", nil, "CreateSecret")
	return authorize.Service{Rules: rules, ResourcePolicy: s.resourcePolicy}
}

func (s *Service) resourcePolicy(_ context.Context, resource string) (document, owner string, ok bool) {
	a, err := arn.Parse(resource)
	if err != nil {
		return "", "", false
	}
	sec, err := s.find(s.db.Read(), caller.Identity{Account: a.Account, Region: a.Region}, resource)
	if err != nil {
		return "", a.Account, false
	}
	return sec.Policy, sec.Account, sec.Policy != ""
}

// secretOf is the secret that a request names, if it exists.
func (s *Service) secretOf(id caller.Identity, in any) (secretID string, sec *state.Secret) {
	f := reflect.ValueOf(in).Elem().FieldByName("SecretId")
	if !f.IsValid() {
		return "", nil
	}
	sec, err := s.find(s.db.Read(), id, f.String())
	if err != nil {
		return f.String(), nil
	}
	return f.String(), sec
}

// resources is the ARN of a request's secret; of one that does not exist, what
// the ARN begins with.
func (s *Service) resources(id caller.Identity, in any) []string {
	name := ""
	if create, ok := in.(*secretsmanagerapi.CreateSecretRequest); ok {
		name = create.Name
	} else {
		secretID, sec := s.secretOf(id, in)
		switch {
		case sec != nil:
			return []string{sec.ARN()}
		case arn.Is(secretID):
			return []string{secretID}
		}
		name = secretID
	}
	return []string{arn.Format("secretsmanager", id.Region, id.Account, "secret:"+name)}
}

// conditions are the tags of the secret and of the request, and what it asks for.
func (s *Service) conditions(id caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	var keys []string
	add := func(tags []secretsmanagerapi.Tag) {
		for _, t := range tags {
			out["aws:RequestTag/"+t.Key] = []string{t.Value}
			keys = append(keys, t.Key)
		}
	}
	switch in := in.(type) {
	case *secretsmanagerapi.CreateSecretRequest:
		add(in.Tags)
		out["secretsmanager:Name"] = []string{in.Name}
	case *secretsmanagerapi.TagResourceRequest:
		add(in.Tags)
	case *secretsmanagerapi.UntagResourceRequest:
		keys = in.TagKeys
	case *secretsmanagerapi.GetSecretValueRequest:
		stage := in.VersionStage
		if stage == "" {
			stage = current
		}
		out["secretsmanager:VersionStage"] = []string{stage}
		if in.VersionId != "" {
			out["secretsmanager:VersionId"] = []string{in.VersionId}
		}
	}
	if len(keys) > 0 {
		out["aws:TagKeys"] = keys
	}
	secretID, sec := s.secretOf(id, in)
	if secretID != "" {
		out["secretsmanager:SecretId"] = []string{secretID}
	}
	if sec != nil {
		for _, t := range sec.Tags {
			out["aws:ResourceTag/"+t.Key] = []string{t.Value}
			out["secretsmanager:ResourceTag/"+t.Key] = []string{t.Value}
		}
	}
	return out
}
