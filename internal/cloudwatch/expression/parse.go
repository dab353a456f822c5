package expression

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds how deep an expression is nested.
const maxDepth = 60

// node is a part of an expression: a number, a string, a name, a list ([) or an
// operator or function with what it works on.
type node struct {
	op     string // "1", `"`, "name", "[", an operator, "neg", or a function's name
	number float64
	text   string
	args   []*node
}

// Expression is metric math that can be carried out.
type Expression struct {
	root *node
	// Names are the ids that it refers to, in order; All says that METRICS() means
	// every metric of the request.
	Names []string
	All   bool
}

// Parse reads an expression. The error tells what is wrong or not carried out.
func Parse(text string) (*Expression, error) {
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	if len(tokens) > 0 && strings.EqualFold(tokens[0].text, "SELECT") {
		return nil, fmt.Errorf("Metrics Insights queries (SELECT) are not carried out by Neargate") //nolint:staticcheck // a proper name
	}
	p := &parser{tokens: tokens, end: len(text)}
	e := &Expression{root: p.binary(0)}
	if p.err == nil && p.peek().kind != 0 {
		p.fail("unexpected %q", p.peek().text)
	}
	e.collect(e.root)
	return e, p.err
}

func (e *Expression) collect(n *node) {
	if n == nil {
		return
	}
	if n.op == "name" && !slices.Contains(e.Names, n.text) {
		e.Names = append(e.Names, n.text)
	}
	e.All = e.All || n.op == "METRICS"
	for _, a := range n.args {
		e.collect(a)
	}
}

type parser struct {
	tokens []token
	end    int
	depth  int
	err    error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		at := p.peek().at
		if p.peek().kind == 0 {
			at = p.end
		}
		p.err = fmt.Errorf(format+" at position %d", append(args, at+1)...)
	}
	p.tokens = nil
}

func (p *parser) peek() token {
	if len(p.tokens) == 0 {
		return token{}
	}
	return p.tokens[0]
}

func (p *parser) take() token {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) accept(op string) bool {
	if t := p.peek(); t.kind == 'o' && t.text == op {
		p.take()
		return true
	}
	return false
}

// levels are the binary operators, the loosest first.
var levels = [][]string{{"||", "OR"}, {"&&", "AND"}, {"==", "!="}, {"<", ">", "<=", ">="}, {"+", "-"}, {"*", "/"}, {"^"}}

func (p *parser) binary(level int) *node {
	if level == len(levels) {
		return p.unary()
	}
	left := p.binary(level + 1)
	for {
		t := p.peek()
		op := strings.ToUpper(t.text)
		if t.kind != 'o' && t.kind != 'n' || !slices.Contains(levels[level], op) {
			return left
		}
		p.take()
		op = map[string]string{"OR": "||", "AND": "&&"}[op] + map[bool]string{true: op}[t.kind == 'o']
		left = &node{op: op, args: []*node{left, p.binary(level + 1)}}
	}
}

func (p *parser) unary() *node {
	if p.depth++; p.depth > maxDepth {
		p.fail("the expression is nested too deep")
	}
	defer func() { p.depth-- }()
	if p.accept("-") {
		return &node{op: "neg", args: []*node{p.unary()}}
	}
	return p.operand()
}

func (p *parser) operand() *node {
	switch t := p.take(); {
	case t.kind == '1':
		v, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			p.fail("%q is no number", t.text)
		}
		return &node{op: "1", number: v}
	case t.kind == '"':
		return &node{op: `"`, text: t.text}
	case t.kind == 'n' && p.accept("("):
		return p.call(strings.ToUpper(t.text))
	case t.kind == 'n':
		if f := strings.ToUpper(t.text); f == "REPEAT" || f == "LINEAR" || f == "ASC" || f == "DESC" || plain[f] != nil && t.text == f {
			return &node{op: `"`, text: f}
		}
		return &node{op: "name", text: t.text}
	case t.kind == 'o' && t.text == "(":
		n := p.binary(0)
		if !p.accept(")") {
			p.fail("expected \")\"")
		}
		return n
	case t.kind == 'o' && t.text == "[":
		return &node{op: "[", args: p.list("]")}
	case p.err == nil && t.kind == 0:
		p.fail("the expression ends too early")
	default:
		p.fail("unexpected %q", t.text)
	}
	return &node{op: "1"}
}

func (p *parser) call(name string) *node {
	f, known := functions[name]
	switch {
	case slices.Contains(refused, name):
		p.fail("the function %s is not carried out by Neargate", name)
	case !known:
		p.fail("unknown function %s", name)
	}
	n := &node{op: name, args: p.list(")")}
	if p.err == nil && (len(n.args) < f.least || len(n.args) > f.most) {
		p.fail("wrong number of arguments of %s", name)
	}
	return n
}

// list reads operands up to the end bracket.
func (p *parser) list(end string) []*node {
	var out []*node
	if p.accept(end) {
		return nil
	}
	for p.err == nil {
		out = append(out, p.binary(0))
		if p.accept(end) {
			break
		}
		if !p.accept(",") {
			p.fail("expected %q", end)
		}
	}
	return out
}
