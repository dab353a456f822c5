package policy

import "strings"

// actions are the patterns of Action or NotAction, in lower case. AWS's own
// policies have over a thousand: they are kept by service, whose name in a
// pattern is never partly a wildcard.
type actions struct {
	byService map[string]patterns
	others    patterns // "*" and "*:Name"
}

func (a *actions) add(p pattern, lower string) {
	service, _, _ := strings.Cut(lower, ":")
	if service == "*" {
		a.others = append(a.others, p)
		return
	}
	if a.byService == nil {
		a.byService = map[string]patterns{}
	}
	a.byService[service] = append(a.byService[service], p)
}

func (a *actions) match(e *evaluation) bool {
	if m, _ := a.byService[e.service].match(e.action, e); m {
		return true
	}
	m, _ := a.others.match(e.action, e)
	return m
}

// AllowsService reports whether an Allow statement names actions of a service
// ("s3"), whatever its resources and conditions.
func (d *Document) AllowsService(service string) bool {
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Deny {
			continue
		}
		if s.notAction || len(s.actions.others) > 0 || len(s.actions.byService[service]) > 0 {
			return true
		}
	}
	return false
}

// ContextKeys are the condition keys that the document asks for, in conditions
// and in variables, as written and without duplicates.
func (d *Document) ContextKeys() []string {
	var out []string
	seen := map[string]bool{}
	add := func(key string) {
		if lower := strings.ToLower(key); !seen[lower] {
			seen[lower] = true
			out = append(out, key)
		}
	}
	of := func(p *pattern) {
		for i := range p.parts {
			if p.parts[i].key != "" {
				add(p.parts[i].name)
			}
		}
	}
	for i := range d.Statements {
		s := &d.Statements[i]
		for j := range s.resources {
			of(&s.resources[j])
		}
		for j := range s.conditions {
			c := &s.conditions[j]
			add(c.source)
			for k := range c.values {
				of(&c.values[k].text)
			}
		}
	}
	return out
}
