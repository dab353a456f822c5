package kms

import (
	"context"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// policyName is the only policy that a key has.
const policyName = "default"

func checkPolicyName(name string) error {
	if name != "" && name != policyName {
		return notFound("No such policy exists")
	}
	return nil
}

// checkPolicy refuses a key policy that cannot be read, and, unless that is
// wanted, one that would not let the caller change it again.
func checkPolicy(id caller.Identity, key *state.KMSKey, bypass bool) error {
	d, err := policy.Parse(key.Policy, policy.Resource)
	if err != nil {
		return &kmsapi.MalformedPolicyDocumentException{Message: err.Error()}
	}
	if bypass || id.Type == caller.Service {
		return nil
	}
	everything, err := policy.Parse(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}`, policy.Inline)
	if err != nil {
		return err
	}
	request := policy.Request{
		Principal: policy.Principal{Account: id.Account, ARN: id.ARN, RoleARN: id.RoleARN, Root: id.Type == caller.Root},
		Action:    "kms:PutKeyPolicy", Resource: key.ARN(), ResourceAccount: key.Account,
		Context: policy.Keys{"kms:calleraccount": {id.Account}, "aws:principalarn": {id.ARN}, "aws:principalaccount": {id.Account}},
	}
	set := policy.Set{Identity: []policy.Source{{Name: "IAM", Document: everything}}, Resource: &policy.Source{Name: key.ARN(), Document: d}, ResourceRequired: true}
	if !policy.Evaluate(&request, &set).Allowed {
		return &kmsapi.MalformedPolicyDocumentException{Message: "The new key policy will not allow you to update the key policy in the future."}
	}
	return nil
}

// PutKeyPolicy replaces a key's policy.
func (s *Service) PutKeyPolicy(ctx context.Context, in *kmsapi.PutKeyPolicyRequest) error {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return err
	}
	_, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		if err := notPending(key); err != nil {
			return err
		}
		key.Policy = in.Policy
		return checkPolicy(caller.From(ctx), key, in.BypassPolicyLockoutSafetyCheck)
	})
	return err
}

// GetKeyPolicy returns a key's policy.
func (s *Service) GetKeyPolicy(ctx context.Context, in *kmsapi.GetKeyPolicyRequest) (*kmsapi.GetKeyPolicyResponse, error) {
	if err := checkPolicyName(in.PolicyName); err != nil {
		return nil, err
	}
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kmsapi.GetKeyPolicyResponse{Policy: key.Policy, PolicyName: policyName}, nil
}

// ListKeyPolicies names a key's policies: there is one.
func (s *Service) ListKeyPolicies(ctx context.Context, in *kmsapi.ListKeyPoliciesRequest) (*kmsapi.ListKeyPoliciesResponse, error) {
	if _, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId); err != nil {
		return nil, err
	}
	return &kmsapi.ListKeyPoliciesResponse{PolicyNames: []string{policyName}}, nil
}
