package alarm

import "time"

// States of alarms.
const (
	OK           = "OK"
	Alarm        = "ALARM"
	Insufficient = "INSUFFICIENT_DATA"
)

// Treatments of missing data.
const (
	Missing      = "missing"
	Ignore       = "ignore"
	Breaching    = "breaching"
	NotBreaching = "notBreaching"
)

// Datapoint is the statistic of one period.
type Datapoint struct {
	At    time.Time // when the period begins
	Value float64
	Count float64 // samples; 0: not known
}

// Threshold is when an alarm is in alarm.
type Threshold struct {
	Value      float64
	Comparison string // GreaterThanThreshold ...
	Periods    int    // N
	ToAlarm    int    // M
	Missing    string // treatment of missing data
	Period     time.Duration
	Statistic  string // for texts; empty: an expression
	Unit       string
}

// Range is how many periods are looked at: a few more than are evaluated, so that data
// that comes late or with gaps is found.
func (t Threshold) Range() int { return t.Periods + 2 }

// breaches says whether a value is beyond the threshold.
func (t Threshold) breaches(v float64) bool {
	switch t.Comparison {
	case "GreaterThanOrEqualToThreshold":
		return v >= t.Value
	case "GreaterThanThreshold":
		return v > t.Value
	case "LessThanThreshold":
		return v < t.Value
	}
	return v <= t.Value
}

// Verdict is the state that follows from datapoints, and why.
type Verdict struct {
	State, Reason string
	Data          string // StateReasonData, JSON
}

// Evaluate decides the state from the datapoints of the last Range periods before end,
// oldest first. Periods without a datapoint are missing. last is the state so far,
// which remains where the data does not decide; the verdict has no reason then.
func (t Threshold) Evaluate(points []Datapoint, end time.Time, last string) Verdict {
	considered := points[max(0, len(points)-t.Periods):]
	var over, under []Datapoint
	for _, p := range considered {
		if t.breaches(p.Value) {
			over = append(over, p)
		} else {
			under = append(under, p)
		}
	}
	missing := t.Periods - len(considered)
	decided := func(state, reason string) Verdict {
		return Verdict{State: state, Reason: reason, Data: t.data(considered, end)}
	}
	switch {
	case len(over) >= t.ToAlarm:
		return decided(Alarm, t.crossed(over, true))
	case missing == 0:
		return decided(OK, t.crossed(under, false))
	case t.Missing == Breaching && len(over)+missing >= t.ToAlarm:
		return decided(Alarm, t.filled(over, missing, true))
	case t.Missing == Breaching || t.Missing == NotBreaching:
		return decided(OK, t.filled(under, missing, false))
	case len(under) > 0:
		return decided(OK, t.crossed(under, false))
	case t.Missing == Ignore:
		return Verdict{State: last}
	case len(over) == 0:
		return decided(Insufficient, t.unknown(missing))
	case end.Sub(over[0].At) >= time.Duration(t.ToAlarm)*t.Period:
		// All there is breaches, and the oldest of it is old enough: more would have come.
		return decided(Alarm, t.crossed(over, true))
	}
	return Verdict{State: last}
}
