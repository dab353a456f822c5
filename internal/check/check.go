package check

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/neargate/neargate/internal/check/rehearsal"
	"github.com/neargate/neargate/internal/check/terraform"
	"github.com/neargate/neargate/internal/cloudformation/resource"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// Options says what to check.
type Options struct {
	Files fs.FS  // where sources are; nested templates and modules are read from it, too
	Path  string // in Files: a template, or a directory of Terraform
	// Parameters are values of a template's parameters or of Terraform's variables.
	Parameters map[string]string
	Account    string // "" for 000000000000
	Region     string // "" for us-east-1, or what the Terraform provider names
	// AssumeExisting takes log groups, secrets, roles and the like that the source
	// names and does not make as existing. Otherwise it is checked as for an
	// account that has nothing else.
	AssumeExisting bool
	// State completes the source with what a running instance has; nil for nothing.
	State *rehearsal.Origin
}

// ErrNothing means that there is nothing to check at a path.
var ErrNothing = errors.New("neither a template nor a directory with Terraform files")

// Check reads a source, rehearses it and returns what it found. Mistakes in the
// source are findings; the error is for what cannot be read.
func Check(ctx context.Context, o Options) (*Report, error) {
	if o.Account == "" {
		o.Account = "000000000000"
	}
	c := &checker{ctx: ctx, options: o, files: newFiles(o.Files), report: &Report{}, types: resource.Types(), byID: map[string]*planned{}, needed: map[string]bool{},
		used: map[string]bool{}, told: map[string]bool{}, lacks: map[string]*lack{}, defaults: map[string]attribute{}}
	info, err := fs.Stat(o.Files, path.Clean(o.Path))
	if err != nil {
		return nil, err
	}
	read := c.readTemplate
	if info.IsDir() {
		read = c.readTerraform
	}
	if err := read(path.Clean(o.Path)); err != nil {
		return nil, err
	}
	if c.instance != nil {
		c.rules()
		c.instance.Close()
	}
	c.report.Resources, c.report.Files, c.report.lines = len(c.plan), c.files.order, c.files.lines
	c.report.sort()
	return c.report, nil
}

// checker is one check under way.
type checker struct {
	ctx      context.Context
	options  Options
	files    *files
	report   *Report
	types    map[string]resource.Type
	instance *rehearsal.Instance

	guessed  bool // nobody named the region
	plan     []*planned
	byID     map[string]*planned  // by physical id
	defaults map[string]attribute // by physical id: what comes with a VPC
	unknowns int                  // how many placeholders were given out
	needed   map[string]bool      // endpoint services that tasks use
	used     map[string]bool      // ids of VPC endpoints that their requests go through
	followed bool                 // the way of some task's packets was followed
	told     map[string]bool      // what is said only once
	lacks    map[string]*lack     // by role and code
	unsure   []string             // kinds of resources that lead packets elsewhere and are not followed
}

// open makes the instance in which the plan is rehearsed.
func (c *checker) open(region string) error {
	if c.options.Region == "" {
		c.options.Region = region
	}
	if c.options.Region == "" {
		c.options.Region, c.guessed = "us-east-1", true
	}
	var err error
	c.instance, err = rehearsal.Open(c.options.Account, c.options.Region, c.options.State)
	return err
}

// find adds a finding.
func (c *checker) find(f Finding) {
	if f.Column == 0 && f.Line > 0 {
		f.Column = c.files.column(f.File, f.Line, "")
	}
	c.report.Findings = append(c.report.Findings, f)
}

// findAt adds a finding about a resource, at the value of a property, or at the
// resource itself when it does not have the property.
func (c *checker) findAt(p *planned, f Finding, property ...string) {
	f.Position, f.Resource = c.place(p, property...), p.label()
	c.find(f)
}

// place is where a property of a resource stands: as deep as the path leads.
func (c *checker) place(p *planned, property ...string) Position {
	for n := len(property); n > 0; n-- {
		if e, ok := p.at(property[:n]...); ok && e.Line > 0 {
			return Position{File: p.Position.File, Line: e.Line, Column: c.files.column(p.Position.File, e.Line, e.Key)}
		}
	}
	return p.Position
}

// valueAt is the place of a value.
func (c *checker) valueAt(p *planned, v *template.Value) Position {
	if v == nil || v.Line == 0 {
		return p.Position
	}
	return Position{File: p.Position.File, Line: v.Line, Column: v.Column}
}

// placeholder stands for a text that only a deployment can tell. Whatever a
// service says about a placeholder is no finding.
const placeholder = terraform.Unknown

func isUnknown(text string) bool { return strings.Contains(strings.ToLower(text), placeholder) }

// physicalID matches ids that EC2 gives; literal ones mean something that exists
// outside of the source.
var physicalID = regexp.MustCompile(`\b(vpc|subnet|sg|sgr|rtb|rtbassoc|igw|nat|vpce|eni|acl|eipalloc|pcx|eigw|dopt|pl)-[0-9a-f]{8,17}\b`)

// labels replaces the ids of planned resources in a text by their names.
func (c *checker) labels(text string) string {
	text = regexp.MustCompile(`\b([a-z]+-[0-9a-f]{17}) \([A-Za-z0-9_.\[\]"]+\)`).ReplaceAllString(text, "$1")
	return physicalID.ReplaceAllStringFunc(text, func(id string) string {
		if p, ok := c.byID[id]; ok {
			return p.label()
		}
		if d, ok := c.defaults[id]; ok {
			return "the default of " + d.of.label()
		}
		return id
	})
}

// attribute is something that came with a resource.
type attribute struct {
	of   *planned
	name string
}
