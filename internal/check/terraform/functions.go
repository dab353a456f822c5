package terraform

import (
	"encoding/json"
	"errors"

	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// Unknown stands in JSON text for a value that is not known.
const Unknown = "neargateunknown"

// functions are those of Terraform that need neither files nor time. A call of
// another one is unknown.
var functions = map[string]function.Function{
	"abs": stdlib.AbsoluteFunc, "ceil": stdlib.CeilFunc, "floor": stdlib.FloorFunc, "max": stdlib.MaxFunc, "min": stdlib.MinFunc, "parseint": stdlib.ParseIntFunc,
	"chomp": stdlib.ChompFunc, "format": stdlib.FormatFunc, "formatlist": stdlib.FormatListFunc, "indent": stdlib.IndentFunc, "join": stdlib.JoinFunc,
	"lower": stdlib.LowerFunc, "upper": stdlib.UpperFunc, "title": stdlib.TitleFunc, "regex": stdlib.RegexFunc, "regexall": stdlib.RegexAllFunc,
	"replace": stdlib.ReplaceFunc, "split": stdlib.SplitFunc, "strrev": stdlib.ReverseFunc, "substr": stdlib.SubstrFunc, "trim": stdlib.TrimFunc,
	"trimprefix": stdlib.TrimPrefixFunc, "trimsuffix": stdlib.TrimSuffixFunc, "trimspace": stdlib.TrimSpaceFunc,
	"chunklist": stdlib.ChunklistFunc, "coalesce": stdlib.CoalesceFunc, "coalescelist": stdlib.CoalesceListFunc, "compact": stdlib.CompactFunc,
	"concat": stdlib.ConcatFunc, "contains": stdlib.ContainsFunc, "distinct": stdlib.DistinctFunc, "element": stdlib.ElementFunc, "flatten": stdlib.FlattenFunc,
	"keys": stdlib.KeysFunc, "length": lengthFunc, "lookup": stdlib.LookupFunc, "merge": stdlib.MergeFunc, "range": stdlib.RangeFunc,
	"reverse": stdlib.ReverseListFunc, "setproduct": stdlib.SetProductFunc, "slice": stdlib.SliceFunc, "sort": stdlib.SortFunc, "values": stdlib.ValuesFunc, "zipmap": stdlib.ZipmapFunc,
	"jsonencode": jsonEncodeFunc, "jsondecode": stdlib.JSONDecodeFunc, "csvdecode": stdlib.CSVDecodeFunc,
	"tostring": stdlib.MakeToFunc(cty.String), "tonumber": stdlib.MakeToFunc(cty.Number), "tobool": stdlib.MakeToFunc(cty.Bool),
	"tolist": stdlib.MakeToFunc(cty.List(cty.DynamicPseudoType)), "toset": stdlib.MakeToFunc(cty.Set(cty.DynamicPseudoType)), "tomap": stdlib.MakeToFunc(cty.Map(cty.DynamicPseudoType)),
	"cidrsubnet": cidrSubnetFunc, "index": indexFunc, "one": oneFunc, "sensitive": sameFunc, "nonsensitive": sameFunc,
	"try": tryfunc.TryFunc, "can": tryfunc.CanFunc,
}

// anything is a parameter of any type.
var anything = function.Parameter{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowNull: true}

// indexFunc is index(list, value).
var indexFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything, anything},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		n := int64(0)
		if !args[0].CanIterateElements() {
			return cty.NilVal, errors.New("not a list")
		}
		for it := args[0].ElementIterator(); it.Next(); n++ {
			if _, e := it.Element(); e.RawEquals(args[1]) {
				return cty.NumberIntVal(n), nil
			}
		}
		return cty.NilVal, errors.New("the list does not have the value")
	},
})

// oneFunc is one(list): its only element, or null.
var oneFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type:   function.StaticReturnType(cty.DynamicPseudoType),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].CanIterateElements() || args[0].LengthInt() > 1 {
			return cty.NilVal, errors.New("not a list of at most one element")
		}
		for it := args[0].ElementIterator(); it.Next(); {
			_, e := it.Element()
			return e, nil
		}
		return cty.NullVal(cty.DynamicPseudoType), nil
	},
})

// sameFunc returns its argument.
var sameFunc = function.New(&function.Spec{
	Params: []function.Parameter{anything},
	Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
	Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], nil },
})

// lengthFunc is length of strings and collections, as Terraform has it.
var lengthFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true}},
	Type:   function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		switch v := args[0]; {
		case !v.IsKnown():
			return cty.UnknownVal(cty.Number), nil
		case v.Type() == cty.String:
			return stdlib.Strlen(v)
		case v.Type().IsTupleType() || v.Type().IsObjectType():
			return cty.NumberIntVal(int64(v.LengthInt())), nil
		default:
			return stdlib.Length(v)
		}
	},
})

// jsonEncodeFunc is jsonencode which leaves a mark for what is unknown, so that
// the rest stays known.
var jsonEncodeFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowDynamicType: true, AllowUnknown: true, AllowNull: true}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		marked, err := cty.Transform(args[0], func(_ cty.Path, v cty.Value) (cty.Value, error) {
			if !v.IsKnown() {
				return cty.StringVal(Unknown), nil
			}
			return v, nil
		})
		if err != nil {
			return cty.UnknownVal(cty.String), nil
		}
		text, err := ctyjson.Marshal(marked, marked.Type())
		return cty.StringVal(string(text)), err
	},
})

// encode writes a value of ours as JSON in a string.
func encode(v any) cty.Value {
	text, err := json.Marshal(v)
	if err != nil {
		return cty.UnknownVal(cty.String)
	}
	return cty.StringVal(string(text))
}
