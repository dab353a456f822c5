package cloudformation

import (
	"context"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/cloudformation/stackpolicy"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// GetStackPolicy returns a stack's policy, nothing where it has none.
func (s *Service) GetStackPolicy(ctx context.Context, in *cloudformationapi.GetStackPolicyInput) (*cloudformationapi.GetStackPolicyOutput, error) {
	stack, err := s.existing(ctx, in.StackName)
	if err != nil {
		return nil, err
	}
	return &cloudformationapi.GetStackPolicyOutput{StackPolicyBody: stack.Policy}, nil
}

// SetStackPolicy gives a stack a policy, which every update from then on obeys.
func (s *Service) SetStackPolicy(ctx context.Context, in *cloudformationapi.SetStackPolicyInput) error {
	policy, err := s.policy(ctx, in.StackPolicyBody, in.StackPolicyURL)
	switch {
	case err != nil:
		return err
	case policy == "":
		return invalid("You must specify either StackPolicyURL or StackPolicyBody.")
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		stack, ok := s.find(ctx, tx, in.StackName)
		if !ok || stack.Status == "DELETE_COMPLETE" {
			return invalid("Stack [%s] does not exist", in.StackName)
		}
		state.Stacks.Update(tx, stack.Key(), func(r *state.Stack) { r.Policy = policy })
		return nil
	})
}

// policy reads the policy that a request gives as body or URL, "" for none.
func (s *Service) policy(ctx context.Context, body, address string) (string, error) {
	switch {
	case body != "" && address != "":
		return "", invalid("You cannot specify both StackPolicyURL and StackPolicyBody")
	case address != "":
		var err error
		if body, err = s.fetch(asCaller(ctx), address); err != nil {
			return "", err
		}
	}
	if _, err := stackpolicy.Parse(body); err != nil {
		return "", invalid("%s", err.Error())
	}
	return body, nil
}

// permitted checks an update of a resource against the policy that the operation
// is under. A rollback only returns to what was.
func (o *operation) permitted(action stackpolicy.Action, logicalID, resourceType string) error {
	if o.rollback() || o.op.Kind != "UPDATE" {
		return nil
	}
	text := o.stack.Policy
	if o.op.Policy != "" {
		text = o.op.Policy
	}
	policy, err := stackpolicy.Parse(text)
	if err != nil {
		return err
	}
	if err := policy.Check(action, logicalID, resourceType); err != nil {
		return &template.Error{Message: err.Error()}
	}
	return nil
}

// removes checks that the update may remove what its template does not have any
// more, and publishes those which it may not.
func (o *operation) removes(ctx context.Context) (bool, error) {
	ok := true
	for id, r := range o.resources() {
		if _, stays := o.deps[id]; stays || r.Live.ID == "" {
			continue
		}
		denied := o.permitted(stackpolicy.Delete, id, r.Type)
		if denied == nil {
			continue
		}
		ok = false
		err := o.change(ctx, id, func(r *state.StackResource) published {
			r.Touched = o.op.ID
			return published{"UPDATE_FAILED", denied.Error(), r.Live.ID, r.Live.Properties}
		})
		if err != nil {
			return false, err
		}
	}
	return ok, nil
}
