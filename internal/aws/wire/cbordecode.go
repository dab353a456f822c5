package wire

import (
	"errors"
	"fmt"
	"math"
	"reflect"
)

func decodeCBORBody(body []byte, plan *structPlan, v reflect.Value) error {
	if len(body) == 0 {
		return nil
	}
	r := &cborReader{b: body}
	r.structure(plan, v)
	if r.err == nil && r.i < len(r.b) {
		return errors.New("Unexpected bytes behind the value")
	}
	return r.err
}

func (r *cborReader) value(s *shape, v reflect.Value) {
	v = s.target(v)
	switch s.kind {
	case kindStruct:
		r.structure(s.plan, v)
	case kindList:
		h := r.head()
		if h.major != cborArray {
			r.mismatch(s)
			return
		}
		v.Set(reflect.MakeSlice(s.typ, 0, 0))
		r.items(h, func() { r.element(s.elem, grow(v)) })
	case kindMap:
		h := r.head()
		if h.major != cborMap {
			r.mismatch(s)
			return
		}
		v.Set(reflect.MakeMap(s.typ))
		r.items(h, func() {
			key := r.text()
			elem := reflect.New(s.typ.Elem()).Elem()
			r.element(s.elem, elem)
			v.SetMapIndex(reflect.ValueOf(key).Convert(s.typ.Key()), elem)
		})
	default:
		r.scalar(s, v)
	}
}

func (r *cborReader) structure(p *structPlan, v reflect.Value) {
	h := r.head()
	if h.major != cborMap {
		r.fail(errors.New("A structure is not a map"))
		return
	}
	set := 0
	r.items(h, func() {
		name := r.text()
		if r.null() {
			return
		}
		n, ok := p.byWire[name]
		if !ok {
			r.skip()
			return
		}
		set++
		f := &p.fields[n]
		r.value(&f.shape, v.Field(f.index))
	})
	if p.union && set != 1 && r.err == nil {
		r.fail(errors.New("Exactly one member of a union must be set"))
	}
}

func (r *cborReader) element(s *shape, v reflect.Value) {
	if r.null() {
		if !s.ptr {
			r.fail(errors.New("A list or map must not contain null"))
		}
		return
	}
	r.value(s, v)
}

func (r *cborReader) mismatch(s *shape) {
	r.fail(fmt.Errorf("The value can not be converted to %s", first(kindNames[s.kind], "a list or map")))
}

func (r *cborReader) scalar(s *shape, v reflect.Value) {
	h := r.head()
	switch {
	case s.kind == kindString && h.major == cborText:
		v.SetString(string(r.bytes(h)))
	case s.kind == kindBlob && h.major == cborBytes:
		v.SetBytes(append([]byte{}, r.bytes(h)...))
	case s.kind == kindBool && h.major == cborSimple && (h.arg == 20 || h.arg == 21) && h.info < 24:
		v.SetBool(h.arg == 21)
	case s.kind == kindInt && h.major <= cborNegative:
		n := int64(h.arg)
		if h.major == cborNegative {
			n = -1 - n
		}
		if h.arg > math.MaxInt64 || v.OverflowInt(n) {
			r.mismatch(s)
			return
		}
		v.SetInt(n)
	case s.kind == kindFloat:
		if f, ok := r.float(h); ok {
			v.SetFloat(f)
		} else {
			r.mismatch(s)
		}
	case s.kind == kindTime && h.major == cborTag && h.arg == 1:
		f, ok := r.float(r.head())
		t, valid := epoch(f)
		if !ok || !valid {
			r.mismatch(s)
			return
		}
		v.Set(reflect.ValueOf(t))
	default:
		r.mismatch(s)
	}
}

// float accepts integers for floats.
func (r *cborReader) float(h head) (float64, bool) {
	switch h.major {
	case cborUint:
		return float64(h.arg), true
	case cborNegative:
		return -1 - float64(h.arg), true
	}
	return h.float()
}
