package metrics

import (
	"math"
	"strconv"
	"strings"
)

// Statistic computes one number of a point; false when the point has none, as
// percentiles where only statistics were recorded.
type Statistic func(p *Point) (float64, bool)

// plain are the statistics without a parameter.
var plain = map[string]Statistic{
	"SampleCount": func(p *Point) (float64, bool) { return p.Count, true },
	"Sum":         func(p *Point) (float64, bool) { return p.Sum, true },
	"Average":     func(p *Point) (float64, bool) { return p.Average(), true },
	"Minimum":     func(p *Point) (float64, bool) { return p.Min, true },
	"Maximum":     func(p *Point) (float64, bool) { return p.Max, true },
	"IQM":         ranged("TM", limits{25, 75, true}),
}

// ParseStatistic finds a statistic by its name: Average, p99.9, tm90, TM(10%:90%),
// PR(:300) and the like.
func ParseStatistic(name string) (Statistic, bool) {
	if s, ok := plain[name]; ok {
		return s, true
	}
	kind := strings.ToUpper(name[:min(2, len(name))])
	switch {
	case strings.HasSuffix(name, ")") && len(name) > 3 && name[2] == '(' && oneOf(kind, "TM", "WM", "TC", "TS", "PR"):
		l, ok := parseLimits(name[3 : len(name)-1])
		if !ok || kind == "PR" && l.percent {
			return nil, false
		}
		return ranged(kind, l), true
	case strings.HasPrefix(name, "p"):
		q, ok := percent(name[1:])
		return func(p *Point) (float64, bool) { return p.Percentile(q) }, ok
	case oneOf(kind, "TM", "WM", "TC", "TS"):
		q, ok := percent(name[2:])
		return ranged(kind, limits{0, q, true}), ok
	}
	return nil, false
}

func oneOf(s string, all ...string) bool {
	for _, a := range all {
		if s == a {
			return true
		}
	}
	return false
}

// percent is a number from 0 to 100 with at most ten decimal places.
func percent(text string) (float64, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || len(fraction) > 10 {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil && v <= 100
}

// limits are the values, or with percent the ranks, that a statistic is about.
type limits struct {
	low, high float64
	percent   bool
}

// parseLimits reads 10%:90%, :300 and the like.
func parseLimits(text string) (limits, bool) {
	low, high, ok := strings.Cut(text, ":")
	if !ok || low == "" && high == "" {
		return limits{}, false
	}
	l := limits{low: math.Inf(-1), high: math.Inf(1), percent: strings.Contains(text, "%")}
	if l.percent {
		l.low, l.high = 0, 100
	}
	for _, side := range []struct {
		text string
		to   *float64
	}{{low, &l.low}, {high, &l.high}} {
		if side.text == "" {
			continue
		}
		digits, isPercent := strings.CutSuffix(side.text, "%")
		v, err := strconv.ParseFloat(digits, 64)
		if err != nil || isPercent != l.percent || l.percent && (v < 0 || v > 100) {
			return limits{}, false
		}
		*side.to = v
	}
	return l, l.low < l.high
}

// Percentile is the value that q percent of the samples do not exceed, interpolated
// between neighbours.
func (p *Point) Percentile(q float64) (float64, bool) {
	if p.withoutPercentiles || p.Min < 0 || len(p.values.counts) == 0 {
		return 0, false
	}
	all := p.values.buckets(p.Min, p.Max)
	rank := q / 100 * (p.Count - 1)
	var before float64
	for i, b := range all {
		before += b.count
		if rank <= before-1 || i == len(all)-1 {
			return b.value, true
		}
		if rank < before { // between this one and the next
			return b.value + (all[i+1].value-b.value)*(rank-(before-1)), true
		}
	}
	return p.Max, true
}

// ranged is a statistic of the samples within limits: TM their mean, WM the mean
// with those outside moved to the limits, TC and TS count and sum, PR their
// share in percent.
func ranged(kind string, l limits) Statistic {
	return func(p *Point) (float64, bool) {
		if p.withoutPercentiles || p.Min < 0 || len(p.values.counts) == 0 {
			return 0, false
		}
		in, sum, moved := 0.0, 0.0, 0.0
		low, high := l.low, l.high
		if l.percent {
			low, _ = p.Percentile(l.low)
			high, _ = p.Percentile(l.high)
		}
		var before float64
		for _, b := range p.values.buckets(p.Min, p.Max) {
			n := b.count
			if l.percent { // the part of it whose ranks are within
				n = max(0, min(before+b.count, l.high/100*p.Count)-max(before, l.low/100*p.Count))
			} else if b.value <= l.low || b.value > l.high {
				n = 0
			}
			before += b.count
			in, sum = in+n, sum+n*b.value
			moved += b.count * min(max(b.value, low), high)
		}
		switch kind {
		case "TC":
			return in, true
		case "TS":
			return sum, true
		case "PR":
			return 100 * in / p.Count, true
		case "WM":
			return moved / p.Count, true
		}
		return sum / in, in > 0
	}
}
