package cloudwatch

import (
	"context"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
)

const (
	maxQueries   = 500
	maxDataPage  = 100_800
	oldestPoints = 455 * 24 * time.Hour
)

// GetMetricData answers metrics and expressions on them.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatchapi.GetMetricDataInput) (*cloudwatchapi.GetMetricDataOutput, error) {
	id := caller.From(ctx)
	size := int(wire.Or(in.MaxDatapoints, maxDataPage))
	switch {
	case len(in.MetricDataQueries) == 0:
		return nil, validation("The parameter MetricDataQueries is required.")
	case len(in.MetricDataQueries) > maxQueries:
		return nil, validation("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	case !in.StartTime.Before(in.EndTime):
		return nil, validation("The parameter StartTime must be less than the parameter EndTime.")
	case size < 1 || size > maxDataPage:
		return nil, validation("The parameter MaxDatapoints must be between 1 and %d.", maxDataPage)
	case in.LabelOptions != nil && in.LabelOptions.Timezone != "" && in.LabelOptions.Timezone != "+0000":
		return nil, refused("LabelOptions.Timezone")
	}
	queries, err := checkQueries(id.Account, id.Region, "MetricDataQueries", in.MetricDataQueries)
	if err != nil {
		return nil, err
	}
	start, end := in.StartTime, in.EndTime
	if oldest := s.now().Add(-oldestPoints); start.Before(oldest) {
		start = oldest
	}
	if newest := s.now().Add(aheadData); end.After(newest) {
		end = newest
	}
	a := s.ask(queries, start, end)
	if a.size() > maxPoints {
		return nil, validation("The request asks for more than %s datapoints. You may reduce them by increasing Period, or decreasing the time range.", grouped(maxPoints))
	}
	out := &cloudwatchapi.GetMetricDataOutput{MetricDataResults: []cloudwatchapi.MetricDataResult{}, Messages: []cloudwatchapi.MessageData{}}
	for _, q := range queries {
		if !q.returned() {
			continue
		}
		found, err := a.answer(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, series := range found.list {
			r := cloudwatchapi.MetricDataResult{Id: q.Id, Label: series.Label, Timestamps: []time.Time{}, Values: []float64{}, StatusCode: cloudwatchapi.StatusCodeComplete}
			for _, p := range series.Points {
				r.Timestamps, r.Values = append(r.Timestamps, time.Unix(p.At, 0).UTC()), append(r.Values, p.Value)
			}
			if in.ScanBy != cloudwatchapi.ScanByTimestampAscending {
				slices.Reverse(r.Timestamps)
				slices.Reverse(r.Values)
			}
			out.MetricDataResults = append(out.MetricDataResults, r)
		}
	}
	return out, pageOfData(out, in.NextToken, size)
}

// pageOfData keeps those datapoints of an answer that belong on a page, counted
// through all results.
func pageOfData(out *cloudwatchapi.GetMetricDataOutput, token string, size int) error {
	skip, err := place(token)
	if err != nil {
		return err
	}
	next := skip + size
	left, all := size, 0
	for i := range out.MetricDataResults {
		r := &out.MetricDataResults[i]
		n := len(r.Values)
		all += n
		from := min(skip, n)
		skip -= from
		to := min(from+left, n)
		left -= to - from
		if to < n {
			r.StatusCode = cloudwatchapi.StatusCodePartialData
		}
		r.Timestamps, r.Values = r.Timestamps[from:to], r.Values[from:to]
	}
	if all > next {
		out.NextToken = tokenOf(next)
	}
	return nil
}
