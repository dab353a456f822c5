package wire

import (
	"reflect"
	"unicode/utf8"
)

// xmlEncoder writes the XML of three protocols, which differ little.
type xmlEncoder struct{}

// members writes the members of a structure that live in the body, attributes left out.
func (e xmlEncoder) members(b []byte, p *structPlan, v reflect.Value) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		if f.in != "" || f.attr {
			continue
		}
		if value, ok := f.value(v.Field(f.index)); ok {
			b = e.element(b, f.elementName(), &f.shape, value)
		}
	}
	return b
}

// elementName is the name of a member's element. A flattened list without a
// name of its own takes that of its elements.
func (f *field) elementName() string {
	if f.flat && f.kind == kindList && f.loc == "" && f.elem.loc != "" {
		return f.elem.loc
	}
	return f.wire
}

func (e xmlEncoder) element(b []byte, name string, s *shape, v reflect.Value) []byte {
	switch {
	case s.kind == kindList && s.flat:
		return e.list(b, name, s, v)
	case s.kind == kindMap && s.flat:
		return e.mapping(b, name, s, v)
	}
	b = e.open(b, name, s, v)
	switch s.kind {
	case kindStruct:
		b = e.members(b, s.plan, v)
	case kindList:
		b = e.list(b, first(s.elem.loc, "member"), s, v)
	case kindMap:
		b = e.mapping(b, "entry", s, v)
	case kindString:
		b = appendXMLText(b, v.String())
	default:
		b = s.appendText(b, v, iso8601)
	}
	return closeTag(b, name)
}

// list writes the elements of a list, each under the given name.
func (e xmlEncoder) list(b []byte, name string, s *shape, v reflect.Value) []byte {
	for i := range v.Len() {
		elem := v.Index(i)
		if s.elem.ptr {
			if elem.IsNil() {
				continue
			}
			elem = elem.Elem()
		}
		b = e.element(b, name, s.elem, elem)
	}
	return b
}

func (e xmlEncoder) mapping(b []byte, name string, s *shape, v reflect.Value) []byte {
	for _, k := range sortedKeys(v) {
		b = append(append(append(b, '<'), name...), appendNamespace(nil, s.ns, s.nsPrefix, s.flat)...)
		b = append(b, '>')
		b = e.element(b, first(s.key.loc, "key"), s.key, k)
		elem := v.MapIndex(k)
		if s.elem.ptr {
			elem = elem.Elem()
		}
		b = e.element(b, first(s.elem.loc, "value"), s.elem, elem)
		b = closeTag(b, name)
	}
	return b
}

// open writes a start tag with its namespace and the attributes of a structure.
func (e xmlEncoder) open(b []byte, name string, s *shape, v reflect.Value) []byte {
	b = append(append(b, '<'), name...)
	b = appendNamespace(b, s.ns, s.nsPrefix, true)
	if s.kind == kindStruct {
		for i := range s.plan.fields {
			f := &s.plan.fields[i]
			if !f.attr {
				continue
			}
			if value, ok := f.value(v.Field(f.index)); ok {
				b = append(append(append(b, ' '), f.wire...), `="`...)
				b = appendXMLText(b, string(f.appendText(nil, value, iso8601)))
				b = append(b, '"')
			}
		}
	}
	return append(b, '>')
}

func appendNamespace(b []byte, uri, prefix string, wanted bool) []byte {
	if uri == "" || !wanted {
		return b
	}
	b = append(b, " xmlns"...)
	if prefix != "" {
		b = append(append(b, ':'), prefix...)
	}
	return append(append(append(b, `="`...), uri...), '"')
}

func closeTag(b []byte, name string) []byte {
	return append(append(append(b, '<', '/'), name...), '>')
}

// appendXMLText writes text for an element or an attribute; characters that XML
// cannot carry become the replacement character.
func appendXMLText(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '&':
			b = append(b, "&amp;"...)
		case r == '<':
			b = append(b, "&lt;"...)
		case r == '>':
			b = append(b, "&gt;"...)
		case r == '"':
			b = append(b, "&quot;"...)
		case r == '\r':
			b = append(b, "&#xD;"...)
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF, r == utf8.RuneError:
			b = append(b, "\uFFFD"...)
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return b
}
