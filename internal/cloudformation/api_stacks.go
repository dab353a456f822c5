package cloudformation

import (
	"context"
	"errors"
	"slices"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateStack plans a new stack and starts to make it.
func (s *Service) CreateStack(ctx context.Context, in *cloudformationapi.CreateStackInput) (*cloudformationapi.CreateStackOutput, error) {
	id := caller.From(ctx)
	if err := checkName(in.StackName); err != nil {
		return nil, err
	}
	token := "CREATE " + in.ClientRequestToken
	if have, ok := s.byName(s.db.Read(), id.Account, id.Region, in.StackName); ok {
		if in.ClientRequestToken != "" && have.LastToken == token {
			return &cloudformationapi.CreateStackOutput{StackId: have.ID}, nil
		}
		return nil, &cloudformationapi.AlreadyExistsException{Message: "Stack [" + in.StackName + "] already exists"}
	}
	err := refused{in.NotificationARNs, in.RollbackConfiguration, in.DeploymentConfig}.check()
	if err != nil {
		return nil, err
	}
	policy, err := s.policy(ctx, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	onFailure := string(in.OnFailure)
	switch noRollback := in.DisableRollback || in.DeploymentConfig != nil && in.DeploymentConfig.DisableRollback; {
	case noRollback && onFailure != "":
		return nil, invalid("You can specify either DisableRollback or OnFailure, but not both.")
	case noRollback:
		onFailure = "DO_NOTHING"
	}
	req, err := s.read(ctx, in.TemplateBody, in.TemplateURL, in.Parameters, in.Tags, texts(in.Capabilities), in.RoleARN, in.StackName, nil)
	if err != nil {
		return nil, err
	}
	req.resources = in.ResourceTypes
	stack := newStack(id.Account, id.Region, in.StackName)
	p, _, err := s.direct(ctx, stack, req)
	if err != nil {
		return nil, err
	}
	stack.Config, stack.Protected, stack.LastToken, stack.NoRollback, stack.Policy = p.config, in.EnableTerminationProtection, token, onFailure == "DO_NOTHING", policy
	if in.TimeoutInMinutes != nil {
		stack.Timeout = int(*in.TimeoutInMinutes)
	}
	stack.Operation = newOperation("CREATE", id, in.ClientRequestToken)
	stack.Operation.OnFailure, stack.Operation.RetainNew = onFailure, in.RetainExceptOnCreate
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, ok := s.byName(tx, id.Account, id.Region, in.StackName); ok {
			return &cloudformationapi.AlreadyExistsException{Message: "Stack [" + in.StackName + "] already exists"}
		}
		state.Stacks.Put(tx, stack)
		setStatus(tx, stack.Key(), "CREATE_IN_PROGRESS", "User Initiated", nil)
		if p.config.Processed != "" {
			setStatus(tx, stack.Key(), "CREATE_IN_PROGRESS", "Transformation succeeded", nil)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudformationapi.CreateStackOutput{StackId: stack.ID}, nil
}

// read reads what requests that make or change a stack have in common. stack is
// nil on creation.
func (s *Service) read(ctx context.Context, body, address string, params []cloudformationapi.Parameter, tags []cloudformationapi.Tag, capabilities []string, role, name string, stack *state.Stack) (request, error) {
	req := request{capabilities: capabilities, role: role}
	var err error
	if req.given, err = given(params, stack); err != nil {
		return req, err
	}
	if req.tags, err = tagsOf(tags); err != nil {
		return req, err
	}
	if err := s.role(ctx, role, name); err != nil {
		return req, err
	}
	req.text, err = s.source(asCaller(ctx), body, address)
	return req, err
}

// direct plans a creation or update that is not made through a change set.
func (s *Service) direct(ctx context.Context, stack *state.Stack, req request) (*plan, *differ, error) {
	ctx = asCaller(ctx)
	p, err := s.prepare(ctx, req)
	if err != nil {
		return nil, nil, answer(err)
	}
	if p.config.Processed != "" && !slices.Contains(req.capabilities, "CAPABILITY_AUTO_EXPAND") {
		return nil, nil, insufficient("CAPABILITY_AUTO_EXPAND")
	}
	if err := s.checkCapabilities(p.t, req.capabilities); err != nil {
		return nil, nil, err
	}
	d, err := s.difference(ctx, stack, p, 0)
	if errors.Is(err, template.ErrUnknown) {
		err = invalid("Template error: every Fn::Equals object requires a list of 2 string parameters.")
	}
	return p, d, answer(err)
}

// UpdateStack plans an update and starts to carry it out.
func (s *Service) UpdateStack(ctx context.Context, in *cloudformationapi.UpdateStackInput) (*cloudformationapi.UpdateStackOutput, error) {
	stack, err := s.existing(ctx, in.StackName)
	if err != nil {
		return nil, err
	}
	token := "UPDATE " + in.ClientRequestToken
	if in.ClientRequestToken != "" && stack.LastToken == token {
		return &cloudformationapi.UpdateStackOutput{StackId: stack.ID}, nil
	}
	if err := checkUpdatable(stack); err != nil {
		return nil, err
	}
	if err := (refused{in.NotificationARNs, in.RollbackConfiguration, in.DeploymentConfig}).check(); err != nil {
		return nil, err
	}
	next, err := s.policy(ctx, in.StackPolicyBody, in.StackPolicyURL)
	if err != nil {
		return nil, err
	}
	meanwhile, err := s.policy(ctx, in.StackPolicyDuringUpdateBody, in.StackPolicyDuringUpdateURL)
	if err != nil {
		return nil, err
	}
	req, err := s.readUpdate(ctx, stack, in.TemplateBody, in.TemplateURL, in.UsePreviousTemplate, in.Parameters, in.Tags, texts(in.Capabilities), in.RoleARN)
	if err != nil {
		return nil, err
	}
	req.resources = in.ResourceTypes
	p, d, err := s.direct(ctx, stack, req)
	if err != nil {
		return nil, err
	}
	if d.empty() {
		return nil, invalid("No updates are to be performed.")
	}
	noRollback := in.DisableRollback || in.DeploymentConfig != nil && in.DeploymentConfig.DisableRollback
	op := newOperation("UPDATE", caller.From(ctx), in.ClientRequestToken)
	op.RetainNew, op.Policy, op.Next = in.RetainExceptOnCreate, meanwhile, next
	err = s.db.Write(ctx, func(tx *store.Tx) error { return beginUpdate(tx, stack.Key(), p.config, op, noRollback, "", token) })
	if err != nil {
		return nil, err
	}
	return &cloudformationapi.UpdateStackOutput{StackId: stack.ID}, nil
}

// readUpdate is read for an update: the previous template, tags and role stay
// where the request has none.
func (s *Service) readUpdate(ctx context.Context, stack *state.Stack, body, address string, previous bool, params []cloudformationapi.Parameter, tags []cloudformationapi.Tag, capabilities []string, role string) (request, error) {
	if role == "" {
		role = stack.Config.RoleARN
	}
	if previous {
		if body != "" || address != "" {
			return request{}, invalid("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
		}
		req := request{text: stack.Config.Template, capabilities: capabilities, role: role}
		var err error
		if req.given, err = given(params, stack); err != nil {
			return req, err
		}
		if req.tags, err = tagsOf(tags); err != nil {
			return req, err
		}
		if len(tags) == 0 {
			req.tags = stack.Config.Tags
		}
		return req, s.role(ctx, role, stack.ID)
	}
	req, err := s.read(ctx, body, address, params, tags, capabilities, role, stack.ID, stack)
	if len(tags) == 0 {
		req.tags = stack.Config.Tags
	}
	return req, err
}

// beginUpdate records the start of an update.
func beginUpdate(tx *store.Tx, key string, config state.StackConfig, op *state.StackOperation, noRollback bool, changeSet, token string) error {
	stack, ok := state.Stacks.Get(tx, key)
	if !ok {
		return invalid("Stack [%s] does not exist", key)
	}
	if err := checkUpdatable(stack); err != nil {
		return err
	}
	previous := stack.Config
	op.Previous = &previous
	if stack.Stuck != nil && stack.Stuck.Previous != nil { // a failed update: what it came from is what counts
		op.Previous = stack.Stuck.Previous
	}
	if noRollback {
		op.OnFailure = "DO_NOTHING"
	}
	setStatus(tx, key, "UPDATE_IN_PROGRESS", "User Initiated", func(s *state.Stack) {
		s.Config, s.Operation, s.Updated, s.NoRollback, s.LastToken = config, op, now(), noRollback, token
		if changeSet != "" {
			s.ChangeSetID = changeSet
		}
	})
	if config.Processed != "" && changeSet == "" {
		setStatus(tx, key, "UPDATE_IN_PROGRESS", "Transformation succeeded", nil)
	}
	return nil
}

// DeleteStack starts to delete a stack; one that does not exist is no error. A
// creation or update that is under way is given up.
func (s *Service) DeleteStack(ctx context.Context, in *cloudformationapi.DeleteStackInput) error {
	if in.StackName == "" {
		return invalid("StackName is a required parameter.")
	}
	if err := (refused{deployment: in.DeploymentConfig}).check(); err != nil {
		return err
	}
	if in.DeletionMode != "" && in.DeletionMode != "STANDARD" {
		return notCarriedOut("DeletionMode " + string(in.DeletionMode))
	}
	if err := s.role(ctx, in.RoleARN, in.StackName); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		stack, ok := s.find(ctx, tx, in.StackName)
		if !ok || stack.Status == "DELETE_COMPLETE" {
			return nil
		}
		if stack.Protected || s.rootProtected(tx, stack) {
			return invalid("Stack [%s] cannot be deleted while TerminationProtection is enabled", stack.Name)
		}
		if stack.Operation != nil && stack.Operation.Kind == "DELETE" {
			return nil
		}
		if err := s.checkRetain(tx, stack, in.RetainResources); err != nil {
			return err
		}
		if stack.Status == "REVIEW_IN_PROGRESS" {
			s.discardReview(tx, stack)
			return nil
		}
		op := newOperation("DELETE", caller.From(ctx), in.ClientRequestToken)
		op.Retain = in.RetainResources
		setStatus(tx, stack.Key(), "DELETE_IN_PROGRESS", "User Initiated", func(s *state.Stack) {
			s.Operation = op
			if in.RoleARN != "" {
				s.Config.RoleARN = in.RoleARN
			}
		})
		return nil
	})
}

func (s *Service) rootProtected(tx *store.Tx, stack *state.Stack) bool {
	root, ok := state.Stacks.Get(tx, state.Key(stack.Account, stack.Region, stack.RootID))
	return ok && root.Protected
}

func (s *Service) checkRetain(tx *store.Tx, stack *state.Stack, retain []string) error {
	if len(retain) > 0 && stack.Status != "DELETE_FAILED" {
		return invalid("Invalid operation on stack [%s]. You cannot retain resources if the stack is not in DELETE_FAILED state.", stack.ID)
	}
	for _, id := range retain {
		if _, ok := state.StackResources.Get(tx, state.StackResourceKey(stack.Account, stack.Region, stack.ID, id)); !ok {
			return invalid("Resource %s does not exist for stack %s", id, stack.Name)
		}
	}
	return nil
}

// discardReview deletes a stack that is only a change set so far.
func (s *Service) discardReview(tx *store.Tx, stack *state.Stack) {
	for c := range state.ChangeSets.By(tx, "stack", stack.Key()) {
		state.ChangeSets.Delete(tx, c.Key())
	}
	setStatus(tx, stack.Key(), "DELETE_IN_PROGRESS", "User Initiated", nil)
	setStatus(tx, stack.Key(), "DELETE_COMPLETE", "", func(s *state.Stack) { s.Deleted = now() })
}

// UpdateTerminationProtection turns the protection against deletion on or off.
func (s *Service) UpdateTerminationProtection(ctx context.Context, in *cloudformationapi.UpdateTerminationProtectionInput) (*cloudformationapi.UpdateTerminationProtectionOutput, error) {
	stack, err := s.existing(ctx, in.StackName)
	if err != nil {
		return nil, err
	}
	if stack.ParentID != "" {
		return nil, invalid("Termination protection on [%s] cannot be changed: it is a nested stack. The change must be made on its root stack", stack.Name)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		state.Stacks.Update(tx, stack.Key(), func(s *state.Stack) { s.Protected = *in.EnableTerminationProtection })
		return nil
	})
	return &cloudformationapi.UpdateTerminationProtectionOutput{StackId: stack.ID}, err
}
