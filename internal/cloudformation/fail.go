package cloudformation

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// failed ends a phase in which something went wrong.
func (s *Service) failed(ctx context.Context, stack *state.Stack, why string) error {
	return s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		fail(tx, stack.Key(), stack.Operation.ID, why)
		return nil
	})
}

// fail decides what comes after a failure and publishes it. An empty reason
// means that resources failed; their names are the reason.
func fail(tx *store.Tx, key, operation, why string) {
	stack, ok := state.Stacks.Get(tx, key)
	if !ok || stack.Operation == nil || stack.Operation.ID != operation {
		return // another operation took over
	}
	op := *stack.Operation
	next := func(phase string) func(*state.Stack) {
		return func(s *state.Stack) { op.Phase, op.Failed = phase, true; s.Operation = &op }
	}
	stop := func(s *state.Stack) { s.Stuck, s.Operation = &op, nil }
	list := failures(tx, stack)
	switch {
	case op.Phase == "delete" && op.Kind == "CREATE" && op.OnFailure != "DELETE":
		setStatus(tx, key, "ROLLBACK_FAILED", pick(why, list), stop)
	case op.Phase == "delete":
		setStatus(tx, key, "DELETE_FAILED", pick(why, list), stop)
	case op.Phase == "cleanup": // what could not be cleaned up is left behind
		setStatus(tx, key, cleanupStatus(&op), why, stop)
	case op.Phase == "rollback":
		setStatus(tx, key, "UPDATE_ROLLBACK_FAILED", pick(why, list), stop)
	case op.Kind == "CREATE" && op.OnFailure == "DELETE":
		setStatus(tx, key, "DELETE_IN_PROGRESS", pick(why, list+"Delete requested by user."), next("delete"))
	case op.Kind == "CREATE" && op.OnFailure == "DO_NOTHING":
		setStatus(tx, key, "CREATE_FAILED", pick(why, list), stop)
	case op.Kind == "CREATE":
		setStatus(tx, key, "ROLLBACK_IN_PROGRESS", pick(why, list+"Rollback requested by user."), next("delete"))
	case op.OnFailure == "DO_NOTHING" && !op.Cancelled:
		setStatus(tx, key, "UPDATE_FAILED", pick(why, list), stop)
	case op.Cancelled:
		setStatus(tx, key, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated", next("rollback"))
	default:
		setStatus(tx, key, "UPDATE_ROLLBACK_IN_PROGRESS", pick(why, list), next("rollback"))
	}
}

// cleanupStatus is the status in which a cleanup ends.
func cleanupStatus(op *state.StackOperation) string {
	if op.Failed {
		return "UPDATE_ROLLBACK_COMPLETE"
	}
	return "UPDATE_COMPLETE"
}

func pick(why, otherwise string) string {
	if why != "" {
		return why
	}
	return otherwise
}

// failures lists the resources that failed in the operation under way.
func failures(tx *store.Tx, stack *state.Stack) string {
	byKind := map[string][]string{}
	for r := range state.StackResources.All(tx, state.StackResourceKey(stack.Account, stack.Region, stack.ID, "")) {
		if kind, failed := strings.CutSuffix(r.Status, "_FAILED"); failed && r.Touched == stack.Operation.ID {
			byKind[kind] = append(byKind[kind], r.LogicalID)
		}
	}
	text := ""
	for _, k := range []struct{ kind, verb string }{{"CREATE", "create"}, {"UPDATE", "update"}, {"DELETE", "delete"}} {
		if names := byKind[k.kind]; names != nil {
			text += "The following resource(s) failed to " + k.verb + ": [" + strings.Join(names, ", ") + "]. "
		}
	}
	return text
}
