package cloudformation

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// nestedStack is AWS::CloudFormation::Stack: a stack of its own, with events and
// outputs, that its parent's operation starts and waits for.
type nestedStack struct{ s *Service }

var nestedSchema = &resource.Schema{
	Type: stackType,
	Properties: resource.Properties{
		"TemplateURL": resource.String.Required(), "Parameters": resource.Document, "TimeoutInMinutes": resource.Integer, "Tags": resource.Tags,
	},
	Attributes: []string{"StackId", "Outputs.*"},
}

// Schema is the type's schema.
func (nestedStack) Schema() *resource.Schema { return nestedSchema }

// nestedTags are the parent's tags and those of the resource, which win.
func nestedTags(parent []state.Tag, props *template.Value) []state.Tag {
	tags := slices.Clone(parent)
	if v := props.Get("Tags"); v != nil {
		for _, item := range v.Items {
			t := state.Tag{Key: item.Get("Key").Str(), Value: item.Get("Value").Str()}
			tags = slices.DeleteFunc(tags, func(o state.Tag) bool { return o.Key == t.Key })
			tags = append(tags, t)
		}
	}
	return tags
}

func (n nestedStack) parent(r *resource.Request) (*state.Stack, error) {
	stack, ok := state.Stacks.Get(n.s.db.Read(), state.Key(r.Account, r.Region, r.StackID))
	if !ok || stack.Operation == nil {
		return nil, errCancelled
	}
	return stack, nil
}

func (n nestedStack) child(r *resource.Request) (*state.Stack, bool) {
	return state.Stacks.Get(n.s.db.Read(), state.Key(r.Account, r.Region, r.PhysicalID))
}

// plan prepares the child's template with the parameters that the parent gives.
func (n nestedStack) plan(ctx context.Context, r *resource.Request, parent *state.Stack) (*plan, error) {
	text, err := n.s.fetch(ctx, r.Text("TemplateURL"))
	if err != nil {
		return nil, err
	}
	config := parent.Config
	if parent.Operation.Phase == "rollback" {
		config = *parent.Operation.Previous
	}
	req := request{text: text, given: map[string]string{}, tags: nestedTags(config.Tags, r.Properties), capabilities: config.Capabilities, role: config.RoleARN}
	for _, e := range entries(r.Properties.Get("Parameters")) {
		req.given[e.Key] = commaJoined(e.Value)
	}
	p, err := n.s.prepare(ctx, req)
	if err != nil {
		return nil, err
	}
	if p.config.Processed != "" && !slices.Contains(config.Capabilities, "CAPABILITY_AUTO_EXPAND") {
		return nil, insufficient("CAPABILITY_AUTO_EXPAND")
	}
	return p, n.s.checkCapabilities(p.t, config.Capabilities)
}

// Create starts a child stack and waits for it. Its name follows from the
// request, so an earlier attempt's child is found.
func (n nestedStack) Create(ctx context.Context, r *resource.Request) (resource.Result, error) {
	if r.PhysicalID == "" {
		id, err := n.start(ctx, r)
		if err != nil {
			return resource.Result{}, plainly(err)
		}
		if err := r.Created(id); err != nil {
			return resource.Result{}, err
		}
		r.PhysicalID = id
	}
	err := r.Wait(ctx, func(context.Context) (bool, error) {
		child, ok := n.child(r)
		switch {
		case !ok:
			return false, n.failure("Embedded stack %s was not successfully created: it is gone", r.PhysicalID)
		case strings.HasSuffix(child.Status, "_IN_PROGRESS"):
			return false, nil
		case child.Status == "CREATE_COMPLETE" || strings.HasPrefix(child.Status, "UPDATE_"):
			return true, nil
		}
		return false, n.failure("Embedded stack %s was not successfully created: %s", r.PhysicalID, child.StatusReason)
	})
	if err != nil {
		return resource.Result{}, err
	}
	return n.result(r), nil
}

// plainly makes an error whose text is the resource's status reason as it is.
func plainly(err error) error { return &resource.Failure{Message: message(err)} }

func (nestedStack) failure(format string, args ...any) error {
	return plainly(invalid(format, args...))
}

func (n nestedStack) start(ctx context.Context, r *resource.Request) (string, error) {
	name := r.Name(128)
	if have, ok := n.s.byName(n.s.db.Read(), r.Account, r.Region, name); ok {
		return have.ID, nil
	}
	parent, err := n.parent(r)
	if err != nil {
		return "", err
	}
	p, err := n.plan(ctx, r, parent)
	if err != nil {
		return "", err
	}
	child := newStack(r.Account, r.Region, name)
	if _, err := n.s.difference(ctx, child, p, 1); err != nil {
		return "", err
	}
	child.ParentID, child.RootID, child.Config = parent.ID, parent.RootID, p.config
	if child.RootID == "" {
		child.RootID = parent.ID
	}
	child.NoRollback = parent.NoRollback
	if v := r.Properties.Get("TimeoutInMinutes"); v != nil {
		child.Timeout = number(v)
	}
	child.Operation = newOperation("CREATE", parent.Operation.Caller, parent.Operation.Token)
	child.Operation.OnFailure = "DO_NOTHING" // the parent decides
	err = n.s.db.Write(ctx, func(tx *store.Tx) error {
		state.Stacks.Put(tx, child)
		setStatus(tx, child.Key(), "CREATE_IN_PROGRESS", "", nil)
		return nil
	})
	return child.ID, err
}

func (n nestedStack) result(r *resource.Request) resource.Result {
	out := resource.Result{PhysicalID: r.PhysicalID, Attributes: map[string]*template.Value{"StackId": template.Text(r.PhysicalID)}}
	if child, ok := n.child(r); ok {
		for _, o := range child.Outputs {
			out.Attributes["Outputs."+o.Key] = template.Text(o.Value)
		}
	}
	return out
}

// Update updates the child where anything in it changes. The child keeps what it
// replaced until the root stack's update is sure.
func (n nestedStack) Update(ctx context.Context, r *resource.Request) (resource.Result, error) {
	parent, err := n.parent(r)
	if err != nil {
		return resource.Result{}, err
	}
	child, ok := n.child(r)
	if !ok || child.Status == "DELETE_COMPLETE" {
		return resource.Result{}, n.failure("Stack with id %s does not exist", r.PhysicalID)
	}
	if op := child.Operation; op != nil && !strings.HasPrefix(op.ID, parent.Operation.ID) { // of an update that failed and stayed
		if err := n.Finish(ctx, r); err != nil {
			return resource.Result{}, err
		}
		child, _ = n.child(r)
	}
	if child.Operation == nil && child.LastToken != begunBy(parent) {
		changed, err := n.begin(ctx, r, parent, child)
		if err != nil {
			return resource.Result{}, plainly(err)
		}
		if !changed {
			return n.result(r), nil
		}
	}
	err = r.Wait(ctx, func(context.Context) (bool, error) {
		child, ok := n.child(r)
		switch {
		case ok && (child.Status == "UPDATE_COMPLETE" || child.Status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"):
			return true, nil
		case ok && child.Status == "UPDATE_IN_PROGRESS":
			return false, nil
		}
		return false, n.failure("Embedded stack %s was not successfully updated. Currently in %s with reason: %s", r.PhysicalID, child.Status, child.StatusReason)
	})
	if err != nil {
		return resource.Result{}, err
	}
	return n.result(r), nil
}

// begunBy marks a child whose update a parent's operation has begun: once is
// enough, also when the process ends before the parent knows how it went.
func begunBy(parent *state.Stack) string { return "NESTED " + parent.Operation.ID }

// begin starts the child's update, unless nothing changes.
func (n nestedStack) begin(ctx context.Context, r *resource.Request, parent, child *state.Stack) (bool, error) {
	p, err := n.plan(ctx, r, parent)
	if err != nil {
		return false, err
	}
	d, err := n.s.difference(ctx, child, p, 1)
	if err != nil || d.empty() {
		return false, err
	}
	op := newOperation("UPDATE", parent.Operation.Caller, parent.Operation.Token)
	op.ID = parent.Operation.ID + "." + op.ID
	previous := child.Config
	op.Previous = &previous
	return true, n.s.db.Write(ctx, func(tx *store.Tx) error {
		setStatus(tx, child.Key(), "UPDATE_IN_PROGRESS", "", func(s *state.Stack) {
			s.Operation, s.Config, s.Updated, s.LastToken = op, p.config, now(), begunBy(parent)
		})
		return nil
	})
}

// Revert returns the child to what it was before the parent's failed update.
func (n nestedStack) Revert(ctx context.Context, r *resource.Request) (resource.Result, error) {
	err := n.s.db.Write(ctx, func(tx *store.Tx) error {
		child, ok := state.Stacks.Get(tx, state.Key(r.Account, r.Region, r.PhysicalID))
		if !ok || child.Operation == nil || child.Operation.Kind != "UPDATE" || child.Operation.Failed {
			return nil
		}
		op := *child.Operation
		if op.Phase == "apply" { // it is still at work, and rolls back by itself
			op.Cancelled = true
			state.Stacks.Update(tx, child.Key(), func(s *state.Stack) { s.Operation = &op })
			return nil
		}
		op.Phase, op.Waits = "rollback", false
		setStatus(tx, child.Key(), "UPDATE_ROLLBACK_IN_PROGRESS", "", func(s *state.Stack) { s.Operation = &op })
		return nil
	})
	if err != nil {
		return resource.Result{}, err
	}
	if err := n.settled(ctx, r); err != nil {
		return resource.Result{}, err
	}
	if child, ok := n.child(r); ok && child.Status == "UPDATE_ROLLBACK_FAILED" {
		return resource.Result{}, n.failure("Embedded stack %s was not successfully updated. Currently in %s with reason: %s", r.PhysicalID, child.Status, child.StatusReason)
	}
	return n.result(r), nil
}

// settled waits until the child has no operation.
func (n nestedStack) settled(ctx context.Context, r *resource.Request) error {
	return r.Wait(ctx, func(context.Context) (bool, error) {
		child, ok := n.child(r)
		return !ok || child.Operation == nil, nil
	})
}

// Finish lets the child clean up, and waits for it.
func (n nestedStack) Finish(ctx context.Context, r *resource.Request) error {
	err := n.s.db.Write(ctx, func(tx *store.Tx) error {
		child, ok := state.Stacks.Get(tx, state.Key(r.Account, r.Region, r.PhysicalID))
		if ok && child.Operation != nil && child.Operation.Waits {
			op := *child.Operation
			op.Waits = false
			state.Stacks.Update(tx, child.Key(), func(s *state.Stack) { s.Operation = &op })
		}
		return nil
	})
	if err != nil {
		return err
	}
	return n.settled(ctx, r)
}

// Delete deletes the child and waits until it is gone.
func (n nestedStack) Delete(ctx context.Context, r *resource.Request) error {
	err := n.s.db.Write(ctx, func(tx *store.Tx) error {
		child, ok := state.Stacks.Get(tx, state.Key(r.Account, r.Region, r.PhysicalID))
		parent, has := state.Stacks.Get(tx, state.Key(r.Account, r.Region, r.StackID))
		if !ok || !has || parent.Operation == nil || child.Status == "DELETE_COMPLETE" || child.Operation != nil && child.Operation.Kind == "DELETE" {
			return nil
		}
		op := newOperation("DELETE", parent.Operation.Caller, parent.Operation.Token)
		setStatus(tx, child.Key(), "DELETE_IN_PROGRESS", "", func(s *state.Stack) { s.Operation = op })
		return nil
	})
	if err != nil {
		return err
	}
	return r.Wait(ctx, func(context.Context) (bool, error) {
		child, ok := n.child(r)
		switch {
		case !ok || child.Status == "DELETE_COMPLETE":
			return true, nil
		case child.Status == "DELETE_FAILED" && child.Operation == nil:
			return false, n.failure("Embedded stack %s was not successfully deleted: %s", r.PhysicalID, child.StatusReason)
		}
		return false, nil
	})
}
