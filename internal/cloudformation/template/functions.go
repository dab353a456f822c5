package template

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

const (
	joinForm   = "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
	splitForm  = "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be split or a function that returns a string to be split."
	selectForm = "Fn::Select requires a list argument with two elements: an integer index and a list"
	subForm    = "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string"
	mapForm    = "every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for return value"
	cidrForm   = "every Fn::Cidr object requires two or three parameters, the IP block, the count and the bits of each"
)

func (e *Evaluator) sub(arg *Value) (*Value, error) {
	text, vars := arg, (*Value)(nil)
	if arg.Kind == List && len(arg.Items) == 2 && arg.Items[1].Kind == Map {
		text, vars = arg.Items[0], arg.Items[1]
	}
	if text.Kind != String {
		return nil, templateError(subForm)
	}
	var b strings.Builder
	last := 0
	for _, m := range subVariable.FindAllStringSubmatchIndex(text.Text, -1) {
		b.WriteString(text.Text[last:m[0]])
		last = m[1]
		name := text.Text[m[2]:m[3]]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			b.WriteString("${" + literal + "}")
			continue
		}
		v, err := e.variable(name, vars)
		if err != nil {
			return nil, err
		}
		if v != nil && v.Kind == Unknown {
			return v, nil
		}
		if !v.IsScalar() {
			return nil, templateError("variable %s in Fn::Sub expression does not resolve to a string", name)
		}
		b.WriteString(v.Text)
	}
	b.WriteString(text.Text[last:])
	return Text(b.String()), nil
}

func (e *Evaluator) variable(name string, vars *Value) (*Value, error) {
	if v := vars.Get(name); v != nil {
		return e.Value(v)
	}
	if !subName.MatchString(name) {
		return nil, templateError("variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons")
	}
	if id, attribute, ok := strings.Cut(name, "."); ok {
		return e.reference(id, attribute)
	}
	return e.ref(Text(name))
}

func (e *Evaluator) join(arg *Value) (*Value, error) {
	if arg.Kind != List || len(arg.Items) != 2 || arg.Items[0].Kind != String {
		return nil, templateError(joinForm)
	}
	list, err := e.Value(arg.Items[1])
	if err != nil {
		return nil, err
	}
	if list != nil && list.Kind == Unknown {
		return list, nil
	}
	if list == nil || list.Kind != List {
		return nil, templateError(joinForm)
	}
	parts := make([]string, len(list.Items))
	for i, item := range list.Items {
		if item.Kind == Unknown {
			return item, nil
		}
		if !item.IsScalar() {
			return nil, templateError(joinForm)
		}
		parts[i] = item.Text
	}
	return Text(strings.Join(parts, arg.Items[0].Text)), nil
}

func (e *Evaluator) split(arg *Value) (*Value, error) {
	if arg.Kind != List || len(arg.Items) != 2 || arg.Items[0].Str() == "" {
		return nil, templateError(splitForm)
	}
	text, err := e.Value(arg.Items[1])
	if err != nil {
		return nil, err
	}
	if text != nil && text.Kind == Unknown {
		return text, nil
	}
	if !text.IsScalar() {
		return nil, templateError(splitForm)
	}
	return Strings(strings.Split(text.Text, arg.Items[0].Text)), nil
}

func (e *Evaluator) selectItem(arg *Value) (*Value, error) {
	if arg.Kind != List || len(arg.Items) != 2 {
		return nil, templateError(selectForm)
	}
	index, err := e.Value(arg.Items[0])
	if err != nil {
		return nil, err
	}
	list, err := e.Value(arg.Items[1])
	if err != nil {
		return nil, err
	}
	if list != nil && list.Kind == Unknown {
		return list, nil
	}
	n, err := strconv.Atoi(index.Str())
	if err != nil || list == nil || list.Kind != List {
		return nil, templateError(selectForm)
	}
	if n < 0 || n >= len(list.Items) {
		return nil, templateError("Fn::Select cannot select nonexistent value at index %d", n)
	}
	return list.Items[n], nil
}

func (e *Evaluator) findInMap(arg *Value) (*Value, error) {
	var otherwise *Value
	if e.t.Extended && arg.Kind == List && len(arg.Items) == 4 {
		otherwise = arg.Items[3].Get("DefaultValue")
		first := *arg
		first.Items = arg.Items[:3]
		arg = &first
	}
	if arg.Kind != List || len(arg.Items) != 3 {
		return nil, templateError(mapForm)
	}
	args, unknown, err := e.arguments(arg)
	if err != nil || unknown != nil {
		return unknown, err
	}
	if len(args) != 3 || slices.ContainsFunc(args, func(v *Value) bool { return !v.IsScalar() }) {
		return nil, templateError(mapForm)
	}
	found := e.t.Mappings.Get(args[0].Text).Get(args[1].Text).Get(args[2].Text)
	if found == nil && otherwise != nil {
		return e.Value(otherwise)
	}
	if found == nil {
		return nil, templateError("Unable to get mapping for %s::%s::%s", args[0].Text, args[1].Text, args[2].Text)
	}
	return found, nil
}

// length is Fn::Length: how many items a list has.
func (e *Evaluator) length(arg *Value) (*Value, error) {
	list, err := e.Value(arg)
	if err != nil || list != nil && list.Kind == Unknown {
		return list, err
	}
	if list == nil || list.Kind != List {
		return nil, templateError("Fn::Length needs a list or a function that returns one (line %d)", arg.Line)
	}
	return &Value{Kind: Number, Text: strconv.Itoa(len(list.Items))}, nil
}

// toJSON is Fn::ToJsonString: an object or list as JSON text.
func (e *Evaluator) toJSON(arg *Value) (*Value, error) {
	v, err := e.Value(arg)
	switch {
	case err != nil:
		return nil, err
	case v.HasUnknown():
		return &Value{Kind: Unknown, Text: "Fn::ToJsonString"}, nil
	case v == nil || v.Kind != Map && v.Kind != List:
		return nil, templateError("Fn::ToJsonString needs an object or a list (line %d)", arg.Line)
	}
	return Text(v.JSON()), nil
}

func (e *Evaluator) zones(arg *Value) (*Value, error) {
	region, err := e.Value(arg)
	if err != nil {
		return nil, err
	}
	name := region.Str()
	switch {
	case region != nil && region.Kind == Unknown:
		return region, nil
	case region == nil || region.Kind != String:
		return nil, templateError("every Fn::GetAZs object must have a single String value, the region name")
	case name == "":
		name = e.env.Region
	}
	if e.env.Zones == nil {
		return &Value{Kind: Unknown, Text: "Fn::GetAZs"}, nil
	}
	zones, err := e.env.Zones(name)
	if err != nil {
		return nil, err
	}
	return Strings(zones), nil
}

// maxCidr is the most blocks that one Fn::Cidr makes.
const maxCidr = 256

func (e *Evaluator) cidr(arg *Value) (*Value, error) {
	if arg.Kind != List || len(arg.Items) < 2 || len(arg.Items) > 3 {
		return nil, templateError(cidrForm)
	}
	args, unknown, err := e.arguments(arg)
	if err != nil || unknown != nil {
		return unknown, err
	}
	block, err := netip.ParsePrefix(args[0].Str())
	if err != nil {
		return nil, templateError("Fn::Cidr: %q is not a CIDR block", args[0].Str())
	}
	count, err := strconv.Atoi(args[1].Str())
	if err != nil || count < 1 || count > maxCidr {
		return nil, templateError("Fn::Cidr: count must be a number from 1 to %d", maxCidr)
	}
	width := block.Addr().BitLen()
	bits := map[int]int{32: 8, 128: 64}[width] // the bits of a host in each block
	if len(args) == 3 {
		if bits, err = strconv.Atoi(args[2].Str()); err != nil || bits < 1 || bits > width {
			return nil, templateError("Fn::Cidr: cidrBits must be a number from 1 to %d", width)
		}
	}
	size := width - bits
	if size < block.Bits() || size-block.Bits() < 31 && count > 1<<(size-block.Bits()) {
		return nil, templateError("Fn::Cidr: block %s does not hold %d blocks of /%d", block, count, size)
	}
	out := make([]string, count)
	for i := range out {
		out[i] = netip.PrefixFrom(addBlock(block.Masked().Addr(), i, bits), size).String()
	}
	return Strings(out), nil
}

// addBlock returns the address n blocks of 2^bits addresses after a.
func addBlock(a netip.Addr, n, bits int) netip.Addr {
	b := a.AsSlice()
	at := len(b) - 1 - bits/8
	carry := n << (bits % 8)
	for ; at >= 0 && carry > 0; at-- {
		carry += int(b[at])
		b[at] = byte(carry)
		carry >>= 8
	}
	out, _ := netip.AddrFromSlice(b)
	return out
}

func (e *Evaluator) base64(arg *Value) (*Value, error) {
	text, err := e.Value(arg)
	if err != nil || text != nil && text.Kind == Unknown {
		return text, err
	}
	if !text.IsScalar() {
		return nil, templateError("every Fn::Base64 object must have a String-typed value.")
	}
	return Text(base64.StdEncoding.EncodeToString([]byte(text.Text))), nil
}

func (e *Evaluator) importValue(arg *Value) (*Value, error) {
	name, err := e.Value(arg)
	if err != nil || name != nil && name.Kind == Unknown {
		return name, err
	}
	if name.Str() == "" {
		return nil, templateError("the attribute in Fn::ImportValue must not depend on any resources or imported values")
	}
	if e.env.Import == nil {
		return &Value{Kind: Unknown, Text: name.Text}, nil
	}
	return e.env.Import(name.Text)
}
