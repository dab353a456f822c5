package resource

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// Kind is what a property holds.
type Kind int

// The kinds of properties. A Document is JSON of any form, such as a policy; it
// may be given as text.
const (
	KindString Kind = iota
	KindInteger
	KindNumber
	KindBoolean
	KindDocument
	KindList
	KindMap
	KindObject
)

// Property describes a property.
type Property struct {
	Kind     Kind
	Of       *Property  // List, Map: the elements
	Fields   Properties // Object
	required bool
	replaces bool
	maybe    bool
}

// Properties are the properties of a type or object by name.
type Properties map[string]Property

// The plain properties, to be qualified by Required and Replaces.
var (
	String   = Property{Kind: KindString}
	Integer  = Property{Kind: KindInteger}
	Boolean  = Property{Kind: KindBoolean}
	Document = Property{Kind: KindDocument}
	Strings  = ListOf(String)
	Tags     = ListOf(Object(Properties{"Key": String.Required(), "Value": String.Required()}))
)

// ListOf is a list.
func ListOf(of Property) Property { return Property{Kind: KindList, Of: &of} }

// MapOf is a map with free keys.
func MapOf(of Property) Property { return Property{Kind: KindMap, Of: &of} }

// Object is a structure.
func Object(fields Properties) Property { return Property{Kind: KindObject, Fields: fields} }

// Required says that the property must be given.
func (p Property) Required() Property { p.required = true; return p }

// Replaces says that a change needs a new resource.
func (p Property) Replaces() Property { p.replaces = true; return p }

// Perhaps says that a change may need a new resource.
func (p Property) Perhaps() Property { p.maybe = true; return p }

// Recreation is RequiresRecreation of a change set: Never, Conditionally or Always.
func (p Property) Recreation() string {
	switch {
	case p.replaces:
		return "Always"
	case p.maybe:
		return "Conditionally"
	}
	return "Never"
}

// Schema describes a type.
type Schema struct {
	Type       string
	Properties Properties
	// Attributes are the names that Fn::GetAtt may ask for; one that ends with
	// ".*" stands for all names that begin so.
	Attributes []string
	// Name is the property that names the resource; while it is given, a
	// replacement is refused, as two resources cannot have one name.
	Name string
	// IAM says that the type needs CAPABILITY_IAM, and CAPABILITY_NAMED_IAM
	// when it is given its Name.
	IAM bool
}

// HasAttribute reports whether Fn::GetAtt may ask for a name.
func (s *Schema) HasAttribute(name string) bool {
	for _, a := range s.Attributes {
		prefix, any := strings.CutSuffix(a, "*")
		if a == name || any && strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// Shape describes a generated API structure as an object, so that templates may
// use all of it. CloudFormation's names are those of the API with a capital.
func Shape[T any](except ...string) Property {
	return shapeOf(reflect.TypeFor[T](), except, 0)
}

func shapeOf(t reflect.Type, except []string, depth int) Property {
	switch t.Kind() {
	case reflect.Pointer:
		return shapeOf(t.Elem(), except, depth)
	case reflect.String:
		return String
	case reflect.Bool:
		return Boolean
	case reflect.Int32, reflect.Int64, reflect.Int:
		return Integer
	case reflect.Float32, reflect.Float64:
		return Property{Kind: KindNumber}
	case reflect.Slice:
		return ListOf(shapeOf(t.Elem(), nil, depth+1))
	case reflect.Map:
		return MapOf(shapeOf(t.Elem(), nil, depth+1))
	case reflect.Struct:
		fields := Properties{}
		for i := 0; i < t.NumField() && depth < 12; i++ {
			f := t.Field(i)
			if contains(except, f.Name) {
				continue
			}
			p := shapeOf(f.Type, nil, depth+1)
			p.required = strings.Contains(f.Tag.Get("aws"), ",required")
			fields[f.Name] = p
		}
		return Object(fields)
	}
	return Document
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// field finds a field by name. Inside properties, names that differ only in case
// are the same, as CloudFormation and the services do not always agree
// (FilesystemId, fileSystemId).
func (p Property) field(name string, inside bool) (string, Property, bool) {
	if f, ok := p.Fields[name]; ok || !inside {
		return name, f, ok
	}
	for known, f := range p.Fields {
		if strings.EqualFold(known, name) {
			return known, f, true
		}
	}
	return "", Property{}, false
}

// Check checks resolved properties, in which values may still be unknown, and
// returns them with every scalar in the kind and spelling that the schema wants.
func (s *Schema) Check(logicalID string, properties *template.Value) (*template.Value, error) {
	out, problems := s.Problems(properties)
	if problems == nil {
		return out, nil
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.String()
	}
	return nil, &template.Error{Message: "Properties validation failed for resource " + logicalID + " with message: " + strings.Join(texts, "; ")}
}

// Problems is Check with each problem by itself. The properties that it returns
// are without those that the type does not have.
func (s *Schema) Problems(properties *template.Value) (*template.Value, []Problem) {
	c := checker{schema: s}
	return c.value(Object(s.Properties), properties, "#"), c.problems
}

// Problem is one thing that is wrong with a resource's properties.
type Problem struct {
	Line, Column int    // in the template; 0 for a value that was computed
	Path         string // of the value, or of the object that has or lacks Key: #/A/0/B
	Key          string // of a key that does not belong there, or is missing
	Missing      bool   // Key is missing
	Text         string // without the line
}

// String is the problem with its line.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.Text
	}
	return fmt.Sprintf("%s (line %d)", p.Text, p.Line)
}

type checker struct {
	schema   *Schema
	problems []Problem
}

func (c *checker) problem(v *template.Value, path, format string, args ...any) *template.Value {
	c.problems = append(c.problems, Problem{Line: v.Line, Column: v.Column, Path: path, Text: path + ": " + fmt.Sprintf(format, args...)})
	return v
}

// key adds the key to the problem that was found last.
func (c *checker) key(name string, missing bool) {
	p := &c.problems[len(c.problems)-1]
	p.Key, p.Missing = name, missing
}

func (c *checker) value(p Property, v *template.Value, path string) *template.Value {
	if v.Kind == template.Unknown {
		return v
	}
	switch p.Kind {
	case KindObject:
		return c.object(p, v, path)
	case KindList:
		return c.list(p, v, path)
	case KindMap:
		return c.mapping(p, v, path)
	case KindDocument:
		return c.document(v, path)
	}
	if !v.IsScalar() {
		return c.problem(v, path, "expected type: %s, found: %s", kindNames[p.Kind], found(v))
	}
	out := *v
	switch p.Kind {
	case KindString:
		out.Kind = template.String
	case KindInteger:
		n, err := strconv.ParseInt(strings.TrimSuffix(v.Text, ".0"), 10, 64)
		if err != nil {
			return c.problem(v, path, "expected type: Integer, found: %s", found(v))
		}
		out.Kind, out.Text = template.Number, strconv.FormatInt(n, 10)
	case KindNumber:
		if _, err := strconv.ParseFloat(v.Text, 64); err != nil {
			return c.problem(v, path, "expected type: Number, found: %s", found(v))
		}
		out.Kind = template.Number
	case KindBoolean:
		if out.Kind, out.Text = template.Bool, strings.ToLower(v.Text); out.Text != "true" && out.Text != "false" {
			return c.problem(v, path, "expected type: Boolean, found: %s", found(v))
		}
	}
	return &out
}

func (c *checker) object(p Property, v *template.Value, path string) *template.Value {
	if v.Kind != template.Map {
		return c.problem(v, path, "expected type: JSONObject, found: %s", found(v))
	}
	out := *v
	out.Entries = make([]template.Entry, 0, len(v.Entries))
	seen := map[string]bool{}
	for _, e := range v.Entries {
		name, field, ok := p.field(e.Key, path != "#")
		if !ok {
			at := e.Line
			if at == 0 {
				at = v.Line
			}
			c.problem(&template.Value{Line: at}, path, "extraneous key [%s] is not permitted: Neargate does not carry out property %s of type %s",
				e.Key, strings.TrimPrefix(path+"/"+e.Key, "#/"), c.schema.Type)
			c.key(e.Key, false)
			continue
		}
		seen[name] = true
		out.Entries = append(out.Entries, template.Entry{Key: name, Line: e.Line, Value: c.value(field, e.Value, path+"/"+e.Key)})
	}
	for name, field := range p.Fields {
		if field.required && !seen[name] {
			c.problem(v, path, "required key [%s] not found", name)
			c.key(name, true)
		}
	}
	return &out
}

func (c *checker) list(p Property, v *template.Value, path string) *template.Value {
	out := *v
	if v.Kind != template.List { // one element may stand for a list of one
		if v.IsScalar() != (p.Of.Kind <= KindBoolean) {
			return c.problem(v, path, "expected type: JSONArray, found: %s", found(v))
		}
		out = template.Value{Kind: template.List, Items: []*template.Value{v}, Line: v.Line}
	}
	items := make([]*template.Value, len(out.Items))
	for i, item := range out.Items {
		items[i] = c.value(*p.Of, item, path+"/"+strconv.Itoa(i))
	}
	out.Items = items
	return &out
}

func (c *checker) mapping(p Property, v *template.Value, path string) *template.Value {
	if v.Kind != template.Map {
		return c.problem(v, path, "expected type: JSONObject, found: %s", found(v))
	}
	out := *v
	out.Entries = make([]template.Entry, len(v.Entries))
	for i, e := range v.Entries {
		e.Value = c.value(*p.Of, e.Value, path+"/"+e.Key)
		out.Entries[i] = e
	}
	return &out
}

func (c *checker) document(v *template.Value, path string) *template.Value {
	if v.Kind == template.Map || v.Kind == template.List {
		return v
	}
	doc, err := template.Read(v.Str())
	if err != nil || doc.Kind != template.Map {
		return c.problem(v, path, "expected type: JSONObject, found: %s", found(v))
	}
	return doc
}

var kindNames = map[Kind]string{KindString: "String", KindInteger: "Integer", KindNumber: "Number", KindBoolean: "Boolean"}

func found(v *template.Value) string {
	switch v.Kind {
	case template.List:
		return "JSONArray"
	case template.Map:
		return "JSONObject"
	case template.Number:
		return "Number"
	case template.Bool:
		return "Boolean"
	case template.Null:
		return "Null"
	}
	return "String"
}
