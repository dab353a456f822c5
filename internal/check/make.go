package check

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/check/spelling"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// laterCarried are the properties of a type that a rehearsal leaves out because
// rules of their own look at them.
var laterCarried = map[string][]string{
	"AWS::ECS::Service": {"LoadBalancers", "EnableExecuteCommand", "HealthCheckGracePeriodSeconds", "ServiceConnectConfiguration", "AvailabilityZoneRebalancing"},
}

// make makes a resource whose properties are evaluated, and returns what it has
// become. Its faults are findings; false means that nothing is known of it.
func (c *checker) make(p *planned) (resource.Result, bool) {
	c.plan = append(c.plan, p)
	t, ok := c.types[p.Type]
	if !ok {
		p.Unknown = true
		c.notCarried(p)
		return c.stand(p)
	}
	schema := t.Schema()
	properties, problems := schema.Problems(p.Given)
	broken := false
	for _, problem := range problems {
		broken = c.schemaProblem(p, schema, problem) || broken
	}
	if broken {
		p.Unknown = true
		return resource.Result{}, false
	}
	if strings.HasPrefix(p.Type, elb) { // rules of their own follow load balancers, also where subnets are not known
		p.Unknown = true
		return c.stand(p)
	}
	for _, name := range laterCarried[p.Type] {
		properties = properties.With(name, nil)
	}
	known := c.unknowns
	properties = c.assume(p, resource.Object(schema.Properties), properties)
	result, err := c.instance.Make(c.ctx, t, p.item(properties))
	if err != nil {
		c.refused(p, err, c.unknowns > known)
		p.Unknown = true
		return c.stand(p)
	}
	p.ID = result.PhysicalID
	c.byID[p.ID] = p
	for name, v := range result.Attributes {
		if strings.HasPrefix(name, "Default") && v.IsScalar() {
			c.defaults[v.Text] = attribute{p, name}
		}
	}
	return result, true
}

// notCarried tells of a type that Neargate does not have, once for each type.
func (c *checker) notCarried(p *planned) {
	if c.told[p.Type] {
		return
	}
	c.told[p.Type] = true
	f := Finding{Severity: Note, Code: "neargate.type", Message: "Neargate does not carry out " + or(p.Kind, p.Type) + ": only what other resources have to do with it is checked"}
	if near := spelling.Closest(p.Type, slices.Sorted(maps.Keys(c.types))); near != "" {
		f = Finding{Severity: Error, Code: "cfn.type-name", Message: "there is no resource type " + p.Type + "; is " + near + " meant?", Fix: Fix{Lang: p.Stack.Lang, Text: "Type: " + near}}
	}
	f.Position, f.Resource = c.typeAt(p), p.label()
	c.find(f)
}

// schemaProblem reports whether the resource cannot be made because of it.
func (c *checker) schemaProblem(p *planned, schema *resource.Schema, problem resource.Problem) bool {
	at := Position{File: p.Position.File, Line: problem.Line, Column: problem.Column}
	if at.Line == 0 {
		at = p.Position
	}
	f := Finding{Position: at, Severity: Error, Code: "cfn.property", Resource: p.label(), AWSSays: awsText(problem.Text)}
	where := strings.TrimPrefix(strings.TrimPrefix(problem.Path, "#"), "/")
	if where == "" {
		where = "Properties"
	}
	switch {
	case problem.Missing:
		if p.Stack.Lang == terraformLang {
			return true // terraform validate says so, in its own words
		}
		f.Code, f.Message = "cfn.required", fmt.Sprintf("%s of %s (%s) lacks %s", where, p.label(), p.Type, problem.Key)
	case problem.Key != "" && p.Stack.Lang == terraformLang:
		c.dropped(p, schema, problem, f)
		return false
	case problem.Key != "":
		f.Column = c.files.column(at.File, at.Line, problem.Key)
		f.Severity, f.Code = Warning, "neargate.unsupported"
		f.Message = fmt.Sprintf("Neargate carries out no property %s in %s of %s: either AWS has none, or the stack can only be made there", problem.Key, where, p.Type)
		if home, ok := belongs(schema, problem); ok {
			f.Severity, f.Code = Error, "cfn.misplaced-property"
			f.Message = fmt.Sprintf("%s does not belong in %s: it belongs in %s", problem.Key, where, home)
			f.Fix = Fix{Lang: p.Stack.Lang, Target: "move this line into " + home, Text: strings.TrimSpace(c.files.line(at.File, at.Line))}
		} else if near := nearest(problem, schema); near != "" {
			f.Severity, f.Code = Error, "cfn.property"
			f.Message = fmt.Sprintf("%s is no property in %s of %s; is %s meant?", problem.Key, where, p.Type, near)
			f.Fix = Fix{Lang: p.Stack.Lang, Text: near + ":"}
		}
		c.find(f)
		return false
	default:
		f.Code, f.Message = "cfn.type", fmt.Sprintf("%s of %s has the wrong type: %s", where, p.label(), problem.Text[strings.Index(problem.Text, ": ")+2:])
	}
	c.find(f)
	return true
}

// dropped tells of a key in JSON that Terraform's provider leaves out in silence.
func (c *checker) dropped(p *planned, schema *resource.Schema, problem resource.Problem, f Finding) {
	f.Severity, f.Code, f.AWSSays = Warning, "tf.dropped-key", ""
	f.Column = c.files.column(f.File, f.Line, problem.Key)
	f.Message = fmt.Sprintf("%s is no key of %s: the provider drops it without a word", problem.Key, strings.TrimPrefix(problem.Path, "#/"))
	if home, ok := belongs(schema, problem); ok {
		f.Message += "; it belongs in " + home
		if strings.HasSuffix(home, " of AWS::ECS::Service") {
			f.Message = strings.TrimSuffix(f.Message, home) + "aws_ecs_service"
			f.Fix = Fix{Lang: terraformLang, Target: "aws_ecs_service", Text: snake(problem.Key) + " = " + strings.Trim(c.afterKey(f.Position, problem.Key), " =:,")}
		}
	} else if near := nearest(problem, schema); near != "" {
		f.Message += "; is " + strings.ToLower(near[:1]) + near[1:] + " meant?"
	}
	c.find(f)
}

// afterKey is what stands behind a key in its line.
func (c *checker) afterKey(at Position, key string) string {
	_, after, _ := strings.Cut(c.files.line(at.File, at.Line), key)
	return strings.TrimLeft(after, `"`)
}

// snake turns healthCheckPath into health_check_path.
func snake(key string) string {
	var b strings.Builder
	for i, r := range key {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// awsText is what AWS would say of a problem: without what we say of ourselves.
func awsText(text string) string {
	text, _, _ = strings.Cut(text, ": Neargate")
	return "Properties validation failed: " + text
}

// assume replaces what is unknown by something that a service accepts, and that
// forbids and reveals nothing. kind is what the schema says of the value.
func (c *checker) assume(p *planned, kind resource.Property, v *template.Value) *template.Value {
	if v == nil {
		return nil
	}
	of := resource.Property{}
	if kind.Of != nil {
		of = *kind.Of
	}
	out := *v
	switch v.Kind {
	case template.Unknown:
		c.unknowns++
		out.Kind, out.Text = template.String, placeholder+strconv.Itoa(c.unknowns)
		if kind.Kind == resource.KindList {
			item := out
			out = template.Value{Kind: template.List, Items: []*template.Value{&item}, Line: v.Line, Column: v.Column}
		}
	case template.List:
		out.Items = make([]*template.Value, len(v.Items))
		for i, item := range v.Items {
			out.Items[i] = c.assume(p, of, item)
		}
	case template.Map:
		out.Entries = make([]template.Entry, 0, len(v.Entries))
		for _, e := range v.Entries {
			below := of
			for name, f := range kind.Fields {
				if strings.EqualFold(name, e.Key) {
					below = f
				}
			}
			switch {
			case slices.Contains(policyProperties, e.Key):
				e.Value = generous(e.Value, e.Key)
			case e.Key == "ManagedPolicyArns":
				e.Value = c.managedPolicies(p, e.Value)
			default:
				e.Value = c.assume(p, below, e.Value)
			}
			out.Entries = append(out.Entries, e)
		}
	}
	return &out
}

var notThere = regexp.MustCompile(`(?i)not found|does not exist|unable to describe`)

// refused turns a service's refusal into a finding, unless it is about what is
// unknown; partly says that something of the resource is.
func (c *checker) refused(p *planned, err error, partly bool) {
	message, code := err.Error(), ""
	var e wire.Error
	if errors.As(err, &e) {
		message, code = e.ErrorMessage(), e.ErrorCode()
	}
	outside := strings.HasSuffix(code, "NotFound") || code == "NoSuchEntity" || code == "ClusterNotFoundException" || code == "NoSuchBucket"
	if c.options.State != nil {
		outside = false // what is not there, is not there
		if strings.Contains(code, "AlreadyExists") || strings.Contains(message, "already exists") {
			return // it is that: a stack that is deployed is checked again
		}
	}
	if isUnknown(message) || partly && notThere.MatchString(message) || outside && (physicalID.MatchString(message) || c.options.AssumeExisting || code == "ClusterNotFoundException") {
		return
	}
	f := Finding{Severity: Error, Code: "aws.refused", Resource: p.label(), Position: c.blame(p, message), Message: c.labels(message), AWSSays: strings.TrimPrefix(code+": ", ": ") + c.labels(message)}
	switch {
	case strings.Contains(message, "Neargate does not carry out"):
		f.Severity, f.Code = Warning, "neargate.unsupported"
	case code == "InvalidServiceName":
		f.Code = "net.endpoint-service"
		f.Message, f.Fix = c.endpointService(p)
	case strings.Contains(message, "No Fargate configuration exists"):
		f.Code, f.Position = "ecs.fargate-size", c.place(p, "Memory")
	case code == "MalformedPolicyDocument" || code == "MalformedPolicy":
		f.Code, f.Position = "iam.policy", c.badPolicy(p)
	}
	c.find(f)
}

// blame finds the property that a service's message is about: the one with the
// longest value that it quotes, or else the first whose name it says.
func (c *checker) blame(p *planned, message string) Position {
	best, length := p.Position, 2
	var visit func(v *template.Value)
	visit = func(v *template.Value) {
		if v.IsScalar() && v.Line > 0 && len(v.Text) > length && strings.Contains(message, v.Text) {
			best, length = c.valueAt(p, v), len(v.Text)
		}
		for _, item := range v.Items {
			visit(item)
		}
		for _, e := range v.Entries {
			visit(e.Value)
		}
	}
	visit(p.Given)
	if length > 2 {
		return best
	}
	for _, e := range p.Given.Entries {
		if len(e.Key) > 3 && strings.Contains(strings.ToLower(message), strings.ToLower(e.Key)) {
			return c.place(p, e.Key)
		}
	}
	return best
}
