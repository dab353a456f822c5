package cloudformation

import (
	"context"
	"errors"
	"slices"

	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/stackpolicy"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// tokenLength is the length of the random end of a physical name.
const tokenLength = 12

// step is the work on one resource in one phase.
type step struct {
	o       *operation
	r       template.Resource
	config  state.StackConfig
	handler resource.Type
	rec     *state.StackResource // as it is
	props   *template.Value      // resolved, dynamic references as written
}

// one brings one resource to what the configuration says and reports success.
func (o *operation) one(ctx context.Context, r template.Resource, config state.StackConfig) bool {
	rec := o.load(o.s.db.Read(), r.LogicalID)
	if rec.Done == o.mark() {
		return true
	}
	if rec.Type == "" {
		rec.Type = r.Type
	}
	if o.rollback() && rec.Touched != o.op.ID {
		return true // the failed update did not come to it
	}
	st := &step{o: o, r: r, config: config, handler: o.s.types[r.Type], rec: rec}
	err := st.run(ctx)
	if err == nil {
		return true
	}
	if ctx.Err() != nil {
		return false // shutting down: the next start takes it up
	}
	st.fail(ctx, err)
	return false
}

func (st *step) run(ctx context.Context) error {
	if st.o.rollback() {
		if err := st.restore(ctx); err != nil {
			return err
		}
	}
	var err error
	if st.props, err = st.o.s.check(st.o.e, st.r); err != nil {
		return err
	}
	if st.rec.Live.Complete || st.rec.Live.Pending != "" {
		return st.update(ctx)
	}
	replaces := ""
	if st.rec.Previous != nil {
		replaces = st.rec.Previous.ID
	}
	return st.create(ctx, replaces)
}

// restore takes back a replacement: the old resource lives again, the new one is
// deleted in the cleanup.
func (st *step) restore(ctx context.Context) error {
	if st.rec.Previous == nil {
		return nil
	}
	return st.record(ctx, func(r *state.StackResource) published {
		if r.Live.Started {
			r.Stale = append(slices.Clone(r.Stale), r.Live)
		}
		r.Live, r.Previous = *r.Previous, nil
		return published{}
	})
}

// record changes the resource in the store and in st.
func (st *step) record(ctx context.Context, change func(*state.StackResource) published) error {
	return st.o.change(ctx, st.r.LogicalID, func(r *state.StackResource) published {
		r.Type, r.Touched = st.r.Type, st.o.op.ID
		r.DependsOn, r.Metadata = st.o.deps[st.r.LogicalID], metadata(st.r)
		r.DeletionPolicy, r.UpdateReplacePolicy = st.r.DeletionPolicy, st.r.UpdateReplacePolicy
		p := change(r)
		copied := *r
		st.rec = &copied
		return p
	})
}

// verb is CREATE for a resource that is new to the stack and UPDATE for others.
func (st *step) verb() string {
	if st.rec.Live.Imported && st.rec.IsNew {
		return "IMPORT"
	}
	if st.o.op.Kind == "CREATE" || st.rec.IsNew && !st.o.rollback() {
		return "CREATE"
	}
	return "UPDATE"
}

// create makes the live resource; replaces is the id of the one whose place it
// takes. What earlier attempts did is taken up.
func (st *step) create(ctx context.Context, replaces string) error {
	leftover := st.rec.Live.Started && st.rec.Touched != st.o.op.ID // of an operation that failed
	retry := st.rec.Live.Started && !leftover
	imports := st.imports()
	verb := st.verb()
	if imports {
		verb = "IMPORT"
	}
	if !retry {
		err := st.record(ctx, func(r *state.StackResource) published {
			if leftover && r.Live.ID != "" {
				r.Stale = append(slices.Clone(r.Stale), r.Live)
			}
			r.Live = state.Physical{Type: st.r.Type, Token: ids.Upper(tokenLength), Started: true, Imported: imports, Properties: st.props.JSON()}
			if replaces != "" {
				return published{"UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.", replaces, st.props.JSON()}
			}
			return published{verb + "_IN_PROGRESS", "", "", st.props.JSON()}
		})
		if err != nil {
			return err
		}
	}
	fault.Point("cloudformation.create")
	req, err := st.request(ctx, st.rec.Live, st.props, nil)
	if err != nil {
		return err
	}
	req.Retry, req.Replaces = retry || imports, replaces
	req.Created = func(id string) error {
		fault.Point("cloudformation.created")
		return st.record(ctx, func(r *state.StackResource) published {
			r.Live.ID = id
			if imports {
				return published{verb + "_IN_PROGRESS", "Resource import started.", id, st.props.JSON()}
			}
			return published{verb + "_IN_PROGRESS", "Resource creation Initiated", id, st.props.JSON()}
		})
	}
	result, err := st.handler.Create(ctx, req)
	if err != nil {
		return err
	}
	return st.complete(ctx, verb, result)
}

// complete records a finished resource.
func (st *step) complete(ctx context.Context, verb string, result resource.Result) error {
	return st.record(ctx, func(r *state.StackResource) published {
		r.Live.ID, r.Live.Complete, r.Live.Properties, r.Live.Pending = result.PhysicalID, true, st.props.JSON(), ""
		if result.Attributes != nil {
			r.Live.Attributes = attributesJSON(result.Attributes)
		}
		r.Done = st.o.mark()
		why := ""
		if verb == "IMPORT" {
			why = "Resource import completed."
		}
		return published{verb + "_COMPLETE", why, r.Live.ID, st.props.JSON()}
	})
}

func attributesJSON(attributes map[string]*template.Value) string {
	v := template.Object()
	for name, value := range attributes {
		v.Entries = append(v.Entries, template.Entry{Key: name, Value: value})
	}
	slices.SortFunc(v.Entries, func(a, b template.Entry) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return v.JSON()
}

// update changes a resource that is there: not at all, in place, or by a
// replacement.
func (st *step) update(ctx context.Context) error {
	before := properties(st.rec.Live.Properties)
	if st.rec.Live.Pending != "" {
		before = either(before, properties(st.rec.Live.Pending), st.props)
	}
	changed := changedNames(before, st.props)
	schema := st.handler.Schema()
	replace := false
	for _, name := range changed {
		replace = replace || schema.Properties[name].Recreation() == "Always"
	}
	switch {
	case len(changed) == 0 && !st.retagged(schema) && st.r.Type != stackType && st.rec.Live.Pending == "":
		return st.untouched(ctx)
	case replace && st.o.rollback():
		return &resource.Failure{Code: "InvalidRequest", Message: "The resource cannot be returned to its previous properties in place"}
	case replace:
		if err := st.o.permitted(stackpolicy.Replace, st.r.LogicalID, st.r.Type); err != nil {
			return err
		}
		return st.replace(ctx, schema, before)
	}
	if err := st.o.permitted(stackpolicy.Modify, st.r.LogicalID, st.r.Type); err != nil {
		return err
	}
	err := st.record(ctx, func(r *state.StackResource) published {
		r.Live.Pending = st.props.JSON()
		return published{"UPDATE_IN_PROGRESS", "", r.Live.ID, st.props.JSON()}
	})
	if err != nil {
		return err
	}
	fault.Point("cloudformation.update")
	req, err := st.request(ctx, st.rec.Live, st.props, before)
	if err != nil {
		return err
	}
	result, err := st.change(ctx, req)
	if err != nil {
		return err
	}
	return st.complete(ctx, "UPDATE", result)
}

// either is what a resource may be when an update to pending was begun and its
// end is not known: of each property the value that is not the wanted one, so
// that it is set again.
func either(live, pending, wanted *template.Value) *template.Value {
	out := live
	for _, name := range append(live.Keys(), pending.Keys()...) {
		if v := pending.Get(name); !template.Equal(v, wanted.Get(name)) {
			out = out.With(name, v)
		}
	}
	return out
}

// change calls Update, or Revert where a type has it and an update is rolled back.
func (st *step) change(ctx context.Context, req *resource.Request) (resource.Result, error) {
	if r, ok := st.handler.(reverter); ok && st.o.rollback() {
		return r.Revert(ctx, req)
	}
	return st.handler.Update(ctx, req)
}

// reverter is a type that takes back an update in its own way.
type reverter interface {
	Revert(ctx context.Context, r *resource.Request) (resource.Result, error)
}

// untouched marks a resource as done, without an event unless it had failed
// before anything was done to it.
func (st *step) untouched(ctx context.Context) error {
	return st.o.change(ctx, st.r.LogicalID, func(r *state.StackResource) published {
		r.Done = st.o.mark()
		if st.o.rollback() && r.Status == "UPDATE_FAILED" {
			return published{"UPDATE_COMPLETE", "", r.Live.ID, r.Live.Properties}
		}
		return published{}
	})
}

// retagged reports whether the stack's tags change on a type that has tags.
func (st *step) retagged(schema *resource.Schema) bool {
	_, taggable := schema.Properties["Tags"]
	return taggable && st.o.op.Previous != nil && !slices.Equal(st.o.op.Previous.Tags, st.o.stack.Config.Tags)
}

// replace makes a new resource beside the old one, which is kept for a rollback.
// After a restart the new one is already Live, and create takes it up instead.
func (st *step) replace(ctx context.Context, schema *resource.Schema, before *template.Value) error {
	if name := schema.Name; name != "" && st.props.Get(name) != nil && template.Equal(st.props.Get(name), before.Get(name)) {
		return &template.Error{Message: "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename " +
			st.props.Get(name).Str() + " and update the stack again."}
	}
	old := st.rec.Live
	old.Pending = ""
	err := st.record(ctx, func(r *state.StackResource) published {
		if r.Previous != nil { // of an update that failed before and was not rolled back
			r.Stale = append(slices.Clone(r.Stale), *r.Previous)
		}
		r.Previous = &old
		r.Live = state.Physical{Type: st.r.Type, Token: ids.Upper(tokenLength), Started: true, Properties: st.props.JSON()}
		return published{"UPDATE_IN_PROGRESS", "Requested update requires the creation of a new physical resource; hence creating one.", old.ID, st.props.JSON()}
	})
	if err != nil {
		return err
	}
	return st.create(ctx, old.ID)
}

// request is the work as the resource type sees it.
func (st *step) request(ctx context.Context, p state.Physical, props, previous *template.Value) (*resource.Request, error) {
	resolved, err := template.ResolveDynamic(props, st.o.dynamic(ctx, st.rec.Type))
	if err != nil {
		return nil, err
	}
	req := st.o.request(st.rec, p, resolved)
	if previous != nil {
		if req.Previous, err = template.ResolveDynamic(previous, st.o.dynamic(ctx, st.rec.Type)); err != nil {
			req.Previous = previous // what it resolved to is gone
		}
	}
	req.Tags = st.config.Tags
	if req.PreviousTags = req.Tags; previous != nil && st.o.op.Previous != nil {
		if req.PreviousTags = st.o.op.Previous.Tags; st.o.rollback() {
			req.PreviousTags = st.o.stack.Config.Tags
		}
	}
	return req, nil
}

// request fills in what every request has.
func (o *operation) request(rec *state.StackResource, p state.Physical, props *template.Value) *resource.Request {
	return &resource.Request{
		Account: o.stack.Account, Region: o.stack.Region, StackID: o.stack.ID, StackName: o.stack.Name,
		LogicalID: rec.LogicalID, TypeName: rec.Type, Token: p.Token, PhysicalID: p.ID, Properties: props, Invoker: o.s.invoker,
		Created: func(string) error { return nil },
		Wait: func(ctx context.Context, done func(context.Context) (bool, error)) error {
			return o.s.wait(ctx, o.cancelled, func(ctx context.Context) (bool, error) {
				if o.stopped() {
					return false, errCancelled
				}
				return done(ctx)
			})
		},
		Peers: func() []resource.Peer { return o.peers(rec.LogicalID) },
	}
}

// peers returns the live resources of the account and region but one.
func (o *operation) peers(except string) []resource.Peer {
	var out []resource.Peer
	for r := range state.StackResources.All(o.s.db.Read(), state.Prefix(o.stack.Account, o.stack.Region)) {
		if r.StackID == o.stack.ID && r.LogicalID == except || r.Live.ID == "" || r.Status == "DELETE_COMPLETE" {
			continue
		}
		out = append(out, resource.Peer{Type: r.Type, PhysicalID: r.Live.ID, StackID: r.StackID, LogicalID: r.LogicalID, Properties: properties(r.Live.Properties)})
	}
	return out
}

// fail records a resource that could not be made or changed.
func (st *step) fail(ctx context.Context, err error) {
	verb := st.verb()
	why := reason(st.r.Type, err)
	if errors.Is(err, errCancelled) {
		why = "Resource creation cancelled"
		if verb == "UPDATE" {
			why = "Resource update cancelled"
		}
	}
	text := ""
	if st.props != nil {
		text = st.props.JSON()
	}
	err = st.record(ctx, func(r *state.StackResource) published {
		return published{verb + "_FAILED", why, r.Live.ID, text}
	})
	if err != nil {
		st.o.s.log.Error("recording a failed resource", "stack", st.o.stack.Name, "resource", st.r.LogicalID, "err", err)
	}
}
