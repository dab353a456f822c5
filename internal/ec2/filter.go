package ec2

import (
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/wildcard"
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

// anyMatches matches as EC2's filters do, in which a backslash escapes a wildcard.
func anyMatches(patterns, values []string) bool {
	for _, text := range patterns {
		pattern := wildcard.CompileEscaped(text)
		for _, v := range values {
			if wildcard.Match(pattern, v) {
				return true
			}
		}
	}
	return false
}

// one is the value of a filter; none when it is empty.
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func yes(b bool) []string { return []string{strconv.FormatBool(b)} }
