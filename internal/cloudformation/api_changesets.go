package cloudformation

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

// CreateChangeSet computes a change set. It is complete, or has failed, when the
// call returns: clients look for it after 5 or 15 seconds only.
func (s *Service) CreateChangeSet(ctx context.Context, in *cloudformationapi.CreateChangeSetInput) (*cloudformationapi.CreateChangeSetOutput, error) {
	id := caller.From(ctx)
	kind := string(in.ChangeSetType)
	switch {
	case kind == "":
		kind = "UPDATE"
	case kind != "CREATE" && kind != "UPDATE":
		return nil, notCarriedOut("ChangeSetType " + kind)
	}
	if in.DeploymentMode != "" {
		return nil, notCarriedOut("DeploymentMode " + string(in.DeploymentMode))
	}
	if len(in.ResourcesToImport) > 0 {
		return nil, notCarriedOut("ResourcesToImport")
	}
	if err := (refused{in.NotificationARNs, in.RollbackConfiguration, in.DeploymentConfig}).check(); err != nil {
		return nil, err
	}
	stack, err := s.changeSetStack(ctx, in.StackName, in.ChangeSetName, kind)
	if err != nil {
		return nil, err
	}
	if again, err := s.sameChangeSet(stack, in); again != nil || err != nil {
		return again, err
	}
	previous := stack
	if kind == "CREATE" {
		previous = nil
	}
	var req request
	if kind == "UPDATE" {
		req, err = s.readUpdate(ctx, previous, in.TemplateBody, in.TemplateURL, in.UsePreviousTemplate, in.Parameters, in.Tags, texts(in.Capabilities), in.RoleARN)
	} else {
		req, err = s.read(ctx, in.TemplateBody, in.TemplateURL, in.Parameters, in.Tags, texts(in.Capabilities), in.RoleARN, stack.ID, previous)
	}
	if err != nil {
		return nil, err
	}
	req.resources = in.ResourceTypes
	req.imports = in.ImportExistingResources
	c := &state.ChangeSet{
		Account: id.Account, Region: id.Region, Name: in.ChangeSetName, StackID: stack.ID, StackName: stack.Name, Kind: kind, Description: in.Description,
		ID:      "arn:aws:cloudformation:" + id.Region + ":" + id.Account + ":changeSet/" + in.ChangeSetName + "/" + ids.UUID(),
		Created: now(), Caller: id, OnFailure: string(in.OnStackFailure), Token: in.ClientToken, Nested: in.IncludeNestedStacks, Imports: in.ImportExistingResources,
	}
	if err := s.compute(asCaller(ctx), c, stack, req); err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, ok := state.Stacks.Get(tx, stack.Key()); !ok {
			state.Stacks.Put(tx, stack)
			setStatus(tx, stack.Key(), "REVIEW_IN_PROGRESS", "User Initiated", nil)
		}
		state.ChangeSets.Put(tx, c)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudformationapi.CreateChangeSetOutput{Id: c.ID, StackId: stack.ID}, nil
}

// changeSetStack finds or makes the stack that a change set is for.
func (s *Service) changeSetStack(ctx context.Context, name, changeSet, kind string) (*state.Stack, error) {
	id := caller.From(ctx)
	stack, ok := s.find(ctx, s.db.Read(), name)
	if kind == "CREATE" {
		switch {
		case ok && stack.Status == "REVIEW_IN_PROGRESS":
			return stack, nil
		case ok:
			return nil, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", name, changeSet)
		}
		if err := checkName(name); err != nil {
			return nil, err
		}
		return newStack(id.Account, id.Region, name), nil
	}
	if !ok {
		return nil, invalid("Stack [%s] does not exist", name)
	}
	return stack, checkUpdatable(stack)
}

// sameChangeSet answers a repeated request, and refuses a name that is taken.
func (s *Service) sameChangeSet(stack *state.Stack, in *cloudformationapi.CreateChangeSetInput) (*cloudformationapi.CreateChangeSetOutput, error) {
	for c := range state.ChangeSets.By(s.db.Read(), "stack", stack.Key()) {
		if c.Name != in.ChangeSetName {
			continue
		}
		if in.ClientToken != "" && c.Token == in.ClientToken {
			return &cloudformationapi.CreateChangeSetOutput{Id: c.ID, StackId: stack.ID}, nil
		}
		return nil, &cloudformationapi.AlreadyExistsException{Message: "ChangeSet " + in.ChangeSetName + " cannot be created due to a mismatch with existing attribute Template"}
	}
	return nil, nil
}

// compute fills in what a change set does. Mistakes in what the template says of
// resources, and failed transforms, make a failed change set; mistakes of form
// are refused.
func (s *Service) compute(ctx context.Context, c *state.ChangeSet, stack *state.Stack, req request) error {
	failed := func(err error) error {
		c.Status, c.Execution, c.StatusReason = "FAILED", "UNAVAILABLE", message(err)
		if c.Config.Template == "" {
			c.Config = state.StackConfig{Template: req.text, Tags: req.tags, Capabilities: req.capabilities, RoleARN: req.role}
		}
		return nil
	}
	p, err := s.prepare(ctx, req)
	var transform *transformError
	if errors.As(err, &transform) {
		return failed(err)
	}
	if err != nil {
		return answer(err)
	}
	c.Config = p.config
	if err := s.checkCapabilities(p.t, req.capabilities); err != nil {
		return err
	}
	d, err := s.difference(ctx, stack, p, 0)
	switch {
	case errors.Is(err, template.ErrUnknown):
		return invalid("Template error: every Fn::Equals object requires a list of 2 string parameters.")
	case err != nil && strings.HasPrefix(message(err), "Template format error"):
		return answer(err)
	case err != nil:
		return failed(err)
	case d.empty() && c.Kind == "UPDATE":
		return failed(errors.New(noChanges))
	}
	c.Config.Imports = d.imported
	c.Changes, c.Status, c.Execution = d.changes, "CREATE_COMPLETE", "AVAILABLE"
	return nil
}

// changeSet finds a change set by ARN, or by name and stack.
func (s *Service) changeSet(ctx context.Context, tx *store.Tx, name, stackName string) (*state.ChangeSet, error) {
	id := caller.From(ctx)
	if strings.HasPrefix(name, "arn:") {
		if c, ok := state.ChangeSets.Get(tx, state.Key(id.Account, id.Region, name)); ok {
			return c, nil
		}
		return nil, &cloudformationapi.ChangeSetNotFoundException{Message: "ChangeSet [" + name + "] does not exist"}
	}
	if stackName == "" {
		return nil, invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
	}
	stack, ok := s.find(ctx, tx, stackName)
	if !ok {
		return nil, invalid("Stack [%s] does not exist", stackName)
	}
	for c := range state.ChangeSets.By(tx, "stack", stack.Key()) {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, &cloudformationapi.ChangeSetNotFoundException{Message: "ChangeSet [" + name + "] does not exist"}
}

// ExecuteChangeSet starts what a change set has computed. The stack's other
// change sets are deleted.
func (s *Service) ExecuteChangeSet(ctx context.Context, in *cloudformationapi.ExecuteChangeSetInput) (*cloudformationapi.ExecuteChangeSetOutput, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := s.changeSet(ctx, tx, in.ChangeSetName, in.StackName)
		if err != nil {
			return err
		}
		stack, ok := state.Stacks.Get(tx, state.Key(c.Account, c.Region, c.StackID))
		if !ok {
			return invalid("Stack [%s] does not exist", c.StackName)
		}
		token := "EXECUTE " + in.ClientRequestToken
		if in.ClientRequestToken != "" && stack.LastToken == token {
			return nil
		}
		if c.Execution != "AVAILABLE" {
			return &cloudformationapi.InvalidChangeSetStatusException{Message: "ChangeSet [" + c.ID + "] cannot be executed in its current status of [" + c.Status + "]"}
		}
		as := caller.From(ctx)
		if c.Kind == "UPDATE" {
			op := newOperation("UPDATE", as, in.ClientRequestToken)
			op.RetainNew = in.RetainExceptOnCreate
			if err := beginUpdate(tx, stack.Key(), c.Config, op, in.DisableRollback || c.OnFailure == "DO_NOTHING", c.ID, token); err != nil {
				return err
			}
		} else if err := beginCreate(tx, stack, c, as, in, token); err != nil {
			return err
		}
		for other := range state.ChangeSets.By(tx, "stack", stack.Key()) {
			if other.ID != c.ID {
				state.ChangeSets.Delete(tx, other.Key())
			}
		}
		state.ChangeSets.Update(tx, c.Key(), func(c *state.ChangeSet) { c.Execution = "EXECUTE_COMPLETE" })
		return nil
	})
	return &cloudformationapi.ExecuteChangeSetOutput{}, err
}

func beginCreate(tx *store.Tx, stack *state.Stack, c *state.ChangeSet, as caller.Identity, in *cloudformationapi.ExecuteChangeSetInput, token string) error {
	if stack.Status != "REVIEW_IN_PROGRESS" {
		return invalid("Stack:%s is in %s state and can not be updated.", stack.ID, stack.Status)
	}
	op := newOperation("CREATE", as, in.ClientRequestToken)
	op.OnFailure, op.RetainNew = c.OnFailure, in.RetainExceptOnCreate
	if in.DisableRollback {
		op.OnFailure = "DO_NOTHING"
	}
	setStatus(tx, stack.Key(), "CREATE_IN_PROGRESS", "User Initiated", func(s *state.Stack) {
		s.Config, s.Operation, s.Updated, s.ChangeSetID, s.LastToken = c.Config, op, now(), c.ID, token
		s.NoRollback = op.OnFailure == "DO_NOTHING"
	})
	return nil
}

// DeleteChangeSet deletes a change set; one that does not exist is no error when
// its stack does.
func (s *Service) DeleteChangeSet(ctx context.Context, in *cloudformationapi.DeleteChangeSetInput) (*cloudformationapi.DeleteChangeSetOutput, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		c, err := s.changeSet(ctx, tx, in.ChangeSetName, in.StackName)
		var unknown *cloudformationapi.ChangeSetNotFoundException
		if errors.As(err, &unknown) && !strings.HasPrefix(in.ChangeSetName, "arn:") {
			return nil
		}
		if err != nil {
			return err
		}
		state.ChangeSets.Delete(tx, c.Key())
		return nil
	})
	return &cloudformationapi.DeleteChangeSetOutput{}, err
}

// ListChangeSets lists the change sets of a stack.
func (s *Service) ListChangeSets(ctx context.Context, in *cloudformationapi.ListChangeSetsInput) (*cloudformationapi.ListChangeSetsOutput, error) {
	tx := s.db.Read()
	stack, ok := s.find(ctx, tx, in.StackName)
	if !ok {
		return nil, invalid("Stack [%s] does not exist", in.StackName)
	}
	var all []cloudformationapi.ChangeSetSummary
	for c := range state.ChangeSets.By(tx, "stack", stack.Key()) {
		all = append(all, cloudformationapi.ChangeSetSummary{
			StackId: c.StackID, StackName: c.StackName, ChangeSetId: c.ID, ChangeSetName: c.Name, Status: cloudformationapi.ChangeSetStatus(c.Status),
			ExecutionStatus: cloudformationapi.ExecutionStatus(c.Execution), StatusReason: c.StatusReason, CreationTime: c.Created,
			Description: c.Description, IncludeNestedStacks: c.Nested, ImportExistingResources: c.Imports,
		})
	}
	slices.SortFunc(all, func(a, b cloudformationapi.ChangeSetSummary) int { return a.CreationTime.Compare(b.CreationTime) })
	page, next, err := paged(all, in.NextToken)
	return &cloudformationapi.ListChangeSetsOutput{Summaries: page, NextToken: next}, err
}
