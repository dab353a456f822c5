package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/cloudwatch/alarm"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const defaultRecords = 50

// DescribeAlarms describes alarms: metric alarms, unless other types are asked for.
func (s *Service) DescribeAlarms(ctx context.Context, in *cloudwatchapi.DescribeAlarmsInput) (*cloudwatchapi.DescribeAlarmsOutput, error) {
	if len(in.AlarmNames) > 0 && in.AlarmNamePrefix != "" {
		return nil, validation("AlarmNames and AlarmNamePrefix are mutually exclusive.")
	}
	id := caller.From(ctx)
	tx := s.DB.Read()
	related, limited := relatives(tx, id, in)
	types := in.AlarmTypes
	if len(types) == 0 {
		types = []cloudwatchapi.AlarmType{cloudwatchapi.AlarmTypeMetricAlarm}
		if limited {
			types = []cloudwatchapi.AlarmType{cloudwatchapi.AlarmTypeMetricAlarm, cloudwatchapi.AlarmTypeCompositeAlarm}
		}
	}
	var all []*state.Alarm
	for a := range state.Alarms.All(tx, state.Prefix(id.Account, id.Region)+in.AlarmNamePrefix) {
		kind := cloudwatchapi.AlarmTypeMetricAlarm
		if a.Composite() {
			kind = cloudwatchapi.AlarmTypeCompositeAlarm
		}
		switch {
		case !slices.Contains(types, kind), len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, a.Name),
			in.StateValue != "" && a.State != string(in.StateValue), in.ActionPrefix != "" && !withPrefix(a, in.ActionPrefix), limited && !slices.Contains(related, a.Name):
			continue
		}
		all = append(all, a)
	}
	shown, token, err := page(all, in.NextToken, int(wire.Or(in.MaxRecords, defaultRecords)))
	if err != nil {
		return nil, err
	}
	out := &cloudwatchapi.DescribeAlarmsOutput{NextToken: token, MetricAlarms: []cloudwatchapi.MetricAlarm{}, CompositeAlarms: []cloudwatchapi.CompositeAlarm{}}
	for _, a := range shown {
		if a.Composite() {
			out.CompositeAlarms = append(out.CompositeAlarms, compositeAlarm(a))
		} else {
			out.MetricAlarms = append(out.MetricAlarms, metricAlarm(a))
		}
	}
	return out, nil
}

// relatives are the names of the alarms that a request limits itself to by what
// refers to which.
func relatives(tx *store.Tx, id caller.Identity, in *cloudwatchapi.DescribeAlarmsInput) (names []string, limited bool) {
	children := func(a *state.Alarm) []string {
		rule, err := alarm.ParseRule(a.Rule)
		if !a.Composite() || err != nil {
			return nil
		}
		var out []string
		for _, c := range rule.Alarms {
			out = append(out, alarmName(c))
		}
		return out
	}
	if in.ChildrenOfAlarmName != "" {
		if a, ok := state.Alarms.Get(tx, state.Key(id.Account, id.Region, in.ChildrenOfAlarmName)); ok {
			names = children(a)
		}
		return names, true
	}
	if in.ParentsOfAlarmName == "" {
		return nil, false
	}
	for a := range state.Alarms.All(tx, state.Prefix(id.Account, id.Region)) {
		if slices.Contains(children(a), in.ParentsOfAlarmName) {
			names = append(names, a.Name)
		}
	}
	return names, true
}

// DescribeAlarmsForMetric describes the alarms on one metric.
func (s *Service) DescribeAlarmsForMetric(ctx context.Context, in *cloudwatchapi.DescribeAlarmsForMetricInput) (*cloudwatchapi.DescribeAlarmsForMetricOutput, error) {
	id := caller.From(ctx)
	dims, err := dimensions("Dimensions", in.Dimensions)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchapi.DescribeAlarmsForMetricOutput{MetricAlarms: []cloudwatchapi.MetricAlarm{}}
	wanted := metrics.Key{Account: id.Account, Region: id.Region, Namespace: in.Namespace, Name: in.MetricName, Unit: string(in.Unit), Dimensions: dims}
	statistic := string(in.Statistic) + in.ExtendedStatistic
	for a := range state.Alarms.By(s.DB.Read(), "metric", state.MetricKey(id.Account, id.Region, in.Namespace, in.MetricName)) {
		all := []*state.AlarmMetric{&a.Metric}
		for _, q := range a.Metrics {
			if q.Metric != nil {
				all = append(all, q.Metric)
			}
		}
		if slices.ContainsFunc(all, func(m *state.AlarmMetric) bool {
			k := keyOf(a, m)
			if wanted.Unit == "" {
				k.Unit = ""
			}
			return k == wanted && (statistic == "" || m.Statistic == statistic) && (in.Period == nil || m.Period == *in.Period)
		}) {
			out.MetricAlarms = append(out.MetricAlarms, metricAlarm(a))
		}
	}
	slices.SortFunc(out.MetricAlarms, func(a, b cloudwatchapi.MetricAlarm) int { return strings.Compare(a.AlarmName, b.AlarmName) })
	return out, nil
}
