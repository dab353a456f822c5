package policy

import (
	"bytes"
	"strings"

	"github.com/neargate/neargate/internal/wildcard"
)

// pattern is a text with wildcards and variables.
type pattern struct {
	source string
	form   form
	text   string // exact: the text; prefix: what comes before the last *; glob: with wildcard bytes
	parts  []part // variable
}

type form uint8

const (
	exact form = iota
	every      // *
	prefix
	glob
	variable // has variables: expanded at evaluation
)

// part is a literal (with wildcard bytes) or a variable.
type part struct {
	literal    string
	key        string // lower case; "" for a literal
	name       string // the key as written
	fallback   string
	hasDefault bool
}

// compile reads a pattern with wildcards, and with variables when the document's version has them.
func compile(text string, variables bool) (pattern, error) {
	p := pattern{source: text}
	if strings.ContainsAny(text, wildcard.Reserved) {
		return p, errSyntax
	}
	if variables && strings.Contains(text, "${") {
		parts, err := splitVariables(text, true)
		if err != nil {
			return p, err
		}
		p.parts, p.form = parts, variable
		return p, nil
	}
	star := strings.IndexAny(text, "*?")
	switch {
	case text == "*":
		p.form = every
	case star < 0:
		p.text = text
	case star == len(text)-1 && text[star] == '*':
		p.form, p.text = prefix, text[:star]
	default:
		p.form, p.text = glob, wildcard.Compile(text)
	}
	return p, nil
}

// compileLiteral is compile without wildcards.
func compileLiteral(text string, variables bool) (pattern, error) {
	p := pattern{source: text, text: text}
	if strings.ContainsAny(text, wildcard.Reserved) {
		return p, errSyntax
	}
	if variables && strings.Contains(text, "${") {
		parts, err := splitVariables(text, false)
		if err != nil {
			return p, err
		}
		p.parts, p.form = parts, variable
	}
	return p, nil
}

// splitVariables splits at ${key}, ${key, 'default'} and the escapes ${*}, ${?}, ${$}.
func splitVariables(text string, wild bool) ([]part, error) {
	var parts []part
	literal := func(s string) {
		if s == "" {
			return
		}
		if wild {
			s = wildcard.Compile(s)
		}
		parts = append(parts, part{literal: s})
	}
	for {
		before, rest, ok := strings.Cut(text, "${")
		literal(before)
		if !ok {
			return parts, nil
		}
		inside, after, ok := strings.Cut(rest, "}")
		if !ok {
			return nil, errSyntax
		}
		text = after
		key, fallback, hasDefault := strings.Cut(inside, ",")
		switch key = strings.TrimSpace(key); {
		case inside == "*" || inside == "?" || inside == "$":
			parts = append(parts, part{literal: inside})
			continue
		case key == "" || strings.ContainsAny(key, "${"):
			return nil, errSyntax
		}
		fallback = strings.TrimSpace(fallback)
		if hasDefault {
			if len(fallback) < 2 || fallback[0] != '\'' || fallback[len(fallback)-1] != '\'' {
				return nil, errSyntax
			}
			fallback = fallback[1 : len(fallback)-1]
		}
		parts = append(parts, part{key: strings.ToLower(key), name: key, fallback: fallback, hasDefault: hasDefault})
	}
}

type patterns []pattern

// match tries the patterns in turn. resolved is false when a variable has no
// value and nothing matched before it.
func (ps patterns) match(s string, e *evaluation) (matched, resolved bool) {
	resolved = true
	for i := range ps {
		m, r := ps[i].match(s, e)
		if m {
			return true, true
		}
		resolved = resolved && r
	}
	return false, resolved
}

func (p *pattern) match(s string, e *evaluation) (matched, resolved bool) {
	switch p.form {
	case every:
		return true, true
	case exact:
		return p.text == s, true
	case prefix:
		return strings.HasPrefix(s, p.text), true
	case glob:
		return wildcard.Match(p.text, s), true
	}
	if !e.expand(p) {
		return false, false
	}
	return wildcard.Match(e.scratch, s), true
}

// expand writes the pattern's expansion into e.scratch; false when a variable has no single value.
func (e *evaluation) expand(p *pattern) bool {
	e.scratch = e.scratch[:0]
	for i := range p.parts {
		part := &p.parts[i]
		if part.key == "" {
			e.scratch = append(e.scratch, part.literal...)
			continue
		}
		value := part.fallback
		if values := e.req.Context.Values(part.key); len(values) == 1 {
			value = values[0]
		} else if len(values) > 1 || !part.hasDefault {
			return false
		}
		if strings.ContainsAny(value, wildcard.Reserved) {
			return false
		}
		e.scratch = append(e.scratch, value...)
	}
	return true
}

// arnMatch matches each of the six parts of two ARNs alone.
func arnMatch(p []byte, s string) bool {
	for range 5 {
		i, j := bytes.IndexByte(p, ':'), strings.IndexByte(s, ':')
		if i < 0 || j < 0 || !wildcard.Match(p[:i], s[:j]) {
			return false
		}
		p, s = p[i+1:], s[j+1:]
	}
	return wildcard.Match(p, s)
}
