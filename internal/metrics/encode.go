package metrics

import (
	"encoding/binary"
	"errors"
	"maps"
	"math"
	"slices"
)

// pointFormat begins an encoded point; another format would begin otherwise.
const pointFormat = 1

var errPoint = errors.New("metrics: a stored point is damaged")

// encode is a point as it is stored: statistics, then buckets by ascending value, as
// distance to the one before and count.
func (p *Point) encode() []byte {
	b := []byte{pointFormat, 0, byte(p.values.shift)}
	if p.withoutPercentiles {
		b[1] = 1
	}
	for _, v := range []float64{p.Sum, p.Min, p.Max, p.Count} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	b = binary.AppendUvarint(b, uint64(len(p.values.counts)))
	var last uint64
	for _, k := range slices.Sorted(maps.Keys(p.values.counts)) {
		b = binary.AppendUvarint(b, k-last)
		b = appendCount(b, p.values.counts[k])
		last = k
	}
	return b
}

// appendCount writes whole numbers short: counts mostly are.
func appendCount(b []byte, n float64) []byte {
	if whole := uint64(n); n >= 0 && n < 1<<53 && float64(whole) == n {
		return binary.AppendUvarint(b, whole<<1)
	}
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(b, 1), math.Float64bits(n))
}

func decodePoint(b []byte) (*Point, error) {
	if len(b) < 36 || b[0] != pointFormat || b[2] > 63 {
		return nil, errPoint
	}
	p := &Point{withoutPercentiles: b[1] == 1, values: sketch{shift: uint(b[2])}}
	for i, v := range []*float64{&p.Sum, &p.Min, &p.Max, &p.Count} {
		*v = math.Float64frombits(binary.LittleEndian.Uint64(b[3+8*i:]))
	}
	r := reader{b: b[35:]}
	n := r.uvarint()
	if n > maxBuckets {
		return nil, errPoint
	}
	var key uint64
	for range n {
		key += r.uvarint()
		if p.values.counts == nil {
			p.values.counts = make(map[uint64]float64, n)
		}
		p.values.counts[key] = r.count()
	}
	if r.failed {
		return nil, errPoint
	}
	return p, nil
}

type reader struct {
	b      []byte
	failed bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.failed = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) count() float64 {
	v := r.uvarint()
	if v&1 == 0 {
		return float64(v >> 1)
	}
	if len(r.b) < 8 {
		r.failed = true
		return 0
	}
	n := math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	return n
}
