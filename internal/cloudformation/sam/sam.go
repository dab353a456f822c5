// Package sam carries out the macro AWS::Serverless-2016-10-31 for what
// Neargate runs: AWS::Serverless::Application with a Location that is a URL
// becomes a nested stack. Resources of other namespaces pass untouched; other
// serverless types are refused by name.
//
// It is pure and is used by package cloudformation only, before the sections of
// a template are checked.
package sam

import (
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// Macro is the name of the transform.
const Macro = "AWS::Serverless-2016-10-31"

const application = "AWS::Serverless::Application"

// Transform returns the document with its serverless resources replaced and
// without its Transform and Globals sections. The error has the text that a
// change set shows as its status reason.
func Transform(doc *template.Value) (*template.Value, error) {
	resources := doc.Get("Resources")
	if resources == nil || resources.Kind != template.Map || len(resources.Entries) == 0 {
		return nil, failed([]string{"'Resources' section is required"})
	}
	out := &template.Value{Kind: template.Map, Line: resources.Line, Column: resources.Column}
	var problems []string
	for _, e := range resources.Entries {
		typ := e.Value.Get("Type").Str()
		switch {
		case typ == application:
			nested, problem := nestedStack(e.Value)
			if problem != "" {
				problems = append(problems, fmt.Sprintf("Resource with id [%s] is invalid. %s", e.Key, problem))
				continue
			}
			e.Value = nested
		case strings.HasPrefix(typ, "AWS::Serverless::"):
			problems = append(problems, fmt.Sprintf("Resource with id [%s] is invalid. Neargate does not carry out the resource type %s (line %d).", e.Key, typ, e.Line))
			continue
		}
		out.Entries = append(out.Entries, e)
	}
	if problems != nil {
		return nil, failed(problems)
	}
	return doc.With("Resources", out).With("Transform", nil).With("Globals", nil), nil
}

// known are the properties of AWS::Serverless::Application.
var known = []string{"Location", "Parameters", "NotificationARNs", "Tags", "TimeoutInMinutes"}

// nestedStack rewrites one application as AWS::CloudFormation::Stack.
func nestedStack(r *template.Value) (*template.Value, string) {
	given := r.Get("Properties")
	for _, e := range entries(given) {
		if !slices.Contains(known, e.Key) {
			return nil, fmt.Sprintf("property %s not defined for resource of type %s", e.Key, application)
		}
	}
	location := given.Get("Location")
	switch {
	case location == nil:
		return nil, "Resource is missing the required [Location] property."
	case location.Get("ApplicationId") != nil:
		return nil, fmt.Sprintf("Neargate has no Serverless Application Repository: Location must be a URL (line %d).", location.Line)
	}
	properties := template.Object(template.Entry{Key: "TemplateURL", Line: location.Line, Value: location})
	properties.Line = given.Line
	for _, name := range []string{"Parameters", "NotificationARNs", "TimeoutInMinutes"} {
		if v := given.Get(name); v != nil {
			properties = properties.With(name, v)
		}
	}
	tags, problem := stackTags(given.Get("Tags"))
	if problem != "" {
		return nil, problem
	}
	properties = properties.With("Tags", tags)
	typ := *r.Get("Type")
	typ.Text = "AWS::CloudFormation::Stack"
	return r.With("Type", &typ).With("Properties", properties), ""
}

// stackTags turns SAM's map of tags into CloudFormation's list; SAM's own tag comes first.
func stackTags(given *template.Value) (*template.Value, string) {
	list := &template.Value{Kind: template.List, Items: []*template.Value{tag("lambda:createdBy", template.Text("SAM"))}}
	if given != nil && given.Kind != template.Map {
		return nil, "Type of property 'Tags' is invalid."
	}
	for _, e := range entries(given) {
		list.Items = append(list.Items, tag(e.Key, e.Value))
	}
	return list, ""
}

func tag(key string, value *template.Value) *template.Value {
	return template.Object(template.Entry{Key: "Key", Value: template.Text(key)}, template.Entry{Key: "Value", Value: value})
}

func entries(v *template.Value) []template.Entry {
	if v == nil {
		return nil
	}
	return v.Entries
}

func failed(problems []string) error {
	return &template.Error{Message: fmt.Sprintf("Transform %s failed with: Invalid Serverless Application Specification document. Number of errors found: %d. %s",
		Macro, len(problems), strings.Join(problems, " "))}
}
