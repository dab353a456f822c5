package template

import (
	"regexp"
	"slices"
	"strings"
)

// LanguageExtensions is the name of the transform that Extend carries out. What
// else it brings, Evaluator does: Fn::Length, Fn::ToJsonString, and a default of
// Fn::FindInMap.
const LanguageExtensions = "AWS::LanguageExtensions"

// maxExpanded bounds how many values the loops of a template may make.
const maxExpanded = 200_000

const loopPrefix = "Fn::ForEach::"

// Extend returns the document with its loops (Fn::ForEach) unrolled, and with
// functions resolved where the language has names: in deletion policies, in Ref
// and in the logical id of Fn::GetAtt. Parameters without a value, or whose value
// is known later, cannot be used there.
func Extend(doc *Value, k Known) (*Value, error) {
	e, err := staticEvaluator(doc, k)
	if err != nil {
		return nil, err
	}
	x := &extender{e: e}
	for _, name := range []string{"Conditions", "Resources", "Outputs"} {
		if section := doc.Get(name); section != nil {
			out, err := x.value(section, nil)
			if err != nil {
				return nil, extensionError(err)
			}
			if name == "Resources" {
				if out, err = x.policies(out); err != nil {
					return nil, extensionError(err)
				}
			}
			doc = doc.With(name, out)
		}
	}
	return doc, nil
}

// staticEvaluator evaluates what transforms may use: parameters and mappings.
func staticEvaluator(doc *Value, k Known) (*Evaluator, error) {
	t := &Template{Body: doc}
	for _, step := range []func(*Value) error{t.readHead, t.readParameters, t.readMappings} {
		if err := step(doc); err != nil {
			return nil, err
		}
	}
	t.Extended = true
	env := k.Env
	env.Parameters = map[string]ParameterValue{}
	for _, p := range t.Parameters {
		text, ok := k.Given[p.Name]
		if !ok && p.Default != nil {
			text, ok = p.Default.Text, true
		}
		_, _, stored, _ := innerType(p.Type)
		if !ok || slices.Contains(k.Later, p.Name) || stored && k.Look.Stored == nil {
			continue
		}
		v, err := p.resolve(text, Lookup{Stored: k.Look.Stored, Exists: func(string, string) (bool, error) { return true, nil }})
		if err != nil {
			return nil, err
		}
		env.Parameters[p.Name] = v
	}
	return &Evaluator{t: t, env: env, conditions: map[string]bool{}}, nil
}

func extensionError(err error) error {
	return errorf("Transform %s failed with: %s", LanguageExtensions, err)
}

// extender unrolls the loops of one document.
type extender struct {
	e    *Evaluator
	made int
}

// loopNames are the identifiers of the loops around a value, with their values.
type loopNames map[string]string

var (
	loopVariable = regexp.MustCompile(`([$&])\{([A-Za-z0-9]+)\}`)
	notInNames   = regexp.MustCompile(`[^A-Za-z0-9]`)
)

// text puts the values of identifiers in: ${Name}, or &{Name} without what
// logical ids cannot hold.
func (n loopNames) text(s string) string {
	return loopVariable.ReplaceAllStringFunc(s, func(m string) string {
		value, ok := n[m[2:len(m)-1]]
		switch {
		case !ok:
			return m
		case m[0] == '&':
			return notInNames.ReplaceAllString(value, "")
		}
		return value
	})
}

func (x *extender) value(v *Value, names loopNames) (*Value, error) {
	if x.made++; x.made > maxExpanded {
		return nil, errorf("Fn::ForEach makes the template too large")
	}
	switch v.Kind {
	case String:
		if text := names.text(v.Text); text != v.Text {
			out := *v
			out.Text = text
			return &out, nil
		}
	case List:
		out := *v
		out.Items = make([]*Value, len(v.Items))
		for i, item := range v.Items {
			got, err := x.value(item, names)
			if err != nil {
				return nil, err
			}
			out.Items[i] = got
		}
		return &out, nil
	case Map:
		return x.object(v, names)
	}
	return v, nil
}

func (x *extender) object(v *Value, names loopNames) (*Value, error) {
	if name, arg, ok := intrinsic(v); ok && name == "Ref" {
		if value, isLoop := names[arg.Str()]; isLoop {
			return Text(value), nil
		}
	}
	out := *v
	out.Entries = nil
	for _, entry := range v.Entries {
		entries := []Entry{}
		var err error
		if strings.HasPrefix(entry.Key, loopPrefix) {
			entries, err = x.loop(entry, names)
		} else {
			var got *Value
			got, err = x.value(entry.Value, names)
			entries = append(entries, Entry{Key: names.text(entry.Key), Line: entry.Line, Value: got})
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if out.Get(e.Key) != nil {
				return nil, errorf("duplicate key %s in %s (line %d)", e.Key, entry.Key, entry.Line)
			}
			out.Entries = append(out.Entries, e)
		}
	}
	return x.name(&out)
}

// loop unrolls one Fn::ForEach: [identifier, values, {key: value}].
func (x *extender) loop(entry Entry, names loopNames) ([]Entry, error) {
	arg := entry.Value
	if arg.Kind != List || len(arg.Items) != 3 || arg.Items[0].Kind != String || arg.Items[2].Kind != Map {
		return nil, errorf("%s must be a list of an identifier, a list of values and an object (line %d)", entry.Key, entry.Line)
	}
	identifier := arg.Items[0].Text
	if _, ok := names[identifier]; ok {
		return nil, errorf("%s: the identifier %s is that of another loop around it (line %d)", entry.Key, identifier, entry.Line)
	}
	collection, err := x.value(arg.Items[1], names)
	if err != nil {
		return nil, err
	}
	if collection, err = x.e.Value(collection); err != nil {
		return nil, err
	}
	if collection == nil || collection.Kind != List || slices.ContainsFunc(collection.Items, func(v *Value) bool { return !v.IsScalar() }) {
		return nil, errorf("%s: the values must be a list of strings that is known before the stack is made (line %d)", entry.Key, entry.Line)
	}
	var out []Entry
	for _, item := range collection.Items {
		inner := loopNames{identifier: item.Text}
		for name, value := range names {
			inner[name] = value
		}
		body, err := x.object(arg.Items[2], inner)
		if err != nil {
			return nil, err
		}
		out = append(out, body.Entries...)
	}
	return out, nil
}

// name resolves a function that stands for the name of a parameter or resource.
func (x *extender) name(v *Value) (*Value, error) {
	function, arg, ok := intrinsic(v)
	switch {
	case !ok:
	case function == "Ref" && arg.Kind == Map:
		got, err := x.known(arg, "Ref")
		if err != nil {
			return nil, err
		}
		return v.With("Ref", got), nil
	case function == "Fn::GetAtt" && arg.Kind == List && len(arg.Items) == 2 && arg.Items[0].Kind == Map:
		got, err := x.known(arg.Items[0], "Fn::GetAtt")
		if err != nil {
			return nil, err
		}
		list := *arg
		list.Items = []*Value{got, arg.Items[1]}
		return v.With("Fn::GetAtt", &list), nil
	}
	return v, nil
}

// known evaluates what must be a string before the stack is made.
func (x *extender) known(v *Value, where string) (*Value, error) {
	got, err := x.e.Value(v)
	if err != nil {
		return nil, err
	}
	if !got.IsScalar() {
		return nil, errorf("the name in %s must be known before the stack is made (line %d)", where, v.Line)
	}
	return Text(got.Text), nil
}

// policies resolves the functions in DeletionPolicy and UpdateReplacePolicy.
func (x *extender) policies(resources *Value) (*Value, error) {
	for _, r := range resources.Entries {
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			v := r.Value.Get(name)
			if v == nil || v.Kind != Map {
				continue
			}
			got, err := x.known(v, name+" of "+r.Key)
			if err != nil {
				return nil, err
			}
			resources = resources.With(r.Key, resources.Get(r.Key).With(name, got))
		}
	}
	return resources, nil
}
