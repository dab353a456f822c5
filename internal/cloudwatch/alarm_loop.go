package cloudwatch

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/cloudwatch/alarm"
	"github.com/neargate/neargate/internal/cloudwatch/expression"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// forcedFor is how long a state that SetAlarmState set stays at least: AWS evaluates
// again within about a minute.
const forcedFor = time.Minute

// notice lets the loop see alarms that changed, and composite alarms on others.
func (s *Service) notice(changes []store.Change) {
	for _, c := range changes {
		if c.Table != state.Alarms.Name() {
			continue
		}
		s.alarms.Add(c.Key)
		account, region, _ := state.SplitKey(c.Key)
		for a := range state.Alarms.All(s.DB.Read(), state.Prefix(account, region)) {
			if a.Composite() {
				s.alarms.Add(a.Key())
			}
		}
	}
}

// noticeData lets the loop see the alarms on metrics that got values.
func (s *Service) noticeData(account, region string, in *cloudwatchapi.PutMetricDataInput) {
	tx := s.DB.Read()
	seen := map[string]bool{}
	for _, d := range in.MetricData {
		if seen[d.MetricName] {
			continue
		}
		seen[d.MetricName] = true
		for a := range state.Alarms.By(tx, "metric", state.MetricKey(account, region, in.Namespace, d.MetricName)) {
			s.alarms.Add(a.Key())
		}
	}
}

func (s *Service) addAll() {
	for a := range state.Alarms.All(s.DB.Read(), "") {
		s.alarms.Add(a.Key())
	}
}

// evaluate finds the state of one alarm, and says when to look again: at the end of
// the next minute, or of 10 seconds for alarms on shorter periods.
func (s *Service) evaluate(ctx context.Context, key string) (reconcile.Result, error) {
	a, ok := state.Alarms.Get(s.DB.Read(), key)
	if !ok {
		return reconcile.Result{}, nil
	}
	now := s.now()
	if left := forcedFor - now.Sub(a.ForcedAt); left > 0 {
		return reconcile.Result{After: left}, nil
	}
	if a.Composite() {
		return reconcile.Result{}, s.decide(ctx, a, s.composite(a, now))
	}
	step := time.Minute
	if periodOf(a) < step {
		step = 10 * time.Second
	}
	end := now.Truncate(step)
	verdict, err := s.judge(ctx, a, end)
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{After: end.Add(step + time.Second).Sub(now)}, s.decide(ctx, a, verdict)
}

// periodOf is the length of a metric alarm's periods.
func periodOf(a *state.Alarm) time.Duration {
	seconds := a.Metric.Period
	for _, q := range a.Metrics {
		if q.Metric != nil {
			seconds = q.Metric.Period
		}
	}
	return time.Duration(seconds) * time.Second
}

// judge decides the state of a metric alarm from its last periods before end.
func (s *Service) judge(ctx context.Context, a *state.Alarm, end time.Time) (alarm.Verdict, error) {
	t := alarm.Threshold{
		Value: a.Threshold, Comparison: a.Comparison, Periods: int(a.EvaluationPeriods), ToAlarm: int(a.EvaluationPeriods), Missing: a.Missing,
		Period: periodOf(a), Statistic: a.Metric.Statistic, Unit: a.Metric.Unit,
	}
	if a.DatapointsToAlarm != nil {
		t.ToAlarm = int(*a.DatapointsToAlarm)
	}
	if t.Missing == "" {
		t.Missing = alarm.Missing
	}
	start := end.Add(-time.Duration(t.Range()) * t.Period)
	points, err := s.datapoints(ctx, a, start, end)
	if err != nil {
		return alarm.Verdict{}, err
	}
	if n := len(points); a.LowSamples == "ignore" && n > 0 && points[n-1].Count < significant(a.Metric.Statistic) {
		return alarm.Verdict{State: a.State}, nil
	}
	return t.Evaluate(points, end, a.State), nil
}

// significant is how many samples a percentile needs to mean something.
func significant(statistic string) float64 {
	p, err := strconv.ParseFloat(strings.TrimPrefix(statistic, "p"), 64)
	switch {
	case err != nil || p <= 0 || p >= 100:
		return 0
	case p < 50:
		return 10 / (p / 100)
	}
	return 10 / (1 - p/100)
}

// datapoints are what an alarm's metric or expression came to.
func (s *Service) datapoints(ctx context.Context, a *state.Alarm, start, end time.Time) ([]alarm.Datapoint, error) {
	var out []alarm.Datapoint
	if len(a.Metrics) == 0 {
		f, _ := metrics.ParseStatistic(a.Metric.Statistic) // checked when the alarm was put
		points, err := s.read(ctx, keyOf(a, &a.Metric), periodOf(a), start, end)
		for i := range points {
			if v, ok := f(&points[i]); ok {
				out = append(out, alarm.Datapoint{At: points[i].Start, Value: v, Count: points[i].Count})
			}
		}
		return out, err
	}
	series, err := s.computed(ctx, a, start, end)
	for _, p := range series.Points {
		out = append(out, alarm.Datapoint{At: time.Unix(p.At, 0).UTC(), Value: p.Value})
	}
	return out, err
}

// computed is the series that an alarm on several metrics looks at.
func (s *Service) computed(ctx context.Context, a *state.Alarm, start, end time.Time) (expression.Series, error) {
	var given []cloudwatchapi.MetricDataQuery
	for _, q := range a.Metrics {
		given = append(given, queryOf(q))
	}
	queries, err := checkQueries(a.Account, a.Region, "Metrics", given)
	if err != nil {
		return expression.Series{}, err
	}
	question := s.ask(queries, start, end)
	question.anchored = true
	for _, q := range queries {
		if !q.returned() {
			continue
		}
		found, err := question.answer(ctx, q)
		if err != nil || len(found.list) == 0 {
			return expression.Series{}, err
		}
		return found.list[0], nil
	}
	return expression.Series{}, nil
}

// composite decides the state of a composite alarm from the states of others.
func (s *Service) composite(a *state.Alarm, now time.Time) alarm.Verdict {
	rule, err := alarm.ParseRule(a.Rule)
	if err != nil {
		return alarm.Verdict{State: a.State}
	}
	tx := s.DB.Read()
	var newest *state.Alarm
	holds := rule.Holds(func(name string) string {
		child, ok := state.Alarms.Get(tx, state.Key(a.Account, a.Region, alarmName(name)))
		if !ok {
			return ""
		}
		if newest == nil || child.StateAt.After(newest.StateAt) {
			newest = child
		}
		return child.State
	})
	v := alarm.Verdict{State: alarm.OK}
	if holds {
		v.State = alarm.Alarm
	}
	if newest == nil {
		v.Reason = "The alarm rule was evaluated at " + now.Format("Monday 02 January, 2006 15:04:05 MST")
		return v
	}
	v.Reason = newest.ARN() + " transitioned to " + newest.State + " at " + newest.StateAt.Format("Monday 02 January, 2006 15:04:05 MST")
	data, _ := json.Marshal(map[string]any{"triggeringAlarms": []any{map[string]any{
		"arn": newest.ARN(), "state": map[string]any{"value": newest.State, "timestamp": newest.StateAt.Format("2006-01-02T15:04:05.000-0700")},
	}}}) // plain values: always encodes
	v.Data = string(data)
	return v
}

// decide writes a state down that differs from the one before.
func (s *Service) decide(ctx context.Context, judged *state.Alarm, v alarm.Verdict) error {
	if v.State == judged.State {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		a, ok := state.Alarms.Get(tx, judged.Key())
		if !ok || a.State != judged.State || !a.UpdatedAt.Equal(judged.UpdatedAt) || !a.ForcedAt.Equal(judged.ForcedAt) {
			return nil // it changed meanwhile, and will be looked at again
		}
		s.change(tx, a, v, time.Time{})
		return nil
	})
}

// change gives an alarm another state, with its entry in the history.
func (s *Service) change(tx *store.Tx, old *state.Alarm, v alarm.Verdict, forced time.Time) {
	changed := *old
	changed.State, changed.Reason, changed.ReasonData, changed.StateAt, changed.ForcedAt = v.State, v.Reason, v.Data, s.now(), forced
	state.Alarms.Put(tx, &changed)
	if old.State != changed.State {
		s.turned(tx, old, &changed)
	}
}
