package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/model"
)

// dynamic builds, at run time and by awsgen's own rules, the Go types that
// awsgen would generate for the little models of protocol vectors.
type dynamic struct {
	*model.Service
}

// maxUnroll is how often a recursive structure may hold itself: reflect cannot
// make recursive types.
const maxUnroll = 5

// structure returns the type of a structure shape; above counts the shapes around it.
func (d dynamic) structure(name string, above map[string]int) reflect.Type {
	if name == "" || above[name] > maxUnroll {
		return reflect.TypeFor[struct{}]()
	}
	above[name]++
	defer func() { above[name]-- }()
	shape := d.Shapes[name]
	var fields []reflect.StructField
	for _, m := range shape.Members {
		if d.Shapes[m.Shape].EventStream {
			continue
		}
		fields = append(fields, reflect.StructField{
			Name: "F" + model.GoName(m.Name),
			Type: d.parse(d.GoType(name, m), above),
			Tag:  reflect.StructTag(d.Tag(shape, m)),
		})
	}
	return reflect.StructOf(fields)
}

// parse makes a type of awsgen's source text for it.
func (d dynamic) parse(source string, above map[string]int) reflect.Type {
	switch {
	case strings.HasPrefix(source, "*"):
		return reflect.PointerTo(d.parse(source[1:], above))
	case source == "[]byte":
		return blobType
	case strings.HasPrefix(source, "[]"):
		return reflect.SliceOf(d.parse(source[2:], above))
	case strings.HasPrefix(source, "map["):
		key, elem, _ := strings.Cut(source[4:], "]")
		return reflect.MapOf(d.parse(key, above), d.parse(elem, above))
	}
	if t, ok := basicTypes[source]; ok {
		return t
	}
	for name, shape := range d.Shapes {
		if model.GoName(name) == source {
			if shape.Type == "structure" {
				return d.structure(name, above)
			}
			return reflect.TypeFor[string]()
		}
	}
	panic("no type " + source)
}

var basicTypes = map[string]reflect.Type{
	"string": reflect.TypeFor[string](), "bool": reflect.TypeFor[bool](), "int32": reflect.TypeFor[int32](), "int64": reflect.TypeFor[int64](),
	"float32": reflect.TypeFor[float32](), "float64": reflect.TypeFor[float64](), "time.Time": timeType, "io.ReadCloser": streamType, "any": anyType,
}

func (d dynamic) typeOf(ref *model.Ref) reflect.Type {
	if ref == nil {
		return reflect.TypeFor[struct{}]()
	}
	return d.structure(ref.Shape, map[string]int{})
}

// operation makes the descriptor of a vector's operation.
func (d dynamic) operation(op *model.Operation) *Operation {
	if op.Input != nil && op.Input.Payload != "" { // old models name the payload here
		d.Shapes[op.Input.Shape].Payload = op.Input.Payload
	}
	in := d.typeOf(op.Input)
	out := &Operation{Name: op.Name, Method: op.HTTP.Method, URI: op.HTTP.RequestURI, Status: op.HTTP.ResponseCode,
		NewInput: func() any { return reflect.New(in).Interface() }}
	if op.Output != nil {
		t := d.typeOf(op.Output)
		out.NewOutput = func() any { return reflect.New(t).Interface() }
		out.ResultWrapper = op.Output.ResultWrapper
		out.OutputRoot, out.OutputNS = d.Root(op.Output)
	}
	m := d.Metadata
	var protocols []Protocol
	for _, p := range m.WireProtocols("") {
		protocols = append(protocols, map[string]Protocol{"JSON10": JSON10, "JSON11": JSON11, "Query": Query, "EC2Query": EC2Query, "RESTJSON": RESTJSON, "RESTXML": RESTXML, "RPCv2": RPCv2}[p])
	}
	Describe(&Service{ID: m.ServiceID, TargetPrefix: m.TargetPrefix, APIVersion: m.APIVersion, XMLNamespace: m.XMLNamespace,
		QueryCompatible: m.AWSQueryCompatible != nil, Protocols: protocols, Operations: map[string]*Operation{op.Name: out}, Known: []string{op.Name}})
	return out
}

// fill sets v to what a vector's params or result say.
func fill(s *shape, v reflect.Value, data any) {
	if data == nil {
		return
	}
	v = s.target(v)
	switch s.kind {
	case kindStruct:
		members := data.(map[string]any)
		for i := range s.plan.fields {
			f := &s.plan.fields[i]
			if value, ok := members[f.member]; ok {
				fill(&f.shape, v.Field(f.index), value)
			}
		}
	case kindList:
		items := data.([]any)
		v.Set(reflect.MakeSlice(s.typ, len(items), len(items)))
		for i, item := range items {
			fill(s.elem, v.Index(i), item)
		}
	case kindMap:
		v.Set(reflect.MakeMap(s.typ))
		for k, item := range data.(map[string]any) {
			elem := reflect.New(s.typ.Elem()).Elem()
			fill(s.elem, elem, item)
			v.SetMapIndex(reflect.ValueOf(k), elem)
		}
	case kindDocument:
		v.Set(reflect.ValueOf(data))
	case kindStream:
		v.Set(reflect.ValueOf(io.NopCloser(strings.NewReader(data.(string)))))
	case kindBlob:
		v.SetBytes([]byte(data.(string)))
	case kindString:
		text, ok := data.(string)
		if !ok { // the trait "jsonvalue": clients give the value itself
			raw, _ := json.Marshal(data)
			text = string(raw)
		}
		v.SetString(text)
	case kindBool:
		v.SetBool(data.(bool))
	case kindInt:
		v.SetInt(int64(data.(float64)))
	case kindFloat:
		if text, ok := data.(string); ok {
			f, _ := parseFloat(text)
			v.SetFloat(f)
			return
		}
		v.SetFloat(data.(float64))
	case kindTime:
		v.Set(reflect.ValueOf(vectorTime(data)))
	default:
		panic(fmt.Sprintf("fill %v", s.typ))
	}
}

// vectorTime reads a timestamp of a vector: seconds, or text.
func vectorTime(data any) time.Time {
	if seconds, ok := data.(float64); ok {
		t, _ := epoch(seconds)
		return t
	}
	t, err := time.Parse(time.RFC3339, data.(string))
	if err != nil {
		panic(err)
	}
	return t
}

// same compares decoded values; NaN equals NaN, streams are read.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		return a.IsNil() == b.IsNil() && (a.IsNil() || same(a.Elem(), b.Elem()))
	case reflect.Struct:
		if a.Type() == timeType {
			return a.Interface().(time.Time).Equal(b.Interface().(time.Time))
		}
		for i := range a.NumField() {
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if !b.MapIndex(k).IsValid() || !same(a.MapIndex(k), b.MapIndex(k)) {
				return false
			}
		}
		return true
	case reflect.Float32, reflect.Float64:
		return a.Float() == b.Float() || math.IsNaN(a.Float()) && math.IsNaN(b.Float())
	case reflect.Interface:
		if ra, ok := a.Interface().(io.Reader); ok {
			rb, ok := b.Interface().(io.Reader)
			if !ok {
				return false
			}
			x, _ := io.ReadAll(ra)
			y, _ := io.ReadAll(rb)
			return bytes.Equal(x, y)
		}
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}
