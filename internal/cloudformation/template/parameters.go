package template

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const maxParameterValue = 4096

// Parameter is one member of the Parameters section.
type Parameter struct {
	Name                  string
	Type                  string
	Description           string
	Default               *Value // scalar; nil when absent
	NoEcho                bool
	AllowedValues         []string
	AllowedPattern        string
	ConstraintDescription string
	MinLength, MaxLength  *int
	MinValue, MaxValue    *float64
	Line                  int
}

// ParameterValue is what a parameter stands for in one stack.
type ParameterValue struct {
	Given    string // as given, or the default
	Resolved string // types AWS::SSM::Parameter::Value<...>: what the named parameter holds
	Value    *Value // what Ref returns: a string or a list of strings
}

// Lookup tells what parameter types need to know about an account.
type Lookup struct {
	// Stored returns the value of an SSM parameter (String or StringList).
	Stored func(name string) (string, error)
	// Exists reports whether a resource of an AWS-specific type
	// ("AWS::EC2::VPC::Id") with the given id exists.
	Exists func(awsType, id string) (bool, error)
}

// awsTypes are the parameter types whose values must exist in the account.
var awsTypes = []string{
	"AWS::EC2::AvailabilityZone::Name", "AWS::EC2::Image::Id", "AWS::EC2::Instance::Id", "AWS::EC2::KeyPair::KeyName",
	"AWS::EC2::SecurityGroup::GroupName", "AWS::EC2::SecurityGroup::Id", "AWS::EC2::Subnet::Id", "AWS::EC2::Volume::Id",
	"AWS::EC2::VPC::Id", "AWS::Route53::HostedZone::Id",
}

// noList are the AWS-specific types that have no List<> form.
var noList = []string{"AWS::EC2::KeyPair::KeyName"}

var parameterFields = []string{"Type", "Default", "NoEcho", "AllowedValues", "AllowedPattern", "ConstraintDescription",
	"MinLength", "MaxLength", "MinValue", "MaxValue", "Description"}

// innerType splits a type into what it holds: whether it names an SSM
// parameter, whether it is a list, and the type of an element. ok is false for
// types that do not exist.
func innerType(typ string) (element string, list, stored, ok bool) {
	if inner, found := strings.CutPrefix(typ, "AWS::SSM::Parameter::Value<"); found && strings.HasSuffix(inner, ">") {
		element, list, stored, ok = innerType(strings.TrimSuffix(inner, ">"))
		return element, list, true, ok && !stored && element != "Number"
	}
	switch typ {
	case "String", "Number", "AWS::SSM::Parameter::Name":
		return typ, false, false, true
	case "CommaDelimitedList", "List<String>":
		return "String", true, false, true
	case "List<Number>":
		return "Number", true, false, true
	}
	if inner, found := strings.CutPrefix(typ, "List<"); found && strings.HasSuffix(inner, ">") {
		inner = strings.TrimSuffix(inner, ">")
		return inner, true, false, slices.Contains(awsTypes, inner) && !slices.Contains(noList, inner)
	}
	return typ, false, false, slices.Contains(awsTypes, typ)
}

func (t *Template) readParameters(doc *Value) error {
	all, err := section(doc, "Parameters", maxOthers)
	if err != nil || all == nil {
		return err
	}
	for _, e := range all.Entries {
		p, err := readParameter(e)
		if err != nil {
			return err
		}
		t.Parameters = append(t.Parameters, p)
	}
	return nil
}

func readParameter(e Entry) (Parameter, error) {
	v := e.Value
	p := Parameter{
		Name: e.Key, Line: e.Line, Type: v.Get("Type").Str(), Description: v.Get("Description").Str(), Default: v.Get("Default"),
		AllowedPattern: v.Get("AllowedPattern").Str(), ConstraintDescription: v.Get("ConstraintDescription").Str(),
		NoEcho: strings.EqualFold(v.Get("NoEcho").Str(), "true"),
	}
	switch {
	case !alphanumeric.MatchString(e.Key):
		return p, formatError("Parameter name %s is non alphanumeric.", e.Key)
	case v.Kind != Map:
		return p, formatError("Any Parameters member must be an object.")
	case p.Type == "":
		return p, formatError("Every Parameters object must contain a Type member.")
	case p.Default != nil && !p.Default.IsScalar():
		return p, formatError("Every Default member must be a string.")
	}
	if _, _, _, ok := innerType(p.Type); !ok {
		return p, formatError("Unrecognized parameter type: %s", p.Type)
	}
	for _, key := range v.Keys() {
		if !slices.Contains(parameterFields, key) {
			return p, errorf("Invalid template parameter property '%s'", key)
		}
	}
	if err := p.readLimits(v); err != nil {
		return p, err
	}
	if _, err := p.pattern(); err != nil {
		return p, err
	}
	return p, nil
}

func (p *Parameter) readLimits(v *Value) error {
	for name, to := range map[string]**int{"MinLength": &p.MinLength, "MaxLength": &p.MaxLength} {
		if given := v.Get(name); given != nil {
			n, err := strconv.Atoi(given.Str())
			if err != nil {
				return formatError("%s must be a number.", name)
			}
			*to = &n
		}
	}
	for name, to := range map[string]**float64{"MinValue": &p.MinValue, "MaxValue": &p.MaxValue} {
		if given := v.Get(name); given != nil {
			n, err := strconv.ParseFloat(given.Str(), 64)
			if err != nil {
				return formatError("%s must be a number.", name)
			}
			*to = &n
		}
	}
	allowed := v.Get("AllowedValues")
	if allowed == nil {
		return nil
	}
	if allowed.Kind != List {
		return formatError("AllowedValues must be a list.")
	}
	for _, item := range allowed.Items {
		if !item.IsScalar() {
			return formatError("Every AllowedValues member must be a string.")
		}
		p.AllowedValues = append(p.AllowedValues, item.Text)
	}
	return nil
}

// pattern compiles AllowedPattern, which must match the whole value.
func (p *Parameter) pattern() (*regexp.Regexp, error) {
	if p.AllowedPattern == "" {
		return nil, nil
	}
	re, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
	if err != nil {
		return nil, formatError("Neargate cannot carry out AllowedPattern of parameter %s (line %d): %v", p.Name, p.Line, err)
	}
	return re, nil
}

// ResolveParameters gives each parameter its value: the given one or its
// default, checked against type and constraints. Those named in later have
// values that only execution can tell; they are Unknown.
func (t *Template) ResolveParameters(given map[string]string, look Lookup, later ...string) (map[string]ParameterValue, error) {
	var unknown, missing []string
	for _, name := range slices.AppendSeq(slices.Clone(later), maps.Keys(given)) {
		if _, ok := t.Parameter(name); !ok {
			unknown = append(unknown, name)
		}
	}
	if slices.Sort(unknown); unknown != nil {
		return nil, errorf("Parameters: [%s] do not exist in the template", strings.Join(unknown, ", "))
	}
	for _, p := range t.Parameters {
		if _, ok := given[p.Name]; !ok && p.Default == nil && !slices.Contains(later, p.Name) {
			missing = append(missing, p.Name)
		}
	}
	if slices.Sort(missing); missing != nil {
		return nil, errorf("Parameters: [%s] must have values", strings.Join(missing, ", "))
	}
	out := map[string]ParameterValue{}
	for _, p := range t.Parameters {
		if slices.Contains(later, p.Name) {
			out[p.Name] = ParameterValue{Value: &Value{Kind: Unknown, Text: p.Name}}
			continue
		}
		text, ok := given[p.Name]
		if !ok {
			text = p.Default.Text
		}
		v, err := p.resolve(text, look)
		if err != nil {
			return nil, err
		}
		out[p.Name] = v
	}
	return out, nil
}

func (p *Parameter) resolve(text string, look Lookup) (ParameterValue, error) {
	out := ParameterValue{Given: text}
	element, list, stored, _ := innerType(p.Type)
	if len(text) > maxParameterValue {
		return out, errorf("Parameter '%s' must not be longer than %d bytes.", p.Name, maxParameterValue)
	}
	if stored {
		value, err := look.Stored(text)
		if err != nil {
			return out, err
		}
		out.Resolved, text = value, value
	}
	items := []string{text}
	if list {
		items = splitList(text)
	}
	for _, item := range items {
		if err := p.check(item, element, stored, look); err != nil {
			return out, err
		}
	}
	out.Value = Text(text)
	if list {
		out.Value = Strings(items)
	}
	return out, nil
}

// splitList splits a comma-separated list; blanks around elements do not count.
func splitList(text string) []string {
	if text == "" {
		return nil
	}
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// check checks one element against the type and the constraints. Constraints of
// an SSM parameter type speak of the name, which AWS does not check either.
func (p *Parameter) check(value, element string, stored bool, look Lookup) error {
	if element == "Number" {
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return errorf("Parameter '%s' must be a number.", p.Name)
		}
		if p.MinValue != nil && n < *p.MinValue {
			return p.violated("Parameter '%s' must be a number not less than %s", p.Name, ftoa(*p.MinValue))
		}
		if p.MaxValue != nil && n > *p.MaxValue {
			return p.violated("Parameter '%s' must be a number not greater than %s", p.Name, ftoa(*p.MaxValue))
		}
	}
	if p.AllowedValues != nil && !stored && !slices.Contains(p.AllowedValues, value) {
		return p.violated("Parameter '%s' must be one of AllowedValues", p.Name)
	}
	if p.MinLength != nil && !stored && len([]rune(value)) < *p.MinLength {
		return p.violated("Parameter '%s' must contain at least %d characters", p.Name, *p.MinLength)
	}
	if p.MaxLength != nil && !stored && len([]rune(value)) > *p.MaxLength {
		return p.violated("Parameter '%s' must contain at most %d characters", p.Name, *p.MaxLength)
	}
	if re, _ := p.pattern(); re != nil && !stored && !re.MatchString(value) {
		return p.violated("Parameter '%s' must match pattern %s", p.Name, p.AllowedPattern)
	}
	if !slices.Contains(awsTypes, element) || look.Exists == nil {
		return nil
	}
	exists, err := look.Exists(element, value)
	if err == nil && !exists {
		err = errorf("Parameter validation failed: parameter value %s for parameter name %s does not exist", value, p.Name)
	}
	return err
}

func (p *Parameter) violated(format string, args ...any) error {
	if p.ConstraintDescription != "" {
		return errorf("Parameter %s failed to satisfy constraint: %s", p.Name, p.ConstraintDescription)
	}
	return errorf(format, args...)
}

func itoa(n int) string { return strconv.Itoa(n) }

func ftoa(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// Meaning returns what Ref of the parameter returns for a text that was
// resolved before: a string or, for list types, a list.
func (p Parameter) Meaning(text string) *Value {
	if _, list, _, _ := innerType(p.Type); list {
		return Strings(splitList(text))
	}
	return Text(text)
}
