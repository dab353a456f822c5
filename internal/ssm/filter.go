package ssm

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/state"
)

// Keys of filters, as the operations have them.
var (
	describeKeys = []string{"Path", "Name", "Type", "KeyId", "Tier", "DataType"}
	byPathKeys   = []string{"Type", "KeyId", "Label", "DataType"}
)

// checkFilters refuses filters that an operation does not have.
func checkFilters(filters []ssmapi.ParameterStringFilter, keys []string) error {
	for i, f := range filters {
		tag := strings.HasPrefix(f.Key, "tag:")
		switch {
		case !tag && !slices.Contains(keys, f.Key):
			return &ssmapi.InvalidFilterKey{Message: "The following filter key is not valid: " + f.Key + ". Valid filter keys include: [" + strings.Join(keys, ", ") + "]."}
		case slices.ContainsFunc(filters[:i], func(o ssmapi.ParameterStringFilter) bool { return o.Key == f.Key }):
			return &ssmapi.InvalidFilterKey{Message: "The following filter is duplicated in the request: " + f.Key + ". A request can contain only one occurrence of a specific filter."}
		case !tag && len(f.Values) == 0:
			return &ssmapi.InvalidFilterValue{Message: "The following filter values are missing : null for filter key " + f.Key + "."}
		}
	}
	return nil
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
	}
	return passesText(text, f)
}

func passesText(text string, f ssmapi.ParameterStringFilter) (bool, error) {
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
