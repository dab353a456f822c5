package terraform

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/neargate/neargate/internal/cloudformation/template"
)

// Bounds of what is evaluated.
const (
	maxInstances = 50   // of one resource by count or for_each
	maxResources = 2000 // of everything
	maxDepth     = 8    // of modules in modules
)

// Source gives the files of directories.
type Source interface {
	// List returns the names of the files in a directory, sorted, without subdirectories.
	List(dir string) ([]string, error)
	Read(file string) (string, error)
}

// World makes what a module says, and hears of its mistakes.
type World interface {
	// Begin is told of the provider's region, "" when it is unknown, before anything is made.
	Begin(region string) error
	Account() string
	Region() string
	Zones() []string
	// Make makes a resource and returns its attributes under Terraform's names;
	// what is not there is unknown.
	Make(r *Resource) map[string]string
	// Mistake hears of something that Terraform would refuse, or do otherwise than it looks.
	Mistake(m Mistake)
}

// Mistake is something wrong in the text.
type Mistake struct {
	Code         string // tf.undeclared, tf.syntax, tf.argument, net.swapped-subnets
	File         string
	Line, Column int
	Message      string
	Fix          string
}

// Resource is an instance of a resource.
type Resource struct {
	Address      string // aws_subnet.private[0], with its modules in front
	Module       string // address of its module; "" for the root
	Kind         string // aws_subnet
	File         string
	Line, Column int
	Parts        []Part   // the resources of CloudFormation that it amounts to; the first is itself
	Waits        []string // addresses of resources that it refers to, without an index
}

// Part is one resource in CloudFormation's vocabulary.
type Part struct {
	Suffix     string // distinguishes parts behind the first
	Type       string // "" for what has no type: see Kind
	Properties *template.Value
}

// module is one directory under evaluation.
type module struct {
	source  Source
	world   World
	dir     string
	address string // "module.vpc." or ""
	depth   int
	count   *int // resources made so far, in all modules
	kinds   map[string]func(*arguments)

	variables map[string]cty.Value
	locals    map[string]*local
	blocks    map[string]*block // resources, data sources and modules by address
	order     []string          // of blocks, as they are written
	outputs   map[string]*hclsyntax.Block
	provider  *hclsyntax.Block

	current []*collector
}

// collector gathers what an evaluation refers to.
type collector struct{ waits []string }

type local struct {
	expr  hclsyntax.Expression
	value cty.Value
	state int // 0 new, 1 under way, 2 done
}

// block is a resource, data source or module call.
type block struct {
	*hclsyntax.Block
	address string
	value   cty.Value
	state   int
}

// Check evaluates a directory. variables are values that were given from outside.
// The error is for files that cannot be read.
func Check(source Source, dir string, variables map[string]string, world World) error {
	total := 0
	m := newModule(source, world, dir, "", 0, &total)
	found, err := m.parse()
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s has no Terraform files", dir)
	}
	m.settle(variables, nil)
	region := ""
	if m.provider != nil {
		if a := m.provider.Body.Attributes["region"]; a != nil {
			if v := m.value(a.Expr, nil); v.IsWhollyKnown() && !v.IsNull() && v.Type() == cty.String {
				region = v.AsString()
			}
		}
	}
	if err := world.Begin(region); err != nil {
		return err
	}
	m.run()
	return nil
}

func newModule(source Source, world World, dir, address string, depth int, count *int) *module {
	return &module{source: source, world: world, dir: dir, address: address, depth: depth, count: count, kinds: kindTable(),
		variables: map[string]cty.Value{}, locals: map[string]*local{}, blocks: map[string]*block{}, outputs: map[string]*hclsyntax.Block{}}
}

// parse reads the files of the directory; found says whether there are any.
func (m *module) parse() (found bool, err error) {
	names, err := m.source.List(m.dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".tf") {
			continue
		}
		found = true
		file := path.Join(m.dir, name)
		body, err := m.body(file)
		if err != nil {
			return found, err
		}
		if body != nil {
			m.collect(body)
		}
	}
	return found, nil
}

// body parses a file; what is wrong in it is a mistake, and the rest is used.
func (m *module) body(file string) (body *hclsyntax.Body, err error) {
	text, err := m.source.Read(file)
	if err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil { // the parser is not ours: its panics are the text's fault
			body, err = nil, nil
			m.world.Mistake(Mistake{Code: "tf.syntax", File: file, Line: 1, Message: "the file cannot be parsed"})
		}
	}()
	if nesting(text) > 200 {
		m.world.Mistake(Mistake{Code: "tf.syntax", File: file, Line: 1, Message: "the file nests too deep"})
		return nil, nil
	}
	parsed, diags := hclsyntax.ParseConfig([]byte(text), file, hcl.InitialPos)
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			m.world.Mistake(Mistake{Code: "tf.syntax", File: file, Line: d.Subject.Start.Line, Column: d.Subject.Start.Column, Message: d.Summary + ": " + d.Detail})
			break // the others follow from it
		}
	}
	if parsed == nil {
		return nil, nil
	}
	body, _ = parsed.Body.(*hclsyntax.Body)
	return body, nil
}

// nesting is how deep brackets nest, as a bound for the parser's recursion.
func nesting(text string) int {
	depth, deepest := 0, 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return deepest
}

// collect sorts the blocks of a file.
func (m *module) collect(body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		switch {
		case b.Type == "variable" && len(b.Labels) == 1:
			m.variables[b.Labels[0]] = cty.DynamicVal
			if d := b.Body.Attributes["default"]; d != nil {
				m.variables[b.Labels[0]] = m.value(d.Expr, nil)
			}
		case b.Type == "locals":
			for name, a := range b.Body.Attributes {
				m.locals[name] = &local{expr: a.Expr}
			}
		case b.Type == "resource" && len(b.Labels) == 2:
			m.add(b, b.Labels[0]+"."+b.Labels[1])
		case b.Type == "data" && len(b.Labels) == 2:
			m.add(b, "data."+b.Labels[0]+"."+b.Labels[1])
		case b.Type == "module" && len(b.Labels) == 1:
			m.add(b, "module."+b.Labels[0])
		case b.Type == "output" && len(b.Labels) == 1:
			m.outputs[b.Labels[0]] = b
		case b.Type == "provider" && len(b.Labels) == 1 && b.Labels[0] == "aws" && b.Body.Attributes["alias"] == nil:
			m.provider = b
		}
	}
}

func (m *module) add(b *hclsyntax.Block, address string) {
	if m.blocks[address] != nil {
		m.mistake("tf.undeclared", b.DefRange(), address+" is declared twice", "")
		return
	}
	m.blocks[address] = &block{Block: b, address: address}
	m.order = append(m.order, address)
}

// settle gives variables their values: tfvars files, then what is given.
func (m *module) settle(text map[string]string, given map[string]cty.Value) {
	if m.depth == 0 {
		m.variableFiles()
	}
	for name, v := range given {
		if _, ok := m.variables[name]; ok {
			m.variables[name] = v
		}
	}
	for name, t := range text {
		if _, ok := m.variables[name]; !ok {
			continue
		}
		m.variables[name] = cty.StringVal(t)
		if t = strings.TrimSpace(t); strings.HasPrefix(t, "[") || strings.HasPrefix(t, "{") {
			if expr, diags := hclsyntax.ParseExpression([]byte(t), name, hcl.InitialPos); !diags.HasErrors() && nesting(t) < 50 {
				m.variables[name] = m.value(expr, nil)
			}
		}
	}
}

// variableFiles reads terraform.tfvars and *.auto.tfvars.
func (m *module) variableFiles() {
	names, err := m.source.List(m.dir)
	if err != nil {
		return
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Compare(strings.TrimSuffix(b, "terraform.tfvars"), strings.TrimSuffix(a, "terraform.tfvars"))
	})
	slices.Reverse(names)
	for _, name := range names {
		if name != "terraform.tfvars" && !strings.HasSuffix(name, ".auto.tfvars") {
			continue
		}
		body, err := m.body(path.Join(m.dir, name))
		if err != nil || body == nil {
			continue
		}
		for key, a := range body.Attributes {
			if _, ok := m.variables[key]; ok {
				m.variables[key] = m.value(a.Expr, nil)
			}
		}
	}
}

// run evaluates every block.
func (m *module) run() {
	for _, address := range m.order {
		m.block(address)
	}
	for _, l := range m.locals {
		m.local(l)
	}
	for _, o := range m.outputs {
		if a := o.Body.Attributes["value"]; a != nil {
			m.value(a.Expr, nil)
		}
	}
}

func (m *module) mistake(code string, at hcl.Range, message, fix string) {
	m.world.Mistake(Mistake{Code: code, File: at.Filename, Line: at.Start.Line, Column: at.Start.Column, Message: message, Fix: fix})
}
