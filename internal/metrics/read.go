package metrics

import (
	"context"
	"time"
)

// Read returns the points of a series from a time on until before another, oldest
// first, each of the length of a period, of which the first begins at from. A period
// has no points where only longer ones are kept any more.
func (s *Store) Read(ctx context.Context, k Key, period time.Duration, from, to time.Time) ([]Point, error) {
	if err := s.Flush(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	known := s.series[k]
	s.mu.Unlock()
	if known == nil || period < time.Second {
		return nil, nil
	}
	step, first, length := int64(60), from.Unix(), int64(period/time.Second)
	if length < 60 {
		step = 1
	}
	rows, err := s.db.QueryContext(ctx, `SELECT start, data FROM point WHERE series = ? AND step IN (?, 300, 3600) AND step <= ? AND start >= ? AND start < ? ORDER BY start`,
		known.id, step, length, first, to.Unix())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Point
	err = eachPoint(rows, func(start int64, p *Point) {
		bin := time.Unix(start-(start-first)%length, 0).UTC()
		if n := len(out); n > 0 && out[n-1].Start.Equal(bin) {
			out[n-1].Merge(p)
			return
		}
		p.Start = bin
		out = append(out, *p)
	})
	return out, err
}
