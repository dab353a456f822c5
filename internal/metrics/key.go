package metrics

import (
	"cmp"
	"slices"
	"strings"
)

// Dimension is a name and value that a series is about.
type Dimension struct{ Name, Value string }

// Dimensions is a set of dimensions in one comparable string.
type Dimensions string

// Dims is the set of dimensions, of which no name or value has a zero byte.
func Dims(all ...Dimension) Dimensions {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Dimension) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Value, b.Value)) })
	var b strings.Builder
	for _, d := range all {
		b.WriteString(d.Name)
		b.WriteByte(0)
		b.WriteString(d.Value)
		b.WriteByte(0)
	}
	return Dimensions(b.String())
}

// List returns the dimensions, sorted by name.
func (d Dimensions) List() []Dimension {
	var out []Dimension
	for rest := string(d); rest != ""; {
		var dim Dimension
		dim.Name, rest, _ = strings.Cut(rest, "\x00")
		dim.Value, rest, _ = strings.Cut(rest, "\x00")
		out = append(out, dim)
	}
	return out
}

// Key names a series. Values of different units are different series.
type Key struct {
	Account, Region, Namespace, Name string
	Dimensions                       Dimensions
	Unit                             string // Count, Seconds, Bytes ...; None
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Dimensions, b.Dimensions), cmp.Compare(a.Unit, b.Unit))
}
