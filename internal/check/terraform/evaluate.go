package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/neargate/neargate/internal/check/spelling"
)

// value evaluates an expression; what cannot be told is unknown. extra are
// further names: count and each.
func (m *module) value(expr hclsyntax.Expression, extra map[string]cty.Value) (v cty.Value) {
	defer func() {
		if recover() != nil { // the library is not ours: its panics make nothing known
			v = cty.DynamicVal
		}
	}()
	ctx := &hcl.EvalContext{Variables: m.scope(expr.Variables(), extra), Functions: functions}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() || v == cty.NilVal {
		return cty.DynamicVal
	}
	v, _ = v.UnmarkDeep()
	return v
}

// scope gives the names that traversals begin with their values, and evaluates
// what they lead to.
func (m *module) scope(traversals []hcl.Traversal, extra map[string]cty.Value) map[string]cty.Value {
	out := map[string]cty.Value{
		"path":      cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("."), "root": cty.StringVal("."), "cwd": cty.StringVal(".")}),
		"terraform": cty.ObjectVal(map[string]cty.Value{"workspace": cty.StringVal("default")}),
		"self":      cty.DynamicVal,
	}
	names := map[string]map[string]cty.Value{} // below var, local, data.TYPE, TYPE, module
	put := func(root, name string, v cty.Value) {
		if names[root] == nil {
			names[root] = map[string]cty.Value{}
		}
		names[root][name] = v
	}
	for _, t := range traversals {
		root := t.RootName()
		path := attributes(t)
		switch {
		case extra[root] != cty.NilVal:
			out[root] = extra[root]
		case root == "var" && len(path) > 0:
			put(root, path[0], m.variable(t, path[0]))
		case root == "local" && len(path) > 0:
			put(root, path[0], m.localNamed(t, path[0]))
		case root == "module" && len(path) > 0:
			put(root, path[0], m.named(t, "module."+path[0], path[1:]))
		case root == "data" && len(path) > 1:
			put("data."+path[0], path[1], m.named(t, "data."+path[0]+"."+path[1], path[2:]))
		case strings.Contains(root, "_") && len(path) > 0 && out[root] == cty.NilVal:
			put(root, path[0], m.named(t, root+"."+path[0], path[1:]))
		case out[root] == cty.NilVal:
			out[root] = cty.DynamicVal
		}
	}
	data := map[string]cty.Value{}
	for root, below := range names {
		if kind, ok := strings.CutPrefix(root, "data."); ok {
			data[kind] = cty.ObjectVal(below)
			continue
		}
		out[root] = cty.ObjectVal(below)
	}
	if len(data) > 0 {
		out["data"] = cty.ObjectVal(data)
	}
	return out
}

// attributes are the names behind a traversal's root, as far as they are names.
func attributes(t hcl.Traversal) []string {
	var out []string
	for _, step := range t[1:] {
		a, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		out = append(out, a.Name)
	}
	return out
}

func (m *module) variable(t hcl.Traversal, name string) cty.Value {
	v, ok := m.variables[name]
	if !ok {
		m.undeclared(t, "variable", "var."+name, name, m.variables)
		return cty.DynamicVal
	}
	return v
}

func (m *module) localNamed(t hcl.Traversal, name string) cty.Value {
	l, ok := m.locals[name]
	if !ok {
		m.undeclared(t, "local value", "local."+name, name, m.locals)
		return cty.DynamicVal
	}
	return m.local(l)
}

func (m *module) local(l *local) cty.Value {
	switch l.state {
	case 0:
		l.state, l.value = 1, cty.DynamicVal
		l.value = m.value(l.expr, nil)
		l.state = 2
	case 1:
		return cty.DynamicVal // a circle, which Terraform refuses
	}
	return l.value
}

// named is a resource, data source or module; attributes that it does not have
// are unknown.
func (m *module) named(t hcl.Traversal, address string, _ []string) cty.Value {
	b, ok := m.blocks[address]
	if !ok {
		kind := "resource"
		if strings.HasPrefix(address, "data.") {
			kind = "data source"
		} else if strings.HasPrefix(address, "module.") {
			kind = "module"
		}
		m.undeclared(t, kind, address, address, m.blocks)
		return cty.DynamicVal
	}
	if len(m.current) > 0 {
		c := m.current[len(m.current)-1]
		if full := m.address + address; !slices.Contains(c.waits, full) {
			c.waits = append(c.waits, full)
		}
	}
	m.block(address)
	if b.value == cty.NilVal {
		return cty.DynamicVal
	}
	return lacking(b.value, t)
}

// lacking adds what a traversal asks for and a value does not have, as unknown.
func lacking(v cty.Value, t hcl.Traversal) cty.Value {
	if !v.IsKnown() || v.IsNull() {
		return v
	}
	var wanted []string
	for _, step := range t[1:] {
		if a, ok := step.(hcl.TraverseAttr); ok {
			wanted = append(wanted, a.Name)
		}
	}
	add := func(o cty.Value) cty.Value {
		if !o.IsKnown() || o.IsNull() || !o.Type().IsObjectType() {
			return o
		}
		fields := o.AsValueMap()
		if fields == nil {
			fields = map[string]cty.Value{}
		}
		for _, name := range append(wanted, "id", "arn", "name") {
			if _, ok := fields[name]; !ok {
				fields[name] = cty.DynamicVal
			}
		}
		return cty.ObjectVal(fields)
	}
	switch {
	case v.Type().IsTupleType():
		var all []cty.Value
		for _, e := range v.AsValueSlice() {
			all = append(all, add(e))
		}
		return cty.TupleVal(all)
	case v.Type().IsObjectType():
		if instances := v.AsValueMap(); len(instances) > 0 && !slices.Contains(keysOf(instances), "id") && eachObject(instances) {
			for k, e := range instances {
				instances[k] = add(e)
			}
			return cty.ObjectVal(instances)
		}
		return add(v)
	}
	return v
}

func keysOf[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func eachObject(m map[string]cty.Value) bool {
	for _, v := range m {
		if !v.Type().IsObjectType() {
			return false
		}
	}
	return true
}

// undeclared tells of a name that is not declared, and which one may be meant.
func (m *module) undeclared(t hcl.Traversal, kind, shown, name string, known any) {
	var names []string
	switch known := known.(type) {
	case map[string]cty.Value:
		names = keysOf(known)
	case map[string]*local:
		names = keysOf(known)
	case map[string]*block:
		names = keysOf(known)
	}
	message, fix := "there is no "+kind+" "+shown, ""
	if near := spelling.Closest(name, names); near != "" {
		fix = strings.TrimSuffix(shown, name) + near
		message += "; is " + fix + " meant?"
	} else if kind == "variable" {
		fix = "variable \"" + name + "\" {\n  type = string\n}"
	}
	m.mistake("tf.undeclared", t.SourceRange(), message, fix)
}
