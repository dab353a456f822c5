package wire

import (
	"encoding/binary"
	"math"
	"net/http"
	"reflect"
	"time"
)

func (op *Operation) encodeCBOR(w http.ResponseWriter, plan *structPlan, v reflect.Value, hasOutput bool) error {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	if !hasOutput {
		return send(w, http.StatusOK, nil)
	}
	w.Header().Set("Content-Type", "application/cbor")
	return send(w, http.StatusOK, append(appendCBORMembers([]byte{0xbf}, plan, v), 0xff))
}

func (f failure) cbor(w http.ResponseWriter, status int) error {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	b := appendCBORText(appendCBORText([]byte{0xbf}, "__type"), f.shape)
	if f.plan != nil {
		b = appendCBORMembers(b, f.plan, f.value)
	}
	if f.message != "" && !f.hasMessage() {
		b = appendCBORText(appendCBORText(b, "message"), f.message)
	}
	return send(w, status, append(b, 0xff))
}

// appendCBOR writes a value; structures are maps of indefinite length.
func appendCBOR(b []byte, s *shape, v reflect.Value) []byte {
	switch s.kind {
	case kindStruct:
		return append(appendCBORMembers(append(b, 0xbf), s.plan, v), 0xff)
	case kindList:
		b = appendCBORHead(b, cborArray, uint64(v.Len()))
		for i := range v.Len() {
			b = appendCBORElement(b, s.elem, v.Index(i))
		}
		return b
	case kindMap:
		b = appendCBORHead(b, cborMap, uint64(v.Len()))
		for _, k := range sortedKeys(v) {
			b = appendCBORElement(appendCBORText(b, k.String()), s.elem, v.MapIndex(k))
		}
		return b
	case kindString:
		return appendCBORText(b, v.String())
	case kindBlob:
		return append(appendCBORHead(b, cborBytes, uint64(v.Len())), v.Bytes()...)
	case kindBool:
		if v.Bool() {
			return append(b, 0xf5)
		}
		return append(b, 0xf4)
	case kindInt:
		if n := v.Int(); n < 0 {
			return appendCBORHead(b, cborNegative, uint64(-1-n))
		}
		return appendCBORHead(b, cborUint, uint64(v.Int()))
	case kindFloat:
		return appendCBORFloat(b, v.Float())
	case kindTime:
		ms := v.Interface().(time.Time).UnixMilli()
		return appendCBORFloat(append(b, 0xc1), float64(ms)/1000)
	}
	return append(b, 0xf6)
}

func appendCBORMembers(b []byte, p *structPlan, v reflect.Value) []byte {
	for i := range p.fields {
		f := &p.fields[i]
		if f.in != "" {
			continue
		}
		if value, ok := f.value(v.Field(f.index)); ok {
			b = appendCBOR(appendCBORText(b, f.wire), &f.shape, value)
		}
	}
	return b
}

func appendCBORElement(b []byte, s *shape, v reflect.Value) []byte {
	if s.ptr {
		if v.IsNil() {
			return append(b, 0xf6)
		}
		v = v.Elem()
	}
	return appendCBOR(b, s, v)
}

func appendCBORText(b []byte, s string) []byte {
	return append(appendCBORHead(b, cborText, uint64(len(s))), s...)
}

func appendCBORFloat(b []byte, f float64) []byte {
	if float64(float32(f)) == f {
		return binary.BigEndian.AppendUint32(append(b, 0xfa), math.Float32bits(float32(f)))
	}
	return binary.BigEndian.AppendUint64(append(b, 0xfb), math.Float64bits(f))
}

func appendCBORHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}
