package cloudwatch

import (
	"context"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/metrics"
)

const maxDatapoints = 1440

// GetMetricStatistics answers statistics of one metric.
func (s *Service) GetMetricStatistics(ctx context.Context, in *cloudwatchapi.GetMetricStatisticsInput) (*cloudwatchapi.GetMetricStatisticsOutput, error) {
	id := caller.From(ctx)
	dims, err := dimensions("Dimensions", in.Dimensions)
	if err != nil {
		return nil, err
	}
	period := time.Duration(in.Period) * time.Second
	switch {
	case len(in.Statistics)+len(in.ExtendedStatistics) == 0:
		return nil, combination("Must specify either Statistics or ExtendedStatistics")
	case !validPeriod(in.Period):
		return nil, invalid("The parameter Period must have a value of 1, 5, 10, 20, 30 or a multiple of 60.")
	case !in.StartTime.Before(in.EndTime):
		return nil, combination("The parameter StartTime must be less than the parameter EndTime.")
	}
	if n := int64(in.EndTime.Sub(in.StartTime) / period); n > maxDatapoints {
		return nil, combination("You have requested up to %s datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", grouped(n))
	}
	extended := map[string]metrics.Statistic{}
	for _, name := range in.ExtendedStatistics {
		f, ok := metrics.ParseStatistic(name)
		if !ok {
			return nil, invalid("The value %s for parameter ExtendedStatistics is not supported.", name)
		}
		extended[name] = f
	}
	out := &cloudwatchapi.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []cloudwatchapi.Datapoint{}}
	key := metrics.Key{Account: id.Account, Region: id.Region, Namespace: in.Namespace, Name: in.MetricName, Dimensions: dims, Unit: string(in.Unit)}
	for _, k := range s.keysOf(key) {
		points, err := s.Metrics.Read(ctx, k, period, rounded(in.StartTime, s.now(), period), in.EndTime)
		if err != nil {
			return nil, err
		}
		for i := range points {
			if d, ok := datapoint(&points[i], in.Statistics, extended); ok {
				d.Unit = cloudwatchapi.StandardUnit(k.Unit)
				out.Datapoints = append(out.Datapoints, d)
			}
		}
	}
	return out, nil
}

// datapoint is what was asked for of a point; false when it has nothing of that.
func datapoint(p *metrics.Point, statistics []cloudwatchapi.Statistic, extended map[string]metrics.Statistic) (cloudwatchapi.Datapoint, bool) {
	d := cloudwatchapi.Datapoint{Timestamp: p.Start}
	for _, name := range statistics {
		f, _ := metrics.ParseStatistic(string(name)) // the model lists them
		v, _ := f(p)
		switch name {
		case cloudwatchapi.StatisticSampleCount:
			d.SampleCount = &v
		case cloudwatchapi.StatisticSum:
			d.Sum = &v
		case cloudwatchapi.StatisticAverage:
			d.Average = &v
		case cloudwatchapi.StatisticMinimum:
			d.Minimum = &v
		case cloudwatchapi.StatisticMaximum:
			d.Maximum = &v
		}
	}
	for name, f := range extended {
		if v, ok := f(p); ok {
			if d.ExtendedStatistics == nil {
				d.ExtendedStatistics = map[string]float64{}
			}
			d.ExtendedStatistics[name] = v
		}
	}
	return d, len(statistics) > 0 || len(d.ExtendedStatistics) > 0
}

// grouped is a number with commas between thousands.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
