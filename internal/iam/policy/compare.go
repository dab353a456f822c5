package policy

import (
	"bytes"
	"net/netip"
	"strings"
)

// holds decides one condition. resolved is false when it has a variable
// without a value, which makes the whole statement not apply.
func (c *condition) holds(e *evaluation) (ok, resolved bool) {
	given := e.req.Context.Values(c.key)
	if c.compare == null {
		return c.isNull(len(given) == 0), true
	}
	if len(given) == 0 {
		return c.set == forAll || c.set == single && (c.ifExists || c.negated), true
	}
	switch c.set {
	case forAll:
		for _, g := range given {
			if m, r := c.matchesAny(g, e); !r || m == c.negated {
				return false, r
			}
		}
		return true, true
	case forAny:
		for _, g := range given {
			if m, r := c.matchesAny(g, e); !r || m != c.negated {
				return r, r
			}
		}
		return false, true
	}
	for _, g := range given {
		if m, r := c.matchesAny(g, e); !r || m {
			return r && !c.negated, r
		}
	}
	return c.negated, true
}

func (c *condition) isNull(absent bool) bool {
	for i := range c.values {
		if t := c.values[i].text.text; t == "true" && absent || t == "false" && !absent {
			return true
		}
	}
	return false
}

// matchesAny compares one value of the request with the policy's values.
func (c *condition) matchesAny(given string, e *evaluation) (matched, resolved bool) {
	switch {
	case c.compare >= dateEquals && c.compare <= dateGreaterEquals:
		return c.matchesDate(given), true
	case c.compare >= numericEquals && c.compare <= numericGreaterEquals:
		return c.matchesNumber(given), true
	case c.compare == ipAddress:
		return c.matchesAddress(given), true
	}
	resolved = true
	for i := range c.values {
		m, r := c.matchesText(&c.values[i].text, given, e)
		if m {
			return true, true
		}
		resolved = resolved && r
	}
	return false, resolved
}

func (c *condition) matchesText(p *pattern, given string, e *evaluation) (matched, resolved bool) {
	if c.compare == stringLike {
		return p.match(given, e)
	}
	if p.form != variable {
		switch c.compare {
		case stringFold, boolEquals:
			return strings.EqualFold(p.text, given), true
		case arnLike:
			e.scratch = append(e.scratch[:0], p.text...)
			return arnMatch(e.scratch, given), true
		}
		return p.text == given, true
	}
	if !e.expand(p) {
		return false, false
	}
	switch c.compare {
	case stringFold:
		return bytes.EqualFold(e.scratch, []byte(given)), true
	case arnLike:
		return arnMatch(e.scratch, given), true
	}
	return string(e.scratch) == given, true
}

func (c *condition) matchesDate(given string) bool {
	t, ok := parseDate(given)
	if !ok {
		return false
	}
	for i := range c.values {
		if ordered(c.compare-dateEquals, t.Compare(c.values[i].time)) {
			return true
		}
	}
	return false
}

func (c *condition) matchesNumber(given string) bool {
	n, ok := parseNumber(given)
	if !ok {
		return false
	}
	for i := range c.values {
		v := &c.values[i]
		order := 0
		switch {
		case !v.valid:
			continue
		case n < v.number:
			order = -1
		case n > v.number:
			order = 1
		}
		if ordered(c.compare-numericEquals, order) {
			return true
		}
	}
	return false
}

// ordered reads an order under the five comparisons, which stand in the same
// sequence for numbers and dates: =, <, <=, >, >=.
func ordered(cmp comparison, order int) bool {
	switch cmp {
	case 0:
		return order == 0
	case 1:
		return order < 0
	case 2:
		return order <= 0
	case 3:
		return order > 0
	}
	return order >= 0
}

func (c *condition) matchesAddress(given string) bool {
	a, err := netip.ParseAddr(given)
	if err != nil {
		return false
	}
	a = a.Unmap()
	for i := range c.values {
		if c.values[i].valid && c.values[i].prefix.Contains(a) {
			return true
		}
	}
	return false
}
