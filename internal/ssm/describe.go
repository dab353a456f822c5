package ssm

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
)

// DescribeParameters lists parameters without their values.
func (s *Service) DescribeParameters(ctx context.Context, in *ssmapi.DescribeParametersRequest) (*ssmapi.DescribeParametersResult, error) {
	if len(in.Filters) > 0 && len(in.ParameterFilters) > 0 {
		return nil, invalid("You can use either Filters or ParameterFilters in a single request.")
	}
	if wire.Or(in.Shared, false) {
		return nil, invalid("Shared parameters are not carried out by Neargate yet.")
	}
	filters := slices.Clone(in.ParameterFilters)
	for _, f := range in.Filters {
		filters = append(filters, ssmapi.ParameterStringFilter{Key: string(f.Key), Option: "BeginsWith", Values: f.Values})
	}
	out := &ssmapi.DescribeParametersResult{Parameters: []ssmapi.ParameterMetadata{}}
	limit := int(wire.Or(in.MaxResults, 50))
	for p := range s.all(ctx, "", in.NextToken) {
		_, ok, err := filterVersion(p, filters)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if len(out.Parameters) == limit {
			out.NextToken = out.Parameters[limit-1].Name
			break
		}
		v := p.Current()
		out.Parameters = append(out.Parameters, ssmapi.ParameterMetadata{
			Name: p.Name, ARN: p.ARN(), Type: ssmapi.ParameterType(p.Type), KeyId: v.KeyID, LastModifiedDate: v.ModifiedAt, LastModifiedUser: v.ModifiedBy,
			Description: v.Description, AllowedPattern: v.AllowedPattern, Version: v.Version, Tier: ssmapi.ParameterTier(v.Tier),
			Policies: []ssmapi.ParameterInlinePolicy{}, DataType: "text",
		})
	}
	return out, nil
}

// filterVersion reports whether a parameter passes all filters, and which of
// its versions: the current one, or the one with a label that was asked for.
func filterVersion(p *state.Parameter, filters []ssmapi.ParameterStringFilter) (*state.ParameterVersion, bool, error) {
	v := p.Current()
	for _, f := range filters {
		if f.Key == "Label" {
			i := slices.IndexFunc(p.Versions, func(v state.ParameterVersion) bool {
				return slices.ContainsFunc(v.Labels, func(l string) bool { return slices.Contains(f.Values, l) })
			})
			if i < 0 {
				return nil, false, nil
			}
			v = &p.Versions[i]
			continue
		}
		if ok, err := passes(p, f); !ok || err != nil {
			return nil, false, err
		}
	}
	return v, true, nil
}

func passes(p *state.Parameter, f ssmapi.ParameterStringFilter) (bool, error) {
	v := p.Current()
	text := ""
	switch {
	case f.Key == "Path":
		return passesPath(p.Name, f)
	case strings.HasPrefix(f.Key, "tag:"):
		i := slices.IndexFunc(p.Tags, func(t state.Tag) bool { return t.Key == f.Key[len("tag:"):] })
		if i < 0 {
			return false, nil
		}
		if len(f.Values) == 0 {
			return true, nil
		}
		text = p.Tags[i].Value
	case f.Key == "Name":
		text = p.Name
	case f.Key == "Type":
		text = p.Type
	case f.Key == "KeyId":
		text = v.KeyID
	case f.Key == "Tier":
		text = v.Tier
	case f.Key == "DataType":
		text = "text"
	default:
		return false, &ssmapi.InvalidFilterKey{Message: "The filter key " + f.Key + " is not valid."}
	}
	return passesText(text, f)
}

func passesText(text string, f ssmapi.ParameterStringFilter) (bool, error) {
	if len(f.Values) == 0 {
		return false, &ssmapi.InvalidFilterValue{Message: "The filter " + f.Key + " needs a value."}
	}
	var test func(text, value string) bool
	switch f.Option {
	case "", "Equals":
		test = func(text, value string) bool {
			return text == value || f.Key == "Name" && strings.TrimPrefix(text, "/") == strings.TrimPrefix(value, "/")
		}
	case "BeginsWith":
		test = func(text, value string) bool {
			return strings.HasPrefix(text, value) || f.Key == "Name" && strings.HasPrefix(strings.TrimPrefix(text, "/"), value)
		}
	case "Contains":
		test = strings.Contains
	default:
		return false, &ssmapi.InvalidFilterOption{Message: "The following filter option is not valid: " + f.Option + ". Valid options include: [BeginsWith, Equals, Contains]"}
	}
	return slices.ContainsFunc(f.Values, func(value string) bool { return test(text, value) }), nil
}

func passesPath(name string, f ssmapi.ParameterStringFilter) (bool, error) {
	if f.Option != "" && f.Option != "OneLevel" && f.Option != "Recursive" {
		return false, &ssmapi.InvalidFilterOption{Message: "The following filter option is not valid: " + f.Option + ". Valid options include: [Recursive, OneLevel]"}
	}
	for _, path := range f.Values {
		rest, ok := strings.CutPrefix(name, strings.TrimSuffix(path, "/")+"/")
		if ok && (f.Option == "Recursive" || !strings.Contains(rest, "/")) {
			return true, nil
		}
	}
	return false, nil
}

func printToken(i int) string { return strconv.Itoa(i) }

func parseToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 {
		return 0, &ssmapi.InvalidNextToken{Message: "The specified token is not valid."}
	}
	return i, nil
}
