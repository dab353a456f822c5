package alarm

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var end = time.Date(2021, 7, 13, 18, 45, 0, 0, time.UTC)

// points are datapoints of minutes before end: X breaches, 0 does not, - is missing.
func points(drawn string) []Datapoint {
	var out []Datapoint
	marks := strings.Fields(drawn)
	for i, m := range marks {
		at := end.Add(-time.Duration(len(marks)-i) * time.Minute)
		switch m {
		case "X":
			out = append(out, Datapoint{At: at, Value: 5, Count: 2})
		case "0":
			out = append(out, Datapoint{At: at, Value: 0, Count: 2})
		}
	}
	return out
}

// The tables of AWS's documentation: how missing data is treated.
func TestMissingDataAsInAWSTables(t *testing.T) {
	const was = "RETAINED"
	treatments := []string{Missing, Ignore, Breaching, NotBreaching}
	for _, c := range []struct {
		m, n   int
		points string
		states [4]string
	}{
		{3, 3, "0 - X - X", [4]string{OK, OK, OK, OK}},
		{3, 3, "0 - - - -", [4]string{OK, OK, OK, OK}},
		{3, 3, "- - - - -", [4]string{Insufficient, was, Alarm, OK}},
		{3, 3, "0 X X - X", [4]string{Alarm, Alarm, Alarm, Alarm}},
		{3, 3, "- - X - -", [4]string{Alarm, was, Alarm, OK}},
		{2, 3, "0 - X - X", [4]string{Alarm, Alarm, Alarm, Alarm}},
		{2, 3, "0 0 X 0 X", [4]string{Alarm, Alarm, Alarm, Alarm}},
		{2, 3, "0 - X - -", [4]string{OK, OK, Alarm, OK}},
		{2, 3, "- - - - 0", [4]string{OK, OK, Alarm, OK}},
		{2, 3, "- - - X -", [4]string{Alarm, was, Alarm, OK}},
		{2, 3, "- - - - X", [4]string{was, was, Alarm, OK}}, // not yet two periods old
		{1, 1, "- - X", [4]string{Alarm, Alarm, Alarm, Alarm}},
	} {
		for i, treatment := range treatments {
			th := Threshold{Value: 1, Comparison: "GreaterThanThreshold", Periods: c.n, ToAlarm: c.m, Missing: treatment, Period: time.Minute}
			if got := th.Evaluate(points(c.points), end, was); got.State != c.states[i] {
				t.Errorf("%d of %d, %s, %s: %s, want %s (%s)", c.m, c.n, c.points, treatment, got.State, c.states[i], got.Reason)
			}
		}
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct {
		m, n       int
		comparison string
		treatment  string
		points     string
		want       string
	}{
		{1, 1, "GreaterThanThreshold", Missing, "X", "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (13/07/21 18:44:00)] was greater than the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."},
		{1, 1, "GreaterThanOrEqualToThreshold", Missing, "0", "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (13/07/21 18:44:00)] was not greater than or equal to the threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition)."},
		{2, 3, "GreaterThanThreshold", Missing, "X 0 X", "Threshold Crossed: 2 out of the last 3 datapoints [5.0 (13/07/21 18:44:00), 5.0 (13/07/21 18:42:00)] were greater than the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."},
		{2, 3, "LessThanThreshold", Missing, "0 X X", "Threshold Crossed: 2 out of the last 3 datapoints [5.0 (13/07/21 18:44:00), 5.0 (13/07/21 18:43:00)] were not less than the threshold (1.0) (minimum 2 datapoints for ALARM -> OK transition)."},
		{3, 3, "LessThanOrEqualToThreshold", NotBreaching, "- - -", "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [NonBreaching]."},
		{1, 1, "GreaterThanThreshold", Breaching, "-", "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [Breaching]."},
		{1, 1, "GreaterThanThreshold", Missing, "-", "Insufficient Data: 1 datapoint was unknown."},
		{2, 2, "GreaterThanThreshold", Missing, "- -", "Insufficient Data: 2 datapoints were unknown."},
	} {
		th := Threshold{Value: 1, Comparison: c.comparison, Periods: c.n, ToAlarm: c.m, Missing: c.treatment, Period: time.Minute}
		if got := th.Evaluate(points(c.points), end, OK); got.Reason != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.points, got.Reason, c.want)
		}
	}
	th := Threshold{Value: 1, Comparison: "GreaterThanThreshold", Periods: 2, ToAlarm: 2, Missing: Missing, Period: time.Minute, Statistic: "Average"}
	const want = `{"version":"1.0","queryDate":"2021-07-13T18:45:00.000+0000","startDate":"2021-07-13T18:43:00.000+0000","statistic":"Average","period":60,"recentDatapoints":[5.0,0.0],"threshold":1.0,` +
		`"evaluatedDatapoints":[{"timestamp":"2021-07-13T18:44:00.000+0000","sampleCount":2.0,"value":0.0},{"timestamp":"2021-07-13T18:43:00.000+0000","sampleCount":2.0,"value":5.0}]}`
	if got := th.Evaluate(points("X 0"), end, OK).Data; got != want {
		t.Errorf("data\n got %s\nwant %s", got, want)
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64]string{0: "0.0", 1: "1.0", 0.5: "0.5", -2: "-2.0", 123456: "123456.0", 12345678: "1.2345678E7", 0.0001: "1.0E-4"} {
		if got := Number(v); got != want {
			t.Errorf("%v is %s", v, got)
		}
	}
}

func TestRules(t *testing.T) {
	states := map[string]string{"a": Alarm, "b b": OK, "c": Insufficient}
	for text, want := range map[string]string{
		"ALARM(a)": "true", `ALARM("b b")`: "false", `OK("b b") AND INSUFFICIENT_DATA(c)`: "true", "NOT ALARM(a) OR OK(a)": "false",
		`ALARM(a) AND (OK(a) OR NOT OK(c))`: "true", "TRUE": "true", "FALSE OR ALARM('c')": "false", "ALARM(gone)": "false",
		"": "expected ALARM, OK, INSUFFICIENT_DATA, NOT, TRUE, FALSE or a parenthesis", "ALARM(a": "expected )", "ALARM(a) ALARM(b)": `unexpected "ALARM(b)"`, "ALARM()": "an alarm has no name",
		"AT_LEAST(1, ALARM, (a))": "AT_LEAST is not carried out by Neargate", "(ALARM(a)": `expected ")"`, "ALARMS(a)": "expected ALARM, OK, INSUFFICIENT_DATA, NOT, TRUE, FALSE or a parenthesis",
	} {
		r, err := ParseRule(text)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = fmt.Sprint(r.Holds(func(name string) string { return states[name] }))
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
