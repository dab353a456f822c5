package cloudformation

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
)

// difference computes what a plan does to a stack, in the order of dependencies.
// It is how a change set is made and how an update without changes is noticed;
// execution evaluates everything again.
func (s *Service) difference(ctx context.Context, stack *state.Stack, p *plan, depth int) (*differ, error) {
	d := &differ{s: s, stack: stack, p: p, depth: depth, old: map[string]*state.StackResource{}, fate: map[string]string{}, props: map[string]*template.Value{}}
	for r := range state.StackResources.All(s.db.Read(), state.StackResourceKey(stack.Account, stack.Region, stack.ID, "")) {
		d.old[r.LogicalID] = r
	}
	env := s.environment(ctx, stack, p.params)
	env.Reference = func(id, attribute string) (*template.Value, error) { return d.reference(ctx, id, attribute) }
	imported := env.Import
	env.Import = func(name string) (*template.Value, error) { // a missing export fails when it is needed
		if v, err := imported(name); err == nil {
			return v, nil
		}
		return &template.Value{Kind: template.Unknown, Text: name}, nil
	}
	var err error
	if d.e, err = p.t.Evaluate(env); err != nil {
		return nil, err
	}
	graph, err := d.e.Dependencies()
	if err != nil {
		return nil, err
	}
	for _, r := range inOrder(d.e.Resources(), graph) {
		if err := d.resource(ctx, r); err != nil {
			return nil, err
		}
	}
	d.removals(graph)
	d.mask()
	return d, d.outputs()
}

type differ struct {
	s       *Service
	stack   *state.Stack
	p       *plan
	e       *template.Evaluator
	depth   int
	old     map[string]*state.StackResource
	fate    map[string]string // logical id -> "", Add, Modify or Replace
	props   map[string]*template.Value
	changes []state.ResourceChange
	other   bool // outputs change

	imported []string // logical ids of what exists already
}

// empty reports whether nothing would be done.
func (d *differ) empty() bool { return len(d.changes) == 0 && !d.other }

// inOrder sorts resources so that each comes after those it waits for, and
// otherwise in the order of the template.
func inOrder(resources []template.Resource, graph map[string][]string) []template.Resource {
	byID := map[string]template.Resource{}
	for _, r := range resources {
		byID[r.LogicalID] = r
	}
	var out []template.Resource
	done := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		if done[id] {
			return
		}
		done[id] = true
		for _, dep := range graph[id] {
			visit(dep)
		}
		out = append(out, byID[id])
	}
	for _, r := range resources {
		visit(r.LogicalID)
	}
	return out
}

// reference returns what a resource's Ref or attribute will be: known when the
// resource is left alone or changed in place.
func (d *differ) reference(ctx context.Context, id, attribute string) (*template.Value, error) {
	old := d.old[id]
	switch fate := d.fate[id]; {
	case old == nil || fate == "Add" || fate == "Replace", fate == "Modify" && old.Type == stackType && attribute != "":
		return &template.Value{Kind: template.Unknown, Text: strings.TrimSuffix(id+"."+attribute, ".")}, nil
	}
	return d.s.attribute(ctx, d.stack, old, attribute)
}

// attribute is attributeOf for the resource of a stack: what others change is read now.
func (s *Service) attribute(ctx context.Context, stack *state.Stack, r *state.StackResource, attribute string) (*template.Value, error) {
	if reader, ok := s.types[r.Type].(resource.Reader); ok && r.Live.ID != "" {
		v, ok, err := reader.Read(ctx, &resource.Request{
			Account: stack.Account, Region: stack.Region, StackID: stack.ID, StackName: stack.Name,
			LogicalID: r.LogicalID, TypeName: r.Type, PhysicalID: r.Live.ID, Invoker: s.invoker,
		}, attribute)
		if ok || err != nil {
			return v, err
		}
	}
	return attributeOf(r, attribute)
}

// attributeOf returns what Ref (attribute "") or Fn::GetAtt of a resource returns.
func attributeOf(r *state.StackResource, attribute string) (*template.Value, error) {
	if attribute == "" {
		return template.Text(r.Live.ID), nil
	}
	attributes := &template.Value{}
	if r.Live.Attributes != "" {
		if err := attributes.UnmarshalJSON([]byte(r.Live.Attributes)); err != nil {
			return nil, err
		}
	}
	if v := attributes.Get(attribute); v != nil {
		return v, nil
	}
	return nil, &template.Error{Message: "Resource type " + r.Type + " does not support attribute {" + attribute + "}."}
}

func (d *differ) resource(ctx context.Context, r template.Resource) error {
	props, err := d.s.check(d.e, r)
	if err != nil {
		return err
	}
	d.props[r.LogicalID] = props
	if err := d.s.checkPolicyUse(r); err != nil {
		return err
	}
	old := d.old[r.LogicalID]
	nestedChange, err := d.nested(ctx, r, props, old)
	if err != nil {
		return err
	}
	if old == nil || !old.Live.Complete {
		d.fate[r.LogicalID] = "Add"
		change := state.ResourceChange{Action: "Add", LogicalID: r.LogicalID, Type: r.Type, After: beforeAfter(props)}
		if old == nil {
			if change.PhysicalID, err = d.existing(ctx, r, props); err != nil {
				return err
			}
		}
		if change.PhysicalID != "" {
			change.Action = "Import"
			d.imported = append(d.imported, r.LogicalID)
		}
		d.changes = append(d.changes, change)
		return nil
	}
	if old.Type != r.Type {
		return invalid("Update of resource type is not permitted. The new template modifies resource type of the following resources: [%s]", r.LogicalID)
	}
	d.modify(r, props, old, nestedChange)
	return nil
}

// checkPolicyUse refuses policies on types for which they mean nothing here.
func (s *Service) checkPolicyUse(r template.Resource) error {
	if r.UpdateReplacePolicy == "RetainExceptOnCreate" {
		return invalid("Template format error: Unrecognized UpdateReplacePolicy %s for resource %s", r.UpdateReplacePolicy, r.LogicalID)
	}
	return nil
}

// modify adds the change of a resource that stays, if there is one.
func (d *differ) modify(r template.Resource, props *template.Value, old *state.StackResource, nestedChange bool) {
	before := properties(old.Live.Properties)
	c := state.ResourceChange{Action: "Modify", LogicalID: r.LogicalID, PhysicalID: old.Live.ID, Type: r.Type, Replacement: "False",
		Before: beforeAfter(before), After: beforeAfter(props)}
	schema := d.s.types[r.Type].Schema()
	for _, name := range changedNames(before, props) {
		detail := d.detail(r, name, before.Get(name), props.Get(name))
		detail.Recreation = schema.Properties[name].Recreation()
		if name == "Tags" {
			detail.Attribute, detail.Name, c.Scope = "Tags", "", addScope(c.Scope, "Tags")
		} else {
			c.Scope = addScope(c.Scope, "Properties")
		}
		c.Details = append(c.Details, detail)
		switch {
		case detail.Recreation == "Always" && detail.Evaluation == "Static":
			c.Replacement = "True"
		case detail.Recreation != "Never" && c.Replacement == "False":
			c.Replacement = "Conditional"
		}
	}
	d.others(r, old, &c)
	if _, taggable := schema.Properties["Tags"]; taggable && !slices.Equal(d.stack.Config.Tags, d.p.config.Tags) {
		c.Scope = addScope(c.Scope, "Tags")
		c.Details = append(c.Details, state.ChangeDetail{Source: "DirectModification", Evaluation: "Static", Attribute: "Tags", Recreation: "Never"})
	}
	if nestedChange && len(c.Details) == 0 {
		c.Scope = addScope(c.Scope, "Properties")
		c.Details = append(c.Details, state.ChangeDetail{Source: "Automatic", Evaluation: "Dynamic", Attribute: "Properties", Recreation: "Never"})
	}
	if len(c.Details) == 0 {
		return
	}
	if d.fate[r.LogicalID] = "Modify"; c.Replacement != "False" {
		d.fate[r.LogicalID] = "Replace"
		c.Policy = replacePolicy(r.UpdateReplacePolicy)
	}
	d.changes = append(d.changes, c)
}

// others adds changes outside the properties.
func (d *differ) others(r template.Resource, old *state.StackResource, c *state.ResourceChange) {
	for _, o := range []struct{ name, before, after string }{
		{"Metadata", old.Metadata, metadata(r)},
		{"DeletionPolicy", old.DeletionPolicy, r.DeletionPolicy},
		{"UpdateReplacePolicy", old.UpdateReplacePolicy, r.UpdateReplacePolicy},
	} {
		if o.before != o.after {
			c.Scope = append(c.Scope, o.name)
			c.Details = append(c.Details, state.ChangeDetail{Source: "DirectModification", Evaluation: "Static", Attribute: o.name, Recreation: "Never"})
		}
	}
}

func metadata(r template.Resource) string {
	if v := r.Attributes.Get("Metadata"); v != nil {
		return v.JSON()
	}
	return ""
}

func addScope(scope []string, name string) []string {
	if slices.Contains(scope, name) {
		return scope
	}
	return append(scope, name)
}

func replacePolicy(policy string) string {
	if policy == "Retain" {
		return "ReplaceAndRetain"
	}
	return "ReplaceAndDelete"
}

// detail says why a property changes.
func (d *differ) detail(r template.Resource, name string, before, after *template.Value) state.ChangeDetail {
	out := state.ChangeDetail{Source: "DirectModification", Evaluation: "Static", Attribute: "Properties", Name: name, Kind: "Modify"}
	switch {
	case before == nil:
		out.Kind = "Add"
	case after == nil:
		out.Kind = "Remove"
	}
	out.Before, out.After = plain(before), plain(after)
	for _, ref := range template.References(r.Properties.Get(name), d.e.Holds) {
		switch {
		case d.fate[ref.Name] != "":
			out.Source, out.Causing = "ResourceReference", ref.Name
			if ref.Attribute != "" {
				out.Source, out.Causing = "ResourceAttribute", ref.Name+"."+ref.Attribute
			}
		case d.parameterChanged(ref.Name):
			out.Source, out.Causing = "ParameterReference", ref.Name
		}
	}
	if after.HasUnknown() {
		out.Evaluation = "Dynamic"
	}
	return out
}

func plain(v *template.Value) string {
	if v == nil {
		return ""
	}
	if v.IsScalar() {
		return v.Text
	}
	return v.JSON()
}

func (d *differ) parameterChanged(name string) bool {
	v, ok := d.p.params[name]
	if !ok {
		return false
	}
	for _, old := range d.stack.Config.Parameters {
		if old.Key == name {
			return old.Value != v.Given || old.Resolved != v.Resolved
		}
	}
	return true
}

// removals adds what is no longer in the template, dependants first.
func (d *differ) removals(graph map[string][]string) {
	var gone []*state.StackResource
	for id, r := range d.old {
		if _, stays := graph[id]; !stays {
			gone = append(gone, r)
		}
	}
	slices.SortFunc(gone, func(a, b *state.StackResource) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	for _, r := range gone {
		policy := "Delete"
		if r.DeletionPolicy == "Retain" || r.DeletionPolicy == "RetainExceptOnCreate" {
			policy = "Retain"
		}
		d.changes = append(d.changes, state.ResourceChange{Action: "Remove", LogicalID: r.LogicalID, PhysicalID: r.Live.ID, Type: r.Type, Policy: policy, Before: beforeAfter(properties(r.Live.Properties))})
	}
}

// outputs notices outputs that change without a resource.
func (d *differ) outputs() error {
	old := map[string]state.StackOutput{}
	for _, o := range d.stack.Outputs {
		old[o.Key] = o
	}
	outputs := d.e.Outputs()
	d.other = len(outputs) != len(old)
	for _, o := range outputs {
		v, err := d.e.Value(o.Value)
		if err != nil {
			return err
		}
		name, err := d.e.Value(o.Export)
		if err != nil {
			return err
		}
		had, ok := old[o.Name]
		if !ok || v.HasUnknown() || had.Value != v.Str() || had.Description != o.Description || had.ExportName != name.Str() {
			d.other = true
		}
	}
	return nil
}

// changedNames returns the names of the properties that differ, sorted.
func changedNames(before, after *template.Value) []string {
	var names []string
	for _, name := range append(before.Keys(), after.Keys()...) {
		if !slices.Contains(names, name) && !template.Equal(before.Get(name), after.Get(name)) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// properties reads stored properties; an empty text is an empty map.
func properties(text string) *template.Value {
	v := template.Object()
	if text != "" {
		_ = v.UnmarshalJSON([]byte(text)) // written by MarshalJSON
	}
	return v
}

func beforeAfter(props *template.Value) string { return `{"Properties":` + props.JSON() + `}` }

// mask hides the values of NoEcho parameters in what a change set shows.
func (d *differ) mask() {
	for i := range d.changes {
		c := &d.changes[i]
		c.Before, c.After = masked(c.Before, d.stack.Config), masked(c.After, d.p.config)
		for j := range c.Details {
			detail := &c.Details[j]
			detail.Before, detail.After = hidden(detail.Before, d.stack.Config), hidden(detail.After, d.p.config)
		}
	}
}

// hidden is masked for a value that may stand alone.
func hidden(value string, c state.StackConfig) string {
	for _, p := range c.Parameters {
		if p.NoEcho && p.Value == value && value != "" {
			return "****"
		}
	}
	return masked(value, c)
}
