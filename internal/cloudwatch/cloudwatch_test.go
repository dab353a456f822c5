package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// world is the service with a clock that stands.
type world struct {
	*Service
	t   *testing.T
	ctx context.Context
	at  time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	ok(t, err)
	numbers, err := metrics.Open(filepath.Join(t.TempDir(), "metrics.db"), slog.New(slog.DiscardHandler))
	ok(t, err)
	t.Cleanup(func() { _ = numbers.Close() })
	w := &world{t: t, ctx: caller.With(t.Context(), caller.ForRoot("000000000000", "eu-west-1")), at: time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC)}
	w.Service = New(Options{DB: db, Metrics: numbers, Now: func() time.Time { return w.at }})
	return w
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused checks the code and the beginning of the text of an error.
func (w *world) refused(err error, want string) {
	w.t.Helper()
	var known wire.Error
	if !errors.As(err, &known) {
		w.t.Errorf("got %v, want %s", err, want)
	} else if got := wire.ErrorText(known); !strings.HasPrefix(got, want) {
		w.t.Errorf("got  %s\nwant %s", got, want)
	}
}

// minute is the beginning of a minute so many before now.
func (w *world) minute(ago int) time.Time {
	return w.at.Truncate(time.Minute).Add(-time.Duration(ago) * time.Minute)
}

func (w *world) put(name string, ago int, values ...float64) {
	w.t.Helper()
	ok(w.t, w.PutMetricData(w.ctx, &cloudwatchapi.PutMetricDataInput{Namespace: "App", MetricData: []cloudwatchapi.MetricDatum{{MetricName: name, Timestamp: w.minute(ago), Values: values}}}))
}

func TestPutMetricDataIsRefused(t *testing.T) {
	w := newWorld(t)
	for want, in := range map[string]cloudwatchapi.MetricDatum{
		"MissingParameter: The parameter MetricData.member.1.Value is required.":                                                                                            {},
		"InvalidParameterCombination: The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both.":          {Value: new(1.0), Values: []float64{1}},
		"InvalidParameterCombination: The parameters MetricData.member.1.Value and MetricData.member.1.StatisticValues are mutually exclusive and you have specified both.": {Value: new(1.0), StatisticValues: &cloudwatchapi.StatisticSet{}},
		"InvalidParameterValue: The parameters MetricData.member.1.Values and MetricData.member.1.Counts must be of the same size.":                                         {Values: []float64{1, 2}, Counts: []float64{1}},
		"InvalidParameterValue: The value NaN for parameter MetricData.member.1.Value is invalid.":                                                                          {Value: new(math.NaN())},
		"InvalidParameterValue: The value +Inf for parameter MetricData.member.1.Values.member.2 is invalid.":                                                               {Values: []float64{1, math.Inf(1)}},
		"InvalidParameterValue: The value -1 for parameter MetricData.member.1.Counts.member.1 is invalid.":                                                                 {Values: []float64{1}, Counts: []float64{-1}},
		"InvalidParameterValue: The parameter MetricData.member.1.Timestamp must specify a time no more than two weeks in the past.":                                        {Value: new(1.0), Timestamp: w.at.Add(-15 * 24 * time.Hour)},
		"InvalidParameterValue: The parameter MetricData.member.1.Timestamp must specify a time no more than two hours in the future.":                                      {Value: new(1.0), Timestamp: w.at.Add(3 * time.Hour)},
		"InvalidParameterValue: The parameter MetricData.member.1.StorageResolution must have a value of 1 or 60.":                                                          {Value: new(1.0), StorageResolution: new(int32(5))},
		"InvalidParameterValue: The collection MetricData.member.1.Values must not have a size greater than 150.":                                                           {Values: make([]float64, 151)},
		"InvalidParameterValue: The parameter MetricData.member.1.Dimensions has the dimension name A more than once.":                                                      {Value: new(1.0), Dimensions: []cloudwatchapi.Dimension{{Name: "A", Value: "1"}, {Name: "A", Value: "2"}}},
		"InvalidParameterValue: The parameter MetricData.member.1.Dimensions.member.1 must contain only ASCII":                                                              {Value: new(1.0), Dimensions: []cloudwatchapi.Dimension{{Name: "A", Value: "é"}}},
	} {
		in.MetricName = "M"
		w.refused(w.PutMetricData(w.ctx, &cloudwatchapi.PutMetricDataInput{Namespace: "App", MetricData: []cloudwatchapi.MetricDatum{in}}), want)
	}
	w.refused(w.PutMetricData(w.ctx, &cloudwatchapi.PutMetricDataInput{Namespace: "AWS/EC2", MetricData: make([]cloudwatchapi.MetricDatum, 1)}), "InvalidParameterValue: The value AWS/ for parameter Namespace is invalid.")
	w.refused(w.PutMetricData(w.ctx, &cloudwatchapi.PutMetricDataInput{Namespace: "App", MetricData: make([]cloudwatchapi.MetricDatum, 1001)}), "InvalidParameterValue: The collection MetricData must not have a size greater than 1000.")
	w.refused(w.PutMetricData(w.ctx, &cloudwatchapi.PutMetricDataInput{Namespace: "App", EntityMetricData: make([]cloudwatchapi.EntityMetricData, 1)}), "ValidationError: The parameter EntityMetricData is not carried out by Neargate yet.")
}

func TestStatistics(t *testing.T) {
	w := newWorld(t)
	dims := []cloudwatchapi.Dimension{{Name: "Host", Value: "a"}}
	ok(t, w.PutMetricData(w.ctx, &cloudwatchapi.PutMetricDataInput{Namespace: "App", MetricData: []cloudwatchapi.MetricDatum{
		{MetricName: "Latency", Dimensions: dims, Unit: "Seconds", Timestamp: w.minute(2), Values: []float64{1, 2, 3}, Counts: []float64{1, 2, 1}},
		{MetricName: "Latency", Dimensions: dims, Unit: "Seconds", Timestamp: w.minute(1), Value: new(10.0)},
		{MetricName: "Latency", Dimensions: dims, Unit: "Milliseconds", Timestamp: w.minute(1), StatisticValues: &cloudwatchapi.StatisticSet{SampleCount: 2, Sum: 30, Minimum: 10, Maximum: 20}},
		{MetricName: "Other", Value: new(1.0)},
	}}))
	ask := func(in cloudwatchapi.GetMetricStatisticsInput) ([]string, error) {
		in.Namespace, in.MetricName, in.Dimensions = "App", "Latency", dims
		if in.StartTime.IsZero() {
			in.StartTime = w.minute(5)
		}
		in.EndTime = w.at
		out, err := w.GetMetricStatistics(w.ctx, &in)
		if err != nil {
			return nil, err
		}
		var all []string
		for _, d := range out.Datapoints {
			text := d.Timestamp.Format("15:04") + " " + string(d.Unit)
			for _, v := range []*float64{d.SampleCount, d.Average, d.Sum, d.Minimum, d.Maximum} {
				if v != nil {
					text += fmt.Sprint(" ", *v)
				}
			}
			for name, v := range d.ExtendedStatistics {
				text += fmt.Sprint(" ", name, "=", v)
			}
			all = append(all, text)
		}
		slices.Sort(all)
		return all, nil
	}
	five := []cloudwatchapi.Statistic{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}
	for _, c := range []struct {
		in   cloudwatchapi.GetMetricStatisticsInput
		want []string
	}{
		{cloudwatchapi.GetMetricStatisticsInput{Period: 60, Statistics: five, Unit: "Seconds"}, []string{"11:58 Seconds 4 2 8 1 3", "11:59 Seconds 1 10 10 10 10"}},
		{cloudwatchapi.GetMetricStatisticsInput{Period: 300, Statistics: five}, []string{"11:55 Milliseconds 2 15 30 10 20", "11:55 Seconds 5 3.6 18 1 10"}},
		{cloudwatchapi.GetMetricStatisticsInput{Period: 300, ExtendedStatistics: []string{"p50"}}, []string{"11:55 Seconds p50=2"}}, // of statistics nobody knows percentiles
		{cloudwatchapi.GetMetricStatisticsInput{Period: 60, Statistics: five[2:3], StartTime: w.minute(1)}, []string{"11:59 Milliseconds 30", "11:59 Seconds 10"}},
	} {
		got, err := ask(c.in)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%+v\n got %q %v\nwant %q", c.in, got, err, c.want)
		}
	}
	for want, in := range map[string]cloudwatchapi.GetMetricStatisticsInput{
		"InvalidParameterCombination: Must specify either Statistics or ExtendedStatistics": {Period: 60},
		"InvalidParameterValue: The parameter Period must have a value of":                  {Period: 90, Statistics: five},
		"InvalidParameterCombination: You have requested up to 14,405 datapoints, which exceeds the limit of 1,440. You may reduce the datapoints requested by increasing Period, or decreasing the time range.": {Period: 60, Statistics: five, StartTime: w.minute(14405)},
		"InvalidParameterCombination: The parameter StartTime must be less than the parameter EndTime.":                                                                                                          {Period: 60, Statistics: five, StartTime: w.at.Add(time.Hour)},
		"InvalidParameterValue: The value q50 for parameter ExtendedStatistics is not supported.":                                                                                                                {Period: 60, ExtendedStatistics: []string{"q50"}},
	} {
		_, err := ask(in)
		w.refused(err, want)
	}

	list, err := w.ListMetrics(w.ctx, &cloudwatchapi.ListMetricsInput{Dimensions: []cloudwatchapi.DimensionFilter{{Name: "Host"}}})
	ok(t, err)
	if len(list.Metrics) != 1 || list.Metrics[0].MetricName != "Latency" || list.Metrics[0].Dimensions[0].Value != "a" {
		t.Errorf("metrics by dimension: %+v", list.Metrics)
	}
	if list, err = w.ListMetrics(w.ctx, &cloudwatchapi.ListMetricsInput{Namespace: "App"}); err != nil || len(list.Metrics) != 2 {
		t.Errorf("metrics of the namespace: %+v %v", list, err)
	}
	w.at = w.at.Add(4 * time.Hour)
	if list, err = w.ListMetrics(w.ctx, &cloudwatchapi.ListMetricsInput{RecentlyActive: "PT3H"}); err != nil || len(list.Metrics) != 0 {
		t.Errorf("recently active: %+v %v", list, err)
	}
}

func TestGetMetricData(t *testing.T) {
	w := newWorld(t)
	w.put("Errors", 3, 1)
	w.put("Errors", 1, 3)
	for ago := 1; ago <= 3; ago++ {
		w.put("Requests", ago, 10, 20)
	}
	stat := func(id, name, stat string, returned bool) cloudwatchapi.MetricDataQuery {
		return cloudwatchapi.MetricDataQuery{Id: id, ReturnData: &returned, MetricStat: &cloudwatchapi.MetricStat{Metric: &cloudwatchapi.Metric{Namespace: "App", MetricName: name}, Period: 60, Stat: stat}}
	}
	ask := func(in cloudwatchapi.GetMetricDataInput) (string, string, error) {
		in.StartTime, in.EndTime = w.minute(3), w.minute(0)
		out, err := w.GetMetricData(w.ctx, &in)
		if err != nil {
			return "", "", err
		}
		var all []string
		for _, r := range out.MetricDataResults {
			text := r.Id + " " + r.Label + " " + string(r.StatusCode) + ":"
			for i, v := range r.Values {
				text += fmt.Sprint(" ", r.Timestamps[i].Format("15:04"), "=", v)
			}
			all = append(all, text)
		}
		return strings.Join(all, "\n"), out.NextToken, nil
	}
	all := []cloudwatchapi.MetricDataQuery{
		stat("m1", "Errors", "Sum", false), stat("m2", "Requests", "p50", true),
		{Id: "e1", Expression: "100 * FILL(m1, 0) / m2", Label: "rate"}, {Id: "e2", Expression: "e1 * 2"},
	}
	got, _, err := ask(cloudwatchapi.GetMetricDataInput{MetricDataQueries: all, ScanBy: "TimestampAscending"})
	ok(t, err)
	const want = "m2 Requests Complete: 11:57=15 11:58=15 11:59=15\ne1 rate Complete: 11:57=6.666666666666667 11:58=0 11:59=20\ne2 e2 Complete: 11:57=13.333333333333334 11:58=0 11:59=40"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	first, token, err := ask(cloudwatchapi.GetMetricDataInput{MetricDataQueries: all[:2], MaxDatapoints: new(int32(2))})
	ok(t, err)
	if first != "m2 Requests PartialData: 11:59=15 11:58=15" || token == "" {
		t.Errorf("the first page: %s %s", first, token)
	}
	second, token, err := ask(cloudwatchapi.GetMetricDataInput{MetricDataQueries: all[:2], MaxDatapoints: new(int32(2)), NextToken: token})
	if err != nil || second != "m2 Requests Complete: 11:57=15" || token != "" {
		t.Errorf("the second page: %s %s %v", second, token, err)
	}
	for want, queries := range map[string][]cloudwatchapi.MetricDataQuery{
		"ValidationError: The values for parameter id in MetricDataQueries are not unique.":                   {all[0], all[0]},
		"ValidationError: The value 'M' for parameter MetricDataQueries.member.1.Id":                          {stat("M", "Errors", "Sum", true)},
		"ValidationError: Error in expression 'e1': unknown identifier m1":                                    {all[2]},
		"ValidationError: Error in expression 'e': it refers to itself":                                       {{Id: "e", Expression: "e + 1"}},
		"ValidationError: Error in expression 'e': the function SEARCH is not carried out by Neargate":        {{Id: "e", Expression: "SEARCH('x', 'Sum', 60)"}},
		"ValidationError: The value 'Median' for parameter MetricDataQueries.member.1.MetricStat.Stat is not": {stat("m1", "Errors", "Median", true)},
		"ValidationError: Exactly one of the parameters MetricDataQueries.member.1.MetricStat and":            {{Id: "e"}},
		"ValidationError: The parameter MetricDataQueries is required.":                                       {},
		"ValidationError: The metrics of other accounts (AccountId) is not carried out by Neargate yet.":      {{Id: "e", Expression: "m1", AccountId: "111111111111"}},
		"ValidationError: Error in expression 'e2': the expression has to give a time series":                 {stat("m1", "Errors", "Sum", true), {Id: "e2", Expression: "SUM(m1)"}},
	} {
		_, _, err := ask(cloudwatchapi.GetMetricDataInput{MetricDataQueries: queries})
		w.refused(err, want)
	}
	_, _, err = ask(cloudwatchapi.GetMetricDataInput{MetricDataQueries: all, NextToken: "?"})
	w.refused(err, "InvalidNextToken")
}

func TestDashboards(t *testing.T) {
	w := newWorld(t)
	body := `{"widgets":[{"type":"text","properties":{"markdown":"hi"}},{"type":"nope"}]}`
	out, err := w.PutDashboard(w.ctx, &cloudwatchapi.PutDashboardInput{DashboardName: "front", DashboardBody: body, Tags: []cloudwatchapi.Tag{{Key: "a", Value: "b"}}})
	ok(t, err)
	if len(out.DashboardValidationMessages) != 1 || out.DashboardValidationMessages[0].DataPath != "/widgets/1/type" {
		t.Errorf("messages %+v", out.DashboardValidationMessages)
	}
	got, err := w.GetDashboard(w.ctx, &cloudwatchapi.GetDashboardInput{DashboardName: "front"})
	if err != nil || got.DashboardBody != body || got.DashboardArn != "arn:aws:cloudwatch::000000000000:dashboard/front" {
		t.Errorf("%+v %v", got, err)
	}
	tags, err := w.ListTagsForResource(w.ctx, &cloudwatchapi.ListTagsForResourceInput{ResourceARN: got.DashboardArn})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("tags %+v %v", tags, err)
	}
	_, err = w.PutDashboard(w.ctx, &cloudwatchapi.PutDashboardInput{DashboardName: "x", DashboardBody: "{"})
	w.refused(err, "InvalidParameterInput: The field DashboardBody must be a valid JSON object.")
	list, err := w.ListDashboards(w.ctx, &cloudwatchapi.ListDashboardsInput{DashboardNamePrefix: "fr"})
	if err != nil || len(list.DashboardEntries) != 1 || list.DashboardEntries[0].Size != int64(len(body)) {
		t.Errorf("%+v %v", list, err)
	}
	_, err = w.DeleteDashboards(w.ctx, &cloudwatchapi.DeleteDashboardsInput{DashboardNames: []string{"front", "gone"}})
	w.refused(err, "ResourceNotFound: Dashboard gone does not exist")
	_, err = w.DeleteDashboards(w.ctx, &cloudwatchapi.DeleteDashboardsInput{DashboardNames: []string{"front"}})
	ok(t, err)
	_, err = w.GetDashboard(w.ctx, &cloudwatchapi.GetDashboardInput{DashboardName: "front"})
	w.refused(err, "ResourceNotFound")
}
