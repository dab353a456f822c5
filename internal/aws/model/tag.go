package model

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Tag is the struct tag of a member: everything that a codec or the validator
// must know and Go's type does not say. Its grammar is described in package
// wire (tag.go), which reads it.
func (s *Service) Tag(owner *Shape, m Member) string {
	t := &tagger{service: s}
	t.parts = append(t.parts, m.Name)
	if slices.Contains(owner.Required, m.Name) {
		t.parts = append(t.parts, "required")
	}
	if owner.Payload == m.Name {
		t.parts = append(t.parts, "payload")
	}
	if owner.Union {
		t.parts = append(t.parts, "union")
	}
	if shape := s.Shapes[m.Shape]; owner.Payload == m.Name && shape.Type == "structure" {
		root := first(shape.LocationName, m.Shape)
		if m.LocationName != "" && m.LocationName != m.Name {
			root = m.LocationName
		}
		t.text("root", root)
	}
	t.add("", m.Ref, 0)
	out := `aws:` + strconv.Quote(strings.Join(t.parts, ","))
	for _, p := range t.patterns {
		out += " " + p
	}
	return out
}

type tagger struct {
	service  *Service
	parts    []string
	patterns []string
}

// maxTagDepth bounds how far a tag follows lists of lists.
const maxTagDepth = 8

func (t *tagger) add(prefix string, ref Ref, depth int) {
	shape := t.service.Shapes[ref.Shape]
	if depth > maxTagDepth {
		return
	}
	loc := ref.LocationName
	if loc == "" && shape.Type != "structure" { // a structure's own name is for root elements
		loc = shape.LocationName
	}
	t.text(prefix+"loc", loc)
	t.text(prefix+"in", first(ref.Location, shape.Location))
	t.text(prefix+"query", ref.QueryName)
	t.flag(prefix+"flat", ref.Flattened || shape.Flattened)
	t.flag(prefix+"stream", ref.Streaming || shape.Streaming)
	t.flag(prefix+"attr", ref.XMLAttribute)
	t.flag(prefix+"token", ref.IdempotencyToken)
	t.flag(prefix+"json", ref.JSONValue)
	t.flag(prefix+"always", ref.Always)
	t.flag(prefix+"sensitive", shape.Sensitive)
	t.text(prefix+"ts", first(ref.TimestampFormat, shape.TimestampFormat))
	ns := ref.XMLNamespace
	if ns == nil {
		ns = shape.XMLNamespace
	}
	if ns != nil {
		t.text(prefix+"ns", ns.URI)
		t.text(prefix+"nsp", ns.Prefix)
	}
	t.number(prefix+"min", shape.Min)
	t.number(prefix+"max", shape.Max)
	if shape.Pattern != "" && len(shape.Enum) == 0 && CompilePattern(shape.Pattern) != nil {
		t.patterns = append(t.patterns, prefix+"pattern:"+strconv.Quote(shape.Pattern))
	}
	switch shape.Type {
	case "list":
		t.add(prefix+"m.", *shape.Member, depth+1)
	case "map":
		t.add(prefix+"k.", *shape.Key, depth+1)
		t.add(prefix+"v.", *shape.Value, depth+1)
	}
}

func (t *tagger) text(key, value string) {
	if value != "" {
		t.parts = append(t.parts, key+"="+value)
	}
}

func (t *tagger) flag(key string, on bool) {
	if on {
		t.parts = append(t.parts, key)
	}
}

func (t *tagger) number(key string, v *float64) {
	if v != nil {
		t.parts = append(t.parts, key+"="+strconv.FormatFloat(*v, 'f', -1, 64))
	}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// CompilePattern compiles a model's (Java) pattern as an RE2 pattern that must
// match the whole value; nil when RE2 cannot express it (look-ahead).
func CompilePattern(pattern string) *regexp.Regexp {
	p := unicodeEscape.ReplaceAllString(pattern, `\x{$1}`)
	re, err := regexp.Compile(`^(?:` + p + `)$`)
	if err != nil {
		return nil
	}
	return re
}
