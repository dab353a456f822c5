package cloudwatch

import (
	"context"
	"fmt"
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

const maxAlarms = 5000

// PutMetricAlarm makes or changes an alarm on a metric, or on several.
func (s *Service) PutMetricAlarm(ctx context.Context, in *cloudwatchapi.PutMetricAlarmInput) error {
	id := caller.From(ctx)
	if err := unsupported(in); err != nil {
		return err
	}
	a := &state.Alarm{
		Account: id.Account, Region: id.Region, Name: in.AlarmName, Description: in.AlarmDescription, ActionsEnabled: wire.Or(in.ActionsEnabled, true),
		EvaluationPeriods: wire.Or(in.EvaluationPeriods, 0), DatapointsToAlarm: in.DatapointsToAlarm, Threshold: wire.Or(in.Threshold, 0),
		Comparison: string(in.ComparisonOperator), Missing: in.TreatMissingData, LowSamples: in.EvaluateLowSampleCountPercentile,
	}
	toAlarm := wire.Or(in.DatapointsToAlarm, a.EvaluationPeriods)
	switch {
	case in.EvaluationPeriods == nil:
		return missing("EvaluationPeriods")
	case in.ComparisonOperator == "":
		return missing("ComparisonOperator")
	case in.Threshold == nil:
		return missing("Threshold")
	case toAlarm > a.EvaluationPeriods:
		return validation("The parameter DatapointsToAlarm must be less than or equal to the parameter EvaluationPeriods.")
	case a.Missing != "" && !slices.Contains([]string{alarm.Missing, alarm.Ignore, alarm.Breaching, alarm.NotBreaching}, a.Missing):
		return validation("The value '%s' for parameter TreatMissingData is invalid. Valid values are: breaching, notBreaching, ignore, missing.", a.Missing)
	case a.LowSamples != "" && a.LowSamples != "evaluate" && a.LowSamples != "ignore":
		return validation("The value '%s' for parameter EvaluateLowSampleCountPercentile is invalid. Valid values are: evaluate, ignore.", a.LowSamples)
	}
	var err error
	if len(in.Metrics) > 0 {
		err = alarmOnMetrics(a, in)
	} else {
		err = alarmOnMetric(a, in)
	}
	if err != nil {
		return err
	}
	if len(in.Tags) > 0 {
		if a.Tags, err = checkTags(ctx, in.Tags); err != nil {
			return err
		}
	}
	return s.put(ctx, a)
}

// unsupported refuses what alarms of AWS can do and ours cannot.
func unsupported(in *cloudwatchapi.PutMetricAlarmInput) error {
	switch {
	case in.ThresholdMetricId != "" || strings.Contains(string(in.ComparisonOperator), "Lower") || strings.Contains(string(in.ComparisonOperator), "Upper"):
		return refused("Anomaly detection (ThresholdMetricId)")
	case in.EvaluationWindow != nil:
		return refused("The parameter EvaluationWindow")
	case in.WarmUpConfiguration != nil:
		return refused("The parameter WarmUpConfiguration")
	case in.EvaluationCriteria != nil:
		return refused("The parameter EvaluationCriteria")
	case in.EvaluationInterval != nil:
		return refused("The parameter EvaluationInterval")
	case in.ActionConfiguration != nil:
		return refused("The parameter ActionConfiguration")
	}
	return noActions(in.AlarmActions, in.OKActions, in.InsufficientDataActions)
}

// noActions refuses actions: each would need a service that is not here yet.
func noActions(lists ...[]string) error {
	all := slices.Concat(lists...)
	if len(all) == 0 {
		return nil
	}
	if !strings.HasPrefix(all[0], "arn:") {
		return validation("Invalid arn syntax: %s", all[0])
	}
	return refused("The alarm action " + all[0])
}

// alarmOnMetric fills an alarm on one metric in.
func alarmOnMetric(a *state.Alarm, in *cloudwatchapi.PutMetricAlarmInput) error {
	switch {
	case in.MetricName == "":
		return missing("MetricName")
	case in.Namespace == "":
		return missing("Namespace")
	case in.Period == nil:
		return missing("Period")
	case (in.Statistic == "") == (in.ExtendedStatistic == ""):
		return validation("Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
	}
	statistic := string(in.Statistic) + in.ExtendedStatistic
	if _, ok := metrics.ParseStatistic(statistic); !ok {
		return validation("The value '%s' for parameter ExtendedStatistic is not a valid statistic.", statistic)
	}
	if _, err := dimensions("Dimensions", in.Dimensions); err != nil {
		return err
	}
	a.Metric = state.AlarmMetric{Namespace: in.Namespace, Name: in.MetricName, Unit: string(in.Unit), Statistic: statistic, Period: *in.Period}
	for _, d := range in.Dimensions {
		a.Metric.Dimensions = append(a.Metric.Dimensions, state.Tag{Key: d.Name, Value: d.Value})
	}
	return checkPeriod(*in.Period, a.EvaluationPeriods)
}

// checkPeriod checks how long an alarm looks back.
func checkPeriod(period, periods int32) error {
	const dayLong, weekLong = 86400, 604800
	length := int64(period) * int64(periods)
	switch {
	case period != 10 && period != 20 && period != 30 && (period < 60 || period%60 != 0):
		return validation("The parameter Period must have a value of 10, 20, 30 or a multiple of 60.")
	case period < 3600 && length > dayLong:
		return validation("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).")
	case length > weekLong:
		return validation("Metrics cannot be checked across more than seven days (EvaluationPeriods * Period must be <= 604800).")
	}
	return nil
}

// alarmOnMetrics fills an alarm on several metrics in.
func alarmOnMetrics(a *state.Alarm, in *cloudwatchapi.PutMetricAlarmInput) error {
	if in.MetricName != "" || in.Namespace != "" || in.Statistic != "" || in.ExtendedStatistic != "" || len(in.Dimensions) > 0 || in.Period != nil || in.Unit != "" {
		return validation("The parameter Metrics cannot be used with MetricName, Namespace, Dimensions, Period, Unit, Statistic or ExtendedStatistic.")
	}
	queries, err := checkQueries(a.Account, a.Region, "Metrics", in.Metrics)
	if err != nil {
		return err
	}
	returned, period := 0, int32(0)
	for _, q := range queries {
		if q.returned() {
			returned++
		}
		if q.MetricStat != nil {
			if period != 0 && q.MetricStat.Period != period {
				return validation("All metrics of an alarm must have the same Period.")
			}
			period = q.MetricStat.Period
		}
		a.Metrics = append(a.Metrics, recordOf(q.MetricDataQuery))
	}
	switch {
	case returned != 1:
		return validation("Exactly one element of the metrics list should return data.")
	case period == 0:
		return validation("At least one element of the metrics list must be a metric (MetricStat).")
	}
	return checkPeriod(period, a.EvaluationPeriods)
}

// PutCompositeAlarm makes or changes an alarm on the states of others.
func (s *Service) PutCompositeAlarm(ctx context.Context, in *cloudwatchapi.PutCompositeAlarmInput) error {
	id := caller.From(ctx)
	switch {
	case in.ActionsSuppressor != "" || in.ActionsSuppressorWaitPeriod != nil || in.ActionsSuppressorExtensionPeriod != nil:
		return refused("The parameter ActionsSuppressor")
	case in.ActionConfiguration != nil:
		return refused("The parameter ActionConfiguration")
	}
	if err := noActions(in.AlarmActions, in.OKActions, in.InsufficientDataActions); err != nil {
		return err
	}
	rule, err := alarm.ParseRule(in.AlarmRule)
	if err != nil {
		return validation("AlarmRule must not contain an invalid expression: %s", err.Error())
	}
	a := &state.Alarm{Account: id.Account, Region: id.Region, Name: in.AlarmName, Description: in.AlarmDescription, ActionsEnabled: wire.Or(in.ActionsEnabled, true), Rule: in.AlarmRule}
	tx := s.DB.Read()
	for _, child := range rule.Alarms {
		name := alarmName(child)
		if name == a.Name {
			return validation("AlarmRule must not refer to the alarm itself: %s", child)
		}
		found, ok := state.Alarms.Get(tx, state.Key(id.Account, id.Region, name))
		if !ok {
			return validation("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", child)
		}
		if found.Composite() && leadsTo(tx, found, a.Name, 0) {
			return validation("AlarmRule must not lead back to the alarm itself: %s", child)
		}
	}
	if len(in.Tags) > 0 {
		if a.Tags, err = checkTags(ctx, in.Tags); err != nil {
			return err
		}
	}
	return s.put(ctx, a)
}

// leadsTo says whether a composite alarm depends on the alarm of a name.
func leadsTo(tx *store.Tx, a *state.Alarm, name string, depth int) bool {
	rule, err := alarm.ParseRule(a.Rule)
	if err != nil || depth > maxAlarms {
		return false
	}
	for _, child := range rule.Alarms {
		if alarmName(child) == name {
			return true
		}
		if c, ok := state.Alarms.Get(tx, state.Key(a.Account, a.Region, alarmName(child))); ok && c.Composite() && leadsTo(tx, c, name, depth+1) {
			return true
		}
	}
	return false
}

// alarmName is the name in an alarm's name or ARN.
func alarmName(nameOrARN string) string {
	if strings.HasPrefix(nameOrARN, "arn:") {
		if _, name, ok := strings.Cut(nameOrARN, ":alarm:"); ok {
			return name
		}
	}
	return nameOrARN
}

// put stores an alarm. One that was there keeps its state and its tags, as on AWS.
func (s *Service) put(ctx context.Context, a *state.Alarm) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		now := s.now()
		a.UpdatedAt = now
		old, exists := state.Alarms.Get(tx, a.Key())
		switch {
		case exists && old.Composite() != a.Composite():
			return validation("An alarm with the name %s and another type already exists.", a.Name)
		case exists:
			a.State, a.Reason, a.ReasonData, a.StateAt, a.ForcedAt, a.Tags = old.State, old.Reason, old.ReasonData, old.StateAt, old.ForcedAt, old.Tags
			s.configured(tx, a, "Update", "updated")
		default:
			n := 0
			for range state.Alarms.All(tx, state.Prefix(a.Account, a.Region)) {
				n++
			}
			if n >= maxAlarms {
				return &cloudwatchapi.LimitExceededFault{Message: fmt.Sprintf("The maximum limit of %d alarms has been reached.", maxAlarms)}
			}
			a.State, a.Reason, a.StateAt = alarm.Insufficient, "Unchecked: Initial alarm creation", now
			s.configured(tx, a, "Create", "created")
		}
		state.Alarms.Put(tx, a)
		return nil
	})
}

// DeleteAlarms removes alarms, or none when one is not there.
func (s *Service) DeleteAlarms(ctx context.Context, in *cloudwatchapi.DeleteAlarmsInput) error {
	id := caller.From(ctx)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, name := range in.AlarmNames {
			a, ok := state.Alarms.Get(tx, state.Key(id.Account, id.Region, name))
			if !ok {
				return notFound(name)
			}
			s.configured(tx, a, "Delete", "deleted")
			state.Alarms.Delete(tx, a.Key())
		}
		return nil
	})
}

func notFound(name string) error {
	return &cloudwatchapi.ResourceNotFound{Message: "Alarm with name " + name + " does not exist."}
}
