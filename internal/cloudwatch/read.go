package cloudwatch

import (
	"context"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/metrics"
)

// units are all units of metrics.
var units = cloudwatchapi.StandardUnit("").EnumValues()

// keysOf are the series of a metric: that of its unit, or one for each unit that has
// values.
func (s *Service) keysOf(k metrics.Key) []metrics.Key {
	if s.Metrics == nil {
		return nil
	}
	if k.Unit != "" {
		return []metrics.Key{k}
	}
	var out []metrics.Key
	for _, u := range units {
		if k.Unit = u; s.Metrics.Has(k) {
			out = append(out, k)
		}
	}
	return out
}

// read returns the points of a metric, whatever their units where it names none.
func (s *Service) read(ctx context.Context, k metrics.Key, period time.Duration, from, to time.Time) ([]metrics.Point, error) {
	var out []metrics.Point
	for _, k := range s.keysOf(k) {
		points, err := s.Metrics.Read(ctx, k, period, from, to)
		if err != nil {
			return nil, err
		}
		out = joined(out, points)
	}
	return out, nil
}

// joined are the points of two lists in order, those of one period as one.
func joined(a, b []metrics.Point) []metrics.Point {
	if len(a) == 0 {
		return b
	}
	var out []metrics.Point
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Start.Before(b[0].Start):
			out, a = append(out, a[0]), a[1:]
		case len(a) == 0 || b[0].Start.Before(a[0].Start):
			out, b = append(out, b[0]), b[1:]
		default:
			a[0].Merge(&b[0])
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return out
}

// validPeriod is which periods statistics may have, in seconds.
func validPeriod(seconds int32) bool {
	return seconds == 1 || seconds == 5 || seconds == 10 || seconds == 20 || seconds == 30 || seconds > 0 && seconds%60 == 0
}

// rounded is the start of a question: the finer, the younger it is.
func rounded(start, now time.Time, period time.Duration) time.Time {
	to := min(period, time.Minute)
	switch age := now.Sub(start); {
	case age > 63*24*time.Hour:
		to = time.Hour
	case age > 15*24*time.Hour:
		to = 5 * time.Minute
	}
	return time.Unix(start.Unix()-start.Unix()%int64(to/time.Second), 0).UTC()
}
