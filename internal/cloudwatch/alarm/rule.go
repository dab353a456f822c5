package alarm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Rule is the rule of a composite alarm: a condition on the states of others.
type Rule struct {
	root term
	// Alarms are the names or ARNs of alarms that it refers to, in order.
	Alarms []string
}

// term is a part of a rule: true or false by the states of alarms.
type term func(state func(alarm string) string) bool

// Holds says whether the rule is true, given the states of alarms by name or ARN; ""
// for one that is not there.
func (r *Rule) Holds(state func(alarm string) string) bool { return r.root(state) }

// maxChildren is how many alarms a rule may refer to, and maxDepth how deep it may be.
const (
	maxChildren = 100
	maxDepth    = 60
)

// ParseRule reads ALARM("a") AND (OK(b) OR NOT INSUFFICIENT_DATA(c)) and the like.
func ParseRule(text string) (*Rule, error) {
	p := &ruleParser{rest: text}
	r := &Rule{root: p.or()}
	if p.space(); p.err == nil && p.rest != "" {
		p.fail(fmt.Sprintf("unexpected %q", p.rest[:min(len(p.rest), 10)]))
	}
	if p.err == nil && len(p.alarms) > maxChildren {
		p.err = errors.New("a rule may refer to at most 100 alarms")
	}
	r.Alarms = p.alarms
	return r, p.err
}

type ruleParser struct {
	rest   string
	depth  int
	alarms []string
	err    error
}

func (p *ruleParser) fail(what string) {
	if p.err == nil {
		p.err = errors.New(what)
	}
	p.rest = ""
}

func (p *ruleParser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// word takes a keyword, if it comes next.
func (p *ruleParser) word(w string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, w)
	if ok && w[0] >= 'A' && rest != "" && (rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] == '_') {
		return false
	}
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *ruleParser) or() term {
	all := []term{p.and()}
	for p.word("OR") {
		all = append(all, p.and())
	}
	return func(s func(string) string) bool { return slices.ContainsFunc(all, func(t term) bool { return t(s) }) }
}

func (p *ruleParser) and() term {
	all := []term{p.not()}
	for p.word("AND") {
		all = append(all, p.not())
	}
	return func(s func(string) string) bool { return !slices.ContainsFunc(all, func(t term) bool { return !t(s) }) }
}

func (p *ruleParser) not() term {
	if p.depth++; p.depth > maxDepth {
		p.fail("the rule is nested too deep")
	}
	defer func() { p.depth-- }()
	switch {
	case p.word("NOT"):
		of := p.not()
		return func(s func(string) string) bool { return !of(s) }
	case p.word("TRUE"):
		return func(func(string) string) bool { return true }
	case p.word("FALSE"):
		return func(func(string) string) bool { return false }
	case p.word("AT_LEAST"):
		p.fail("AT_LEAST is not carried out by Neargate")
	}
	for _, state := range []string{Alarm, OK, Insufficient} {
		if p.word(state) {
			name := p.name()
			return func(s func(string) string) bool { return s(name) == state }
		}
	}
	if p.word("(") {
		t := p.or()
		if !p.word(")") {
			p.fail(`expected ")"`)
		}
		return t
	}
	p.fail("expected ALARM, OK, INSUFFICIENT_DATA, NOT, TRUE, FALSE or a parenthesis")
	return func(func(string) string) bool { return false }
}

// name takes the name or ARN of an alarm in parentheses.
func (p *ruleParser) name() string {
	if !p.word("(") {
		p.fail(`expected "("`)
		return ""
	}
	p.space()
	end, skip := ")", 1
	if strings.HasPrefix(p.rest, `"`) || strings.HasPrefix(p.rest, `'`) {
		end, p.rest = p.rest[:1], p.rest[1:]
	}
	i := strings.Index(p.rest, end)
	if i < 0 {
		p.fail("expected " + end)
		return ""
	}
	name := p.rest[:i]
	p.rest = p.rest[i+skip:]
	if end != ")" {
		if !p.word(")") {
			p.fail(`expected ")"`)
		}
	} else {
		name = strings.TrimSpace(name)
	}
	if name == "" {
		p.fail("an alarm has no name")
	}
	if !slices.Contains(p.alarms, name) {
		p.alarms = append(p.alarms, name)
	}
	return name
}
