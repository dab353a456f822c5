package wire

import (
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"
)

// kind is what a value is on the wire.
type kind uint8

const (
	kindString kind = iota
	kindBool
	kindInt   // any signed Go integer; its size bounds the value
	kindFloat // float32, float64
	kindBlob
	kindStream
	kindTime
	kindStruct
	kindList
	kindMap
	kindDocument // any JSON value
)

// shape is the plan of a type at one place of use.
type shape struct {
	facts
	kind  kind
	typ   reflect.Type // of the value, not of a pointer to it
	ptr   bool         // the Go value is a pointer to typ
	elem  *shape       // of a list or map
	key   *shape       // of a map
	plan  *structPlan  // of a structure
	enum  []string     // allowed values
	regex *pattern
}

// field is the plan of one member.
type field struct {
	shape
	index int
	wire  string // name in JSON and XML bodies, headers and query strings
	form  string // name in an ec2 form
}

// structPlan is the plan of a structure, read once from its tags.
type structPlan struct {
	typ     reflect.Type
	fields  []field
	byWire  map[string]int // body members by wire name
	payload int            // index in fields, -1 without
	status  int            // index of the statusCode member, -1 without
	body    bool           // some members live in the body
	bound   bool           // some members live in headers, uri or query
	union   bool
}

var (
	timeType   = reflect.TypeFor[time.Time]()
	blobType   = reflect.TypeFor[[]byte]()
	streamType = reflect.TypeFor[io.ReadCloser]()
	anyType    = reflect.TypeFor[any]()
)

// plans remembers the plan of each structure type, as encoding/json does.
var plans struct {
	done  sync.Map // reflect.Type -> *structPlan
	build sync.Mutex
}

// planOf returns the plan of a structure type. A type that awsgen would not
// make is a programming error, found by the first request: it panics.
func planOf(t reflect.Type) *structPlan {
	if p, ok := plans.done.Load(t); ok {
		return p.(*structPlan)
	}
	plans.build.Lock()
	defer plans.build.Unlock()
	b := builder{building: map[reflect.Type]*structPlan{}}
	p := b.structure(t)
	for t, p := range b.building {
		plans.done.Store(t, p)
	}
	return p
}

// builder builds plans; building holds unfinished ones so that recursive types end.
type builder struct {
	building map[reflect.Type]*structPlan
}

func (b *builder) structure(t reflect.Type) *structPlan {
	if p, ok := plans.done.Load(t); ok {
		return p.(*structPlan)
	}
	if p, ok := b.building[t]; ok {
		return p
	}
	p := &structPlan{typ: t, byWire: map[string]int{}, payload: -1, status: -1}
	b.building[t] = p
	for i := range t.NumField() {
		sf := t.Field(i)
		tag, ok := parseTag(sf.Tag)
		if !ok {
			continue
		}
		f := field{shape: *b.shape(sf.Type, tag, ""), index: i}
		f.wire, f.form = names(f.facts)
		p.add(f)
	}
	return p
}

func (p *structPlan) add(f field) {
	n := len(p.fields)
	switch {
	case f.payload:
		p.payload = n
		p.byWire[f.wire] = n // protocols without bindings take it for any member
	case f.in == "statusCode":
		p.status = n
	case f.in != "":
		p.bound = true
	default:
		p.body = true
		p.byWire[f.wire] = n
	}
	p.union = p.union || f.union
	p.fields = append(p.fields, f)
}

// names returns the member's name on the wire and in ec2 forms.
func names(f facts) (wire, form string) {
	wire, form = f.member, f.member
	if f.loc != "" {
		wire = f.loc
		form = upperFirst(f.loc)
	}
	if f.in == "headers" {
		wire = f.loc // a prefix, possibly empty
	}
	if f.query != "" {
		form = f.query
	}
	return wire, form
}

func (b *builder) shape(t reflect.Type, tag tag, prefix string) *shape {
	s := &shape{facts: tag.facts(prefix), typ: t}
	if t.Kind() == reflect.Pointer {
		s.ptr, s.typ = true, t.Elem()
	}
	s.kind = kindOf(s.typ)
	switch s.kind {
	case kindStruct:
		s.plan = b.structure(s.typ)
	case kindList:
		s.elem = b.shape(s.typ.Elem(), tag, prefix+"m.")
	case kindMap:
		s.key = b.shape(s.typ.Key(), tag, prefix+"k.")
		s.elem = b.shape(s.typ.Elem(), tag, prefix+"v.")
	}
	if e, ok := reflect.Zero(s.typ).Interface().(interface{ EnumValues() []string }); ok {
		s.enum = e.EnumValues()
	}
	if s.facts.pattern != "" {
		s.regex = compilePattern(s.facts.pattern)
	}
	return s
}

func kindOf(t reflect.Type) kind {
	switch t {
	case timeType:
		return kindTime
	case blobType:
		return kindBlob
	case streamType:
		return kindStream
	case anyType:
		return kindDocument
	}
	switch t.Kind() {
	case reflect.String:
		return kindString
	case reflect.Bool:
		return kindBool
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return kindInt
	case reflect.Float32, reflect.Float64:
		return kindFloat
	case reflect.Struct:
		return kindStruct
	case reflect.Slice:
		return kindList
	case reflect.Map:
		return kindMap
	}
	panic(fmt.Sprintf("wire: no protocol can carry a %s", t))
}

// target returns the settable value behind v, which a pointer field gets now.
func (s *shape) target(v reflect.Value) reflect.Value {
	if !s.ptr {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(s.typ))
	}
	return v.Elem()
}

// value returns the value behind v and whether it is there: what is absent is
// not written. An empty string is absent, and so are nil lists, maps and
// pointers and the zero time; numbers and booleans without a pointer are always there.
func (s *shape) value(v reflect.Value) (reflect.Value, bool) {
	if s.ptr {
		if v.IsNil() {
			return v, false
		}
		return v.Elem(), true
	}
	switch s.kind {
	case kindString:
		return v, s.always || v.Len() > 0
	case kindBlob, kindList, kindMap, kindStream, kindDocument:
		return v, !v.IsNil()
	case kindTime:
		return v, !v.Interface().(time.Time).IsZero()
	}
	return v, true
}

func upperFirst(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		return string(s[0]-'a'+'A') + s[1:]
	}
	return s
}

func lowerFirst(s string) string {
	if s != "" && s[0] >= 'A' && s[0] <= 'Z' {
		return string(s[0]-'A'+'a') + s[1:]
	}
	return s
}
