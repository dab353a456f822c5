package policy

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/wildcard"
)

// condition is one key under one operator.
type condition struct {
	operator string // as written, for explanations
	key      string // lower case
	source   string // the key as written
	values   []conditionValue

	compare  comparison
	negated  bool
	ifExists bool
	set      set
}

// conditionValue is a value of the policy, converted as its operator needs it.
type conditionValue struct {
	text   pattern
	number float64
	time   time.Time
	prefix netip.Prefix
	valid  bool // number, time or prefix could be read
}

type set uint8

const (
	single set = iota
	forAny
	forAll
)

type comparison uint8

const (
	stringEquals comparison = iota
	stringFold
	stringLike
	numericEquals
	numericLess
	numericLessEquals
	numericGreater
	numericGreaterEquals
	dateEquals
	dateLess
	dateLessEquals
	dateGreater
	dateGreaterEquals
	boolEquals
	binaryEquals
	ipAddress
	arnLike
	null
)

type operator struct {
	compare comparison
	negated bool
}

// operators are all condition operators, in lower case: their names are not case-sensitive.
var operators = map[string]operator{
	"stringequals": {stringEquals, false}, "stringnotequals": {stringEquals, true},
	"stringequalsignorecase": {stringFold, false}, "stringnotequalsignorecase": {stringFold, true},
	"stringlike": {stringLike, false}, "stringnotlike": {stringLike, true},
	"numericequals": {numericEquals, false}, "numericnotequals": {numericEquals, true},
	"numericlessthan": {numericLess, false}, "numericlessthanequals": {numericLessEquals, false},
	"numericgreaterthan": {numericGreater, false}, "numericgreaterthanequals": {numericGreaterEquals, false},
	"dateequals": {dateEquals, false}, "datenotequals": {dateEquals, true},
	"datelessthan": {dateLess, false}, "datelessthanequals": {dateLessEquals, false},
	"dategreaterthan": {dateGreater, false}, "dategreaterthanequals": {dateGreaterEquals, false},
	"bool": {boolEquals, false}, "binaryequals": {binaryEquals, false},
	"ipaddress": {ipAddress, false}, "notipaddress": {ipAddress, true},
	"arnequals": {arnLike, false}, "arnlike": {arnLike, false},
	"arnnotequals": {arnLike, true}, "arnnotlike": {arnLike, true},
	"null": {null, false},
}

// condition compiles the Condition element.
func (r *reader) condition() error {
	v, ok := r.o.get("Condition")
	if !ok {
		return nil
	}
	block, ok := v.(*object)
	if !ok {
		return errSyntax
	}
	for i, name := range block.keys {
		keys, ok := block.values[i].(*object)
		if !ok {
			return errSyntax
		}
		c, ok := parseOperator(name)
		if !ok && len(keys.keys) > 0 {
			return &Error{BadCondition, syntaxText}
		}
		for j, key := range keys.keys {
			if err := r.conditionKey(c, key, keys.values[j]); err != nil {
				return err
			}
		}
	}
	return nil
}

func parseOperator(name string) (c condition, ok bool) {
	c.operator = name
	base := strings.ToLower(name)
	if rest, found := strings.CutPrefix(base, "foranyvalue:"); found {
		c.set, base = forAny, rest
	} else if rest, found := strings.CutPrefix(base, "forallvalues:"); found {
		c.set, base = forAll, rest
	}
	op, ok := operators[base]
	if !ok {
		if base, c.ifExists = strings.CutSuffix(base, "ifexists"); c.ifExists && base != "null" {
			op, ok = operators[base]
		}
	}
	c.compare, c.negated = op.compare, op.negated
	return c, ok
}

func (r *reader) conditionKey(c condition, key string, v any) error {
	texts, ok := scalarsOf(v)
	if !ok {
		return &Error{BadCondition, syntaxText}
	}
	if !strings.Contains(key, ":") {
		return malformed(BadCondition, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
	}
	c.key, c.source = strings.ToLower(key), key
	for _, text := range texts {
		value, err := newConditionValue(c.compare, text, r.variables)
		if err != nil {
			return err
		}
		c.values = append(c.values, value)
	}
	r.s.conditions = append(r.s.conditions, c)
	return nil
}

func newConditionValue(cmp comparison, text string, variables bool) (v conditionValue, err error) {
	switch {
	case cmp == stringLike:
		v.text, err = compile(text, variables)
	case cmp == arnLike:
		if v.text, err = compile(text, variables); v.text.form != variable {
			v.text.text = wildcard.Compile(text)
		}
	case cmp == stringFold:
		v.text, err = compileLiteral(text, variables)
		if v.text.form == exact {
			v.text.text = strings.ToLower(text)
		}
	case cmp == stringEquals || cmp == binaryEquals:
		v.text, err = compileLiteral(text, variables)
	case cmp == boolEquals || cmp == null:
		v.text = pattern{source: text, text: strings.ToLower(text)}
	case cmp >= dateEquals && cmp <= dateGreaterEquals:
		v.text.source = text
		if v.time, v.valid = parseDate(text); !v.valid {
			err = &Error{BadCondition, legacyText}
		}
	case cmp == ipAddress:
		v.text.source = text
		v.prefix, v.valid = parsePrefix(text)
	default:
		v.text.source = text
		v.number, v.valid = parseNumber(text)
	}
	return v, err
}

func parseNumber(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && f == f
}

// parseDate reads the W3C profiles of ISO 8601, and seconds since 1970.
func parseDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "2006-01"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n > 1<<53 || n < -1<<53 {
		return time.Time{}, false
	}
	if len(s) == 4 {
		return time.Date(int(n), 1, 1, 0, 0, 0, 0, time.UTC), true
	}
	return time.Unix(n, 0).UTC(), true
}

func parsePrefix(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}
