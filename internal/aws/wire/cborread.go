package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Major types of CBOR (RFC 8949).
const (
	cborUint = iota
	cborNegative
	cborBytes
	cborText
	cborArray
	cborMap
	cborTag
	cborSimple
)

// cborReader reads CBOR from front to back; the first error is kept.
type cborReader struct {
	b        []byte
	i        int
	depth    int
	elements int
	err      error
}

var errShortCBOR = errors.New("Unexpected end of input")

func (r *cborReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.i = len(r.b)
}

// head is the start of a data item.
type head struct {
	major      byte
	info       byte
	arg        uint64
	indefinite bool
}

func (r *cborReader) head() head {
	if r.i >= len(r.b) {
		r.fail(errShortCBOR)
		return head{}
	}
	h := head{major: r.b[r.i] >> 5, info: r.b[r.i] & 31}
	r.i++
	switch {
	case h.info < 24:
		h.arg = uint64(h.info)
	case h.info <= 27:
		n := 1 << (h.info - 24)
		if len(r.b)-r.i < n {
			r.fail(errShortCBOR)
			return head{}
		}
		var full [8]byte
		copy(full[8-n:], r.b[r.i:r.i+n])
		h.arg = binary.BigEndian.Uint64(full[:])
		r.i += n
	case h.info == 31 && h.major >= cborBytes && h.major <= cborMap:
		h.indefinite = true
	case h.info == 31 && h.major == cborSimple: // break
	default:
		r.fail(fmt.Errorf("Reserved additional information at offset %d", r.i-1))
	}
	return h
}

// stop consumes the break that ends an item of indefinite length.
func (r *cborReader) stop() bool {
	if r.i < len(r.b) && r.b[r.i] == 0xff {
		r.i++
		return true
	}
	return r.err != nil
}

// null consumes null or undefined if it comes next.
func (r *cborReader) null() bool {
	if r.i < len(r.b) && (r.b[r.i] == 0xf6 || r.b[r.i] == 0xf7) {
		r.i++
		return true
	}
	return false
}

// items calls f for each of an array's elements or a map's pairs.
func (r *cborReader) items(h head, f func()) {
	if r.depth++; r.depth > maxDepth {
		r.fail(fmt.Errorf("The request is nested more than %d levels deep", maxDepth))
	}
	for n := uint64(0); r.err == nil; n++ {
		if h.indefinite && r.stop() || !h.indefinite && n >= h.arg {
			break
		}
		if r.elements++; r.elements > maxElements {
			r.fail(fmt.Errorf("The request has more than %d elements", maxElements))
			break
		}
		f()
	}
	r.depth--
}

// bytes reads the rest of a text or byte string.
func (r *cborReader) bytes(h head) []byte {
	if !h.indefinite {
		if uint64(len(r.b)-r.i) < h.arg {
			r.fail(errShortCBOR)
			return nil
		}
		out := r.b[r.i : r.i+int(h.arg)]
		r.i += int(h.arg)
		return out
	}
	var out []byte
	for !r.stop() {
		chunk := r.head()
		if chunk.major != h.major || chunk.indefinite {
			r.fail(errors.New("A string's chunk is not a string"))
			return nil
		}
		out = append(out, r.bytes(chunk)...)
	}
	return out
}

// text reads a text string.
func (r *cborReader) text() string {
	h := r.head()
	if r.err == nil && h.major != cborText {
		r.fail(errors.New("A map's key is not a text string"))
		return ""
	}
	return string(r.bytes(h))
}

// float returns the number that a float item holds.
func (h head) float() (float64, bool) {
	if h.major != cborSimple {
		return 0, false
	}
	switch h.info {
	case 25:
		return float16(uint16(h.arg)), true
	case 26:
		return float64(math.Float32frombits(uint32(h.arg))), true
	case 27:
		return math.Float64frombits(h.arg), true
	}
	return 0, false
}

func float16(bits uint16) float64 {
	sign := 1.0
	if bits&0x8000 != 0 {
		sign = -1
	}
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1+fraction/1024, exponent-15)
}

// skip reads over one item.
func (r *cborReader) skip() {
	h := r.head()
	switch h.major {
	case cborBytes, cborText:
		r.bytes(h)
	case cborArray:
		r.items(h, r.skip)
	case cborMap:
		r.items(h, func() { r.skip(); r.skip() })
	case cborTag:
		r.items(head{arg: 1}, r.skip)
	case cborSimple:
		if h.info == 31 {
			r.fail(errors.New("Unexpected break"))
		}
	}
}
