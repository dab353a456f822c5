package policy

import (
	"strconv"
	"strings"
)

// Outcome is what became of one statement.
type Outcome string

// The outcomes. A statement that does not name the action is not worth a line.
const (
	Allows            Outcome = "allows"
	Denies            Outcome = "denies"
	OtherPrincipal    Outcome = "names another principal"
	OtherResource     Outcome = "names another resource"
	ConditionFails    Outcome = "its condition does not hold"
	VariableUndefined Outcome = "it uses a variable that the request does not have"
)

// Line tells about one statement that names the requested action.
type Line struct {
	By        By
	Policy    string // Source.Name
	SID       string
	Statement int // index in the document
	Line      int // line in its text
	Outcome   Outcome

	// Of the condition that fails:
	Operator string
	Key      string
	Wanted   []string // values of the policy, as written
	Given    []string // values of the request; nil when it has no such key
}

// Explain walks the policies again and tells about every statement that names
// the requested action, whatever became of it.
func Explain(req *Request, set *Set) []Line {
	var e evaluation
	e.start(req)
	var lines []Line
	walk := func(by By, sources ...Source) {
		for _, src := range sources {
			for i := range src.Document.Statements {
				if l, ok := e.line(&src.Document.Statements[i], by); ok {
					l.By, l.Policy = by, src.Name
					lines = append(lines, l)
				}
			}
		}
	}
	one := func(by By, src *Source) {
		if src != nil {
			walk(by, *src)
		}
	}
	walk(ByIdentity, set.Identity...)
	one(ByResource, set.Resource)
	one(ByBoundary, set.Boundary)
	walk(BySession, set.Session...)
	one(ByEndpoint, set.Endpoint)
	return lines
}

// Applied is a statement that applies to a request.
type Applied struct {
	By    By
	Match Match
}

// Applying lists the statements that apply to a request, of all policies,
// whether they decided or not.
func Applying(req *Request, set *Set) []Applied {
	var e evaluation
	e.start(req)
	var out []Applied
	walk := func(by By, src *Source) {
		if src == nil {
			return
		}
		for i := range src.Document.Statements {
			s := &src.Document.Statements[i]
			named := by != ByResource && len(s.principals) == 0 || e.principal(s) != nobody
			if named && e.applies(s) {
				out = append(out, Applied{by, Match{src.Name, s}})
			}
		}
	}
	for i := range set.Identity {
		walk(ByIdentity, &set.Identity[i])
	}
	walk(ByResource, set.Resource)
	walk(ByBoundary, set.Boundary)
	for i := range set.Session {
		walk(BySession, &set.Session[i])
	}
	walk(ByEndpoint, set.Endpoint)
	return out
}

func (e *evaluation) line(s *Statement, by By) (Line, bool) {
	l := Line{SID: s.SID, Statement: s.Index, Line: s.Line, Outcome: Allows}
	if s.Deny {
		l.Outcome = Denies
	}
	if s.actions.match(e) == s.notAction {
		return l, false
	}
	if (by == ByResource || len(s.principals) > 0) && e.principal(s) == nobody {
		l.Outcome = OtherPrincipal
		return l, true
	}
	if len(s.resources) > 0 {
		m, resolved := s.resources.match(e.req.Resource, e)
		switch {
		case !resolved:
			l.Outcome = VariableUndefined
			return l, true
		case m == s.notResource:
			l.Outcome = OtherResource
			return l, true
		}
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		ok, resolved := c.holds(e)
		if ok && resolved {
			continue
		}
		l.Outcome, l.Operator, l.Key = ConditionFails, c.operator, c.source
		if !resolved {
			l.Outcome = VariableUndefined
		}
		for j := range c.values {
			l.Wanted = append(l.Wanted, c.values[j].text.source)
		}
		l.Given = e.req.Context.Values(c.key)
		break
	}
	return l, true
}

// String is the line for people, for example `role/x statement Pull (line 14):
// its condition does not hold: StringEquals aws:SourceAccount wants
// 111111111111, the request has 222222222222`.
func (l Line) String() string {
	var b strings.Builder
	b.WriteString(l.Policy)
	if l.SID != "" {
		b.WriteString(" statement " + l.SID)
	}
	b.WriteString(" (line " + strconv.Itoa(l.Line) + "): " + string(l.Outcome))
	if l.Key != "" {
		given := strings.Join(l.Given, ", ")
		if len(l.Given) == 0 {
			given = "no such key"
		}
		b.WriteString(": " + l.Operator + " " + l.Key + " wants " + strings.Join(l.Wanted, " or ") + ", the request has " + given)
	}
	return b.String()
}
