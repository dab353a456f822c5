package metrics

import "time"

// Point is what was measured from Start on, for as long as its series or the question
// says.
type Point struct {
	Start              time.Time
	Sum, Min, Max      float64
	Count              float64 // samples
	values             sketch
	withoutPercentiles bool // statistics were given instead of values
}

// Add counts a value n times.
func (p *Point) Add(v, n float64) {
	p.summarize(v*n, v, v, n)
	p.values.add(v, n)
}

// AddStatistics counts n values of which only the statistics are known. Percentiles
// of them are known only when they are all the same.
func (p *Point) AddStatistics(sum, lowest, highest, n float64) {
	p.summarize(sum, lowest, highest, n)
	if n == 1 || lowest == highest {
		p.values.add(lowest, n)
	} else {
		p.withoutPercentiles = true
	}
}

func (p *Point) summarize(sum, lowest, highest, n float64) {
	if p.Count == 0 {
		p.Min, p.Max = lowest, highest
	}
	p.Sum, p.Count, p.Min, p.Max = p.Sum+sum, p.Count+n, min(p.Min, lowest), max(p.Max, highest)
}

// Merge adds what another point counted.
func (p *Point) Merge(o *Point) {
	if o.Count == 0 && o.Sum == 0 {
		return
	}
	p.summarize(o.Sum, o.Min, o.Max, o.Count)
	p.values.merge(o.values)
	p.withoutPercentiles = p.withoutPercentiles || o.withoutPercentiles
}

// Average is the mean of the samples.
func (p *Point) Average() float64 {
	if p.Count == 0 {
		return 0
	}
	return p.Sum / p.Count
}
