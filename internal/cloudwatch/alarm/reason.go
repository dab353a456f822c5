package alarm

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// comparisons are the comparison operators in words.
var comparisons = map[string]string{
	"GreaterThanOrEqualToThreshold": "greater than or equal to the threshold", "GreaterThanThreshold": "greater than the threshold",
	"LessThanThreshold": "less than the threshold", "LessThanOrEqualToThreshold": "less than or equal to the threshold",
}

// Number is a number as alarms write it: always with a decimal point.
func Number(v float64) string {
	format := byte('f')
	if v != 0 && (v >= 1e7 || v <= -1e7 || v < 1e-3 && v > -1e-3) {
		format = 'E'
	}
	s := strconv.FormatFloat(v, format, -1, 64)
	mantissa, exponent, scientific := strings.Cut(s, "E")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	if !scientific {
		return mantissa
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

// values are datapoints in a text, the newest first.
func values(points []Datapoint) string {
	var all []string
	for i := len(points) - 1; i >= 0; i-- {
		all = append(all, Number(points[i].Value)+" ("+points[i].At.UTC().Format("02/01/06 15:04:05")+")")
	}
	return strings.Join(all, ", ")
}

// compared is "greater than the threshold (1.0)", or its contrary.
func (t Threshold) compared(over bool) string {
	not := ""
	if !over {
		not = "not "
	}
	return not + comparisons[t.Comparison] + " (" + Number(t.Value) + ")"
}

// crossed is the reason of a state that datapoints decide alone.
func (t Threshold) crossed(points []Datapoint, over bool) string {
	need, way := t.ToAlarm, "OK -> ALARM"
	if !over {
		need, way = t.Periods-t.ToAlarm+1, "ALARM -> OK"
	}
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s (minimum %s for %s transition).",
		len(points), t.Periods, values(points), was(len(points)), t.compared(over), plural(need, "datapoint", "datapoints"), way)
}

// filled is the reason of a state in which missing datapoints count.
func (t Threshold) filled(points []Datapoint, missing int, over bool) string {
	as := map[string]string{Breaching: "Breaching", NotBreaching: "NonBreaching"}[t.Missing]
	treated := fmt.Sprintf("%s %s treated as [%s]", plural(missing, "missing datapoint", "missing datapoints"), was(missing), as)
	if len(points) == 0 {
		return fmt.Sprintf("Threshold Crossed: no datapoints were received for %s and %s.", plural(missing, "period", "periods"), treated)
	}
	return fmt.Sprintf("Threshold Crossed: %s [%s] %s %s and %s.", plural(len(points), "datapoint", "datapoints"), values(points), was(len(points)), t.compared(over), treated)
}

func (t Threshold) unknown(n int) string {
	return fmt.Sprintf("Insufficient Data: %s %s unknown.", plural(n, "datapoint", "datapoints"), was(n))
}

// moment is a time in StateReasonData and in histories.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// reasonData is StateReasonData of metric alarms.
type reasonData struct {
	Version             string      `json:"version"`
	QueryDate           string      `json:"queryDate"`
	StartDate           string      `json:"startDate,omitempty"`
	Unit                string      `json:"unit,omitempty"`
	Statistic           string      `json:"statistic,omitempty"`
	Period              int         `json:"period"`
	RecentDatapoints    []decimal   `json:"recentDatapoints"`
	Threshold           decimal     `json:"threshold"`
	EvaluatedDatapoints []evaluated `json:"evaluatedDatapoints"`
}

type evaluated struct {
	Timestamp   string  `json:"timestamp"`
	SampleCount decimal `json:"sampleCount,omitempty"`
	Value       decimal `json:"value"`
}

// decimal is a number that JSON has with a decimal point.
type decimal float64

// MarshalJSON implements json.Marshaler.
func (d decimal) MarshalJSON() ([]byte, error) { return []byte(Number(float64(d))), nil }

// maxListed bounds the datapoints of StateReasonData, which may have 4000 characters.
const maxListed = 30

func (t Threshold) data(points []Datapoint, now time.Time) string {
	points = points[max(0, len(points)-maxListed):]
	d := reasonData{
		Version: "1.0", QueryDate: moment(now), Unit: t.Unit, Statistic: t.Statistic, Period: int(t.Period / time.Second), Threshold: decimal(t.Value),
		RecentDatapoints: []decimal{}, EvaluatedDatapoints: []evaluated{},
	}
	for i, p := range points {
		if i == 0 {
			d.StartDate = moment(p.At)
		}
		d.RecentDatapoints = append(d.RecentDatapoints, decimal(p.Value))
		newest := points[len(points)-1-i]
		d.EvaluatedDatapoints = append(d.EvaluatedDatapoints, evaluated{moment(newest.At), decimal(newest.Count), decimal(newest.Value)})
	}
	raw, _ := json.Marshal(d) // plain values: always encodes
	return string(raw)
}
