package wire

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
)

// decodeJSON reads one JSON value into v, a value of the shape's type.
func decodeJSON(body []byte, s *shape, v reflect.Value) error {
	r := &jsonReader{b: body}
	r.value(s, v)
	if r.err == nil && r.peek() != 0 {
		r.fail("Unexpected text behind the value at offset %d", r.i)
	}
	return r.err
}

// value reads a value that is not null into v.
func (r *jsonReader) value(s *shape, v reflect.Value) {
	v = s.target(v)
	switch s.kind {
	case kindStruct:
		r.structure(s.plan, v)
	case kindList:
		r.list(s, v)
	case kindMap:
		r.mapping(s, v)
	case kindDocument:
		r.document(v)
	default:
		r.scalar(s, v)
	}
}

func (r *jsonReader) structure(p *structPlan, v reflect.Value) {
	if r.peek() != '{' {
		r.fail("%s can not be converted to a structure", r.what())
		return
	}
	set := 0
	r.object(func(name string) {
		if r.null() {
			return
		}
		n, ok := p.byWire[name]
		if !ok {
			if p.union && name != "__type" {
				r.fail("Unknown member of a union")
				return
			}
			r.skip()
			return
		}
		set++
		f := &p.fields[n]
		r.value(&f.shape, v.Field(f.index))
	})
	if p.union && set != 1 && r.err == nil {
		r.fail("Exactly one member of a union must be set")
	}
}

func (r *jsonReader) list(s *shape, v reflect.Value) {
	if r.peek() != '[' {
		r.fail("%s can not be converted to a list", r.what())
		return
	}
	v.Set(reflect.MakeSlice(s.typ, 0, 0))
	r.array(func() { r.element(s.elem, grow(v)) })
}

// element reads an element of a list or a value of a map: null only where the type has room for it.
func (r *jsonReader) element(s *shape, v reflect.Value) {
	if r.null() {
		if !s.ptr && s.kind != kindDocument {
			r.fail("A list or map must not contain null")
		}
		return
	}
	r.value(s, v)
}

// grow appends a zero element to the slice v and returns it.
func grow(v reflect.Value) reflect.Value {
	n := v.Len()
	if n == v.Cap() {
		v.Grow(max(1, n))
	}
	v.SetLen(n + 1)
	return v.Index(n)
}

func (r *jsonReader) mapping(s *shape, v reflect.Value) {
	if r.peek() != '{' {
		r.fail("%s can not be converted to a map", r.what())
		return
	}
	v.Set(reflect.MakeMap(s.typ))
	r.object(func(name string) {
		elem := reflect.New(s.typ.Elem()).Elem()
		r.element(s.elem, elem)
		v.SetMapIndex(reflect.ValueOf(name).Convert(s.typ.Key()), elem)
	})
}

func (r *jsonReader) document(v reflect.Value) {
	r.peek()
	start := r.i
	r.skip()
	if r.err != nil {
		return
	}
	var out any
	if err := json.Unmarshal(r.b[start:r.i], &out); err != nil {
		r.fail("%v", err)
		return
	}
	if out != nil {
		v.Set(reflect.ValueOf(out))
	}
}

func (r *jsonReader) scalar(s *shape, v reflect.Value) {
	c := r.peek()
	isNumber := c == '-' || c >= '0' && c <= '9'
	switch {
	case s.kind == kindString && c == '"':
		v.SetString(r.str())
	case s.kind == kindBool && c == 't' && r.literal("true"):
		v.SetBool(true)
	case s.kind == kindBool && c == 'f' && r.literal("false"):
		v.SetBool(false)
	case s.kind == kindInt && isNumber:
		r.integer(s, v)
	case s.kind == kindFloat && isNumber:
		f, err := strconv.ParseFloat(string(r.number()), s.typ.Bits())
		if err != nil {
			r.fail("Number is out of range")
			return
		}
		v.SetFloat(f)
	case s.kind == kindFloat && c == '"':
		switch text := r.str(); text {
		case "NaN", "Infinity", "-Infinity":
			f, _ := parseFloat(text)
			v.SetFloat(f)
		default:
			r.fail("STRING_VALUE can not be converted to a Double")
		}
	case s.kind == kindBlob && c == '"':
		raw, err := base64.StdEncoding.Strict().DecodeString(r.str())
		if err != nil {
			r.fail("Invalid base64")
			return
		}
		v.SetBytes(raw)
	case s.kind == kindTime:
		r.time(s, v, isNumber)
	default:
		r.fail("%s can not be converted to %s", r.what(), kindNames[s.kind])
	}
}

var kindNames = map[kind]string{
	kindString: "a String", kindBool: "a Boolean", kindInt: "an Integer", kindFloat: "a Double",
	kindBlob: "a Blob", kindTime: "a Timestamp", kindStream: "a stream",
}

// integer reads a whole number that fits the type.
func (r *jsonReader) integer(s *shape, v reflect.Value) {
	text := string(r.number())
	if r.err != nil {
		return
	}
	n, err := strconv.ParseInt(text, 10, s.typ.Bits())
	if err != nil {
		r.fail("NUMBER_VALUE can not be converted to %s", integerName(s.typ))
		return
	}
	v.SetInt(n)
}

func (r *jsonReader) time(s *shape, v reflect.Value, isNumber bool) {
	format := first(s.timestamp, unixTimestamp)
	switch {
	case isNumber && format == unixTimestamp:
		f, err := strconv.ParseFloat(string(r.number()), 64)
		t, ok := epoch(f)
		if err != nil || !ok {
			r.fail("Timestamp is out of range")
			return
		}
		v.Set(reflect.ValueOf(t))
	case r.peek() == '"' && format != unixTimestamp:
		t, ok := parseTime(r.str(), format)
		if !ok {
			r.fail("STRING_VALUE can not be converted to a Timestamp")
			return
		}
		v.Set(reflect.ValueOf(t))
	default:
		r.fail("%s can not be converted to a Timestamp", r.what())
	}
}
