package ec2

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
)

// maxFilterValues is AWS's limit on the filter values of one call.
const maxFilterValues = 200

// fields are the filters of a kind of resource by name, with the values that a
// record has for each. Filters on tags need no entry.
type fields[T any] map[string]func(q *scope, rec *T) []string

// matcher decides about records by the filters of a request: a record must
// match all filters, and one of the values of each.
type matcher[T any] struct {
	q       *scope
	fields  fields[T]
	tags    func(*T) []state.Tag
	filters []ec2api.Filter
}

// newMatcher checks the filters' names.
func newMatcher[T any](q *scope, f fields[T], tags func(*T) []state.Tag, filters []ec2api.Filter) (*matcher[T], error) {
	n := 0
	for _, filter := range filters {
		n += len(filter.Values)
		_, known := f[filter.Name]
		isTag := filter.Name == "tag-key" || filter.Name == "tag-value" || strings.HasPrefix(filter.Name, "tag:")
		if !known && (tags == nil || !isTag) {
			return nil, errorf("InvalidParameterValue", "The filter '%s' is invalid", filter.Name)
		}
	}
	if n > maxFilterValues {
		return nil, errorf("FilterLimitExceeded", "The maximum number of filter values specified on a single call is %d", maxFilterValues)
	}
	return &matcher[T]{q, f, tags, filters}, nil
}

func (m *matcher[T]) matches(rec *T) bool {
	for _, filter := range m.filters {
		if !anyMatches(filter.Values, m.values(filter.Name, rec)) {
			return false
		}
	}
	return true
}

func (m *matcher[T]) values(name string, rec *T) []string {
	if f, ok := m.fields[name]; ok {
		return f(m.q, rec)
	}
	var values []string
	for _, t := range m.tags(rec) {
		switch {
		case name == "tag-key":
			values = append(values, t.Key)
		case name == "tag-value", "tag:"+t.Key == name:
			values = append(values, t.Value)
		}
	}
	return values
}

func anyMatches(patterns, values []string) bool {
	for _, p := range patterns {
		for _, v := range values {
			if wildcard(p, v) {
				return true
			}
		}
	}
	return false
}

// wildcard matches as EC2's filters do: * is any text, ? any one character, \
// takes the next character literally. It takes time proportional to the product
// of the lengths at worst.
func wildcard(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	i, j := 0, 0
	star, mark := -1, 0
	for j < len(t) {
		literal, width := rune(0), 1
		if i < len(p) {
			literal = p[i]
			if literal == '\\' && i+1 < len(p) {
				literal, width = p[i+1], 2
			}
		}
		switch {
		case i < len(p) && width == 1 && p[i] == '*':
			star, mark = i, j
			i++
		case i < len(p) && (literal == t[j] || width == 1 && p[i] == '?'):
			i += width
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// one is the value of a filter; none when it is empty.
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func yes(b bool) []string { return []string{strconv.FormatBool(b)} }
