package terraform

import (
	"math/big"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// tree evaluates an expression as a tree in which every part knows its place:
// objects, lists and jsonencode are taken apart as they are written.
func (m *module) tree(expr hclsyntax.Expression, extra map[string]cty.Value, depth int) *template.Value {
	at := expr.Range()
	if depth > 60 {
		return &template.Value{Kind: template.Unknown}
	}
	switch e := expr.(type) {
	case *hclsyntax.ParenthesesExpr:
		return m.tree(e.Expression, extra, depth+1)
	case *hclsyntax.FunctionCallExpr:
		if e.Name == "jsonencode" && len(e.Args) == 1 {
			return m.tree(e.Args[0], extra, depth+1)
		}
	case *hclsyntax.TupleConsExpr:
		v := &template.Value{Kind: template.List, Items: []*template.Value{}, Line: at.Start.Line, Column: at.Start.Column}
		for _, item := range e.Exprs {
			if got := m.tree(item, extra, depth+1); got != nil {
				v.Items = append(v.Items, got)
			}
		}
		return v
	case *hclsyntax.ObjectConsExpr:
		v := &template.Value{Kind: template.Map, Line: at.Start.Line, Column: at.Start.Column}
		for _, item := range e.Items {
			key := m.value(item.KeyExpr, extra)
			if !key.IsKnown() || key.IsNull() || key.Type() != cty.String {
				continue
			}
			if got := m.tree(item.ValueExpr, extra, depth+1); got != nil {
				v.Entries = append(v.Entries, template.Entry{Key: key.AsString(), Line: item.KeyExpr.Range().Start.Line, Value: got})
			}
		}
		return v
	}
	return plain(m.value(expr, extra), at)
}

// plain turns a value of cty into one of ours; nil for null.
func plain(v cty.Value, at hcl.Range) *template.Value {
	out := &template.Value{Line: at.Start.Line, Column: at.Start.Column}
	switch {
	case !v.IsKnown():
		out.Kind = template.Unknown
		return out
	case v.IsNull():
		return nil
	case v.Type() == cty.String:
		out.Kind, out.Text = template.String, v.AsString()
		if strings.Contains(out.Text, Unknown) && !strings.ContainsAny(out.Text, "{[") {
			out.Kind = template.Unknown
		}
	case v.Type() == cty.Number:
		out.Kind, out.Text = template.Number, number(v.AsBigFloat())
	case v.Type() == cty.Bool:
		out.Kind, out.Text = template.Bool, "false"
		if v.True() {
			out.Text = "true"
		}
	case v.Type().IsListType() || v.Type().IsTupleType() || v.Type().IsSetType():
		out.Kind, out.Items = template.List, []*template.Value{}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if item := plain(e, at); item != nil {
				out.Items = append(out.Items, item)
			}
		}
	case v.Type().IsMapType() || v.Type().IsObjectType():
		out.Kind = template.Map
		fields := v.AsValueMap()
		for _, k := range keysOf(fields) {
			if item := plain(fields[k], at); item != nil {
				out.Entries = append(out.Entries, template.Entry{Key: k, Line: at.Start.Line, Value: item})
			}
		}
	default:
		out.Kind = template.Unknown
	}
	return out
}

func number(f *big.Float) string {
	if n, accuracy := f.Int(nil); accuracy == big.Exact {
		return n.String()
	}
	return f.Text('g', 15)
}

// document reads a text of JSON, such as a heredoc, with the places of its parts.
// What is no text is returned as it is.
func document(v *template.Value, heredoc bool) *template.Value {
	if v == nil || v.Kind != template.String {
		return v
	}
	doc, err := template.Read(v.Text)
	if err != nil || !strings.HasPrefix(strings.TrimSpace(v.Text), "{") && !strings.HasPrefix(strings.TrimSpace(v.Text), "[") {
		return v
	}
	offset := v.Line - 1
	if heredoc {
		offset++
	}
	return moved(doc, offset)
}

// moved returns a copy that stands offset lines further down, and in which marks
// of unknown values are unknown values.
func moved(v *template.Value, offset int) *template.Value {
	out := *v
	out.Line += offset
	if v.Kind == template.String && strings.Contains(v.Text, Unknown) {
		out.Kind = template.Unknown
		return &out
	}
	out.Items, out.Entries = slices.Clone(v.Items), slices.Clone(v.Entries)
	for i, item := range out.Items {
		out.Items[i] = moved(item, offset)
	}
	for i, e := range out.Entries {
		out.Entries[i].Line += offset
		out.Entries[i].Value = moved(e.Value, offset)
	}
	return &out
}

// isHeredoc reports whether an expression is written as <<EOF: its content
// begins in the line below.
func isHeredoc(expr hclsyntax.Expression) bool {
	t, ok := expr.(*hclsyntax.TemplateExpr)
	return ok && len(t.Parts) > 0 && t.Parts[0].Range().Start.Line > t.Range().Start.Line
}
