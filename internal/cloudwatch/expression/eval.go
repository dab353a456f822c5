package expression

import (
	"errors"
	"fmt"
	"math"
)

// Point is a value at a time in seconds since 1970.
type Point struct {
	At    int64
	Value float64
}

// Series is a time series, oldest point first, of points a period apart.
type Series struct {
	Label  string
	Period int64 // seconds
	Points []Point
}

// Input is what an expression is carried out on.
type Input struct {
	// Find returns the series of an id, which are several for an id whose expression
	// gives several.
	Find func(name string) (list []Series, several bool, err error)
	// All returns the series of every metric of the request, for METRICS().
	All        func() []Series
	Start, End int64 // the first second, and the first after
}

// value is what a part of an expression comes to: a number, a text, a series or
// an array of series.
type value struct {
	number float64
	text   string
	list   []Series
	kind   kind
}

type kind int

const (
	scalar kind = iota
	text
	single
	array
)

// errScalar is for an expression that gives a number.
var errScalar = errors.New("the expression has to give a time series")

// Eval carries out an expression. several tells an array from one series.
func (e *Expression) Eval(in Input) (list []Series, several bool, err error) {
	v, err := in.eval(e.root)
	if err != nil {
		return nil, false, err
	}
	if v.kind == scalar || v.kind == text {
		return nil, false, errScalar
	}
	return v.list, v.kind == array, nil
}

func (in Input) eval(n *node) (value, error) {
	switch n.op {
	case "1":
		return value{number: n.number}, nil
	case `"`:
		return value{kind: text, text: n.text}, nil
	case "name":
		list, several, err := in.Find(n.text)
		if several || err != nil {
			return value{kind: array, list: list}, err
		}
		return value{kind: single, list: list}, nil
	}
	args := make([]value, len(n.args))
	for i, a := range n.args {
		v, err := in.eval(a)
		if err != nil {
			return value{}, err
		}
		args[i] = v
	}
	if n.op == "[" {
		out := value{kind: array}
		for _, a := range args {
			out.list = append(out.list, a.list...)
		}
		return out, nil
	}
	if f, ok := functions[n.op]; ok {
		return f.do(in, args)
	}
	if n.op == "neg" {
		return binary("*", args[0], value{number: -1})
	}
	return binary(n.op, args[0], args[1])
}

var operations = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b }, "-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b }, "/": func(a, b float64) float64 { return a / b }, "^": math.Pow,
	"==": func(a, b float64) float64 { return truth(a == b) }, "!=": func(a, b float64) float64 { return truth(a != b) },
	"<": func(a, b float64) float64 { return truth(a < b) }, ">": func(a, b float64) float64 { return truth(a > b) },
	"<=": func(a, b float64) float64 { return truth(a <= b) }, ">=": func(a, b float64) float64 { return truth(a >= b) },
	"&&": func(a, b float64) float64 { return truth(a != 0 && b != 0) }, "||": func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// binary carries out an operator. Series meet where both have a point.
func binary(op string, a, b value) (value, error) {
	do := operations[op]
	switch {
	case a.kind == text || b.kind == text:
		return value{}, fmt.Errorf("%s needs numbers or time series", op)
	case a.kind == scalar && b.kind == scalar:
		v := do(a.number, b.number)
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return value{}, errors.New("division by zero")
		}
		return value{number: v}, nil
	case a.kind == array && b.kind == array:
		return value{}, fmt.Errorf("%s cannot be used on two arrays of time series", op)
	case b.kind == scalar:
		return each(a, func(s Series) Series { return mapped(s, func(v float64) float64 { return do(v, b.number) }) }), nil
	case a.kind == scalar:
		return each(b, func(s Series) Series { return mapped(s, func(v float64) float64 { return do(a.number, v) }) }), nil
	case a.kind == array:
		return each(a, func(s Series) Series { return met(s, one(b), do) }), nil
	}
	return each(b, func(s Series) Series { return met(one(a), s, do) }), nil
}

// one is the series of a value that has one; it may be empty.
func one(v value) Series {
	if len(v.list) == 0 {
		return Series{}
	}
	return v.list[0]
}

func each(v value, do func(Series) Series) value {
	out := value{kind: v.kind}
	for _, s := range v.list {
		out.list = append(out.list, do(s))
	}
	return out
}

// mapped is the series with every value changed; what is no number then is left out.
func mapped(s Series, do func(float64) float64) Series {
	out := Series{Label: s.Label, Period: s.Period}
	for _, p := range s.Points {
		if v := do(p.Value); !math.IsNaN(v) && !math.IsInf(v, 0) {
			out.Points = append(out.Points, Point{p.At, v})
		}
	}
	return out
}

func met(a, b Series, do func(a, b float64) float64) Series {
	at := index(b)
	out := Series{Label: a.Label, Period: max(a.Period, b.Period)}
	for _, p := range a.Points {
		if other, ok := at[p.At]; ok {
			if v := do(p.Value, other); !math.IsNaN(v) && !math.IsInf(v, 0) {
				out.Points = append(out.Points, Point{p.At, v})
			}
		}
	}
	return out
}

func index(s Series) map[int64]float64 {
	out := make(map[int64]float64, len(s.Points))
	for _, p := range s.Points {
		out[p.At] = p.Value
	}
	return out
}
