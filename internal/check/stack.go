package check

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/cloudformation/sam"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// maxNesting is how deep nested templates are followed, as stacks nest.
const maxNesting = 5

const nestedStack = "AWS::CloudFormation::Stack"

// readTemplate checks a CloudFormation or SAM template.
func (c *checker) readTemplate(file string) error {
	if _, err := c.files.read(file); err != nil {
		return err
	}
	if err := c.open(""); err != nil {
		return err
	}
	given := map[string]*template.Value{}
	for name, text := range c.options.Parameters {
		given[name] = template.Text(text)
	}
	s := &scope{Name: "check", Lang: cloudFormation}
	c.stack(file, s, given)
	return nil
}

// stackReader reads one template into the plan.
type stackReader struct {
	*checker
	file  string
	scope *scope
	t     *template.Template
	eval  *template.Evaluator
	nodes map[string]*planned
	made  map[string]map[string]*template.Value // attributes by logical id; "" is what Ref returns
}

// stack checks one template and returns its outputs; those that are missing are unknown.
func (c *checker) stack(file string, s *scope, given map[string]*template.Value) map[string]*template.Value {
	r := &stackReader{checker: c, file: file, scope: s, nodes: map[string]*planned{}, made: map[string]map[string]*template.Value{}}
	text, err := c.files.read(file)
	if err != nil {
		c.find(Finding{Position: s.Parent.Position, Severity: Error, Code: "cfn.template", Message: "the nested template cannot be read: " + err.Error()})
		return nil
	}
	for _, d := range duplicates(text) {
		c.find(Finding{Position: Position{file, d.Line, d.Column}, Severity: Warning, Code: "cfn.duplicate-key",
			Message: fmt.Sprintf("%s is there again in line %d, which wins: what stands here never exists", d.Key, d.Again),
			Fix:     Fix{Lang: cloudFormation, Text: "rename one of the two " + d.Key, Target: "lines " + strconv.Itoa(d.Line) + " and " + strconv.Itoa(d.Again)}})
	}
	if err := r.parse(text, given); err != nil {
		r.invalid(err)
		return nil
	}
	if err := r.evaluate(given); err != nil {
		r.invalid(err)
		return nil
	}
	order, err := r.order()
	if err != nil {
		r.invalid(err)
		return nil
	}
	for _, res := range order {
		r.resource(res)
	}
	return r.outputs()
}

// parse reads the text and carries out its transforms.
func (r *stackReader) parse(text string, given map[string]*template.Value) error {
	doc, err := template.Read(text)
	if err != nil {
		return err
	}
	values, later := known(doc, given)
	k := template.Known{Given: values, Later: later, Look: r.lookup(),
		Env: template.Env{AccountID: r.options.Account, Region: r.options.Region, Partition: "aws", StackName: r.scope.Name, StackID: r.instance.StackID(r.scope.Name)}}
	if doc, _, err = template.Include(doc, k, nil); err != nil {
		return err
	}
	transforms, err := template.Transforms(doc)
	if err != nil {
		return err
	}
	for _, name := range transforms {
		switch name {
		case sam.Macro:
			doc, err = sam.Transform(doc)
		case template.LanguageExtensions:
			doc, err = template.Extend(doc, k)
		default:
			err = &template.Error{Message: "Neargate does not carry out the transform " + name}
		}
		if err != nil {
			return err
		}
		doc = doc.With("Transform", nil)
	}
	if r.t, err = template.New(doc); err == nil {
		r.t.Extended = slices.Contains(transforms, template.LanguageExtensions)
	}
	return err
}

// known tells the parameters that have values from those that only a deployment
// can tell: no default and nothing given, or stored in Systems Manager.
func known(doc *template.Value, given map[string]*template.Value) (values map[string]string, later []string) {
	values = map[string]string{}
	for _, e := range entriesOf(doc.Get("Parameters")) {
		v, ok := given[e.Key]
		switch {
		case ok && v.HasUnknown():
			later = append(later, e.Key)
		case ok && v.Kind == template.List:
			values[e.Key] = strings.Join(texts(v), ",")
		case ok:
			values[e.Key] = v.Str()
		case e.Value.Get("Default") == nil || strings.HasPrefix(e.Value.Get("Type").Str(), "AWS::SSM::Parameter::Value<"):
			later = append(later, e.Key)
		}
	}
	return values, later
}

// lookup answers for everything that may exist but zones, which are known.
func (r *stackReader) lookup() template.Lookup {
	return template.Lookup{
		Stored: func(string) (string, error) { return "", errors.New("unknown") },
		Exists: func(awsType, id string) (bool, error) {
			return awsType != "AWS::EC2::AvailabilityZone::Name" || slices.Contains(r.zones(), id), nil
		},
	}
}

// evaluate resolves parameters and conditions. What no value is known of is unknown.
func (r *stackReader) evaluate(given map[string]*template.Value) error {
	values, later := known(r.t.Body, given)
	for name := range given {
		if _, ok := r.t.Parameter(name); !ok {
			values[name] = given[name].Str() // ResolveParameters says that it does not exist
		}
	}
	parameters, err := r.t.ResolveParameters(values, r.lookup(), later...)
	if err != nil {
		return err
	}
	r.scope.Parameters = map[string]string{}
	for name, p := range parameters {
		if p.Value != nil && p.Value.Kind == template.String {
			r.scope.Parameters[p.Value.Text] = name
		}
	}
	r.eval, err = r.t.Evaluate(template.Env{
		AccountID: r.options.Account, Region: r.options.Region, Partition: "aws", StackName: r.scope.Name, StackID: r.instance.StackID(r.scope.Name),
		Parameters: parameters,
		Zones:      func(string) ([]string, error) { return r.zones(), nil },
		Reference:  r.reference,
		Undecided:  func(string) bool { return true },
	})
	return err
}

// zones are the availability zones of the region.
func (r *stackReader) zones() []string { return r.instance.Zones(r.ctx) }

// reference is what Ref (attribute "") or Fn::GetAtt returns.
func (r *stackReader) reference(id, attribute string) (*template.Value, error) {
	if v, ok := r.made[id][attribute]; ok {
		return v, nil
	}
	return &template.Value{Kind: template.Unknown, Text: strings.TrimSuffix(id+"."+attribute, ".")}, nil
}

// order returns the resources so that each comes after those it waits for.
func (r *stackReader) order() ([]template.Resource, error) {
	graph, err := r.eval.Dependencies()
	if err != nil {
		return nil, err
	}
	var out []template.Resource
	done := map[string]bool{}
	var visit func(res template.Resource)
	visit = func(res template.Resource) {
		if done[res.LogicalID] {
			return
		}
		done[res.LogicalID] = true
		for _, id := range graph[res.LogicalID] {
			if other, ok := r.t.Resource(id); ok {
				visit(other)
			}
		}
		out = append(out, res)
	}
	for _, res := range r.eval.Resources() {
		p := &planned{Name: res.LogicalID, Stack: r.scope, Type: res.Type, Raw: res.Properties, Position: Position{File: r.file, Line: res.Line, Column: r.files.column(r.file, res.Line, res.LogicalID)}}
		r.nodes[res.LogicalID] = p
	}
	for id, waits := range graph {
		for _, w := range waits {
			if other := r.nodes[w]; other != nil {
				r.nodes[id].Waits = append(r.nodes[id].Waits, other)
			}
		}
	}
	for _, res := range r.eval.Resources() {
		visit(res)
	}
	return out, nil
}

// resource evaluates a resource and makes it.
func (r *stackReader) resource(res template.Resource) {
	p := r.nodes[res.LogicalID]
	v, err := r.eval.Value(res.Properties)
	if err != nil {
		r.invalid(err)
		v = nil
	}
	if v == nil {
		v = template.Object()
	}
	p.Given = v
	r.attributes(p, res)
	if res.Type == nestedStack {
		r.nested(p)
		return
	}
	result, ok := r.make(p)
	if !ok {
		return
	}
	r.made[res.LogicalID] = map[string]*template.Value{"": template.Text(result.PhysicalID)}
	for name, value := range result.Attributes {
		r.made[res.LogicalID][name] = value
	}
}

// attributes finds references to attributes that a type does not have.
func (r *stackReader) attributes(p *planned, res template.Resource) {
	for _, ref := range template.References(res.Properties, r.eval.Holds) {
		target, ok := r.t.Resource(ref.Name)
		t, known := r.types[target.Type]
		if ok && known && ref.Attribute != "" && !t.Schema().HasAttribute(ref.Attribute) {
			line := r.lineOf(p.Position.Line, ref.Name+"."+ref.Attribute, ref.Attribute)
			r.find(Finding{Position: Position{File: r.file, Line: line}, Severity: Error, Code: "cfn.attribute", Resource: p.label(),
				Message: fmt.Sprintf("%s (%s) has no attribute %s", ref.Name, target.Type, ref.Attribute),
				AWSSays: fmt.Sprintf("Template error: resource %s does not support attribute type %s in Fn::GetAtt", ref.Name, ref.Attribute)})
		}
	}
}

// nested checks the template of a nested stack, when it is a file beside this one.
func (r *stackReader) nested(p *planned) {
	r.plan = append(r.plan, p)
	url := p.get("TemplateURL")
	outputs := map[string]*template.Value{"": template.Text(r.instance.StackID(r.scope.Name + "-" + p.Name))}
	r.made[p.Name] = outputs
	if !url.IsScalar() || strings.Contains(url.Text, "://") {
		return
	}
	depth := 0
	for s := r.scope; s.Parent != nil; s = s.Parent.Stack {
		depth++
	}
	if depth >= maxNesting {
		r.findAt(p, Finding{Severity: Error, Code: "cfn.template", Message: fmt.Sprintf("stacks nest deeper than %d levels", maxNesting)}, "TemplateURL")
		return
	}
	given := map[string]*template.Value{}
	if parameters := p.get("Parameters"); parameters != nil {
		for _, e := range parameters.Entries {
			given[e.Key] = e.Value
		}
	}
	file := path.Join(path.Dir(r.file), url.Text)
	at := r.place(p, "TemplateURL")
	child := &scope{Name: r.scope.Name + "-" + p.Name, Lang: cloudFormation, Parent: p}
	before := p.Position
	p.Position = at // a file that cannot be read is the property's fault
	for name, v := range r.stack(file, child, given) {
		outputs["Outputs."+name] = v
	}
	p.Position = before
}

// outputs evaluates the outputs.
func (r *stackReader) outputs() map[string]*template.Value {
	out := map[string]*template.Value{}
	for _, o := range r.eval.Outputs() {
		v, err := r.eval.Value(o.Value)
		if err != nil {
			r.invalid(err)
			continue
		}
		if v != nil {
			out[o.Name] = v
		}
	}
	return out
}

var (
	saysLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?`)
	saysName = regexp.MustCompile(`\[/?(?:Resources/|Outputs/)?([A-Za-z0-9]+)`)
)

// invalid turns CloudFormation's refusal of a template into a finding.
func (r *stackReader) invalid(err error) {
	f := Finding{Position: Position{File: r.file, Line: 1}, Severity: Error, Code: "cfn.template", Message: err.Error(), AWSSays: "ValidationError: " + err.Error()}
	if m := saysLine.FindStringSubmatch(err.Error()); m != nil {
		f.Line, _ = strconv.Atoi(m[1])
		f.Column, _ = strconv.Atoi(m[2])
	} else if m := saysName.FindStringSubmatch(err.Error()); m != nil {
		f.Line = r.lineOf(1, m[1])
	} else if m := regexp.MustCompile(`'([^']+)'|(?:dependency|parameter|Parameter) '?([A-Za-z0-9]+)`).FindStringSubmatch(err.Error()); m != nil {
		f.Line = r.lineOf(1, or(m[1], m[2]))
	}
	r.find(f)
}

// lineOf returns the first line from a given one on that has one of the words,
// and the given line when none has.
func (r *stackReader) lineOf(from int, words ...string) int {
	for _, word := range words {
		whole := regexp.MustCompile(`(^|[^A-Za-z0-9])` + regexp.QuoteMeta(word) + `($|[^A-Za-z0-9])`)
		for n := max(from, 1); n <= len(r.files.lines[r.file]); n++ {
			line, _, _ := strings.Cut(r.files.line(r.file, n), "#")
			if whole.MatchString(line) {
				return n
			}
		}
	}
	return max(from, 1)
}

// typeAt is where the type of a resource stands.
func (c *checker) typeAt(p *planned) Position {
	for n := p.Position.Line; n > 0 && n < p.Position.Line+20; n++ {
		if strings.Contains(c.files.line(p.Position.File, n), p.Type) {
			return Position{p.Position.File, n, c.files.column(p.Position.File, n, p.Type)}
		}
	}
	return p.Position
}
