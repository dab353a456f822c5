package cloudformation

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// existing finds what a resource that is new to the stack would be, if a change
// set is to import existing resources (ImportExistingResources): something of the
// name that the template gives, which belongs to no stack.
func (d *differ) existing(ctx context.Context, r template.Resource, props *template.Value) (string, error) {
	handler := d.s.types[r.Type]
	finder, ok := handler.(resource.Finder)
	name := props.Get(handler.Schema().Name)
	if !d.p.imports || !ok || !name.IsScalar() {
		return "", nil
	}
	id, err := finder.Find(ctx, &resource.Request{
		Account: d.stack.Account, Region: d.stack.Region, StackID: d.stack.ID, StackName: d.stack.Name,
		LogicalID: r.LogicalID, TypeName: r.Type, Properties: props, Invoker: d.s.invoker,
	}, name.Text)
	if strings.HasPrefix(code(err), "AccessDenied") {
		return "", nil // whoever may not look imports nothing
	}
	if err != nil || id == "" {
		return "", err
	}
	for other := range state.StackResources.By(d.s.db.Read(), "physical", state.Key(d.stack.Account, d.stack.Region, id)) {
		if other.Type == r.Type && other.Live.Started && other.Status != "DELETE_SKIPPED" {
			return "", nil
		}
	}
	return id, nil
}

// imports reports whether the step takes over what exists already. It was found
// when the change set was made.
func (st *step) imports() bool {
	return st.rec.IsNew && !st.o.rollback() && slices.Contains(st.o.stack.Config.Imports, st.r.LogicalID)
}

// spared reports whether a physical resource is left alone though its resource
// goes: it was there before, and the operation that would import it is taken back.
func (o *operation) spared(r *state.StackResource, p state.Physical) bool {
	return p.Imported && r.IsNew && o.op.Kind != "DELETE"
}
