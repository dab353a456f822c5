package policy

import "strings"

// grade tells how a resource policy's statement means the principal, which
// decides what else the principal needs.
type grade uint8

const (
	nobody    grade = iota // not meant
	toAccount              // through its account: needs its own permission, too
	toRole                 // through its role, or a federated user's user: bound by boundary and session policies
	direct                 // a user, a session, everyone: needs nothing else
)

func (e *evaluation) principal(s *Statement) grade {
	if s.notPrincipal {
		return e.notPrincipal(s)
	}
	best := nobody
	for i := range s.principals {
		best = max(best, e.grade(&s.principals[i]))
	}
	return best
}

func (e *evaluation) grade(p *principal) grade {
	who := &e.req.Principal
	switch {
	case p.kind == "Service":
		if who.Service != "" && strings.EqualFold(p.value, who.Service) {
			return direct
		}
	case p.kind == "Federated":
		if who.Federated != "" && p.value == who.Federated {
			return direct
		}
	case p.kind != "AWS" || who.Federated != "":
	case p.value == "*":
		if who.RoleARN != "" {
			return toRole
		}
		return direct
	case who.Account == "":
	case p.account != "" && p.account == who.Account:
		if who.Root {
			return direct
		}
		return toAccount
	case p.value == who.ARN:
		return direct
	case p.value == who.RoleARN:
		return toRole
	}
	return nobody
}

// notPrincipal: an Allow means everyone who is not named; a Deny spares only
// those of whom every form is named (session, role and account).
func (e *evaluation) notPrincipal(s *Statement) grade {
	who := &e.req.Principal
	named := func(match func(p *principal) bool) bool {
		for i := range s.principals {
			if match(&s.principals[i]) {
				return true
			}
		}
		return false
	}
	any := named(func(p *principal) bool { return e.grade(p) > nobody })
	if !any {
		return direct
	}
	if !s.Deny || who.Account == "" {
		return nobody
	}
	if named(func(p *principal) bool { return p.value == "*" }) {
		return nobody
	}
	account := named(func(p *principal) bool { return p.account == who.Account })
	self := who.Root || named(func(p *principal) bool { return p.value == who.ARN })
	role := who.RoleARN == "" || named(func(p *principal) bool { return p.value == who.RoleARN })
	if account && self && role {
		return nobody
	}
	return direct
}
