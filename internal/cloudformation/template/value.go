package template

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// Kind says what a Value is.
type Kind int

// The kinds of values. Unknown stands for a value that only the making of a
// resource will tell; it appears when a change set is computed.
const (
	Null Kind = iota
	String
	Number
	Bool
	List
	Map
	Unknown
)

// Value is a node of a template: a scalar with its spelling, a list or a map in
// the order of the text. Values are shared between trees and never modified.
type Value struct {
	Kind    Kind
	Text    string   // String, Number, Bool: the spelling. Unknown: the reference that will tell it
	Items   []*Value // List
	Entries []Entry  // Map: keys are unique
	Line    int      // line in the template, from 1; 0 for a value that was computed
	Column  int
}

// Entry is one key of a map.
type Entry struct {
	Key   string
	Line  int
	Value *Value
}

// Text returns a string value.
func Text(s string) *Value { return &Value{Kind: String, Text: s} }

// Strings returns a list of strings.
func Strings(items []string) *Value {
	out := &Value{Kind: List, Items: make([]*Value, len(items))}
	for i, s := range items {
		out.Items[i] = Text(s)
	}
	return out
}

// Object returns a map with the given entries.
func Object(entries ...Entry) *Value { return &Value{Kind: Map, Entries: entries} }

// IsScalar reports whether v is a string, number or boolean.
func (v *Value) IsScalar() bool {
	return v != nil && (v.Kind == String || v.Kind == Number || v.Kind == Bool)
}

// Get returns the value of a key of a map, nil when there is none.
func (v *Value) Get(key string) *Value {
	if v == nil || v.Kind != Map {
		return nil
	}
	for i := range v.Entries {
		if v.Entries[i].Key == key {
			return v.Entries[i].Value
		}
	}
	return nil
}

// Str returns the spelling of a scalar, "" for anything else.
func (v *Value) Str() string {
	if v.IsScalar() {
		return v.Text
	}
	return ""
}

// Keys returns the keys of a map in their order.
func (v *Value) Keys() []string {
	if v == nil {
		return nil
	}
	keys := make([]string, len(v.Entries))
	for i, e := range v.Entries {
		keys[i] = e.Key
	}
	return keys
}

// With returns a copy of a map in which key has the given value; a nil value
// removes it.
func (v *Value) With(key string, value *Value) *Value {
	out := *v
	out.Entries = slices.Clone(v.Entries)
	at := slices.IndexFunc(out.Entries, func(e Entry) bool { return e.Key == key })
	switch {
	case value == nil && at >= 0:
		out.Entries = slices.Delete(out.Entries, at, at+1)
	case value == nil:
	case at >= 0:
		out.Entries[at].Value = value
	default:
		out.Entries = append(out.Entries, Entry{Key: key, Line: value.Line, Value: value})
	}
	return &out
}

// HasUnknown reports whether v, or something in it, is unknown.
func (v *Value) HasUnknown() bool {
	if v == nil {
		return false
	}
	if v.Kind == Unknown {
		return true
	}
	return slices.ContainsFunc(v.Items, (*Value).HasUnknown) ||
		slices.ContainsFunc(v.Entries, func(e Entry) bool { return e.Value.HasUnknown() })
}

// Equal reports whether two values mean the same: maps without regard to order,
// scalars by their spelling (true and "true" are equal). An unknown value equals nothing.
func Equal(a, b *Value) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.IsScalar() && b.IsScalar():
		return a.Text == b.Text
	case a.Kind != b.Kind || a.Kind == Unknown:
		return false
	case a.Kind == List:
		return slices.EqualFunc(a.Items, b.Items, Equal)
	case a.Kind == Map:
		return len(a.Entries) == len(b.Entries) && !slices.ContainsFunc(a.Entries, func(e Entry) bool {
			other := b.Get(e.Key)
			return other == nil || !Equal(e.Value, other)
		})
	}
	return true
}

// MarshalJSON writes v as JSON with the keys in their order. Numbers keep their
// spelling where JSON has it and are strings otherwise (010, .5).
func (v *Value) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	v.writeJSON(&b)
	return b.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value) UnmarshalJSON(text []byte) error {
	got, err := parseJSON(text)
	if err != nil {
		return err
	}
	*v = *got
	return nil
}

// JSON returns v as JSON text.
func (v *Value) JSON() string {
	var b bytes.Buffer
	v.writeJSON(&b)
	return b.String()
}

func (v *Value) writeJSON(b *bytes.Buffer) {
	if v == nil {
		b.WriteString("null")
		return
	}
	switch v.Kind {
	case Null:
		b.WriteString("null")
	case Number:
		if json.Valid([]byte(v.Text)) {
			b.WriteString(v.Text)
			return
		}
		writeString(b, v.Text)
	case Bool:
		b.WriteString(strconv.FormatBool(v.Text == "true"))
	case String:
		writeString(b, v.Text)
	case Unknown:
		writeString(b, "{{changeSet:KNOWN_AFTER_APPLY}}")
	case List:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			item.writeJSON(b)
		}
		b.WriteByte(']')
	case Map:
		b.WriteByte('{')
		for i, e := range v.Entries {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, e.Key)
			b.WriteByte(':')
			e.Value.writeJSON(b)
		}
		b.WriteByte('}')
	}
}

func writeString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // writing to a buffer cannot fail
	b.Truncate(b.Len() - 1)
}
