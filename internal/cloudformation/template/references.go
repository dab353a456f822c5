package template

import (
	"regexp"
	"slices"
	"strings"
)

// Pseudo parameters, which every template may refer to.
var pseudo = []string{"AWS::AccountId", "AWS::NotificationARNs", "AWS::NoValue", "AWS::Partition", "AWS::Region",
	"AWS::StackId", "AWS::StackName", "AWS::URLSuffix"}

// Reference is one use of a resource or parameter.
type Reference struct {
	Name      string // logical id, parameter or pseudo parameter
	Attribute string // of GetAtt; "" for Ref
}

// intrinsic returns the function that a map calls and its argument; ok is false
// when the map is plain data.
func intrinsic(v *Value) (name string, arg *Value, ok bool) {
	if v == nil || v.Kind != Map || len(v.Entries) != 1 {
		return "", nil, false
	}
	e := v.Entries[0]
	return e.Key, e.Value, e.Key == "Ref" || strings.HasPrefix(e.Key, "Fn::")
}

// References returns what a value refers to, each once, in the order of the
// text. choose tells which branch of an Fn::If counts; nil counts both.
func References(v *Value, choose func(condition string) bool) []Reference {
	var out []Reference
	walkReferences(v, choose, func(r Reference) {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	})
	return out
}

func walkReferences(v *Value, choose func(string) bool, found func(Reference)) {
	if v == nil {
		return
	}
	name, arg, ok := intrinsic(v)
	if !ok {
		for _, item := range v.Items {
			walkReferences(item, choose, found)
		}
		for _, e := range v.Entries {
			walkReferences(e.Value, choose, found)
		}
		return
	}
	switch name {
	case "Ref":
		found(Reference{Name: arg.Str()})
		return
	case "Fn::GetAtt":
		if id, attribute, ok := getAtt(arg); ok {
			found(Reference{Name: id, Attribute: attribute.Str()})
			walkReferences(attribute, choose, found)
		}
		return
	case "Fn::Sub":
		subReferences(arg, found)
	case "Fn::If":
		if choose != nil && arg.Kind == List && len(arg.Items) == 3 {
			branch := arg.Items[2]
			if choose(arg.Items[0].Str()) {
				branch = arg.Items[1]
			}
			walkReferences(branch, choose, found)
			return
		}
	}
	walkReferences(arg, choose, found)
}

// getAtt splits the argument of Fn::GetAtt; a string is split at its first dot.
func getAtt(arg *Value) (id string, attribute *Value, ok bool) {
	switch {
	case arg.Kind == String:
		id, name, found := strings.Cut(arg.Text, ".")
		return id, Text(name), found && id != "" && name != ""
	case arg.Kind == List && len(arg.Items) == 2 && arg.Items[0].Str() != "":
		attribute = arg.Items[1]
		return arg.Items[0].Text, attribute, attribute.Kind == Map || attribute.Str() != ""
	case arg.Kind == List && len(arg.Items) > 2: // [Child, Outputs, Name], as some tools write it
		var parts []string
		for _, item := range arg.Items[1:] {
			parts = append(parts, item.Str())
		}
		return arg.Items[0].Str(), Text(strings.Join(parts, ".")), arg.Items[0].Str() != "" && !slices.Contains(parts, "")
	}
	return "", nil, false
}

var (
	subVariable = regexp.MustCompile(`\$\{([^}]*)\}`)
	subName     = regexp.MustCompile(`^[A-Za-z0-9_.:]+$`)
)

// subReferences finds the variables of a Fn::Sub that its own map does not define.
func subReferences(arg *Value, found func(Reference)) {
	text, vars := arg, (*Value)(nil)
	if arg.Kind == List && len(arg.Items) == 2 {
		text, vars = arg.Items[0], arg.Items[1]
	}
	for _, m := range subVariable.FindAllStringSubmatch(text.Str(), -1) {
		if strings.HasPrefix(m[1], "!") || vars.Get(m[1]) != nil {
			continue
		}
		id, attribute, _ := strings.Cut(m[1], ".")
		found(Reference{Name: id, Attribute: attribute})
	}
}

// checkReferences checks that everything referred to is in the template.
func (t *Template) checkReferences() error {
	resource := map[string]bool{}
	for _, r := range t.Resources {
		resource[r.LogicalID] = true
	}
	known := func(r Reference) bool {
		if resource[r.Name] {
			return true
		}
		_, parameter := t.Parameter(r.Name)
		return r.Attribute == "" && (parameter || slices.Contains(pseudo, r.Name))
	}
	var missing []string
	for _, r := range t.Resources {
		for _, ref := range References(r.Properties, nil) {
			if !known(ref) {
				missing = append(missing, ref.Name)
			}
		}
		for _, d := range r.DependsOn {
			if !resource[d] {
				missing = append(missing, d)
			}
		}
	}
	if missing != nil {
		return formatError("Unresolved resource dependencies [%s] in the Resources block of the template", sortedNames(missing))
	}
	for _, o := range t.Outputs {
		for _, ref := range append(References(o.Value, nil), References(o.Export, nil)...) {
			if !known(ref) {
				missing = append(missing, ref.Name)
			}
		}
	}
	if missing != nil {
		return errorf("Unresolved resource dependencies [%s] in the Outputs block of the template", sortedNames(missing))
	}
	return t.checkConditionNames(resource)
}

// checkConditionNames checks every use of a condition, and that conditions
// refer to no resources.
func (t *Template) checkConditionNames(resource map[string]bool) error {
	for _, ref := range References(t.Conditions, nil) {
		_, parameter := t.Parameter(ref.Name)
		if ref.Attribute != "" || resource[ref.Name] || !parameter && !slices.Contains(pseudo, ref.Name) {
			return formatError("Unresolved dependencies [%s]. Cannot reference resources in the Conditions block of the template", ref.Name)
		}
	}
	for _, r := range t.Resources {
		if r.Condition != "" && t.Conditions.Get(r.Condition) == nil {
			return formatError("Unresolved condition dependency %s in the Resources block of the template", r.Condition)
		}
		if err := t.checkIfs(r.Properties); err != nil {
			return err
		}
	}
	for _, o := range t.Outputs {
		if o.Condition != "" && t.Conditions.Get(o.Condition) == nil {
			return formatError("Unresolved condition dependency %s in the Outputs block of the template", o.Condition)
		}
		if err := t.checkIfs(o.Value); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) checkIfs(v *Value) error {
	if name, arg, ok := intrinsic(v); ok && name == "Fn::If" {
		if arg.Kind != List || len(arg.Items) != 3 || arg.Items[0].Kind != String {
			return templateError("Fn::If requires a list argument with three elements: a condition name and the values for true and for false")
		}
		if t.Conditions.Get(arg.Items[0].Text) == nil {
			return templateError("unresolved condition dependency %s in Fn::If", arg.Items[0].Text)
		}
	}
	for _, item := range v.Items {
		if err := t.checkIfs(item); err != nil {
			return err
		}
	}
	for _, e := range v.Entries {
		if err := t.checkIfs(e.Value); err != nil {
			return err
		}
	}
	return nil
}

func sortedNames(names []string) string {
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}
