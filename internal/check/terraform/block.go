package terraform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// block evaluates a resource, data source or module once.
func (m *module) block(address string) {
	b := m.blocks[address]
	if b.state != 0 {
		if b.state == 1 {
			b.value = cty.DynamicVal // a circle
		}
		return
	}
	b.state = 1
	m.current = append(m.current, &collector{})
	m.swapped(b)
	switch b.Type {
	case "resource":
		b.value = m.instances(b, m.resource)
	case "data":
		b.value = m.instances(b, m.data)
	case "module":
		b.value = m.call(b)
	}
	m.current = m.current[:len(m.current)-1]
	b.state = 2
}

// instances evaluates a block for each element of its count or for_each.
func (m *module) instances(b *block, one func(b *block, key string, extra map[string]cty.Value) cty.Value) cty.Value {
	if a := b.Body.Attributes["count"]; a != nil {
		n, known := 1, false
		if v := m.value(a.Expr, nil); v.IsKnown() && !v.IsNull() && v.Type() == cty.Number {
			x, _ := v.AsBigFloat().Int64()
			n, known = int(min(max(x, 0), maxInstances)), true
		}
		var all []cty.Value
		for i := range n {
			extra := map[string]cty.Value{"count": cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(int64(i))})}
			all = append(all, one(b, fmt.Sprintf("[%d]", i), extra))
		}
		if !known && b.Type == "data" {
			return cty.DynamicVal
		}
		return cty.TupleVal(all)
	}
	if a := b.Body.Attributes["for_each"]; a != nil {
		v := m.value(a.Expr, nil)
		if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
			extra := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": cty.UnknownVal(cty.String), "value": cty.DynamicVal})}
			one(b, "[each]", extra)
			return cty.DynamicVal
		}
		all := map[string]cty.Value{}
		for it := v.ElementIterator(); it.Next() && len(all) < maxInstances; {
			k, e := it.Element()
			if v.Type().IsSetType() {
				k = e
			}
			if !k.IsKnown() || k.Type() != cty.String {
				return cty.DynamicVal
			}
			extra := map[string]cty.Value{"each": cty.ObjectVal(map[string]cty.Value{"key": k, "value": e})}
			all[k.AsString()] = one(b, fmt.Sprintf("[%q]", k.AsString()), extra)
		}
		return cty.ObjectVal(all)
	}
	return one(b, "", nil)
}

// resource makes one instance and returns its attributes.
func (m *module) resource(b *block, key string, extra map[string]cty.Value) cty.Value {
	at := b.DefRange()
	r := &Resource{Address: m.address + b.address + key, Module: m.address, Kind: b.Labels[0], File: at.Filename, Line: at.Start.Line, Column: at.Start.Column}
	args := &arguments{m: m, r: r, body: b.Body, extra: extra}
	if kind, ok := m.kinds[r.Kind]; ok {
		kind(args)
	} else {
		args.all()
	}
	if a := b.Body.Attributes["depends_on"]; a != nil {
		m.value(a.Expr, nil)
	}
	r.Waits = slices.DeleteFunc(m.current[len(m.current)-1].waits, func(w string) bool { return w == m.address+b.address })
	fields := map[string]cty.Value{}
	for name, a := range b.Body.Attributes {
		if name != "count" && name != "for_each" && name != "depends_on" {
			fields[name] = m.value(a.Expr, extra)
		}
	}
	if *m.count++; *m.count > maxResources {
		return cty.DynamicVal
	}
	for name, text := range m.world.Make(r) {
		fields[name] = cty.StringVal(text)
	}
	return cty.ObjectVal(fields)
}

// call evaluates a module that is a directory beside this one.
func (m *module) call(b *block) cty.Value {
	given := map[string]cty.Value{}
	for name, a := range b.Body.Attributes {
		if name != "source" && name != "version" && name != "count" && name != "for_each" && name != "providers" && name != "depends_on" {
			given[name] = m.value(a.Expr, nil)
		}
	}
	source := ""
	if a := b.Body.Attributes["source"]; a != nil {
		if v := m.value(a.Expr, nil); v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
			source = v.AsString()
		}
	}
	if !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../") || m.depth >= maxDepth ||
		b.Body.Attributes["count"] != nil || b.Body.Attributes["for_each"] != nil {
		return cty.DynamicVal
	}
	child := newModule(m.source, m.world, path.Join(m.dir, source), m.address+b.address+".", m.depth+1, m.count)
	if found, err := child.parse(); err != nil || !found {
		m.mistake("tf.syntax", b.DefRange(), "the module "+source+" has no Terraform files", "")
		return cty.DynamicVal
	}
	for name := range given {
		if _, ok := child.variables[name]; !ok {
			m.mistake("tf.argument", b.Body.Attributes[name].NameRange, "the module "+source+" has no variable "+name, "")
		}
	}
	child.settle(nil, given)
	child.run()
	out := map[string]cty.Value{}
	for name, o := range child.outputs {
		out[name] = cty.DynamicVal
		if a := o.Body.Attributes["value"]; a != nil {
			out[name] = child.value(a.Expr, nil)
		}
	}
	return cty.ObjectVal(out)
}

// swapped finds something private that reads something public, and the reverse.
func (m *module) swapped(b *block) {
	name := b.Labels[len(b.Labels)-1]
	for _, key := range keysOf(b.Body.Attributes) {
		a := b.Body.Attributes[key]
		want := side(key)
		if want == "" && slices.Contains([]string{"id", "ids", "subnet_id", "subnet_ids", "subnets"}, key) {
			want = side(name)
		}
		if want == "" {
			continue
		}
		for _, t := range a.Expr.Variables() {
			read := t.RootName() + "." + strings.Join(attributes(t), ".")
			if got := side(read); got != "" && got != want {
				m.mistake("net.swapped-subnets", a.NameRange, fmt.Sprintf("%s of %s reads %s: %s ones where %s ones are due", key, b.address, read, got, want),
					swap(a.Expr, m, got, want))
			}
		}
	}
}

// swap is the argument as it was probably meant.
func swap(expr hclsyntax.Expression, m *module, got, want string) string {
	text, err := m.source.Read(expr.Range().Filename)
	r := expr.Range()
	if err != nil || r.End.Byte > len(text) || r.Start.Byte > r.End.Byte {
		return ""
	}
	return strings.ReplaceAll(text[r.Start.Byte:r.End.Byte], got, want)
}

// side is whether a name speaks of something public or private; "" for neither and for both.
func side(name string) string {
	public, private := strings.Contains(name, "public"), strings.Contains(name, "private")
	switch {
	case public && !private:
		return "public"
	case private && !public:
		return "private"
	}
	return ""
}

// arguments are those of one resource, as its kind reads them.
type arguments struct {
	m     *module
	r     *Resource
	body  *hclsyntax.Body
	extra map[string]cty.Value
}

// get returns an argument, nil when it is not there.
func (a *arguments) get(name string) *template.Value {
	attr := a.body.Attributes[name]
	if attr == nil {
		return nil
	}
	return a.m.tree(attr.Expr, a.extra, 0)
}

// json returns an argument that holds JSON, taken apart.
func (a *arguments) json(name string) *template.Value {
	attr := a.body.Attributes[name]
	if attr == nil {
		return nil
	}
	return document(a.m.tree(attr.Expr, a.extra, 0), isHeredoc(attr.Expr))
}

// blocks returns the nested blocks of a name. Dynamic ones count as one whose
// arguments are evaluated with an unknown element.
func (a *arguments) blocks(name string) []*arguments {
	var out []*arguments
	for _, b := range a.body.Blocks {
		switch {
		case b.Type == name:
			out = append(out, &arguments{m: a.m, r: a.r, body: b.Body, extra: a.extra})
		case b.Type == "dynamic" && len(b.Labels) == 1 && b.Labels[0] == name:
			out = append(out, a.dynamic(b, name)...)
		}
	}
	return out
}

// dynamic unfolds a dynamic block.
func (a *arguments) dynamic(b *hclsyntax.Block, name string) []*arguments {
	var content *hclsyntax.Body
	for _, inner := range b.Body.Blocks {
		if inner.Type == "content" {
			content = inner.Body
		}
	}
	each := b.Body.Attributes["for_each"]
	if content == nil || each == nil {
		return nil
	}
	iterator := name
	if i := b.Body.Attributes["iterator"]; i != nil {
		iterator = hcl.ExprAsKeyword(i.Expr)
	}
	with := func(k, v cty.Value) *arguments {
		extra := map[string]cty.Value{iterator: cty.ObjectVal(map[string]cty.Value{"key": k, "value": v})}
		for n, x := range a.extra {
			extra[n] = x
		}
		return &arguments{m: a.m, r: a.r, body: content, extra: extra}
	}
	v := a.m.value(each.Expr, a.extra)
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return []*arguments{with(cty.DynamicVal, cty.DynamicVal)}
	}
	var out []*arguments
	for it := v.ElementIterator(); it.Next() && len(out) < maxInstances; {
		k, e := it.Element()
		out = append(out, with(k, e))
	}
	return out
}

// all evaluates everything, for what is referred to and misspelt.
func (a *arguments) all() {
	for _, name := range keysOf(a.body.Attributes) {
		a.m.value(a.body.Attributes[name].Expr, a.extra)
	}
	for _, b := range a.body.Blocks {
		(&arguments{m: a.m, r: a.r, body: b.Body, extra: a.extra}).all()
	}
}
