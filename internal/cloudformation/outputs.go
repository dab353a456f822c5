package cloudformation

import (
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// outputs evaluates the outputs and finds which exports the template uses.
func (o *operation) outputs(config state.StackConfig) (out []state.StackOutput, imports []string, err error) {
	for _, output := range o.e.Outputs() {
		v, err := o.e.Value(output.Value)
		if err != nil {
			return nil, nil, &template.Error{Message: "[Error] /Outputs/" + output.Name + "/Value: " + message(err)}
		}
		// An output that shows a key's secret is meant to; other references stay as written, as on AWS.
		v, err = template.ResolveDynamic(v, func(d template.Dynamic) (string, error) {
			if id := d.AccessKey(); id != "" {
				return o.keySecret(id)
			}
			return "{{resolve:" + d.Service + ":" + d.Rest + "}}", nil
		})
		if err != nil {
			return nil, nil, err
		}
		name, err := o.e.Value(output.Export)
		if err != nil {
			return nil, nil, err
		}
		if v != nil && !v.IsScalar() {
			return nil, nil, &template.Error{Message: "Template format error: The Value field of every Outputs member must evaluate to a String."}
		}
		out = append(out, state.StackOutput{Key: output.Name, Value: v.Str(), Description: output.Description, ExportName: name.Str()})
	}
	t, err := stored(config)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range o.e.Resources() {
		imports = append(imports, o.importsOf(r.Properties)...)
	}
	for _, output := range t.Outputs {
		imports = append(imports, o.importsOf(output.Value)...)
	}
	return out, imports, nil
}

// importsOf returns the names of the exports that a value uses.
func (o *operation) importsOf(v *template.Value) (names []string) {
	if v == nil {
		return nil
	}
	if arg := v.Get("Fn::ImportValue"); arg != nil && len(v.Entries) == 1 {
		if name, err := o.e.Value(arg); err == nil {
			names = append(names, name.Str())
		}
	}
	for _, item := range v.Items {
		names = append(names, o.importsOf(item)...)
	}
	for _, e := range v.Entries {
		names = append(names, o.importsOf(e.Value)...)
	}
	return names
}

// exportConflict says why a stack may not have these outputs: an export of the
// same name, or one that is in use and would go or change.
func (o *operation) exportConflict(tx *store.Tx, outputs []state.StackOutput) string {
	wanted := map[string]string{}
	for _, out := range outputs {
		if out.ExportName == "" {
			continue
		}
		wanted[out.ExportName] = out.Value
		for other := range state.Stacks.By(tx, "export", state.Key(o.stack.Account, o.stack.Region, out.ExportName)) {
			if other.ID != o.stack.ID {
				return "Export with name " + out.ExportName + " is already exported by stack " + other.Name + ". Rollback requested by user."
			}
		}
	}
	for _, old := range o.stack.Outputs {
		if old.ExportName == "" {
			continue
		}
		v, stays := wanted[old.ExportName]
		users := importers(tx, o.stack, old.ExportName)
		switch {
		case users == "" || stays && v == old.Value:
		case stays:
			return "Export " + old.ExportName + " cannot be updated as it is in use by " + users
		default:
			return "Export " + old.ExportName + " cannot be deleted as it is in use by " + users
		}
	}
	return ""
}

// importers returns the names of the stacks that use an export.
func importers(tx *store.Tx, stack *state.Stack, name string) string {
	var users []string
	for user := range state.Stacks.By(tx, "import", state.Key(stack.Account, stack.Region, name)) {
		if user.ID != stack.ID {
			users = append(users, user.Name)
		}
	}
	return strings.Join(users, " and ")
}
