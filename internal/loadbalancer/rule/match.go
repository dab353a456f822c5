package rule

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/loadbalancer/http1"
)

// Request is what conditions look at.
type Request struct {
	Method string
	Host   string // as the client wrote it, with or without port
	Path   string // as on the wire
	Query  string // without the question mark
	Source netip.Addr
	Fields []http1.Field
}

// Set is the rules of a listener, ready to be evaluated.
type Set struct {
	rules []compiled
}

type compiled struct {
	rule       Rule
	conditions []condition
}

type condition struct {
	Condition
	patterns []pattern
	pairs    []pairPattern
	blocks   []netip.Prefix
}

type pairPattern struct {
	key, value pattern
	anyKey     bool
}

// Compile orders rules by priority and prepares their conditions.
func Compile(rules []Rule) (*Set, error) {
	s := &Set{}
	for _, r := range rules {
		c := compiled{rule: r}
		for _, cond := range r.Conditions {
			k, err := compile(cond)
			if err != nil {
				return nil, fmt.Errorf("rule %d: %w", r.Priority, err)
			}
			c.conditions = append(c.conditions, k)
		}
		s.rules = append(s.rules, c)
	}
	slices.SortFunc(s.rules, func(a, b compiled) int { return cmp.Compare(a.rule.Priority, b.rule.Priority) })
	return s, nil
}

func compile(c Condition) (condition, error) {
	k := condition{Condition: c}
	switch c.Field {
	case SourceIP:
		for _, v := range c.Values {
			block, err := netip.ParsePrefix(v)
			if err != nil {
				return k, fmt.Errorf("source-ip %q is no CIDR block", v)
			}
			k.blocks = append(k.blocks, block.Masked())
		}
	case QueryString:
		for _, p := range c.Pairs {
			k.pairs = append(k.pairs, pairPattern{key: newQueryPattern(p.Key), value: newQueryPattern(p.Value), anyKey: p.Key == ""})
		}
	case PathPattern:
		for _, v := range c.Values {
			k.patterns = append(k.patterns, newPattern(v, false))
		}
	case HostHeader, HTTPHeader:
		for _, v := range c.Values {
			k.patterns = append(k.patterns, newPattern(v, true))
		}
	case Method:
	default:
		return k, fmt.Errorf("a condition on %q is not carried out", c.Field)
	}
	return k, nil
}

// Match returns the first rule whose conditions are all met, nil when none is,
// and how many rules were evaluated.
func (s *Set) Match(r *Request) (*Rule, int) {
	for i := range s.rules {
		if s.rules[i].met(r) {
			return &s.rules[i].rule, i + 1
		}
	}
	return nil, len(s.rules)
}

func (c *compiled) met(r *Request) bool {
	for i := range c.conditions {
		if !c.conditions[i].met(r) {
			return false
		}
	}
	return true
}

func (c *condition) met(r *Request) bool {
	switch c.Field {
	case HostHeader:
		return c.matches(Hostname(r.Host))
	case PathPattern:
		return c.matches(r.Path)
	case Method:
		return slices.Contains(c.Values, r.Method)
	case HTTPHeader:
		if strings.EqualFold(c.Header, "Host") {
			return c.matches(r.Host)
		}
		for i := range r.Fields {
			if strings.EqualFold(r.Fields[i].Name, c.Header) && c.matches(r.Fields[i].Value) {
				return true
			}
		}
		return false
	case SourceIP:
		for _, b := range c.blocks {
			if b.Contains(r.Source) {
				return true
			}
		}
		return false
	}
	return c.query(r.Query)
}

func (c *condition) matches(s string) bool {
	for i := range c.patterns {
		if c.patterns[i].match(s) {
			return true
		}
	}
	return false
}

// query looks for a pair among those of a query string, as sent and decoded.
func (c *condition) query(query string) bool {
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		key, value = decoded(key), decoded(value)
		for i := range c.pairs {
			if p := &c.pairs[i]; (p.anyKey || p.key.match(key)) && p.value.match(value) {
				return true
			}
		}
	}
	return false
}

func decoded(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}

// Hostname is host without its port.
func Hostname(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}
