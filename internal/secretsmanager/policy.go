package secretsmanager

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// PutResourcePolicy attaches a policy to a secret.
func (s *Service) PutResourcePolicy(ctx context.Context, in *secretsmanagerapi.PutResourcePolicyRequest) (*secretsmanagerapi.PutResourcePolicyResponse, error) {
	if err := s.validatePolicy(in.ResourcePolicy); err != nil {
		return nil, &secretsmanagerapi.MalformedPolicyDocumentException{Message: "This resource policy contains a syntax error: " + err.Error()}
	}
	if wire.Or(in.BlockPublicPolicy, false) && public(in.ResourcePolicy) {
		return nil, &secretsmanagerapi.PublicPolicyException{Message: "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the secret."}
	}
	sec, err := s.update(ctx, in.SecretId, func(sec *state.Secret) error {
		sec.Policy = in.ResourcePolicy
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.PutResourcePolicyResponse{ARN: sec.ARN(), Name: sec.Name}, nil
}

// GetResourcePolicy returns the policy of a secret.
func (s *Service) GetResourcePolicy(ctx context.Context, in *secretsmanagerapi.GetResourcePolicyRequest) (*secretsmanagerapi.GetResourcePolicyResponse, error) {
	sec, err := s.find(s.db.Read(), caller.From(ctx), in.SecretId)
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.GetResourcePolicyResponse{ARN: sec.ARN(), Name: sec.Name, ResourcePolicy: sec.Policy}, nil
}

// DeleteResourcePolicy takes the policy off a secret.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *secretsmanagerapi.DeleteResourcePolicyRequest) (*secretsmanagerapi.DeleteResourcePolicyResponse, error) {
	sec, err := s.update(ctx, in.SecretId, func(sec *state.Secret) error {
		sec.Policy = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &secretsmanagerapi.DeleteResourcePolicyResponse{ARN: sec.ARN(), Name: sec.Name}, nil
}

// ValidateResourcePolicy tells what is wrong with a policy before it is put.
func (s *Service) ValidateResourcePolicy(ctx context.Context, in *secretsmanagerapi.ValidateResourcePolicyRequest) (*secretsmanagerapi.ValidateResourcePolicyResponse, error) {
	if in.SecretId != "" {
		if err := checkName(in.SecretId); err != nil && !arn.Is(in.SecretId) {
			return nil, err
		}
		if _, err := s.find(s.db.Read(), caller.From(ctx), in.SecretId); err != nil {
			return nil, err
		}
	}
	out := &secretsmanagerapi.ValidateResourcePolicyResponse{ValidationErrors: []secretsmanagerapi.ValidationErrorsEntry{}}
	if err := s.validatePolicy(in.ResourcePolicy); err != nil {
		return nil, &secretsmanagerapi.MalformedPolicyDocumentException{Message: "This resource policy contains a syntax error: " + err.Error()}
	}
	if public(in.ResourcePolicy) {
		out.ValidationErrors = append(out.ValidationErrors, secretsmanagerapi.ValidationErrorsEntry{CheckName: "PublicAccess", ErrorMessage: "This resource policy grants broad access to the secret."})
	}
	out.PolicyValidationPassed = len(out.ValidationErrors) == 0
	return out, nil
}

// narrowing are the condition keys that keep strangers out.
var narrowing = []string{"aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount", "aws:sourcearn", "aws:sourcevpc", "aws:sourcevpce",
	"aws:sourceip", "aws:userid", "aws:sourceorgid", "kms:calleraccount"}

// public reports whether a policy lets everybody in: an Allow to "*" without a
// condition that says who or from where.
func public(document string) bool {
	var d struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &d) != nil {
		return false
	}
	type statement struct {
		Effect    string
		Principal any
		Condition map[string]map[string]any
	}
	var list []statement
	if json.Unmarshal(d.Statement, &list) != nil {
		var one statement
		if json.Unmarshal(d.Statement, &one) != nil {
			return false
		}
		list = []statement{one}
	}
	return slices.ContainsFunc(list, func(st statement) bool {
		if st.Effect != "Allow" || !everybody(st.Principal) {
			return false
		}
		for _, keys := range st.Condition {
			for key := range keys {
				if slices.Contains(narrowing, strings.ToLower(key)) {
					return false
				}
			}
		}
		return true
	})
}

func everybody(principal any) bool {
	switch p := principal.(type) {
	case string:
		return p == "*"
	case []any:
		return slices.ContainsFunc(p, everybody)
	case map[string]any:
		return everybody(p["AWS"])
	}
	return false
}

const maxTags = 50

// putTags returns a new list: the old tags with the new ones put over them.
func putTags(ctx context.Context, old []state.Tag, add []secretsmanagerapi.Tag) ([]state.Tag, error) {
	out := slices.Clone(old)
	for _, t := range add {
		if !caller.From(ctx).MayTag(t.Key) {
			return nil, invalidParameter("Tag keys that start with aws: are reserved for AWS use.")
		}
		if i := slices.IndexFunc(out, func(o state.Tag) bool { return o.Key == t.Key }); i >= 0 {
			out[i].Value = t.Value
		} else {
			out = append(out, state.Tag{Key: t.Key, Value: t.Value})
		}
	}
	if len(out) > maxTags {
		return nil, &secretsmanagerapi.LimitExceededException{Message: "A secret can have no more than 50 tags."}
	}
	return out, nil
}

func describeTags(tags []state.Tag) []secretsmanagerapi.Tag {
	var out []secretsmanagerapi.Tag
	for _, t := range tags {
		out = append(out, secretsmanagerapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// TagResource puts tags on a secret.
func (s *Service) TagResource(ctx context.Context, in *secretsmanagerapi.TagResourceRequest) error {
	_, err := s.update(ctx, in.SecretId, func(sec *state.Secret) (err error) {
		sec.Tags, err = putTags(ctx, sec.Tags, in.Tags)
		return err
	})
	return err
}

// UntagResource takes tags off a secret.
func (s *Service) UntagResource(ctx context.Context, in *secretsmanagerapi.UntagResourceRequest) error {
	_, err := s.update(ctx, in.SecretId, func(sec *state.Secret) error {
		sec.Tags = slices.DeleteFunc(slices.Clone(sec.Tags), func(t state.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
	return err
}
