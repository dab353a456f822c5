package template

import (
	"regexp"
	"slices"
	"strings"
)

// Limits of a template's text and sections.
const (
	MaxBody      = 51_200    // bytes of a TemplateBody
	MaxURL       = 1_048_576 // bytes of a template read by TemplateURL (1 MB)
	maxResources = 500
	maxOthers    = 200 // parameters, outputs, mappings
	maxText      = 1024
)

// Template is a document whose sections have been checked.
type Template struct {
	Body        *Value // the document
	Version     string // AWSTemplateFormatVersion; "" when absent
	Description string
	Transforms  []string
	Metadata    *Value // nil when absent
	Parameters  []Parameter
	Mappings    *Value // Map of Map of Map; nil when absent
	Conditions  *Value // Map; nil when absent
	Rules       *Value // Map; nil when absent
	Resources   []Resource
	Outputs     []Output

	// Extended says that the functions of the language extensions may be used.
	Extended bool
}

// Resource is one member of the Resources section.
type Resource struct {
	LogicalID           string
	Type                string
	Properties          *Value // a Map, empty when the text has none
	Condition           string
	DependsOn           []string
	DeletionPolicy      string // "" when absent
	UpdateReplacePolicy string // "" when absent
	Attributes          *Value // the member itself: Metadata, CreationPolicy, UpdatePolicy ...
	Line                int
}

// Output is one member of the Outputs section.
type Output struct {
	Name        string
	Description string
	Condition   string
	Value       *Value
	Export      *Value // the Name of Export; nil when the output is not exported
	Line        int
}

// Read parses the text of a template, JSON or YAML, without looking into it.
func Read(text string) (*Value, error) {
	if len(text) > MaxURL {
		return nil, errorf("Template may not exceed %d bytes in size.", MaxURL)
	}
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return parseJSON([]byte(text))
	}
	return parseYAML(strings.TrimPrefix(text, "\ufeff"))
}

// Parse reads a template and checks its sections.
func Parse(text string) (*Template, error) {
	doc, err := Read(text)
	if err != nil {
		return nil, err
	}
	return New(doc)
}

// Resource returns the resource of a logical id.
func (t *Template) Resource(logicalID string) (Resource, bool) {
	at := slices.IndexFunc(t.Resources, func(r Resource) bool { return r.LogicalID == logicalID })
	if at < 0 {
		return Resource{}, false
	}
	return t.Resources[at], true
}

// Parameter returns the parameter of a name.
func (t *Template) Parameter(name string) (Parameter, bool) {
	at := slices.IndexFunc(t.Parameters, func(p Parameter) bool { return p.Name == name })
	if at < 0 {
		return Parameter{}, false
	}
	return t.Parameters[at], true
}

var (
	sections       = []string{"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs", "Transform", "Hooks", "Globals"}
	resourceFields = []string{"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Metadata", "CreationPolicy", "UpdatePolicy", "Description"}
	alphanumeric   = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
)

// New checks the sections of a document: their form, names, sizes and that
// what they refer to exists.
func New(doc *Value) (*Template, error) {
	if doc.Kind != Map {
		return nil, formatError("unsupported structure.")
	}
	t := &Template{Body: doc, Metadata: doc.Get("Metadata")}
	for _, step := range []func(*Value) error{
		t.readHead, t.readTransforms, t.readParameters, t.readMappings, t.readConditions, t.readResources, t.readOutputs,
	} {
		if err := step(doc); err != nil {
			return nil, err
		}
	}
	t.Extended = slices.Contains(t.Transforms, LanguageExtensions)
	return t, t.checkReferences()
}

func (t *Template) readHead(doc *Value) error {
	var unknown []string
	for _, key := range doc.Keys() {
		if !slices.Contains(sections, key) {
			unknown = append(unknown, key)
		}
	}
	if unknown != nil {
		return errorf("Invalid template property or properties [%s]", strings.Join(unknown, ", "))
	}
	if v := doc.Get("AWSTemplateFormatVersion"); v != nil {
		if t.Version = v.Str(); t.Version != "2010-09-09" {
			return formatError("%s is not a supported value for AWSTemplateFormatVersion.", t.Version)
		}
	}
	if v := doc.Get("Description"); v != nil {
		if t.Description = v.Str(); v.Kind != String {
			return formatError("Description must be a string.")
		}
		if len(t.Description) > maxText {
			return formatError("Template description must not be longer than %d characters.", maxText)
		}
	}
	if v := doc.Get("Hooks"); v != nil {
		return errorf("Neargate does not carry out the template section Hooks (line %d)", v.Line)
	}
	return nil
}

func (t *Template) readTransforms(doc *Value) error {
	v := doc.Get("Transform")
	if v == nil {
		return nil
	}
	items := []*Value{v}
	if v.Kind == List {
		items = v.Items
	}
	for _, item := range items {
		if item.Kind == Map {
			item = item.Get("Name")
		}
		if item == nil || item.Kind != String {
			return errorf("Key Name of transform definition must be a string.")
		}
		t.Transforms = append(t.Transforms, item.Text)
	}
	return nil
}

// section returns a section that must be a map, with its size bounded.
func section(doc *Value, name string, limit int) (*Value, error) {
	v := doc.Get(name)
	switch {
	case v == nil || v.Kind == Null && name != "Resources":
		return nil, nil
	case v.Kind != Map:
		return nil, formatError("%s must be an object.", name)
	case len(v.Entries) > limit:
		return nil, formatError("Number of %s, %d, is greater than maximum allowed, %d", strings.ToLower(name), len(v.Entries), limit)
	}
	return v, nil
}

func (t *Template) readMappings(doc *Value) (err error) {
	t.Mappings, err = section(doc, "Mappings", maxOthers)
	if err != nil || t.Mappings == nil {
		return err
	}
	for _, m := range t.Mappings.Entries {
		if m.Value.Kind != Map {
			return formatError("Every Mappings member %s must be a map", m.Key)
		}
		for _, key := range m.Value.Entries {
			if key.Value.Kind != Map {
				return formatError("Every Mappings member %s must be a map", key.Key)
			}
			for _, attribute := range key.Value.Entries {
				if !attribute.Value.IsScalar() && attribute.Value.Kind != List {
					return formatError("Every Mappings attribute must be a String or a List.")
				}
			}
		}
	}
	return nil
}

func (t *Template) readConditions(doc *Value) (err error) {
	if t.Conditions, err = section(doc, "Conditions", maxOthers); err != nil {
		return err
	}
	if t.Rules, err = section(doc, "Rules", maxOthers); err != nil || t.Conditions == nil {
		return err
	}
	for _, c := range t.Conditions.Entries {
		if !alphanumeric.MatchString(c.Key) {
			return formatError("Conditions can only contain alphanumeric names: %s", c.Key)
		}
		if !isCondition(c.Value) {
			return formatError("Conditions can only be boolean operations on parameters and other conditions")
		}
	}
	return nil
}

func (t *Template) readResources(doc *Value) error {
	all := doc.Get("Resources")
	if all == nil || all.Kind != Map || len(all.Entries) == 0 {
		return formatError("At least one Resources member must be defined.")
	}
	if len(all.Entries) > maxResources {
		return formatError("Number of resources, %d, is greater than maximum allowed, %d", len(all.Entries), maxResources)
	}
	for _, e := range all.Entries {
		r, err := readResource(e)
		if err != nil {
			return err
		}
		t.Resources = append(t.Resources, r)
	}
	return nil
}

func readResource(e Entry) (Resource, error) {
	r := Resource{LogicalID: e.Key, Line: e.Line, Attributes: e.Value, Properties: Object()}
	switch {
	case e.Value.Kind != Map:
		return r, formatError("Any Resources member must be an object.")
	case e.Value.Get("Type") == nil:
		return r, formatError("[/Resources/%s] Every Resources object must contain a Type member.", e.Key)
	case !alphanumeric.MatchString(e.Key):
		return r, formatError("Resource name %s is non alphanumeric.", e.Key)
	}
	for _, key := range e.Value.Keys() {
		if !slices.Contains(resourceFields, key) {
			return r, errorf("Invalid template resource property '%s'", key)
		}
	}
	if path := nullPath(e.Value.With("Metadata", nil)); path != "" {
		return r, errorf("[/Resources/%s%s] 'null' values are not allowed in templates", e.Key, path)
	}
	for _, f := range []struct {
		name string
		to   *string
	}{{"Type", &r.Type}, {"Condition", &r.Condition}, {"DeletionPolicy", &r.DeletionPolicy}, {"UpdateReplacePolicy", &r.UpdateReplacePolicy}} {
		if v := e.Value.Get(f.name); v != nil {
			if *f.to = v.Text; v.Kind != String {
				return r, formatError("[/Resources/%s/%s] Every %s member must be a string.", e.Key, f.name, f.name)
			}
		}
	}
	return r, r.readRest(e.Value)
}

func (r *Resource) readRest(v *Value) error {
	if p := v.Get("Properties"); p != nil {
		if r.Properties = p; p.Kind != Map {
			return formatError("[/Resources/%s] Every Properties member must be an object.", r.LogicalID)
		}
	}
	for name, value := range map[string]string{"DeletionPolicy": r.DeletionPolicy, "UpdateReplacePolicy": r.UpdateReplacePolicy} {
		allowed := []string{"", "Delete", "Retain", "Snapshot"}
		if name == "DeletionPolicy" {
			allowed = append(allowed, "RetainExceptOnCreate")
		}
		if !slices.Contains(allowed, value) {
			return formatError("Unrecognized %s %s for resource %s", name, value, r.LogicalID)
		}
	}
	depends := v.Get("DependsOn")
	if depends == nil {
		return nil
	}
	items := []*Value{depends}
	if depends.Kind == List {
		items = depends.Items
	}
	for _, item := range items {
		if item.Kind != String {
			return formatError("DependsOn must be a string or list of strings.")
		}
		r.DependsOn = append(r.DependsOn, item.Text)
	}
	return nil
}

func (t *Template) readOutputs(doc *Value) error {
	all, err := section(doc, "Outputs", maxOthers)
	if err != nil || all == nil {
		return err
	}
	for _, e := range all.Entries {
		o := Output{Name: e.Key, Line: e.Line, Value: e.Value.Get("Value"), Condition: e.Value.Get("Condition").Str(), Description: e.Value.Get("Description").Str()}
		switch {
		case !alphanumeric.MatchString(e.Key):
			return formatError("Output name %s is non alphanumeric.", e.Key)
		case o.Value == nil:
			return formatError("Every Outputs member must contain a Value object")
		}
		if path := nullPath(e.Value); path != "" {
			return errorf("[/Outputs/%s%s] 'null' values are not allowed in templates", e.Key, path)
		}
		if export := e.Value.Get("Export"); export != nil {
			if o.Export = export.Get("Name"); o.Export == nil || len(export.Entries) != 1 {
				return formatError("Output %s is malformed. Export must have exactly one member, Name", e.Key)
			}
		}
		t.Outputs = append(t.Outputs, o)
	}
	return nil
}

// nullPath returns the path of the first null in v, "" when there is none.
func nullPath(v *Value) string {
	for _, e := range v.Entries {
		if e.Value.Kind == Null {
			return "/" + e.Key
		}
		if path := nullPath(e.Value); path != "" {
			return "/" + e.Key + path
		}
	}
	for i, item := range v.Items {
		if item.Kind == Null {
			return "/" + itoa(i)
		}
		if path := nullPath(item); path != "" {
			return "/" + itoa(i) + path
		}
	}
	return ""
}

// Transforms returns the names of a document's Transform section.
func Transforms(doc *Value) ([]string, error) {
	t := &Template{}
	if doc.Kind != Map {
		return nil, formatError("unsupported structure.")
	}
	err := t.readTransforms(doc)
	return t.Transforms, err
}
