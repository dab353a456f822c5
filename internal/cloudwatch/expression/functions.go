package expression

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// function is how many arguments a function takes, and what it does.
type function struct {
	least, most int
	do          func(in Input, args []value) (value, error)
}

// refused are functions of CloudWatch that are not carried out.
var refused = []string{"SEARCH", "ANOMALY_DETECTION_BAND", "INSIGHT_RULE_METRIC", "SERVICE_QUOTA", "LAMBDA", "DB_PERF_INSIGHTS"}

// plain are the functions of several numbers.
var plain = map[string]func([]float64) float64{
	"SUM": sum, "AVG": mean, "MIN": slices.Min[[]float64], "MAX": slices.Max[[]float64], "STDDEV": deviation,
	"DATAPOINT_COUNT": func(all []float64) float64 { return float64(len(all)) },
}

var functions map[string]function

func init() {
	functions = map[string]function{
		"METRICS": {0, 1, metricsFunction}, "IF": {2, 3, ifFunction}, "FILL": {2, 2, fillFunction}, "PERIOD": {1, 1, periodFunction}, "SORT": {2, 3, sortFunction},
		"SLICE": {2, 3, sliceFunction}, "FIRST": {1, 1, nth(0)}, "LAST": {1, 1, nth(-1)}, "METRIC_COUNT": {1, 1, countFunction}, "REMOVE_EMPTY": {1, 1, removeEmpty},
		"TIME_SERIES": {1, 1, timeSeries},
		"RATE":        {1, 1, stepwise(func(a, b Point) float64 { return (b.Value - a.Value) / float64(b.At-a.At) })},
		"DIFF":        {1, 1, stepwise(func(a, b Point) float64 { return b.Value - a.Value })},
		"DIFF_TIME":   {1, 1, stepwise(func(a, b Point) float64 { return float64(b.At - a.At) })},
		"RUNNING_SUM": {1, 1, runningSum},
	}
	for name, do := range plain {
		functions[name] = function{1, 1, folding(name, do)}
	}
	for name, do := range map[string]func(float64) float64{"ABS": math.Abs, "CEIL": math.Ceil, "FLOOR": math.Floor, "LOG": math.Log, "LOG10": math.Log10} {
		functions[name] = function{1, 1, func(_ Input, args []value) (value, error) {
			switch args[0].kind {
			case text:
				return value{}, errors.New(name + " needs a number or time series")
			case scalar:
				return value{number: do(args[0].number)}, nil
			}
			return each(args[0], func(s Series) Series { return mapped(s, do) }), nil
		}}
	}
	for name, part := range map[string]func(time.Time) int{
		"MINUTE": time.Time.Minute, "HOUR": time.Time.Hour, "DATE": time.Time.Day, "YEAR": time.Time.Year,
		"DAY": func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }, "MONTH": func(t time.Time) int { return int(t.Month()) }, "EPOCH": func(t time.Time) int { return int(t.Unix()) },
	} {
		functions[name] = function{1, 1, onSeries(name, func(s Series) Series {
			out := Series{Label: s.Label, Period: s.Period}
			for _, p := range s.Points {
				out.Points = append(out.Points, Point{p.At, float64(part(time.Unix(p.At, 0).UTC()))})
			}
			return out
		})}
	}
}

func sum(all []float64) (total float64) {
	for _, v := range all {
		total += v
	}
	return total
}

func mean(all []float64) float64 { return sum(all) / float64(len(all)) }

func deviation(all []float64) float64 {
	m, squares := mean(all), 0.0
	for _, v := range all {
		squares += (v - m) * (v - m)
	}
	return math.Sqrt(squares / float64(len(all)))
}

// folding is a function of all values of a series, which gives a number, or of an
// array, which gives a series of what it comes to at each time.
func folding(name string, do func([]float64) float64) func(Input, []value) (value, error) {
	return func(_ Input, args []value) (value, error) {
		switch a := args[0]; a.kind {
		case single:
			var all []float64
			for _, p := range one(a).Points {
				all = append(all, p.Value)
			}
			if len(all) == 0 {
				return value{}, nil
			}
			return value{number: do(all)}, nil
		case array:
			byTime := map[int64][]float64{}
			out := Series{Label: name}
			for _, s := range a.list {
				out.Period = max(out.Period, s.Period)
				for _, p := range s.Points {
					byTime[p.At] = append(byTime[p.At], p.Value)
				}
			}
			for _, at := range slices.Sorted(maps.Keys(byTime)) {
				out.Points = append(out.Points, Point{at, do(byTime[at])})
			}
			return value{kind: single, list: []Series{out}}, nil
		}
		return value{}, errors.New(name + " needs a time series or an array of them")
	}
}

// onSeries is a function of each series.
func onSeries(name string, do func(Series) Series) func(Input, []value) (value, error) {
	return func(_ Input, args []value) (value, error) {
		if args[0].kind == scalar || args[0].kind == text {
			return value{}, errors.New(name + " needs a time series")
		}
		return each(args[0], do), nil
	}
}

// stepwise is a function of each point and the one before.
func stepwise(do func(before, now Point) float64) func(Input, []value) (value, error) {
	return onSeries("the function", func(s Series) Series {
		out := Series{Label: s.Label, Period: s.Period}
		for i := 1; i < len(s.Points); i++ {
			out.Points = append(out.Points, Point{s.Points[i].At, do(s.Points[i-1], s.Points[i])})
		}
		return out
	})
}

func runningSum(in Input, args []value) (value, error) {
	return onSeries("RUNNING_SUM", func(s Series) Series {
		total := 0.0
		return mapped(s, func(v float64) float64 { total += v; return total })
	})(in, args)
}

func metricsFunction(in Input, args []value) (value, error) {
	if len(args) == 0 {
		return value{kind: array, list: in.All()}, nil
	}
	if args[0].kind != text {
		return value{}, errors.New("METRICS needs a text")
	}
	out := value{kind: array}
	for _, s := range in.All() {
		if strings.Contains(s.Label, args[0].text) {
			out.list = append(out.list, s)
		}
	}
	return out, nil
}

// ifFunction chooses: at each time where the condition is a series.
func ifFunction(_ Input, args []value) (value, error) {
	if args[0].kind == scalar && len(args) == 3 {
		if args[0].number != 0 {
			return args[1], nil
		}
		return args[2], nil
	}
	if args[0].kind != single {
		return value{}, errors.New("IF needs a condition that is a number or a time series")
	}
	branch := func(v value, at int64, known map[int64]float64) (float64, bool) {
		if v.kind == scalar {
			return v.number, true
		}
		x, ok := known[at]
		return x, ok
	}
	var indexes []map[int64]float64
	for _, a := range args[1:] {
		if a.kind == array || a.kind == text {
			return value{}, errors.New("IF chooses among numbers and single time series")
		}
		indexes = append(indexes, index(one(a)))
	}
	condition := one(args[0])
	out := Series{Label: condition.Label, Period: condition.Period}
	for _, p := range condition.Points {
		which := 1
		if p.Value == 0 {
			which = 2
		}
		if which >= len(args) {
			continue
		}
		if v, ok := branch(args[which], p.At, indexes[which-1]); ok {
			out.Points = append(out.Points, Point{p.At, v})
		}
	}
	return value{kind: single, list: []Series{out}}, nil
}

// fillFunction puts values where series have none.
func fillFunction(in Input, args []value) (value, error) {
	filler := args[1]
	if filler.kind == array || filler.kind == text && filler.text != "REPEAT" && filler.text != "LINEAR" {
		return value{}, errors.New("FILL fills with a number, a time series, REPEAT or LINEAR")
	}
	if args[0].kind == scalar || args[0].kind == text {
		return value{}, errors.New("FILL needs a time series")
	}
	other := index(one(filler))
	return each(args[0], func(s Series) Series {
		if s.Period <= 0 {
			return s
		}
		have := index(s)
		out := Series{Label: s.Label, Period: s.Period}
		for at := in.Start; at < in.End; at += s.Period {
			v, ok := have[at]
			if !ok {
				switch {
				case filler.kind == scalar:
					v, ok = filler.number, true
				case filler.kind == single:
					v, ok = other[at]
				default:
					v, ok = between(s.Points, at, filler.text == "LINEAR")
				}
			}
			if ok {
				out.Points = append(out.Points, Point{at, v})
			}
		}
		return out
	}), nil
}

// between is the value before a time, or that on the line from there to the next one.
func between(points []Point, at int64, linear bool) (float64, bool) {
	i, _ := slices.BinarySearchFunc(points, at, func(p Point, at int64) int { return cmp.Compare(p.At, at) })
	if i == 0 || linear && i == len(points) {
		return 0, false
	}
	before := points[i-1]
	if !linear {
		return before.Value, true
	}
	after := points[i]
	return before.Value + (after.Value-before.Value)*float64(at-before.At)/float64(after.At-before.At), true
}

func periodFunction(_ Input, args []value) (value, error) {
	if args[0].kind != single {
		return value{}, errors.New("PERIOD needs one time series")
	}
	return value{number: float64(one(args[0]).Period)}, nil
}

func countFunction(_ Input, args []value) (value, error) {
	return value{number: float64(len(args[0].list))}, nil
}

func removeEmpty(_ Input, args []value) (value, error) {
	out := value{kind: array}
	for _, s := range args[0].list {
		if len(s.Points) > 0 {
			out.list = append(out.list, s)
		}
	}
	return out, nil
}

func nth(i int) func(Input, []value) (value, error) {
	return func(_ Input, args []value) (value, error) {
		list := args[0].list
		if args[0].kind != array || len(list) == 0 {
			return value{}, errors.New("FIRST and LAST need an array of time series")
		}
		return value{kind: single, list: []Series{list[(i+len(list))%len(list)]}}, nil
	}
}

func sliceFunction(_ Input, args []value) (value, error) {
	list := args[0].list
	if args[0].kind != array || args[1].kind != scalar || len(args) == 3 && args[2].kind != scalar {
		return value{}, errors.New("SLICE needs an array of time series and numbers")
	}
	from, to := int(args[1].number), len(list)
	if len(args) == 3 {
		to = int(args[2].number)
	}
	from, to = min(max(from, 0), len(list)), min(max(to, 0), len(list))
	return value{kind: array, list: list[from:max(from, to)]}, nil
}

// sortFunction orders an array by SUM, AVG, MIN, MAX or STDDEV of each series.
func sortFunction(_ Input, args []value) (value, error) {
	by := plain[args[1].text]
	direction := "DESC"
	if len(args) == 3 {
		direction = args[2].text
	}
	if args[0].kind != array || by == nil || direction != "ASC" && direction != "DESC" {
		return value{}, fmt.Errorf("SORT needs an array of time series, a function and ASC or DESC")
	}
	rank := func(s Series) float64 {
		var all []float64
		for _, p := range s.Points {
			all = append(all, p.Value)
		}
		if len(all) == 0 {
			return math.Inf(-1)
		}
		return by(all)
	}
	list := slices.Clone(args[0].list)
	slices.SortStableFunc(list, func(a, b Series) int {
		if direction == "ASC" {
			return cmp.Compare(rank(a), rank(b))
		}
		return cmp.Compare(rank(b), rank(a))
	})
	return value{kind: array, list: list}, nil
}

// timeSeries makes a series of a number, minute by minute.
func timeSeries(in Input, args []value) (value, error) {
	if args[0].kind != scalar {
		return value{}, errors.New("TIME_SERIES needs a number")
	}
	out := Series{Period: 60}
	for at := in.Start; at < in.End; at += out.Period {
		out.Points = append(out.Points, Point{at, args[0].number})
	}
	return value{kind: single, list: []Series{out}}, nil
}
