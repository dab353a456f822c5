package cloudwatch

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/state"
)

// alarmOn is an alarm on the maximum of a metric, beyond 5.
func alarmOn(name, metric string, change func(*cloudwatchapi.PutMetricAlarmInput)) *cloudwatchapi.PutMetricAlarmInput {
	in := &cloudwatchapi.PutMetricAlarmInput{
		AlarmName: name, Namespace: "App", MetricName: metric, Statistic: "Maximum", Period: new(int32(60)), EvaluationPeriods: new(int32(1)), Threshold: new(5.0), ComparisonOperator: "GreaterThanThreshold",
	}
	if change != nil {
		change(in)
	}
	return in
}

// settle evaluates every alarm until nothing changes any more.
func (w *world) settle() {
	w.t.Helper()
	for range 3 {
		for a := range state.Alarms.All(w.DB.Read(), "") {
			_, err := w.evaluate(w.ctx, a.Key())
			ok(w.t, err)
		}
	}
}

// states are the alarms' states, as "name=STATE", by name.
func (w *world) states() string {
	w.t.Helper()
	out, err := w.DescribeAlarms(w.ctx, &cloudwatchapi.DescribeAlarmsInput{AlarmTypes: []cloudwatchapi.AlarmType{"MetricAlarm", "CompositeAlarm"}})
	ok(w.t, err)
	var all []string
	for _, a := range out.MetricAlarms {
		all = append(all, a.AlarmName+"="+string(a.StateValue))
	}
	for _, a := range out.CompositeAlarms {
		all = append(all, a.AlarmName+"="+string(a.StateValue))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func (w *world) expect(when, want string) {
	w.t.Helper()
	w.settle()
	if got := w.states(); got != want {
		w.t.Errorf("%s: %s, want %s", when, got, want)
	}
}

// An alarm follows its metric there and back, a composite alarm follows the alarm, and
// the history tells of both.
func TestAlarmsFollowTheirMetrics(t *testing.T) {
	w := newWorld(t)
	ok(t, w.PutMetricAlarm(w.ctx, alarmOn("high", "Load", nil)))
	ok(t, w.PutMetricAlarm(w.ctx, alarmOn("sum", "", func(in *cloudwatchapi.PutMetricAlarmInput) {
		in.Namespace, in.Statistic, in.Period = "", "", nil
		m := cloudwatchapi.MetricStat{Metric: &cloudwatchapi.Metric{Namespace: "App", MetricName: "Load"}, Period: 60, Stat: "Sum"}
		in.Metrics = []cloudwatchapi.MetricDataQuery{{Id: "m1", MetricStat: &m, ReturnData: new(false)}, {Id: "e1", Expression: "m1 / 10"}}
	})))
	ok(t, w.PutCompositeAlarm(w.ctx, &cloudwatchapi.PutCompositeAlarmInput{AlarmName: "any", AlarmRule: `ALARM("high") OR ALARM(sum)`}))
	w.expect("without data", "any=OK high=INSUFFICIENT_DATA sum=INSUFFICIENT_DATA")
	w.put("Load", 3, 9)
	w.expect("with a high value", "any=ALARM high=ALARM sum=OK")
	out, err := w.DescribeAlarms(w.ctx, &cloudwatchapi.DescribeAlarmsInput{AlarmNames: []string{"high"}})
	ok(t, err)
	const reason = "Threshold Crossed: 1 out of the last 1 datapoints [9.0 (01/03/26 11:57:00)] was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition)."
	if a := out.MetricAlarms[0]; a.StateReason != reason || !strings.Contains(a.StateReasonData, `"evaluatedDatapoints":[{"timestamp":"2026-03-01T11:57:00.000+0000","sampleCount":1.0,"value":9.0}]`) {
		t.Errorf("reason %s\ndata %s", a.StateReason, a.StateReasonData)
	}
	w.put("Load", 2, 1, 100)
	w.put("Load", 1, 1)
	w.expect("with a low value", "any=OK high=OK sum=OK")
	w.at = w.at.Add(10 * time.Minute)
	w.expect("later, without data", "any=OK high=INSUFFICIENT_DATA sum=INSUFFICIENT_DATA")
	history, err := w.DescribeAlarmHistory(w.ctx, &cloudwatchapi.DescribeAlarmHistoryInput{AlarmName: "high", ScanBy: "TimestampAscending"})
	ok(t, err)
	var summaries []string
	for _, h := range history.AlarmHistoryItems {
		summaries = append(summaries, h.HistorySummary)
	}
	want := []string{`Alarm "high" created`, "Alarm updated from INSUFFICIENT_DATA to ALARM", "Alarm updated from ALARM to OK", "Alarm updated from OK to INSUFFICIENT_DATA"}
	if !slices.Equal(summaries, want) {
		t.Errorf("history %q", summaries)
	}
}

// A state that was set stays for a while, and gives way to what the metric says.
func TestSetAlarmState(t *testing.T) {
	w := newWorld(t)
	ok(t, w.PutMetricAlarm(w.ctx, alarmOn("high", "Load", nil)))
	w.put("Load", 1, 1)
	w.expect("first", "high=OK")
	ok(t, w.SetAlarmState(w.ctx, &cloudwatchapi.SetAlarmStateInput{AlarmName: "high", StateValue: "ALARM", StateReason: "a test"}))
	w.expect("set", "high=ALARM")
	w.at = w.at.Add(90 * time.Second)
	w.expect("evaluated again", "high=OK")
	w.refused(w.SetAlarmState(w.ctx, &cloudwatchapi.SetAlarmStateInput{AlarmName: "gone", StateValue: "OK"}), "ResourceNotFound")
	w.refused(w.SetAlarmState(w.ctx, &cloudwatchapi.SetAlarmStateInput{AlarmName: "high", StateValue: "OK", StateReasonData: "{"}), "InvalidFormat")
}

// The loop evaluates by itself when data comes.
func TestDataWakesAlarms(t *testing.T) {
	w := newWorld(t)
	done := make(chan error)
	ctx, stop := context.WithCancel(w.ctx)
	go func() { done <- w.Run(ctx) }()
	ok(t, w.PutMetricAlarm(w.ctx, alarmOn("high", "Load", nil)))
	w.put("Load", 1, 9)
	for w.states() != "high=ALARM" {
		time.Sleep(time.Millisecond)
	}
	stop()
	ok(t, <-done)
}

func TestAlarmsAreRefused(t *testing.T) {
	w := newWorld(t)
	type input = cloudwatchapi.PutMetricAlarmInput
	for want, change := range map[string]func(*input){
		"ValidationError: The alarm action arn:aws:sns:eu-west-1:000000000000:ops is not carried out by Neargate yet.": func(in *input) { in.AlarmActions = []string{"arn:aws:sns:eu-west-1:000000000000:ops"} },
		"ValidationError: Invalid arn syntax: ops":                                       func(in *input) { in.OKActions = []string{"ops"} },
		"ValidationError: Anomaly detection (ThresholdMetricId) is not carried out":      func(in *input) { in.ComparisonOperator = "GreaterThanUpperThreshold" },
		"ValidationError: Exactly one of the parameters Statistic and ExtendedStatistic": func(in *input) { in.ExtendedStatistic = "p90" },
		"MissingParameter: The parameter Threshold is required.":                         func(in *input) { in.Threshold = nil },
		"MissingParameter: The parameter EvaluationPeriods is required.":                 func(in *input) { in.EvaluationPeriods = nil },
		"ValidationError: The parameter DatapointsToAlarm must be less than or equal":    func(in *input) { in.DatapointsToAlarm = new(int32(2)) },
		"ValidationError: The parameter Period must have a value of 10, 20, 30":          func(in *input) { in.Period = new(int32(61)) },
		"ValidationError: Metrics cannot be checked across more than a day":              func(in *input) { in.EvaluationPeriods = new(int32(1441)) },
		"ValidationError: The value 'no' for parameter TreatMissingData is invalid.":     func(in *input) { in.TreatMissingData = "no" },
		"ValidationError: The parameter Metrics cannot be used with":                     func(in *input) { in.Metrics = []cloudwatchapi.MetricDataQuery{{Id: "e", Expression: "1"}} },
		"ValidationError: Exactly one element of the metrics list should return data.": func(in *input) {
			m := cloudwatchapi.MetricStat{Metric: &cloudwatchapi.Metric{Namespace: "App", MetricName: "Load"}, Period: 60, Stat: "Sum"}
			*in = input{AlarmName: "x", EvaluationPeriods: in.EvaluationPeriods, Threshold: in.Threshold, ComparisonOperator: in.ComparisonOperator, Metrics: []cloudwatchapi.MetricDataQuery{{Id: "a", MetricStat: &m}, {Id: "b", MetricStat: &m}}}
		},
	} {
		w.refused(w.PutMetricAlarm(w.ctx, alarmOn("x", "Load", change)), want)
	}
	ok(t, w.PutMetricAlarm(w.ctx, alarmOn("child", "Load", nil)))
	ok(t, w.PutCompositeAlarm(w.ctx, &cloudwatchapi.PutCompositeAlarmInput{AlarmName: "parent", AlarmRule: "ALARM(child)"}))
	for rule, want := range map[string]string{
		"ALARM(":        "ValidationError: AlarmRule must not contain an invalid expression: expected )",
		"ALARM(gone)":   "ValidationError: Could not save the composite alarm as alarms [gone] in the alarm rule do not exist",
		"ALARM(loop)":   "ValidationError: AlarmRule must not refer to the alarm itself: loop",
		"OK(parent)":    "",
		"ALARM(parent)": "",
	} {
		err := w.PutCompositeAlarm(w.ctx, &cloudwatchapi.PutCompositeAlarmInput{AlarmName: "loop", AlarmRule: rule})
		if want == "" {
			ok(t, err)
		} else {
			w.refused(err, want)
		}
	}
	w.refused(w.PutCompositeAlarm(w.ctx, &cloudwatchapi.PutCompositeAlarmInput{AlarmName: "parent", AlarmRule: "ALARM(loop)"}), "ValidationError: AlarmRule must not lead back to the alarm itself: loop")
	w.refused(w.PutMetricAlarm(w.ctx, alarmOn("parent", "Load", nil)), "ValidationError: An alarm with the name parent and another type already exists.")
	w.refused(w.DeleteAlarms(w.ctx, &cloudwatchapi.DeleteAlarmsInput{AlarmNames: []string{"child", "gone"}}), "ResourceNotFound: Alarm with name gone does not exist.")
	related, err := w.DescribeAlarms(w.ctx, &cloudwatchapi.DescribeAlarmsInput{ParentsOfAlarmName: "child"})
	if err != nil || len(related.CompositeAlarms) != 1 || related.CompositeAlarms[0].AlarmName != "parent" {
		t.Errorf("parents: %+v %v", related, err)
	}
}

func TestDescribeAlarms(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"a-1", "a-2", "b-1"} {
		ok(t, w.PutMetricAlarm(w.ctx, alarmOn(name, "Load", func(in *cloudwatchapi.PutMetricAlarmInput) {
			in.Tags = []cloudwatchapi.Tag{{Key: "team", Value: name}}
			in.ActionsEnabled = new(name == "a-1")
		})))
	}
	names := func(in cloudwatchapi.DescribeAlarmsInput) (string, string) {
		out, err := w.DescribeAlarms(w.ctx, &in)
		ok(t, err)
		var all []string
		for _, a := range out.MetricAlarms {
			all = append(all, a.AlarmName)
		}
		return strings.Join(all, " "), out.NextToken
	}
	if got, token := names(cloudwatchapi.DescribeAlarmsInput{AlarmNamePrefix: "a", MaxRecords: new(int32(1))}); got != "a-1" || token == "" {
		t.Errorf("the first page: %s %s", got, token)
	} else if got, token := names(cloudwatchapi.DescribeAlarmsInput{AlarmNamePrefix: "a", NextToken: token}); got != "a-2" || token != "" {
		t.Errorf("the second page: %s %s", got, token)
	}
	if got, _ := names(cloudwatchapi.DescribeAlarmsInput{StateValue: "ALARM"}); got != "" {
		t.Errorf("in alarm: %s", got)
	}
	out, err := w.DescribeAlarmsForMetric(w.ctx, &cloudwatchapi.DescribeAlarmsForMetricInput{Namespace: "App", MetricName: "Load", Statistic: "Maximum"})
	if err != nil || len(out.MetricAlarms) != 3 || !out.MetricAlarms[0].ActionsEnabled || out.MetricAlarms[1].ActionsEnabled {
		t.Errorf("for the metric: %+v %v", out, err)
	}
	ok(t, w.EnableAlarmActions(w.ctx, &cloudwatchapi.EnableAlarmActionsInput{AlarmNames: []string{"a-2", "gone"}}))
	ok(t, w.DisableAlarmActions(w.ctx, &cloudwatchapi.DisableAlarmActionsInput{AlarmNames: []string{"a-1"}}))
	out, err = w.DescribeAlarmsForMetric(w.ctx, &cloudwatchapi.DescribeAlarmsForMetricInput{Namespace: "App", MetricName: "Load"})
	if err != nil || out.MetricAlarms[0].ActionsEnabled || !out.MetricAlarms[1].ActionsEnabled {
		t.Errorf("after enabling and disabling: %+v %v", out, err)
	}
	arn := out.MetricAlarms[0].AlarmArn
	if arn != "arn:aws:cloudwatch:eu-west-1:000000000000:alarm:a-1" {
		t.Errorf("the ARN is %s", arn)
	}
	_, err = w.TagResource(w.ctx, &cloudwatchapi.TagResourceInput{ResourceARN: arn, Tags: []cloudwatchapi.Tag{{Key: "env", Value: "test"}}})
	ok(t, err)
	_, err = w.UntagResource(w.ctx, &cloudwatchapi.UntagResourceInput{ResourceARN: arn, TagKeys: []string{"team"}})
	ok(t, err)
	tags, err := w.ListTagsForResource(w.ctx, &cloudwatchapi.ListTagsForResourceInput{ResourceARN: arn})
	if err != nil || len(tags.Tags) != 1 || tags.Tags[0].Key != "env" {
		t.Errorf("tags %+v %v", tags, err)
	}
	_, err = w.ListTagsForResource(w.ctx, &cloudwatchapi.ListTagsForResourceInput{ResourceARN: arn + "x"})
	w.refused(err, "ResourceNotFoundException")
	ok(t, w.DeleteAlarms(w.ctx, &cloudwatchapi.DeleteAlarmsInput{AlarmNames: []string{"a-1", "a-2", "b-1"}}))
	if got, _ := names(cloudwatchapi.DescribeAlarmsInput{}); got != "" {
		t.Errorf("left: %s", got)
	}
}
