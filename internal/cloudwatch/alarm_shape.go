package cloudwatch

import (
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
)

// recordOf is a query as an alarm's record has it.
func recordOf(q cloudwatchapi.MetricDataQuery) state.AlarmQuery {
	out := state.AlarmQuery{ID: q.Id, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData, Period: q.Period}
	if m := q.MetricStat; m != nil {
		out.Metric = &state.AlarmMetric{Namespace: m.Metric.Namespace, Name: m.Metric.MetricName, Unit: string(m.Unit), Statistic: m.Stat, Period: m.Period}
		for _, d := range m.Metric.Dimensions {
			out.Metric.Dimensions = append(out.Metric.Dimensions, state.Tag{Key: d.Name, Value: d.Value})
		}
	}
	return out
}

// queryOf is the query of a record again.
func queryOf(q state.AlarmQuery) cloudwatchapi.MetricDataQuery {
	out := cloudwatchapi.MetricDataQuery{Id: q.ID, Expression: q.Expression, Label: q.Label, ReturnData: q.ReturnData, Period: q.Period}
	if m := q.Metric; m != nil {
		out.MetricStat = &cloudwatchapi.MetricStat{
			Metric: &cloudwatchapi.Metric{Namespace: m.Namespace, MetricName: m.Name, Dimensions: dimensionsOf(m)}, Period: m.Period, Stat: m.Statistic, Unit: cloudwatchapi.StandardUnit(m.Unit),
		}
	}
	return out
}

func dimensionsOf(m *state.AlarmMetric) []cloudwatchapi.Dimension {
	out := []cloudwatchapi.Dimension{}
	for _, d := range m.Dimensions {
		out = append(out, cloudwatchapi.Dimension{Name: d.Key, Value: d.Value})
	}
	return out
}

// keyOf is the series of an alarm's metric; without a unit, of all.
func keyOf(a *state.Alarm, m *state.AlarmMetric) metrics.Key {
	var dims []metrics.Dimension
	for _, d := range m.Dimensions {
		dims = append(dims, metrics.Dimension{Name: d.Key, Value: d.Value})
	}
	return metrics.Key{Account: a.Account, Region: a.Region, Namespace: m.Namespace, Name: m.Name, Unit: m.Unit, Dimensions: metrics.Dims(dims...)}
}

// plainStatistic says whether a statistic is one of the five that are not extended.
func plainStatistic(name string) bool {
	switch cloudwatchapi.Statistic(name) {
	case cloudwatchapi.StatisticSampleCount, cloudwatchapi.StatisticAverage, cloudwatchapi.StatisticSum, cloudwatchapi.StatisticMinimum, cloudwatchapi.StatisticMaximum:
		return true
	}
	return false
}

func emptyList(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func metricAlarm(a *state.Alarm) cloudwatchapi.MetricAlarm {
	out := cloudwatchapi.MetricAlarm{
		AlarmName: a.Name, AlarmArn: a.ARN(), AlarmDescription: a.Description, AlarmConfigurationUpdatedTimestamp: a.UpdatedAt, ActionsEnabled: a.ActionsEnabled,
		OKActions: emptyList(a.OKActions), AlarmActions: emptyList(a.AlarmActions), InsufficientDataActions: emptyList(a.InsufficientDataActions),
		StateValue: cloudwatchapi.StateValue(a.State), StateReason: a.Reason, StateReasonData: a.ReasonData, StateUpdatedTimestamp: a.StateAt, StateTransitionedTimestamp: a.StateAt,
		EvaluationPeriods: &a.EvaluationPeriods, DatapointsToAlarm: a.DatapointsToAlarm, Threshold: &a.Threshold,
		ComparisonOperator: cloudwatchapi.ComparisonOperator(a.Comparison), TreatMissingData: a.Missing, EvaluateLowSampleCountPercentile: a.LowSamples,
		Dimensions: []cloudwatchapi.Dimension{},
	}
	if m := &a.Metric; m.Name != "" {
		out.MetricName, out.Namespace, out.Unit, out.Period, out.Dimensions = m.Name, m.Namespace, cloudwatchapi.StandardUnit(m.Unit), &m.Period, dimensionsOf(m)
		if plainStatistic(m.Statistic) {
			out.Statistic = cloudwatchapi.Statistic(m.Statistic)
		} else {
			out.ExtendedStatistic = m.Statistic
		}
	}
	for _, q := range a.Metrics {
		out.Metrics = append(out.Metrics, queryOf(q))
	}
	return out
}

func compositeAlarm(a *state.Alarm) cloudwatchapi.CompositeAlarm {
	return cloudwatchapi.CompositeAlarm{
		AlarmName: a.Name, AlarmArn: a.ARN(), AlarmDescription: a.Description, AlarmConfigurationUpdatedTimestamp: a.UpdatedAt, ActionsEnabled: a.ActionsEnabled,
		OKActions: emptyList(a.OKActions), AlarmActions: emptyList(a.AlarmActions), InsufficientDataActions: emptyList(a.InsufficientDataActions), AlarmRule: a.Rule,
		StateValue: cloudwatchapi.StateValue(a.State), StateReason: a.Reason, StateReasonData: a.ReasonData, StateUpdatedTimestamp: a.StateAt, StateTransitionedTimestamp: a.StateAt,
	}
}

// withPrefix says whether one of an alarm's actions begins so.
func withPrefix(a *state.Alarm, prefix string) bool {
	for _, list := range [][]string{a.OKActions, a.AlarmActions, a.InsufficientDataActions} {
		for _, action := range list {
			if strings.HasPrefix(action, prefix) {
				return true
			}
		}
	}
	return false
}
