package logs

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/wildcard"
)

// compileJSONPattern makes a function of a filter pattern for JSON messages:
//
//	{ $.type = "Task" && ($.code >= 500 || $.tags[0] = "a*") }
//	{ $.error IS NULL }  { $.done IS TRUE }  { $.error NOT EXISTS }
//
// A message that is not a JSON object does not match. A comparison of a
// property that is missing, or not of the value's type, is false, but for != .
func compileJSONPattern(text string) (test, error) {
	p := &jsonPattern{text: text}
	p.accept("{")
	t := p.either()
	if !p.accept("}") || strings.TrimSpace(p.text) != "" {
		p.fail()
	}
	if p.failed {
		return nil, invalid("Invalid filter pattern: " + text)
	}
	return func(message string) bool {
		var object map[string]any
		return json.Unmarshal([]byte(message), &object) == nil && t(object)
	}, nil
}

// condition is a part of a JSON pattern.
type condition func(object any) bool

// jsonPattern reads a pattern from front to back.
type jsonPattern struct {
	text   string
	depth  int
	failed bool
}

func (p *jsonPattern) fail() condition {
	p.failed = true
	p.text = ""
	return func(any) bool { return false }
}

// accept consumes the token if it comes next.
func (p *jsonPattern) accept(token string) bool {
	p.text = strings.TrimSpace(p.text)
	rest, ok := strings.CutPrefix(p.text, token)
	if ok {
		p.text = rest
	}
	return ok
}

func (p *jsonPattern) either() condition {
	left := p.both()
	for p.accept("||") {
		a, b := left, p.both()
		left = func(o any) bool { return a(o) || b(o) }
	}
	return left
}

func (p *jsonPattern) both() condition {
	left := p.single()
	for p.accept("&&") {
		a, b := left, p.single()
		left = func(o any) bool { return a(o) && b(o) }
	}
	return left
}

// maxPatternDepth bounds parentheses.
const maxPatternDepth = 32

func (p *jsonPattern) single() condition {
	if p.accept("(") {
		if p.depth++; p.depth > maxPatternDepth {
			return p.fail()
		}
		inner := p.either()
		p.depth--
		if !p.accept(")") {
			return p.fail()
		}
		return inner
	}
	path, ok := p.selector()
	if !ok {
		return p.fail()
	}
	return p.comparison(path)
}

// selector reads $.a.b[0]["c d"]: names and indexes.
func (p *jsonPattern) selector() (path []string, ok bool) {
	if !p.accept("$") {
		return nil, false
	}
	for p.text != "" {
		switch p.text[0] {
		case '.':
			end := 1
			for end < len(p.text) && !strings.ContainsRune(" .[=!<>&|()}\t", rune(p.text[end])) {
				end++
			}
			if end == 1 {
				return nil, false
			}
			path, p.text = append(path, p.text[1:end]), p.text[end:]
		case '[':
			inner, rest, found := strings.Cut(p.text[1:], "]")
			if name, err := strconv.Unquote(inner); err == nil {
				inner = name
			} else if _, err := strconv.ParseUint(inner, 10, 31); err != nil {
				return nil, false
			}
			if !found {
				return nil, false
			}
			path, p.text = append(path, inner), rest
		default:
			return path, len(path) > 0
		}
	}
	return path, len(path) > 0
}

// lookup follows a path into a value.
func lookup(value any, path []string) (any, bool) {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[step]
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

func (p *jsonPattern) comparison(path []string) condition {
	switch {
	case p.accept("NOT EXISTS"):
		return func(o any) bool { _, ok := lookup(o, path); return !ok }
	case p.accept("IS NULL"):
		return is(path, nil)
	case p.accept("IS TRUE"):
		return is(path, true)
	case p.accept("IS FALSE"):
		return is(path, false)
	}
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.accept(op) {
			return p.against(path, op)
		}
	}
	return p.fail()
}

func is(path []string, want any) condition {
	return func(o any) bool {
		got, ok := lookup(o, path)
		return ok && got == want
	}
}

// against reads the value of a comparison.
func (p *jsonPattern) against(path []string, op string) condition {
	p.text = strings.TrimSpace(p.text)
	word, quoted := p.word()
	if word == "" && !quoted {
		return p.fail()
	}
	if n, err := strconv.ParseFloat(word, 64); err == nil && !quoted {
		return func(o any) bool { return compareNumber(o, path, op, n) }
	}
	if op != "=" && op != "!=" {
		return p.fail()
	}
	pattern := wildcard.CompileStars(word)
	return func(o any) bool {
		got, ok := lookup(o, path)
		text, isText := got.(string)
		return (ok && isText && wildcard.Match(pattern, text)) == (op == "=")
	}
}

func (p *jsonPattern) word() (word string, quoted bool) {
	if strings.HasPrefix(p.text, `"`) {
		literal, err := strconv.QuotedPrefix(p.text)
		if err != nil {
			p.fail()
			return "", false
		}
		p.text = p.text[len(literal):]
		word, err = strconv.Unquote(literal)
		if err != nil {
			p.fail()
		}
		return word, true
	}
	end := strings.IndexAny(p.text, " \t&|()}")
	if end < 0 {
		end = len(p.text)
	}
	word, p.text = p.text[:end], p.text[end:]
	return word, false
}

func compareNumber(o any, path []string, op string, want float64) bool {
	got, ok := lookup(o, path)
	n, isNumber := got.(float64)
	if !ok || !isNumber {
		return op == "!="
	}
	switch op {
	case "=":
		return n == want
	case "!=":
		return n != want
	case "<":
		return n < want
	case "<=":
		return n <= want
	case ">":
		return n > want
	}
	return n >= want
}
