package policy

import (
	"strings"
	"sync"
)

// Context gives the values of condition keys. Names come in lower case; nil
// means that the request does not have the key. It is asked often: keep answers.
type Context interface {
	Values(key string) []string
}

// Keys is a Context of fixed values; names in lower case.
type Keys map[string][]string

// Values implements Context.
func (k Keys) Values(key string) []string { return k[key] }

// Principal is who asks, as Principal elements see it.
type Principal struct {
	Account   string // 12 digits; "" for services, web identities and anonymous callers
	ARN       string // user, role session, or federated user
	RoleARN   string // of a role session its role; of a federated user the user who made it
	Service   string // name of a service that acts for itself
	Federated string // provider of a web identity, which has no AWS credentials
	Root      bool   // the account's root user
}

// stranger reports whether the principal belongs to no account, so that only a
// resource's own policy can let it in.
func (p *Principal) stranger() bool { return p.Account == "" || p.Service != "" }

// Request is what is asked for.
type Request struct {
	Principal       Principal
	Action          string // service:Operation, in any case
	Resource        string // ARN, or "*"
	ResourceAccount string // owner of the resource; "" means the principal's
	Context         Context
}

// Source is a policy with the name under which explanations mention it.
type Source struct {
	Name     string
	Document *Document
}

// Set is everything that applies to a request. A nil Boundary, Resource or
// Endpoint means that there is none; Session is nil when the session has no policies.
type Set struct {
	Identity []Source
	Boundary *Source
	Session  []Source
	Resource *Source
	Endpoint *Source
	// ResourceRequired: without an Allow of the resource policy nobody gets in,
	// the account's own principals included (role trust policies, KMS keys).
	ResourceRequired bool
}

// evaluation is the state of one walk.
type evaluation struct {
	req     *Request
	action  string // lower case
	service string // its part before the colon
	scratch []byte
}

var evaluations = sync.Pool{New: func() any { return new(evaluation) }}

// Evaluate decides.
func Evaluate(req *Request, set *Set) Result {
	e := evaluations.Get().(*evaluation)
	e.start(req)
	r := e.decide(set)
	e.req, e.action, e.service = nil, "", ""
	evaluations.Put(e)
	return r
}

func (e *evaluation) start(req *Request) {
	e.req = req
	e.action = strings.ToLower(req.Action)
	e.service, _, _ = strings.Cut(e.action, ":")
}

// decide follows the order of AWS's evaluation logic: explicit denies of every
// kind first, then what allows.
func (e *evaluation) decide(set *Set) Result {
	session, sessionDeny := e.any(set.Session)
	identity, identityDeny := e.any(set.Identity)
	boundary, boundaryDeny := e.one(set.Boundary)
	endpoint, endpointDeny := e.one(set.Endpoint)
	resource, grade, resourceDeny := e.resource(set.Resource)
	for _, d := range [...]struct {
		m  Match
		by By
	}{{identityDeny, ByIdentity}, {resourceDeny, ByResource}, {boundaryDeny, ByBoundary}, {sessionDeny, BySession}, {endpointDeny, ByEndpoint}} {
		if d.m.Found() {
			return Result{Explicit: true, By: d.by, Match: d.m}
		}
	}
	if set.Endpoint != nil && !endpoint.Found() {
		return Result{By: ByEndpoint}
	}
	p := &e.req.Principal
	cross := e.req.ResourceAccount != "" && e.req.ResourceAccount != p.Account
	if p.stranger() {
		return Result{Allowed: resource.Found(), By: ByResource, Match: resource}
	}
	if !resource.Found() && (cross || set.ResourceRequired) {
		return Result{By: ByResource}
	}
	if !cross && grade == direct {
		return Result{Allowed: true, By: ByResource, Match: resource}
	}
	granted, by := identity, ByIdentity
	if !cross && grade == toRole {
		granted, by = resource, ByResource
	}
	switch {
	case !granted.Found() && !p.Root:
		return Result{By: ByIdentity}
	case set.Boundary != nil && !boundary.Found():
		return Result{By: ByBoundary}
	case set.Session != nil && !session.Found():
		return Result{By: BySession}
	}
	return Result{Allowed: true, By: by, Match: granted}
}

func (e *evaluation) any(sources []Source) (allow, deny Match) {
	for i := range sources {
		a, d := e.one(&sources[i])
		if d.Found() {
			return a, d
		}
		if !allow.Found() {
			allow = a
		}
	}
	return allow, deny
}

func (e *evaluation) one(src *Source) (allow, deny Match) {
	if src == nil {
		return
	}
	for i := range src.Document.Statements {
		s := &src.Document.Statements[i]
		if !s.Deny && allow.Found() || !e.applies(s) {
			continue
		}
		// An endpoint policy or boundary may name principals.
		if len(s.principals) > 0 && e.principal(s) == nobody {
			continue
		}
		if s.Deny {
			return allow, Match{src.Name, s}
		}
		allow = Match{src.Name, s}
	}
	return allow, deny
}

// resource walks the resource policy, which also grades how the principal is meant.
func (e *evaluation) resource(src *Source) (allow Match, best grade, deny Match) {
	if src == nil {
		return
	}
	for i := range src.Document.Statements {
		s := &src.Document.Statements[i]
		if !s.Deny && best == direct {
			continue
		}
		g := e.principal(s)
		if g == nobody || g <= best && !s.Deny || !e.applies(s) {
			continue
		}
		if s.Deny {
			return allow, best, Match{src.Name, s}
		}
		allow, best = Match{src.Name, s}, g
	}
	return allow, best, deny
}

// applies decides everything of a statement but its principals.
func (e *evaluation) applies(s *Statement) bool {
	if s.actions.match(e) == s.notAction {
		return false
	}
	if len(s.resources) > 0 {
		m, resolved := s.resources.match(e.req.Resource, e)
		if m == s.notResource || s.notResource && !resolved {
			return false
		}
	}
	for i := range s.conditions {
		if ok, resolved := s.conditions[i].holds(e); !ok || !resolved {
			return false
		}
	}
	return true
}
