package cloudformation

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// deletePatience is how long a deletion is repeated while something that is on
// its way out still uses the resource.
const deletePatience = 30 * time.Second

// inUse are the codes of such refusals.
var inUse = []string{"DependencyViolation", "DeleteConflict", "ResourceInUse", "ResourceInUseException", "InvalidParameterValue.InUse", "ClusterContainsTasksException", "ClusterContainsServicesException"}

// deleteAll deletes the resources of a stack that is deleted, or whose creation
// is rolled back; those that were needed last go first.
func (o *operation) deleteAll(ctx context.Context) error {
	if why := o.exportsInUse(); why != "" && o.op.Kind == "DELETE" {
		return o.deleted(ctx, why)
	}
	all := o.resources()
	graph := map[string][]string{}
	for id, r := range all {
		graph[id] = r.DependsOn
	}
	var mu sync.Mutex
	failed := false
	walk(ctx, reversed(graph), false, func() {}, func(id string) bool {
		ok := o.remove(ctx, all[id])
		mu.Lock()
		failed = failed || !ok
		mu.Unlock()
		return ok
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failed {
		return o.deleted(ctx, "resources")
	}
	return o.deleted(ctx, "")
}

func (o *operation) exportsInUse() string {
	tx := o.s.db.Read()
	for _, out := range o.stack.Outputs {
		if out.ExportName == "" {
			continue
		}
		if users := importers(tx, o.stack, out.ExportName); users != "" {
			return "Delete canceled. Cannot delete export " + out.ExportName + " as it is in use by " + users + "."
		}
	}
	return ""
}

// deleted publishes the end of a deletion.
func (o *operation) deleted(ctx context.Context, why string) error {
	rolledBack := o.op.Kind == "CREATE" && o.op.OnFailure != "DELETE"
	return o.s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		stack, ok := state.Stacks.Get(tx, o.key)
		if !ok || stack.Operation == nil || stack.Operation.ID != o.op.ID {
			return nil
		}
		if why == "resources" {
			why = failures(tx, stack)
		}
		end := func(s *state.Stack) { s.Operation, s.Stuck = nil, nil }
		switch {
		case why != "" && rolledBack:
			setStatus(tx, o.key, "ROLLBACK_FAILED", why, end)
		case why != "":
			setStatus(tx, o.key, "DELETE_FAILED", why, end)
		case rolledBack:
			setStatus(tx, o.key, "ROLLBACK_COMPLETE", "", end)
		default:
			setStatus(tx, o.key, "DELETE_COMPLETE", "", func(s *state.Stack) {
				end(s)
				s.Deleted, s.Protected = now(), false
			})
			for c := range state.ChangeSets.By(tx, "stack", o.key) {
				state.ChangeSets.Delete(tx, c.Key())
			}
		}
		return nil
	})
}

// retained reports whether a deletion leaves a resource alone.
func (o *operation) retained(r *state.StackResource) bool {
	if o.spared(r, r.Live) {
		return true
	}
	switch r.DeletionPolicy {
	case "Retain":
		return !(o.op.RetainNew && o.op.Kind != "DELETE" && r.IsNew)
	case "RetainExceptOnCreate":
		return !(o.op.Kind != "DELETE" && r.IsNew)
	}
	return slices.Contains(o.op.Retain, r.LogicalID)
}

// remove deletes one resource of a stack and all that it was made as.
func (o *operation) remove(ctx context.Context, r *state.StackResource) bool {
	if r.Status == "DELETE_COMPLETE" || r.Status == "DELETE_SKIPPED" {
		return true
	}
	publish := func(status, why string, change func(*state.StackResource)) {
		err := o.change(ctx, r.LogicalID, func(r *state.StackResource) published {
			r.Touched = o.op.ID
			if change != nil {
				change(r)
			}
			return published{status, why, r.Live.ID, r.Live.Properties}
		})
		if err != nil {
			o.s.log.Error("recording a deletion", "stack", o.stack.Name, "resource", r.LogicalID, "err", err)
		}
	}
	if o.retained(r) {
		publish("DELETE_SKIPPED", "", nil)
		return true
	}
	if r.Status != "DELETE_IN_PROGRESS" {
		publish("DELETE_IN_PROGRESS", "", nil)
	}
	physical := append(slices.Clone(r.Stale), r.Live)
	if r.Previous != nil {
		physical = append(physical, *r.Previous)
	}
	for _, p := range physical {
		if err := o.destroy(ctx, r, p); err != nil {
			if ctx.Err() == nil {
				publish("DELETE_FAILED", reason(r.Type, err), nil)
			}
			return false
		}
	}
	publish("DELETE_COMPLETE", "", func(r *state.StackResource) {
		r.Stale, r.Previous, r.Live.Started, r.Live.Complete = nil, nil, false, false
	})
	return true
}

// destroy deletes one physical resource, repeating while it is still in use by
// something on its way out.
func (o *operation) destroy(ctx context.Context, r *state.StackResource, p state.Physical) error {
	if p.ID == "" || o.spared(r, p) {
		return nil // it was never made, or not by us
	}
	fault.Point("cloudformation.delete")
	typ := p.Type
	if typ == "" {
		typ = r.Type
	}
	handler, ok := o.s.types[typ]
	if !ok {
		return &resource.Failure{Code: "InvalidRequest", Message: "Neargate does not carry out the resource type " + typ}
	}
	props := properties(p.Properties)
	if resolved, err := template.ResolveDynamic(props, o.dynamic(ctx, typ)); err == nil {
		props = resolved
	}
	req := o.request(r, p, props)
	deadline := time.Now().Add(deletePatience)
	for {
		err := handler.Delete(ctx, req)
		if !slices.Contains(inUse, code(err)) || time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		next := o.s.commits.Next()
		select {
		case <-next:
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// cleanup ends an update: it deletes what was replaced, removed or, after a
// rollback, made in vain. What cannot be deleted is left behind, as on AWS.
func (o *operation) cleanup(ctx context.Context) error {
	if err := o.evaluate(ctx, o.stack.Config); err != nil {
		o.s.log.Error("evaluating a template for its cleanup", "stack", o.stack.Name, "err", err)
		return err
	}
	stays := map[string]bool{}
	for _, r := range o.e.Resources() {
		stays[r.LogicalID] = true
	}
	all := o.resources()
	graph := map[string][]string{}
	for id, r := range all {
		graph[id] = r.DependsOn
	}
	walk(ctx, reversed(graph), false, func() {}, func(id string) bool {
		if stays[id] {
			return o.discard(ctx, all[id])
		}
		return o.drop(ctx, all[id])
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return o.s.db.Write(ctx, func(tx *store.Tx) error {
		if stack, ok := state.Stacks.Get(tx, o.key); ok && stack.Operation != nil && stack.Operation.ID == o.op.ID {
			setStatus(tx, o.key, cleanupStatus(o.op), "", func(s *state.Stack) { s.Operation, s.Stuck = nil, nil })
		}
		return nil
	})
}

// finisher is a type that keeps something for a rollback until the root stack's
// update is sure.
type finisher interface {
	Finish(ctx context.Context, r *resource.Request) error
}

// discard deletes what a resource that stays was before. It always lets the
// resources it depends on be cleaned up too.
func (o *operation) discard(ctx context.Context, r *state.StackResource) bool {
	if f, ok := o.s.types[r.Type].(finisher); ok && r.Live.ID != "" {
		if err := f.Finish(ctx, o.request(r, r.Live, properties(r.Live.Properties))); err != nil {
			o.s.log.Error("finishing a nested stack", "stack", o.stack.Name, "resource", r.LogicalID, "err", err)
		}
	}
	old := slices.Clone(r.Stale)
	if r.Previous != nil {
		old = append(old, *r.Previous)
	}
	for _, p := range old {
		o.discardOne(ctx, r, p, r.UpdateReplacePolicy == "Retain" && !o.op.Failed)
	}
	if len(old) > 0 && ctx.Err() == nil {
		_ = o.change(ctx, r.LogicalID, func(r *state.StackResource) published {
			r.Stale, r.Previous = nil, nil
			return published{}
		})
	}
	return true
}

// discardOne deletes one thing with its events, in up to three tries.
func (o *operation) discardOne(ctx context.Context, r *state.StackResource, p state.Physical, retain bool) {
	publish := func(status, why string) {
		_ = o.s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			state.Stacks.Update(tx, o.key, func(s *state.Stack) {
				addEvent(tx, s, state.StackEvent{LogicalID: r.LogicalID, PhysicalID: p.ID, Type: r.Type, Status: status, Reason: why, Properties: masked(p.Properties, s.Config)})
			})
			return nil
		})
	}
	if p.ID == "" {
		return
	}
	if retain {
		publish("DELETE_SKIPPED", "")
		return
	}
	publish("DELETE_IN_PROGRESS", "")
	var err error
	for range 3 {
		if err = o.destroy(ctx, r, p); err == nil || ctx.Err() != nil {
			break
		}
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		publish("DELETE_FAILED", reason(r.Type, err))
	default:
		publish("DELETE_COMPLETE", "")
	}
}

// drop deletes a resource that is no longer part of the stack, and its record.
func (o *operation) drop(ctx context.Context, r *state.StackResource) bool {
	ok := o.remove(ctx, r)
	if ctx.Err() != nil {
		return false
	}
	err := o.s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		state.StackResources.Delete(tx, r.Key())
		return nil
	})
	return ok && err == nil
}
