package check

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// The languages of sources.
const (
	cloudFormation = "cloudformation"
	terraformLang  = "terraform"
)

// planned is a resource that the source would make, in CloudFormation's
// vocabulary.
type planned struct {
	Name     string // logical id, or Terraform address
	Part     string // of a Terraform resource that amounts to several
	Stack    *scope
	Type     string // AWS::EC2::Subnet
	Kind     string // Terraform: aws_subnet
	Position Position
	Given    *template.Value // properties, evaluated; never nil
	Raw      *template.Value // CloudFormation: as they are written
	Waits    []*planned      // what it is made after: references and depends_on

	ID      string // once it was made
	Unknown bool   // it could not be made because of what only a deployment can tell
}

// scope is one stack, or one Terraform module: what names mean inside of it.
type scope struct {
	Name       string // of the stack
	Lang       string
	Parameters map[string]string // value to the name of the parameter that has it
	Parent     *planned          // the resource that is this stack; nil for the root
}

// label is the resource's name as messages say it: with its stack when that is nested.
func (p *planned) label() string {
	if p.Stack.Parent == nil {
		return p.Name
	}
	return p.Stack.Parent.label() + "/" + p.Name
}

// after reports whether p is made after other, through whatever is between.
func (p *planned) after(other *planned) bool {
	seen := map[*planned]bool{}
	var visit func(*planned) bool
	visit = func(at *planned) bool {
		if at == nil || seen[at] {
			return false
		}
		seen[at] = true
		return slices.Contains(at.Waits, other) || slices.ContainsFunc(at.Waits, visit) || at.Stack.Parent != nil && visit(at.Stack.Parent)
	}
	return visit(p)
}

// entry is a place in a resource's properties: a value with the line of its key.
type entry struct {
	Key    string
	Line   int
	Column int // of the value, when it stands in the key's line
	Value  *template.Value
}

// at follows a path of keys; false when a key is not there.
func (p *planned) at(path ...string) (entry, bool) {
	v := p.Given
	var found entry
	for _, key := range path {
		i := -1
		if v != nil && v.Kind == template.Map {
			i = slices.IndexFunc(v.Entries, func(e template.Entry) bool { return strings.EqualFold(e.Key, key) })
		}
		if i < 0 {
			return found, false
		}
		e := v.Entries[i]
		v = e.Value
		found = entry{Key: e.Key, Line: e.Line, Value: v}
	}
	return found, len(path) > 0
}

// get returns the value at a path, nil when it is not there.
func (p *planned) get(path ...string) *template.Value {
	e, ok := p.at(path...)
	if !ok {
		return nil
	}
	return e.Value
}

// texts returns the known strings of a list, or of one value that stands for a list.
func texts(v *template.Value) []string {
	if v == nil {
		return nil
	}
	if v.IsScalar() {
		return []string{v.Text}
	}
	var out []string
	for _, item := range v.Items {
		if item.IsScalar() {
			out = append(out, item.Text)
		}
	}
	return out
}

// items returns the elements of a list; one object may stand for a list of one.
func items(v *template.Value) []*template.Value {
	switch {
	case v == nil:
		return nil
	case v.Kind == template.List:
		return v.Items
	case v.Kind == template.Map:
		return []*template.Value{v}
	}
	return nil
}

// field returns a key of a map without regard to case.
func field(v *template.Value, key string) *template.Value {
	if v == nil {
		return nil
	}
	for _, e := range v.Entries {
		if strings.EqualFold(e.Key, key) {
			return e.Value
		}
	}
	return nil
}

type templateValue = template.Value

// entriesOf returns the entries of a map, none for nil.
func entriesOf(v *template.Value) []template.Entry {
	if v == nil {
		return nil
	}
	return v.Entries
}
