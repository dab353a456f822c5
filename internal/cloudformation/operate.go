package cloudformation

import (
	"context"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// operate carries out the operation of one stack, phase by phase, until there is
// none. It is the loop's Do: an error is logged and repeated.
func (s *Service) operate(ctx context.Context, key string) (reconcile.Result, error) {
	for ctx.Err() == nil {
		stack, ok := state.Stacks.Get(s.db.Read(), key)
		if !ok || stack.Operation == nil || stack.Operation.Phase == "cleanup" && stack.Operation.Waits {
			return reconcile.Result{}, nil
		}
		if err := s.phase(ctx, stack); err != nil && ctx.Err() == nil {
			return reconcile.Result{}, err
		}
	}
	return reconcile.Result{}, nil
}

// phase carries out the phase that a stack is in and records the next one.
func (s *Service) phase(ctx context.Context, stack *state.Stack) error {
	actor, err := s.actor(ctx, stack)
	if err != nil {
		return s.failed(ctx, stack, message(err))
	}
	op := &operation{s: s, stack: stack, op: stack.Operation, key: stack.Key(), cancelled: make(chan struct{})}
	switch stack.Operation.Phase {
	case "apply", "rollback":
		return op.apply(actor)
	case "cleanup":
		return op.cleanup(actor)
	}
	return op.deleteAll(actor)
}

// operation is one phase of a stack's operation while it is worked on.
type operation struct {
	s         *Service
	stack     *state.Stack // as it was when the phase began
	op        *state.StackOperation
	key       string
	once      sync.Once
	cancelled chan struct{} // closed when waits are to be given up
	e         *template.Evaluator
	deps      map[string][]string
}

func (o *operation) cancel() { o.once.Do(func() { close(o.cancelled) }) }

// mark names a phase of an operation, as resources remember it.
func (o *operation) mark() string { return o.op.ID + "/" + o.op.Phase }

func (o *operation) rollback() bool { return o.op.Phase == "rollback" }

// resources returns the stack's resources as they are now.
func (o *operation) resources() map[string]*state.StackResource {
	out := map[string]*state.StackResource{}
	for r := range state.StackResources.All(o.s.db.Read(), state.StackResourceKey(o.stack.Account, o.stack.Region, o.stack.ID, "")) {
		out[r.LogicalID] = r
	}
	return out
}

// load reads a resource; one that is not there yet is returned empty.
func (o *operation) load(tx *store.Tx, logicalID string) *state.StackResource {
	if r, ok := state.StackResources.Get(tx, state.StackResourceKey(o.stack.Account, o.stack.Region, o.stack.ID, logicalID)); ok {
		copied := *r
		return &copied
	}
	return &state.StackResource{Account: o.stack.Account, Region: o.stack.Region, StackID: o.stack.ID, StackName: o.stack.Name, LogicalID: logicalID, IsNew: true}
}

// change loads a resource, lets change work on it and publishes the status that
// change returns; without one it is stored silently.
func (o *operation) change(ctx context.Context, logicalID string, change func(*state.StackResource) published) error {
	return o.s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		r := o.load(tx, logicalID)
		p := change(r)
		if p.status == "" {
			state.StackResources.Put(tx, r)
			return nil
		}
		progress(tx, o.key, r, p.status, p.reason, p.physicalID, p.properties)
		return nil
	})
}

// published is a resource event to be.
type published struct{ status, reason, physicalID, properties string }

// apply brings the resources to what the configuration says: the new one in the
// apply phase, the previous one in the rollback phase of an update.
func (o *operation) apply(ctx context.Context) error {
	config := o.stack.Config
	if o.rollback() {
		config = *o.op.Previous
	}
	if err := o.evaluate(ctx, config); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return o.s.failed(ctx, o.stack, message(err))
	}
	if minutes := o.stack.Timeout; minutes > 0 && o.op.Kind == "CREATE" {
		timer := time.AfterFunc(time.Until(o.op.Started.Add(time.Duration(minutes)*time.Minute)), o.cancel)
		defer timer.Stop()
	}
	wanted := map[string]template.Resource{}
	for _, r := range o.e.Resources() {
		wanted[r.LogicalID] = r
	}
	var mu sync.Mutex
	ok, err := o.removes(ctx)
	if err != nil {
		return err
	}
	if !ok {
		return o.s.failed(ctx, o.stack, "")
	}
	walk(ctx, o.deps, true, o.cancel, func(name string) bool {
		fine := !o.stopped() && o.one(ctx, wanted[name], config)
		mu.Lock()
		ok = ok && fine
		mu.Unlock()
		return fine
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !ok {
		return o.s.failed(ctx, o.stack, "")
	}
	return o.applied(ctx, config)
}

// stopped reports whether the operation is to go no further: CancelUpdateStack
// came, or another operation took its place.
func (o *operation) stopped() bool {
	stack, ok := state.Stacks.Get(o.s.db.Read(), o.key)
	if !ok || stack.Operation == nil || stack.Operation.ID != o.op.ID {
		return true
	}
	return stack.Operation.Cancelled && o.op.Phase == "apply"
}

// evaluate prepares the evaluation of a configuration against what the stack's
// resources are as they are made.
func (o *operation) evaluate(ctx context.Context, config state.StackConfig) error {
	t, err := stored(config)
	if err != nil {
		return err
	}
	params := map[string]template.ParameterValue{}
	for _, v := range config.Parameters {
		p, ok := t.Parameter(v.Key)
		if !ok {
			continue
		}
		text := v.Value
		if v.Resolved != "" {
			text = v.Resolved
		}
		params[v.Key] = template.ParameterValue{Given: v.Value, Resolved: v.Resolved, Value: p.Meaning(text)}
	}
	env := o.s.environment(ctx, o.stack, params)
	env.Reference = func(id, attribute string) (*template.Value, error) {
		r, ok := state.StackResources.Get(o.s.db.Read(), state.StackResourceKey(o.stack.Account, o.stack.Region, o.stack.ID, id))
		if !ok || r.Live.ID == "" {
			return nil, &template.Error{Message: "Template error: resource " + id + " does not exist yet"}
		}
		return o.s.attribute(ctx, o.stack, r, attribute)
	}
	if o.e, err = t.Evaluate(env); err != nil {
		return err
	}
	o.deps, err = o.e.Dependencies()
	return err
}

// applied ends a phase in which everything went well.
func (o *operation) applied(ctx context.Context, config state.StackConfig) error {
	outputs, imports, err := o.outputs(config)
	if err != nil {
		return o.s.failed(ctx, o.stack, message(err)+" Rollback requested by user.")
	}
	return o.s.db.Write(ctx, func(tx *store.Tx) error {
		if stack, ok := state.Stacks.Get(tx, o.key); !ok || stack.Operation == nil || stack.Operation.ID != o.op.ID {
			return nil // another operation took over
		}
		if why := o.exportConflict(tx, outputs); why != "" && !o.rollback() {
			fail(tx, o.key, o.op.ID, why)
			return nil
		}
		o.forget(tx)
		switch {
		case o.rollback():
			setStatus(tx, o.key, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "", func(s *state.Stack) {
				s.Config, s.Outputs, s.Imports = config, outputs, imports
				op := *s.Operation
				op.Phase, op.Failed = "cleanup", true
				s.Operation = &op
			})
		case o.op.Kind == "CREATE":
			setStatus(tx, o.key, "CREATE_COMPLETE", "", func(s *state.Stack) {
				s.Outputs, s.Imports, s.Operation = outputs, imports, nil
			})
		default:
			setStatus(tx, o.key, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "", func(s *state.Stack) {
				s.Outputs, s.Imports = outputs, imports
				op := *s.Operation
				s.Policy = pick(op.Next, s.Policy)
				op.Phase, op.Waits = "cleanup", s.ParentID != ""
				s.Operation = &op
			})
		}
		return nil
	})
}

// forget stores what every resource of the template says besides its properties,
// and drops the mark of newness once an operation is sure.
func (o *operation) forget(tx *store.Tx) {
	for _, r := range o.e.Resources() {
		rec := o.load(tx, r.LogicalID)
		rec.DependsOn, rec.Metadata = o.deps[r.LogicalID], metadata(r)
		rec.DeletionPolicy, rec.UpdateReplacePolicy = r.DeletionPolicy, r.UpdateReplacePolicy
		if !o.rollback() {
			rec.IsNew = false
		}
		state.StackResources.Put(tx, rec)
	}
}
