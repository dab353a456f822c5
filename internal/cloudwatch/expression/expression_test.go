package expression

import (
	"fmt"
	"strings"
	"testing"
)

func TestEval(t *testing.T) {
	series := map[string]Series{
		"m1": {Label: "errors", Period: 60, Points: []Point{{0, 1}, {60, 2}, {180, 4}}},
		"m2": {Label: "requests", Period: 60, Points: []Point{{0, 10}, {60, 0}, {120, 30}, {180, 40}}},
	}
	in := Input{
		Find: func(name string) ([]Series, bool, error) {
			s, ok := series[name]
			if !ok {
				return nil, false, fmt.Errorf("no %s", name)
			}
			return []Series{s}, false, nil
		},
		All: func() []Series { return []Series{series["m1"], series["m2"]} }, Start: 0, End: 240,
	}
	for text, want := range map[string]string{
		"m1 + m2":                   "0:11 60:2 180:44",
		"100 * m1 / m2":             "0:10 180:10", // nothing where the divisor is 0
		"-m1 ^ 2":                   "0:1 60:4 180:16",
		"m1 * 2 + 1 > 3":            "0:0 60:1 180:1",
		"m1 > 1 AND m2 > 0":         "0:0 60:0 180:1",
		"SUM([m1, m2])":             "0:11 60:2 120:30 180:44",
		"AVG(METRICS())":            "0:5.5 60:1 120:30 180:22",
		"MAX(METRICS(\"err\"))":     "0:1 60:2 180:4",
		"m1 - AVG(m2)":              "0:-19 60:-18 180:-16",
		"m1 / MAX(m1)":              "0:0.25 60:0.5 180:1",
		"FILL(m1, 0)":               "0:1 60:2 120:0 180:4",
		"FILL(m1, REPEAT)":          "0:1 60:2 120:2 180:4",
		"FILL(m1, LINEAR)":          "0:1 60:2 120:3 180:4",
		"FILL(m1, m2)":              "0:1 60:2 120:30 180:4",
		"IF(m1 > 1, m1, 7)":         "0:7 60:2 180:4",
		"IF(m1 > 1, m1)":            "60:2 180:4",
		"IF(1 > 2, m1, m2)":         "0:10 60:0 120:30 180:40",
		"RATE(m1)":                  "60:0.016666666666666666 180:0.016666666666666666",
		"DIFF(m2)":                  "60:-10 120:30 180:10",
		"RUNNING_SUM(m1)":           "0:1 60:3 180:7",
		"m1 / PERIOD(m1)":           "0:0.016666666666666666 60:0.03333333333333333 180:0.06666666666666667",
		"ABS(m1 - 2)":               "0:1 60:0 180:2",
		"FIRST(SORT([m1,m2], MAX))": "0:10 60:0 120:30 180:40",
		"SLICE([m1,m2], 0, 1)":      "0:1 60:2 180:4",
		"DATAPOINT_COUNT([m1, m2])": "0:2 60:2 120:1 180:2",
		"TIME_SERIES(3) - 1":        "0:2 60:2 120:2 180:2",
		"MINUTE(m1)":                "0:0 60:1 180:3",
		"m1 * 1e1":                  "0:10 60:20 180:40",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		list, _, err := e.Eval(in)
		if err != nil || len(list) != 1 {
			t.Errorf("%s: %d series, %v", text, len(list), err)
			continue
		}
		var got []string
		for _, p := range list[0].Points {
			got = append(got, fmt.Sprintf("%d:%v", p.At, p.Value))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s\n got %s\nwant %s", text, strings.Join(got, " "), want)
		}
	}
	for text, want := range map[string]string{
		"m1 +":                           "the expression ends too early at position 5",
		"m1 m2":                          "unexpected \"m2\" at position 4",
		"(m1":                            "expected \")\" at position 4",
		"SEARCH('{A} b', 'Sum')":         "the function SEARCH is not carried out by Neargate at position 8",
		"NOPE(m1)":                       "unknown function NOPE at position 6",
		"IF(m1)":                         "wrong number of arguments of IF at position 7",
		"SELECT AVG(x) FROM y":           "Metrics Insights queries (SELECT) are not carried out by Neargate",
		"m1 # 2":                         "unexpected character \"#\" at position 4",
		strings.Repeat("(", 1000) + "m1": "the expression is nested too deep",
	} {
		if _, err := Parse(text); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.30s: %v, want %s", text, err, want)
		}
	}
	for text, want := range map[string]string{
		"SUM(m1)": "the expression has to give a time series", "m3 + 1": "no m3", "[m1] + [m2]": "+ cannot be used on two arrays of time series", "1 / 0": "division by zero",
	} {
		e, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, _, err := e.Eval(in); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("IF(m1 > 1, FILL(m2, 0), [m1])")
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := Parse(text); err == nil {
			_, _, _ = e.Eval(Input{Find: func(string) ([]Series, bool, error) { return nil, false, nil }, All: func() []Series { return nil }})
		}
	})
}
