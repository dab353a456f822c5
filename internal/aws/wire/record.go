package wire

import (
	"reflect"
	"time"
)

// Hidden is what stands for a sensitive value in records of a request, as in
// CloudTrail's.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// maxRecordDepth bounds recursive structures in records; deeper ones are left out.
const maxRecordDepth = 24

// AppendRecord writes an operation's input or output (a pointer to a generated
// structure) as a record of it shall hold it: a JSON object with all members,
// wherever they travel, under names that begin with a small letter, as
// CloudTrail writes them. What the model calls sensitive, and members for
// which hide is true (nil for none), are hidden; blobs and bodies are left out.
// A nil value is written as null.
func AppendRecord(b []byte, v any, hide func(member string) bool) []byte {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() || rv.Kind() != reflect.Pointer || rv.IsNil() || rv.Elem().Kind() != reflect.Struct {
		return append(b, "null"...)
	}
	r := recorder{hide: hide}
	return r.structure(b, planOf(rv.Elem().Type()), rv.Elem(), 0)
}

type recorder struct{ hide func(string) bool }

func (r recorder) structure(b []byte, p *structPlan, v reflect.Value, depth int) []byte {
	b = append(b, '{')
	n := 0
	for i := range p.fields {
		f := &p.fields[i]
		value, ok := f.value(v.Field(f.index))
		if !ok || f.in == "statusCode" || f.kind == kindStream || f.kind == kindBlob || depth >= maxRecordDepth {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = appendJSONString(b, lowerFirst(f.member))
		b = append(b, ':')
		if f.sensitive || r.hide != nil && r.hide(f.member) {
			b = appendJSONString(b, Hidden)
			continue
		}
		b = r.value(b, &f.shape, value, depth+1)
	}
	return append(b, '}')
}

func (r recorder) value(b []byte, s *shape, v reflect.Value, depth int) []byte {
	if s.ptr && v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return append(b, "null"...)
		}
		v = v.Elem()
	}
	switch {
	case s.sensitive:
		return appendJSONString(b, Hidden)
	case s.kind == kindBlob || s.kind == kindStream:
		return append(b, "null"...)
	case s.kind == kindTime:
		return append(v.Interface().(time.Time).UTC().AppendFormat(append(b, '"'), "Jan 2, 2006 3:04:05 PM"), '"')
	case s.kind == kindStruct:
		return r.structure(b, s.plan, v, depth)
	case s.kind == kindList:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = r.value(b, s.elem, v.Index(i), depth)
		}
		return append(b, ']')
	case s.kind == kindMap:
		return r.entries(b, s, v, depth)
	}
	return appendJSON(b, s, v)
}

func (r recorder) entries(b []byte, s *shape, v reflect.Value, depth int) []byte {
	b = append(b, '{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendJSONString(b, k.String()), ':')
		b = r.value(b, s.elem, v.MapIndex(k), depth)
	}
	return append(b, '}')
}

// AppendJSONString writes a string as AWS quotes it in JSON.
func AppendJSONString(b []byte, s string) []byte { return appendJSONString(b, s) }
