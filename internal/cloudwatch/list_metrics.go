package cloudwatch

import (
	"context"
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/metrics"
)

const (
	listedFor  = 14 * 24 * time.Hour // since a metric's last value
	recentFor  = 3 * time.Hour
	maxMetrics = 500
)

// ListMetrics lists metrics that had values in the last two weeks.
func (s *Service) ListMetrics(ctx context.Context, in *cloudwatchapi.ListMetricsInput) (*cloudwatchapi.ListMetricsOutput, error) {
	id := caller.From(ctx)
	if in.IncludeLinkedAccounts || in.OwningAccount != "" && in.OwningAccount != id.Account {
		return nil, refused("Listing the metrics of other accounts")
	}
	since := s.now().Add(-listedFor)
	if in.RecentlyActive != "" {
		since = s.now().Add(-recentFor)
	}
	all := []cloudwatchapi.Metric{}
	var last metrics.Key
	for _, m := range s.series(id.Account, id.Region) {
		k := m.Key
		k.Unit = ""
		if k == last || m.Last.Before(since) || in.Namespace != "" && k.Namespace != in.Namespace || in.MetricName != "" && k.Name != in.MetricName {
			continue
		}
		last = k
		dims := k.Dimensions.List()
		if slices.ContainsFunc(in.Dimensions, func(f cloudwatchapi.DimensionFilter) bool {
			return !slices.ContainsFunc(dims, func(d metrics.Dimension) bool { return d.Name == f.Name && (f.Value == "" || d.Value == f.Value) })
		}) {
			continue
		}
		out := cloudwatchapi.Metric{Namespace: k.Namespace, MetricName: k.Name, Dimensions: []cloudwatchapi.Dimension{}}
		for _, d := range dims {
			out.Dimensions = append(out.Dimensions, cloudwatchapi.Dimension{Name: d.Name, Value: d.Value})
		}
		all = append(all, out)
	}
	shown, token, err := page(all, in.NextToken, maxMetrics)
	return &cloudwatchapi.ListMetricsOutput{Metrics: shown, NextToken: token}, err
}

func (s *Service) series(account, region string) []metrics.Series {
	if s.Metrics == nil {
		return nil
	}
	return s.Metrics.Series(account, region)
}
