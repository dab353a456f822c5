package template

import (
	"slices"
	"strings"
)

// Env is what a template is evaluated with. The functions may be nil: then
// what they would tell is Unknown.
type Env struct {
	AccountID, Region, Partition string
	StackName, StackID           string
	NotificationARNs             []string
	Parameters                   map[string]ParameterValue
	// Zones returns the names of the availability zones of a region.
	Zones func(region string) ([]string, error)
	// Import returns the value that a stack of the account and region exports under a name.
	Import func(name string) (*Value, error)
	// Reference returns what Ref (attribute "") or Fn::GetAtt of a resource returns.
	Reference func(logicalID, attribute string) (*Value, error)
	// Undecided says what a condition counts as that depends on something unknown;
	// nil for an error, ErrUnknown.
	Undecided func(condition string) bool
}

// Evaluator evaluates the values of one template in one Env.
type Evaluator struct {
	t          *Template
	env        Env
	conditions map[string]bool
}

// Evaluate decides the template's conditions and checks its rules; the
// Evaluator it returns evaluates everything else.
func (t *Template) Evaluate(env Env) (*Evaluator, error) {
	e := &Evaluator{t: t, env: env, conditions: map[string]bool{}}
	for _, c := range t.Conditions.Keys() {
		if _, err := e.named(c, nil); err != nil {
			return nil, err
		}
	}
	if err := e.checkRules(); err != nil {
		return nil, err
	}
	return e, e.checkExcluded()
}

// Holds reports whether a condition holds; the empty name always does.
func (e *Evaluator) Holds(condition string) bool { return condition == "" || e.conditions[condition] }

// Resources returns the resources whose condition holds.
func (e *Evaluator) Resources() []Resource {
	var out []Resource
	for _, r := range e.t.Resources {
		if e.Holds(r.Condition) {
			out = append(out, r)
		}
	}
	return out
}

// Outputs returns the outputs whose condition holds.
func (e *Evaluator) Outputs() []Output {
	var out []Output
	for _, o := range e.t.Outputs {
		if e.Holds(o.Condition) {
			out = append(out, o)
		}
	}
	return out
}

// checkExcluded refuses references to resources whose condition does not hold,
// where the reference itself counts.
func (e *Evaluator) checkExcluded() error {
	excluded := map[string]bool{}
	for _, r := range e.t.Resources {
		excluded[r.LogicalID] = !e.Holds(r.Condition)
	}
	var missing []string
	for _, r := range e.Resources() {
		for _, ref := range References(r.Properties, e.Holds) {
			if excluded[ref.Name] {
				missing = append(missing, ref.Name)
			}
		}
	}
	if missing != nil {
		return formatError("Unresolved resource dependencies [%s] in the Resources block of the template", sortedNames(missing))
	}
	for _, o := range e.Outputs() {
		for _, ref := range References(o.Value, e.Holds) {
			if excluded[ref.Name] {
				missing = append(missing, ref.Name)
			}
		}
	}
	if missing != nil {
		return errorf("Unresolved resource dependencies [%s] in the Outputs block of the template", sortedNames(missing))
	}
	return nil
}

// Value evaluates v. The answer is nil when v is AWS::NoValue; where that stands
// in a list or map it is left out. Values keep the line of the text they come from.
func (e *Evaluator) Value(v *Value) (*Value, error) {
	if v == nil {
		return nil, nil
	}
	if name, arg, ok := intrinsic(v); ok {
		out, err := e.call(name, arg)
		if err != nil || out == nil {
			return nil, err
		}
		at := *out
		at.Line, at.Column = v.Line, v.Column
		return &at, nil
	}
	out := *v
	switch v.Kind {
	case List:
		out.Items = make([]*Value, 0, len(v.Items))
		for _, item := range v.Items {
			got, err := e.Value(item)
			if err != nil {
				return nil, err
			}
			if got != nil {
				out.Items = append(out.Items, got)
			}
		}
	case Map:
		out.Entries = make([]Entry, 0, len(v.Entries))
		for _, entry := range v.Entries {
			got, err := e.Value(entry.Value)
			if err != nil {
				return nil, err
			}
			if got != nil {
				out.Entries = append(out.Entries, Entry{Key: entry.Key, Line: entry.Line, Value: got})
			}
		}
	}
	return &out, nil
}

func (e *Evaluator) call(name string, arg *Value) (*Value, error) {
	switch name {
	case "Ref":
		return e.ref(arg)
	case "Fn::GetAtt":
		return e.getAtt(arg)
	case "Fn::Sub":
		return e.sub(arg)
	case "Fn::Join":
		return e.join(arg)
	case "Fn::Split":
		return e.split(arg)
	case "Fn::Select":
		return e.selectItem(arg)
	case "Fn::If":
		return e.ifElse(arg)
	case "Fn::FindInMap":
		return e.findInMap(arg)
	case "Fn::GetAZs":
		return e.zones(arg)
	case "Fn::Cidr":
		return e.cidr(arg)
	case "Fn::Base64":
		return e.base64(arg)
	case "Fn::ImportValue":
		return e.importValue(arg)
	case "Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not":
		return nil, templateError("%s cannot be partially collapsed", name)
	case "Fn::Length":
		if e.t.Extended {
			return e.length(arg)
		}
	case "Fn::ToJsonString":
		if e.t.Extended {
			return e.toJSON(arg)
		}
	}
	return nil, templateError("Encountered unsupported function: %s Supported functions are: [Fn::Base64, Fn::GetAtt, Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, Fn::Equals, Fn::If, Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, Fn::ValueOf, Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]", name)
}

func (e *Evaluator) ref(arg *Value) (*Value, error) {
	name := arg.Str()
	if name == "" {
		return nil, templateError("every Ref object must have a single String value.")
	}
	if p, ok := e.env.Parameters[name]; ok {
		return p.Value, nil
	}
	switch name {
	case "AWS::NoValue":
		return nil, nil
	case "AWS::AccountId":
		return Text(e.env.AccountID), nil
	case "AWS::Region":
		return Text(e.env.Region), nil
	case "AWS::Partition":
		return Text(e.env.Partition), nil
	case "AWS::URLSuffix":
		return Text("amazonaws.com"), nil
	case "AWS::StackName":
		return Text(e.env.StackName), nil
	case "AWS::StackId":
		return Text(e.env.StackID), nil
	case "AWS::NotificationARNs":
		return Strings(e.env.NotificationARNs), nil
	}
	return e.reference(name, "")
}

func (e *Evaluator) reference(id, attribute string) (*Value, error) {
	if e.env.Reference != nil {
		return e.env.Reference(id, attribute)
	}
	return &Value{Kind: Unknown, Text: strings.TrimSuffix(id+"."+attribute, ".")}, nil
}

func (e *Evaluator) getAtt(arg *Value) (*Value, error) {
	id, attribute, ok := getAtt(arg)
	if !ok {
		return nil, templateError("every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
	}
	name, err := e.Value(attribute)
	if err != nil {
		return nil, err
	}
	return e.reference(id, name.Str())
}

func (e *Evaluator) ifElse(arg *Value) (*Value, error) {
	if arg.Kind != List || len(arg.Items) != 3 {
		return nil, templateError("Fn::If requires a list argument with three elements: a condition name and the values for true and for false")
	}
	holds, ok := e.conditions[arg.Items[0].Str()]
	switch {
	case !ok:
		return nil, templateError("unresolved condition dependency %s in Fn::If", arg.Items[0].Str())
	case holds:
		return e.Value(arg.Items[1])
	}
	return e.Value(arg.Items[2])
}

// arguments evaluates the elements of a function's list; unknown is the first
// that only execution can tell.
func (e *Evaluator) arguments(arg *Value) (args []*Value, unknown *Value, err error) {
	list, err := e.Value(arg)
	if err != nil || list == nil {
		return nil, nil, err
	}
	if list.Kind == Unknown {
		return nil, list, nil
	}
	if at := slices.IndexFunc(list.Items, func(v *Value) bool { return v.Kind == Unknown }); at >= 0 {
		unknown = list.Items[at]
	}
	return list.Items, unknown, nil
}
