package template

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// IncludeMacro is the name of the transform that Include carries out.
const IncludeMacro = "AWS::Include"

const transformKey = "Fn::Transform"

// Known is what transforms may know before a stack is made: the values of
// parameters, those that only execution will tell (Later), and where the stack is.
type Known struct {
	Given map[string]string
	Later []string
	Look  Lookup
	Env   Env
}

// Include returns the document with the snippets of AWS::Include put in, and
// whether there was one: of Fn::Transform, whose map the snippet joins, and of the
// Transform section, where it joins the template. fetch reads what a Location
// names; without it the places of snippets stay empty, as ValidateTemplate leaves
// them.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-include.html
func Include(doc *Value, k Known, fetch func(location string) (string, error)) (*Value, bool, error) {
	if doc.Kind != Map || !includes(doc) {
		return doc, false, nil
	}
	e, err := staticEvaluator(doc, k)
	if err != nil {
		return nil, true, err
	}
	in := &includer{e: e, fetch: fetch}
	out, err := in.value(doc.With("Transform", nil))
	if err != nil {
		return nil, true, err
	}
	rest := []*Value{}
	for _, call := range transformItems(doc) {
		if call.Kind != Map || call.Get("Name").Str() != IncludeMacro {
			rest = append(rest, call)
			continue
		}
		if out, err = in.join(out, call); err != nil {
			return nil, true, err
		}
	}
	if len(rest) > 0 {
		out = out.With("Transform", &Value{Kind: List, Items: rest, Line: doc.Get("Transform").Line})
	}
	return out, true, nil
}

// transformItems are the items of the Transform section.
func transformItems(doc *Value) []*Value {
	switch v := doc.Get("Transform"); {
	case v == nil:
		return nil
	case v.Kind == List:
		return v.Items
	default:
		return []*Value{v}
	}
}

// includes reports whether a document calls a macro anywhere but by its name alone.
func includes(doc *Value) bool {
	inSection := slices.ContainsFunc(transformItems(doc), func(v *Value) bool { return v.Get("Name").Str() == IncludeMacro })
	return inSection || calls(doc)
}

func calls(v *Value) bool {
	return slices.ContainsFunc(v.Items, calls) || slices.ContainsFunc(v.Entries, func(e Entry) bool { return e.Key == transformKey || calls(e.Value) })
}

type includer struct {
	e     *Evaluator
	fetch func(string) (string, error)
	size  int // of the snippets so far
}

func (in *includer) value(v *Value) (*Value, error) {
	out := *v
	out.Items, out.Entries = nil, nil
	for _, item := range v.Items {
		got, err := in.value(item)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, got)
	}
	var call *Value
	for _, entry := range v.Entries {
		if entry.Key == transformKey {
			call = entry.Value
			continue
		}
		got, err := in.value(entry.Value)
		if err != nil {
			return nil, err
		}
		entry.Value = got
		out.Entries = append(out.Entries, entry)
	}
	if call == nil {
		return &out, nil
	}
	return in.join(&out, call)
}

// join adds the members of the snippet that a call names to a map. One that
// stands alone may be anything.
func (in *includer) join(to, call *Value) (*Value, error) {
	name := call.Get("Name").Str()
	if name == "" {
		return nil, templateError("Fn::Transform requires a macro Name (line %d)", call.Line)
	}
	if name != IncludeMacro {
		return nil, errorf("No transform named %s found.", name)
	}
	if in.fetch == nil {
		return to, nil
	}
	got, err := in.snippet(call)
	if err != nil {
		return nil, err
	}
	if len(to.Entries) == 0 {
		return got, nil
	}
	if got.Kind != Map {
		return nil, includeError("The specified S3 object's content should be valid Yaml/JSON")
	}
	for _, entry := range got.Entries {
		to = to.With(entry.Key, entry.Value)
	}
	return to, nil
}

// snippet reads what the Location of a call names.
func (in *includer) snippet(call *Value) (*Value, error) {
	where := call.Get("Parameters").Get("Location")
	if where == nil {
		return nil, includeError("Missing required parameter: Location")
	}
	where, err := in.e.Value(where)
	if err != nil {
		return nil, err
	}
	if where.Str() == "" || !strings.Contains(where.Text, "://") {
		return nil, includeError("The location parameter is not a valid S3 uri.")
	}
	text, err := in.fetch(where.Text)
	if err != nil {
		return nil, includeError("%s", err.Error())
	}
	if in.size += len(text); in.size > MaxURL {
		return nil, errorf("Template may not exceed %d bytes in size.", MaxURL)
	}
	got, err := readSnippet(text)
	if err != nil {
		return nil, includeError("The specified S3 object's content should be valid Yaml/JSON")
	}
	if calls(got) { // a snippet includes nothing itself
		return nil, includeError("Fn::Transform is not allowed in an included snippet")
	}
	return got, nil
}

// readSnippet reads a part of a template. The short forms of functions are not
// known in snippets.
func readSnippet(text string) (*Value, error) {
	got, err := Read(text)
	if err != nil || strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return got, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || short(&doc) {
		return nil, formatError("YAML not well-formed.")
	}
	return got, nil
}

// short reports whether a node or one in it has the tag of a function.
func short(n *yaml.Node) bool {
	return shortTags[n.Tag] != "" || slices.ContainsFunc(n.Content, short)
}

func includeError(format string, args ...any) error {
	return errorf("Transform "+IncludeMacro+" failed with: "+format, args...)
}
