package wire

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendJSON writes a value as JSON.
func appendJSON(b []byte, s *shape, v reflect.Value) []byte {
	switch s.kind {
	case kindStruct:
		b = append(b, '{')
		b = appendJSONMembers(b, s.plan, v, 0)
		return append(b, '}')
	case kindList:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONElement(b, s.elem, v.Index(i))
		}
		return append(b, ']')
	case kindMap:
		b = append(b, '{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONString(b, k.String())
			b = append(b, ':')
			b = appendJSONElement(b, s.elem, v.MapIndex(k))
		}
		return append(b, '}')
	case kindDocument:
		text, err := json.Marshal(v.Interface())
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, text...)
	}
	return appendJSONScalar(b, s, v)
}

// appendJSONMembers writes the body members of a structure behind n others and
// returns without braces, so that errors can put __type in front.
func appendJSONMembers(b []byte, p *structPlan, v reflect.Value, n int) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		if f.in != "" {
			continue
		}
		value, ok := f.value(v.Field(f.index))
		if !ok {
			continue
		}
		if n > 0 {
			b = append(b, ',')
		}
		n++
		b = appendJSONString(b, f.wire)
		b = append(b, ':')
		b = appendJSON(b, &f.shape, value)
	}
	return b
}

// appendJSONElement writes an element of a list or map, where an empty string is one.
func appendJSONElement(b []byte, s *shape, v reflect.Value) []byte {
	if s.ptr || s.kind == kindDocument {
		if v.IsNil() {
			return append(b, "null"...)
		}
		if s.ptr {
			v = v.Elem()
		}
	}
	return appendJSON(b, s, v)
}

func appendJSONScalar(b []byte, s *shape, v reflect.Value) []byte {
	switch s.kind {
	case kindString:
		return appendJSONString(b, v.String())
	case kindFloat:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(appendFloat(append(b, '"'), f, s.typ.Bits()), '"')
		}
		return appendFloat(b, v.Float(), s.typ.Bits())
	case kindBlob:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, v.Bytes())
		return append(b, '"')
	case kindTime:
		format := first(s.timestamp, unixTimestamp)
		if format == unixTimestamp {
			return appendTime(b, v.Interface().(time.Time), format)
		}
		return append(appendTime(append(b, '"'), v.Interface().(time.Time), format), '"')
	}
	return s.appendText(b, v, unixTimestamp)
}

const hexDigits = "0123456789abcdef"

// appendJSONString writes a quoted string, as AWS does without escaping <, > and &.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// sortedKeys makes answers repeatable.
func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

func quoteJSON(s string) string { return string(appendJSONString(make([]byte, 0, len(s)+2), s)) }

func itoa(n int) string { return strconv.Itoa(n) }
