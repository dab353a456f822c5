package metrics

import (
	"maps"
	"math"
	"slices"
)

// maxBuckets is how many different values a sketch tells apart.
const maxBuckets = 160

// firstShift is how many bits of a value's mantissa are dropped when there are too
// many values: 8 are left, so that a value is at most 0.4 % off.
const firstShift = 44

// sketch counts values. As long as they are few each is counted by itself; then low
// bits of their mantissas are dropped until few remain, so that neighbours share a
// bucket whose width grows with the value.
type sketch struct {
	shift  uint
	counts map[uint64]float64
}

// ordered maps floats to integers of the same order.
func ordered(v float64) uint64 {
	if v == 0 {
		v = 0 // minus zero
	}
	if bits := math.Float64bits(v); bits>>63 == 0 {
		return bits | 1<<63
	} else {
		return ^bits
	}
}

func unordered(k uint64) float64 {
	if k>>63 == 1 {
		return math.Float64frombits(k &^ (1 << 63))
	}
	return math.Float64frombits(^k)
}

func (s *sketch) add(v, n float64) {
	if s.counts == nil {
		s.counts = map[uint64]float64{}
	}
	s.counts[ordered(v)>>s.shift] += n
	s.bound()
}

// bound makes buckets wider until there are few enough.
func (s *sketch) bound() {
	for len(s.counts) > maxBuckets {
		s.coarsen(max(firstShift, s.shift+1))
	}
}

func (s *sketch) coarsen(shift uint) {
	wide := make(map[uint64]float64, len(s.counts))
	for k, n := range s.counts {
		wide[k>>(shift-s.shift)] += n
	}
	s.shift, s.counts = shift, wide
}

func (s *sketch) merge(o sketch) {
	if len(o.counts) == 0 {
		return
	}
	if s.counts == nil {
		s.shift, s.counts = o.shift, maps.Clone(o.counts)
		return
	}
	if s.shift < o.shift {
		s.coarsen(o.shift)
	}
	for k, n := range o.counts {
		s.counts[k>>(s.shift-o.shift)] += n
	}
	s.bound()
}

// bucket is a value and how often it was seen.
type bucket struct{ value, count float64 }

// buckets are the values in ascending order, where a bucket of several stands for
// its middle.
func (s *sketch) buckets(lowest, highest float64) []bucket {
	out := make([]bucket, 0, len(s.counts))
	for _, k := range slices.Sorted(maps.Keys(s.counts)) {
		v := unordered(k << s.shift)
		if s.shift > 0 {
			v = (v + unordered((k+1)<<s.shift)) / 2
		}
		out = append(out, bucket{min(max(v, lowest), highest), s.counts[k]})
	}
	return out
}
