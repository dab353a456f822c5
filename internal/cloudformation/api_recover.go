package cloudformation

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CancelUpdateStack stops an update that is under way and rolls it back.
func (s *Service) CancelUpdateStack(ctx context.Context, in *cloudformationapi.CancelUpdateStackInput) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		stack, ok := s.find(ctx, tx, in.StackName)
		if !ok {
			return invalid("Stack [%s] does not exist", in.StackName)
		}
		if stack.Status != "UPDATE_IN_PROGRESS" || stack.Operation == nil {
			return invalid("CancelUpdateStack cannot be called from current stack status")
		}
		op := *stack.Operation
		op.Cancelled = true
		state.Stacks.Update(tx, stack.Key(), func(s *state.Stack) { s.Operation = &op })
		return nil
	})
}

// ContinueUpdateRollback goes on with the rollback of an update that failed.
func (s *Service) ContinueUpdateRollback(ctx context.Context, in *cloudformationapi.ContinueUpdateRollbackInput) (*cloudformationapi.ContinueUpdateRollbackOutput, error) {
	if len(in.ResourcesToSkip) > 0 {
		return nil, notCarriedOut("ResourcesToSkip")
	}
	if err := s.role(ctx, in.RoleARN, in.StackName); err != nil {
		return nil, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		stack, ok := s.find(ctx, tx, in.StackName)
		if !ok {
			return invalid("Stack [%s] does not exist", in.StackName)
		}
		if stack.Status != "UPDATE_ROLLBACK_FAILED" || stack.Stuck == nil {
			return invalid("Stack:%s is in %s state and can not continue rolling back.", stack.ID, stack.Status)
		}
		rollbackAgain(tx, stack, "UPDATE_ROLLBACK_IN_PROGRESS", caller.From(ctx), in.RoleARN, in.ClientRequestToken)
		return nil
	})
	return &cloudformationapi.ContinueUpdateRollbackOutput{}, err
}

// rollbackAgain takes up the rollback of the operation that a stack is stuck in.
// It stays the same operation, so that the resources it touched are known.
func rollbackAgain(tx *store.Tx, stack *state.Stack, status string, as caller.Identity, role, token string) {
	op := *stack.Stuck
	op.Phase, op.Token, op.Caller, op.Cancelled, op.Failed, op.OnFailure = "rollback", token, as, false, true, ""
	if op.Kind == "CREATE" {
		op.Phase = "delete"
	}
	setStatus(tx, stack.Key(), status, "User Initiated", func(s *state.Stack) {
		s.Operation, s.Stuck = &op, nil
		if role != "" {
			s.Config.RoleARN = role
		}
	})
}

// RollbackStack rolls back a creation or update that failed and was left as it was.
func (s *Service) RollbackStack(ctx context.Context, in *cloudformationapi.RollbackStackInput) (*cloudformationapi.RollbackStackOutput, error) {
	if err := (refused{deployment: in.DeploymentConfig}).check(); err != nil {
		return nil, err
	}
	if err := s.role(ctx, in.RoleARN, in.StackName); err != nil {
		return nil, err
	}
	var id string
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		stack, ok := s.find(ctx, tx, in.StackName)
		if !ok {
			return invalid("Stack [%s] does not exist", in.StackName)
		}
		if stack.Stuck == nil || !slices.Contains([]string{"CREATE_FAILED", "UPDATE_FAILED"}, stack.Status) {
			return invalid("Stack:%s is in %s state and can not be rolled back.", stack.ID, stack.Status)
		}
		id = stack.ID
		status := "UPDATE_ROLLBACK_IN_PROGRESS"
		if stack.Stuck.Kind == "CREATE" {
			status = "ROLLBACK_IN_PROGRESS"
		}
		rollbackAgain(tx, stack, status, caller.From(ctx), in.RoleARN, in.ClientRequestToken)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudformationapi.RollbackStackOutput{StackId: id}, nil
}
