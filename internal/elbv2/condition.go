package elbv2

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/state"
)

// maxValues is how many values and wildcards the conditions of one rule may have.
const maxValues = 5

// conditions checks the conditions of a rule, and makes records of them.
func conditions(in []elbv2api.RuleCondition) ([]state.RuleCondition, error) {
	if len(in) == 0 {
		return nil, invalid("A condition must be specified")
	}
	var out []state.RuleCondition
	values, seen := 0, map[string]int{}
	for _, c := range in {
		if len(c.RegexValues) > 0 {
			return nil, unsupported("RegexValues")
		}
		made, err := condition(c)
		if err != nil {
			return nil, err
		}
		if seen[made.Field]++; seen[made.Field] > 1 && made.Field != "http-header" && made.Field != "query-string" {
			return nil, invalid("The rule has more than one condition of the field '%s'", made.Field)
		}
		values += len(made.Values) + len(made.QueryString)
		out = append(out, made)
	}
	if values > maxValues {
		return nil, invalid("Rules can have at most 5 condition values")
	}
	return out, nil
}

func condition(c elbv2api.RuleCondition) (state.RuleCondition, error) {
	out := state.RuleCondition{Field: c.Field, Values: c.Values, Plain: len(c.Values) > 0}
	configs := 0
	take := func(field string, values, patterns []string) error {
		configs++
		if len(patterns) > 0 {
			return unsupported("RegexValues")
		}
		if out.Field == "" {
			out.Field = field
		}
		if out.Field != field || out.Plain {
			return invalid("The condition of the field '%s' has a configuration of '%s'", out.Field, field)
		}
		out.Values = values
		return nil
	}
	var err error
	if f := c.HostHeaderConfig; f != nil && err == nil {
		err = take("host-header", f.Values, f.RegexValues)
	}
	if f := c.PathPatternConfig; f != nil && err == nil {
		err = take("path-pattern", f.Values, f.RegexValues)
	}
	if f := c.HttpHeaderConfig; f != nil && err == nil {
		err = take("http-header", f.Values, f.RegexValues)
		out.HeaderName = f.HttpHeaderName
	}
	if f := c.HttpRequestMethodConfig; f != nil && err == nil {
		err = take("http-request-method", f.Values, nil)
	}
	if f := c.SourceIpConfig; f != nil && err == nil {
		err = take("source-ip", f.Values, nil)
	}
	if f := c.QueryStringConfig; f != nil && err == nil {
		err = take("query-string", nil, nil)
		for _, pair := range f.Values {
			out.QueryString = append(out.QueryString, state.QueryStringKeyPair{Key: pair.Key, Value: pair.Value})
		}
	}
	switch {
	case err != nil:
		return out, err
	case configs > 1:
		return out, invalid("A condition can have one configuration")
	}
	return out, checkCondition(out)
}

var (
	methodForm = regexp.MustCompile(`^[A-Z_-]{1,40}$`)
	headerForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}$")
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9.*?:-]{1,128}$`)
	pathForm   = regexp.MustCompile(`^[A-Za-z0-9_.$/~"'@:+&*?()!,;=%-]{1,128}$`)
)

// checkCondition checks the values of a condition.
func checkCondition(c state.RuleCondition) error {
	if len(c.Values)+len(c.QueryString) == 0 {
		return invalid("A condition value must be specified")
	}
	fits := map[string]func(string) bool{
		"host-header":         func(v string) bool { return hostForm.MatchString(v) && strings.Contains(v, ".") },
		"path-pattern":        pathForm.MatchString,
		"http-header":         func(v string) bool { return v != "" && len(v) <= 128 && !strings.ContainsAny(v, "\r\n\x00") },
		"http-request-method": methodForm.MatchString,
		"query-string":        func(string) bool { return true },
		"source-ip": func(v string) bool {
			_, err := netip.ParsePrefix(v)
			return err == nil
		},
	}[c.Field]
	switch {
	case fits == nil:
		return invalid("Condition field '%s' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'", c.Field)
	case c.Plain && c.Field != "host-header" && c.Field != "path-pattern":
		return invalid("Conditions of the field '%s' must have a configuration", c.Field)
	case c.Field == "http-header" && !headerForm.MatchString(c.HeaderName):
		return invalid("The HTTP header name '%s' is not valid", c.HeaderName)
	case c.Field == "http-header" && strings.EqualFold(c.HeaderName, "host"):
		return invalid("The HTTP header name 'Host' is not valid; use a condition of the field 'host-header'")
	}
	if i := slices.IndexFunc(c.Values, func(v string) bool { return !fits(v) }); i >= 0 {
		return invalid("The condition value '%s' of the field '%s' is not valid", c.Values[i], c.Field)
	}
	for _, pair := range c.QueryString {
		if pair.Value == "" || len(pair.Value) > 128 || len(pair.Key) > 128 {
			return invalid("The query string condition value '%s' is not valid", pair.Value)
		}
	}
	return nil
}

// describeConditions are conditions as the API has them.
func describeConditions(in []state.RuleCondition) []elbv2api.RuleCondition {
	out := []elbv2api.RuleCondition{}
	for _, c := range in {
		condition := elbv2api.RuleCondition{Field: c.Field}
		switch c.Field {
		case "host-header":
			condition.HostHeaderConfig = &elbv2api.HostHeaderConditionConfig{Values: c.Values}
			condition.Values = c.Values
		case "path-pattern":
			condition.PathPatternConfig = &elbv2api.PathPatternConditionConfig{Values: c.Values}
			condition.Values = c.Values
		case "http-header":
			condition.HttpHeaderConfig = &elbv2api.HttpHeaderConditionConfig{HttpHeaderName: c.HeaderName, Values: c.Values}
		case "http-request-method":
			condition.HttpRequestMethodConfig = &elbv2api.HttpRequestMethodConditionConfig{Values: c.Values}
		case "source-ip":
			condition.SourceIpConfig = &elbv2api.SourceIpConditionConfig{Values: c.Values}
		case "query-string":
			condition.QueryStringConfig = &elbv2api.QueryStringConditionConfig{}
			for _, pair := range c.QueryString {
				condition.QueryStringConfig.Values = append(condition.QueryStringConfig.Values, elbv2api.QueryStringKeyValuePair{Key: pair.Key, Value: pair.Value})
			}
		}
		out = append(out, condition)
	}
	return out
}
