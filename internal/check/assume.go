package check

import (
	"path"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/template"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/iam/policy"
)

// policyProperties are the properties that hold policy documents.
var policyProperties = []string{"PolicyDocument", "AssumeRolePolicyDocument", "RepositoryPolicyText", "ResourcePolicy"}

// everything is a managed policy under which a role may do all there is: what is
// not known of a role must not be held against it.
const everything = "arn:aws:iam::aws:policy/AdministratorAccess"

// generous replaces what is unknown in a policy so that it allows the most that
// it could: a finding about a permission must hold whatever the unknown is.
func generous(document *template.Value, property string) *template.Value {
	if document == nil || !document.HasUnknown() {
		return document
	}
	if document.Kind != template.Map || document.Get("Statement") == nil || document.Get("Statement").Kind == template.Unknown {
		return allowAll(property)
	}
	statements := items(document.Get("Statement"))
	list := &template.Value{Kind: template.List, Line: document.Line}
	for _, s := range statements {
		if s.Kind == template.Unknown || s.Get("Effect").HasUnknown() {
			return allowAll(property)
		}
		deny := s.Get("Effect").Str() == "Deny"
		if deny && s.HasUnknown() {
			continue
		}
		list.Items = append(list.Items, generousStatement(s))
	}
	if len(list.Items) == 0 {
		return allowAll(property)
	}
	return document.With("Statement", list)
}

func generousStatement(s *template.Value) *template.Value {
	out := s
	for _, e := range s.Entries {
		if !e.Value.HasUnknown() {
			continue
		}
		switch e.Key {
		case "Condition", "Sid":
			out = out.With(e.Key, nil)
		default: // Action, Resource, Principal and their opposites
			out = out.With(strings.TrimPrefix(e.Key, "Not"), template.Text("*"))
			if strings.HasPrefix(e.Key, "Not") {
				out = out.With(e.Key, nil)
			}
		}
	}
	return out
}

// allowAll is a policy that allows everything, in the form that a property wants.
func allowAll(property string) *template.Value {
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	switch property {
	case "AssumeRolePolicyDocument":
		text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"}}]}`
	case "RepositoryPolicyText", "ResourcePolicy":
		text = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Principal":"*"}]}`
	}
	v, err := template.Read(text)
	if err != nil {
		panic("check: " + err.Error()) // the text is part of the program
	}
	return v
}

// badPolicy is where the policy stands that cannot be parsed.
func (c *checker) badPolicy(p *planned) Position {
	at := p.Position
	visit(p.Given, func(e template.Entry) {
		kind := policy.Inline
		switch {
		case !slices.Contains(policyProperties, e.Key):
			return
		case e.Key == "AssumeRolePolicyDocument":
			kind = policy.Trust
		case p.Type != "AWS::IAM::Role" && p.Type != "AWS::IAM::Policy" && p.Type != "AWS::IAM::ManagedPolicy":
			kind = policy.Resource
		}
		if _, err := policy.Parse(generous(e.Value, e.Key).JSON(), kind); err != nil {
			at = Position{p.Position.File, e.Line, c.files.column(p.Position.File, e.Line, e.Key)}
		}
	})
	return at
}

// managedPolicies replaces policies that nothing is known of by one that allows
// everything, and tells of names of AWS's policies that do not exist.
func (c *checker) managedPolicies(p *planned, v *template.Value) *template.Value {
	out := template.Value{Kind: template.List, Line: v.Line, Column: v.Column}
	if v.Kind == template.Unknown {
		out.Items = []*template.Value{template.Text(everything)}
		return &out
	}
	for _, item := range v.Items {
		arn := item.Str()
		_, known := managed.Get(arn)
		if known || c.byID[arn] != nil {
			out.Items = append(out.Items, item)
			continue
		}
		if near := managedName(arn); near != "" {
			c.find(Finding{Position: c.valueAt(p, item), Severity: Error, Code: "iam.no-policy", Resource: p.label(),
				Message: "there is no AWS managed policy " + arn + ": the one of that name is " + near,
				AWSSays: "NoSuchEntity: Policy " + arn + " does not exist or is not attachable.",
				Fix:     Fix{Lang: p.Stack.Lang, Text: near}})
			out.Items = append(out.Items, template.Text(near))
			continue
		}
		if arn != "" && strings.HasPrefix(arn, "arn:aws:iam::aws:policy/") {
			c.find(Finding{Position: c.valueAt(p, item), Severity: Warning, Code: "neargate.unsupported", Resource: p.label(),
				Message: "Neargate does not carry the AWS managed policy " + arn + ", so what it allows is not checked"})
		}
		out.Items = append(out.Items, template.Text(everything))
	}
	return dedupe(&out)
}

// managedName returns the ARN of the AWS managed policy with the same name below
// another path: the mistake is common.
func managedName(arn string) string {
	if !strings.HasPrefix(arn, "arn:aws:iam::aws:policy/") {
		return ""
	}
	for _, m := range managed.All() {
		if m.Name == path.Base(arn) && m.ARN() != arn {
			return m.ARN()
		}
	}
	return ""
}

// dedupe drops elements that come again.
func dedupe(v *template.Value) *template.Value {
	seen := map[string]bool{}
	kept := v.Items[:0:0]
	for _, item := range v.Items {
		if !seen[item.Str()] {
			seen[item.Str()] = true
			kept = append(kept, item)
		}
	}
	v.Items = kept
	return v
}
