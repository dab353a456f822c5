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
