package cloudformation

import (
	"context"
	"errors"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// nested plans a nested stack's own template, when it is known which: so its
// mistakes are found now, and whether anything in it changes.
func (d *differ) nested(ctx context.Context, r template.Resource, props *template.Value, old *state.StackResource) (bool, error) {
	address := props.Get("TemplateURL")
	if r.Type != stackType || address == nil || address.Kind == template.Unknown {
		return r.Type == stackType, nil
	}
	if d.depth >= maxNesting {
		return false, invalid("Nested stacks may not be deeper than %d levels", maxNesting)
	}
	child := &state.Stack{Account: d.stack.Account, Region: d.stack.Region, ID: d.stack.ID + "/" + r.LogicalID, Name: d.stack.Name + "-" + r.LogicalID, Status: "CREATE_IN_PROGRESS"}
	if old != nil && old.Live.ID != "" {
		if have, ok := state.Stacks.Get(d.s.db.Read(), state.Key(d.stack.Account, d.stack.Region, old.Live.ID)); ok {
			child = have
		}
	}
	text, err := d.s.fetch(ctx, address.Text)
	if err != nil {
		return false, err
	}
	req := request{text: text, given: map[string]string{}, tags: nestedTags(d.p.config.Tags, props)}
	for _, e := range entries(props.Get("Parameters")) {
		if e.Value.HasUnknown() {
			req.later = append(req.later, e.Key)
			continue
		}
		req.given[e.Key] = commaJoined(e.Value)
	}
	p, err := d.s.prepare(ctx, req)
	if err != nil {
		return false, within(r.LogicalID, err)
	}
	inner, err := d.s.difference(ctx, child, p, d.depth+1)
	if errors.Is(err, template.ErrUnknown) {
		return true, nil
	}
	if err != nil {
		return false, within(r.LogicalID, err)
	}
	return !inner.empty(), nil
}

// within says in which nested stack a mistake is.
func within(logicalID string, err error) error {
	return &template.Error{Message: "Embedded stack " + logicalID + ": " + message(err)}
}

func entries(v *template.Value) []template.Entry {
	if v == nil {
		return nil
	}
	return v.Entries
}

// commaJoined is how a list is handed to a nested stack's parameter.
func commaJoined(v *template.Value) string {
	if v.Kind != template.List {
		return v.Str()
	}
	parts := make([]string, len(v.Items))
	for i, item := range v.Items {
		parts[i] = item.Str()
	}
	return strings.Join(parts, ",")
}
