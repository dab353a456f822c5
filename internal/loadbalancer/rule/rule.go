// Package rule decides what becomes of a request: it evaluates the rules of an
// Application Load Balancer's listener, as AWS words conditions and actions. It
// is pure: no clock, no I/O, no context.
package rule

import "time"

// Rule is one rule of a listener.
type Rule struct {
	ID         string // its ARN
	Priority   int    // 1 to 50000, the lowest first
	Conditions []Condition
	Actions    []Action
}

// Field is what a condition looks at.
type Field string

// The fields of conditions.
const (
	HostHeader  Field = "host-header"
	PathPattern Field = "path-pattern"
	HTTPHeader  Field = "http-header"
	Method      Field = "http-request-method"
	QueryString Field = "query-string"
	SourceIP    Field = "source-ip"
)

// Condition is met when one of its values is. All of a rule's conditions must be.
type Condition struct {
	Field  Field
	Header string   // HTTPHeader: the name
	Values []string // patterns with * and ?; methods and CIDR blocks are exact
	Pairs  []Pair   // QueryString
}

// Pair is a key (empty: any) and a value of a query string, both patterns.
type Pair struct{ Key, Value string }

// ActionType is what an action does.
type ActionType string

// The types of actions.
const (
	Forward       ActionType = "forward"
	Redirect      ActionType = "redirect"
	FixedResponse ActionType = "fixed-response"
	// Authenticate comes before another action.
	Authenticate ActionType = "authenticate-oidc"
)

// Action is one action of a rule; the field of its type is set.
type Action struct {
	Type     ActionType
	Forward  ForwardTo
	Redirect RedirectTo
	Fixed    Fixed
	OIDC     *OIDC
}

// ForwardTo spreads requests over target groups by their weights.
type ForwardTo struct {
	Groups []Weighted
	// Sticky is how long a client stays with the group that it got; 0: not at all.
	Sticky time.Duration
}

// Weighted is a target group and its weight, 0 to 999.
type Weighted struct {
	Group  string // Group.ID
	Weight int
}

// RedirectTo is where a redirect leads. Fields may hold #{protocol}, #{host},
// #{port}, #{path} and #{query}; empty ones stand for that.
type RedirectTo struct {
	Protocol, Host, Port, Path, Query string
	Status                            int // 301 or 302
}

// Fixed is a fixed response.
type Fixed struct {
	Status      int
	ContentType string
	Body        string
}

// OIDC is an identity provider, and what an action that authenticates asks of it.
type OIDC struct {
	Issuer, AuthorizationEndpoint, TokenEndpoint, UserInfoEndpoint string
	ClientID, ClientSecret                                         string

	Scope string
	Extra map[string]string // further parameters of the authorization endpoint
	// Cookie is what the cookies of a session are called: NAME-0, NAME-1 ...
	Cookie  string
	Timeout time.Duration // of a session
	// Otherwise is what becomes of a request without a session: Login, Allow or Deny.
	Otherwise string
}

// What becomes of a request without a session, in AWS's words.
const (
	Login = "authenticate"
	Allow = "allow"
	Deny  = "deny"
)
