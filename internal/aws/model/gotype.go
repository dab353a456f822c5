package model

import (
	"slices"
	"strings"
	"unicode"
)

// GoName makes an exported Go identifier of a name in the model; it keeps the
// model's spelling (VpcId, TaskArn) so that AWS's documentation can be searched.
func GoName(name string) string {
	var b strings.Builder
	upper := true
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			upper = true
			continue
		}
		if upper {
			r = unicode.ToUpper(r)
			upper = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ConstName makes the suffix of an enumeration's constant: FARGATE_SPOT
// becomes FargateSpot, ap-south-1 ApSouth1.
func ConstName(value string) string {
	var b strings.Builder
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if w == strings.ToUpper(w) {
			w = strings.ToLower(w)
		}
		b.WriteString(strings.ToUpper(w[:1]) + w[1:])
	}
	return b.String()
}

// GoType is the Go type of a member: what stands for "absent" is decided here.
//
//	string, enum        plain; "" is absent
//	boolean             pointer when the model boxes it and does not require it, else value
//	number              the same; and pointer in a structure that only requests hold, unless required:
//	                    a limit of 0 is a mistake to report, not the default
//	patched "optional"  pointer
//	structure           pointer
//	list                []T of values, nil is absent (sparse: []*T)
//	map                 map[string]T, nil is absent
//	timestamp           time.Time, zero is absent
//	blob                []byte; io.ReadCloser when it streams
//	document            any
func (s *Service) GoType(ownerName string, m Member) string {
	shape, owner := s.Shapes[m.Shape], s.Shapes[ownerName]
	required := slices.Contains(owner.Required, m.Name)
	boxed := m.Box || shape.Box || shape.Type != "boolean" && !s.inAnswers(ownerName)
	base := s.goValue(m.Shape)
	switch {
	case shape.Type == "structure" && !shape.Document:
		return "*" + base
	case shape.Type == "blob" && (m.Streaming || shape.Streaming):
		return "io.ReadCloser"
	case m.Optional && shape.Type != "list" && shape.Type != "map":
		return "*" + base
	case shape.number() && boxed && !required:
		return "*" + base
	}
	return base
}

// goValue is the type of a shape inside a list or map.
func (s *Service) goValue(name string) string {
	shape := s.Shapes[name]
	if shape.Document {
		return "any"
	}
	sparse := ""
	if shape.Sparse {
		sparse = "*"
	}
	switch shape.Type {
	case "structure":
		return GoName(name)
	case "list":
		return "[]" + sparse + s.goValue(shape.Member.Shape)
	case "map":
		return "map[" + s.goValue(shape.Key.Shape) + "]" + sparse + s.goValue(shape.Value.Shape)
	case "string", "character":
		if len(shape.Enum) > 0 {
			return GoName(name)
		}
		return "string"
	case "integer":
		return "int32"
	case "long":
		return "int64"
	case "float":
		return "float32"
	case "double":
		return "float64"
	case "boolean":
		return "bool"
	case "timestamp":
		return "time.Time"
	case "blob":
		return "[]byte"
	}
	return "any"
}

// inAnswers reports whether some operation's output, or an error, holds the structure.
func (s *Service) inAnswers(shape string) bool {
	if s.answered == nil {
		s.answered = map[string]bool{}
		for _, op := range s.Operations {
			if op.Output != nil {
				s.answer(op.Output.Shape)
			}
			for _, e := range op.Errors {
				s.answer(e.Shape)
			}
		}
	}
	return s.answered[shape]
}

func (s *Service) answer(name string) {
	shape := s.Shapes[name]
	if s.answered[name] || shape == nil {
		return
	}
	s.answered[name] = true
	for _, ref := range shape.Refs() {
		s.answer(ref.Shape)
	}
}

// Refs are the shapes that a shape uses directly.
func (s *Shape) Refs() []Ref {
	var out []Ref
	for _, m := range s.Members {
		out = append(out, m.Ref)
	}
	for _, ref := range []*Ref{s.Member, s.Key, s.Value} {
		if ref != nil {
			out = append(out, *ref)
		}
	}
	return out
}
