package state

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Listener is a port of a load balancer. Its default action is that of its
// default rule. Written by elbv2.
type Listener struct {
	Account, Region string
	Path            string // the end of its ARN: app/NAME/ID/LISTENER

	Port       int32
	Protocol   string // HTTP or HTTPS; TCP, TLS, UDP or TCP_UDP of network load balancers
	SSLPolicy  string
	ALPNPolicy string            // TLS
	Attributes map[string]string // those that somebody set
	// Certificates are ARNs, the default one first.
	Certificates []string
	Mutual       MutualAuthentication

	CreatedAt time.Time
	Tags      []Tag
}

// MutualAuthentication is what a listener asks of clients' certificates.
type MutualAuthentication struct {
	Mode           string // off or empty, passthrough, verify
	TrustStore     string // ARN
	IgnoreExpiry   bool
	AdvertiseNames bool
}

// Key is the record's key.
func (l *Listener) Key() string { return Key(l.Account, l.Region, l.Path) }

// ARN is the listener's ARN.
func (l *Listener) ARN() string { return elbARN(l.Account, l.Region, "listener", l.Path) }

// Secure reports whether it speaks TLS with clients.
func (l *Listener) Secure() bool { return l.Protocol == "HTTPS" || l.Protocol == "TLS" }

// LoadBalancer is the path of the listener's load balancer.
func (l *Listener) LoadBalancer() string { return parent(l.Path) }

// Listeners holds listeners by account/region/path. Index "load-balancer" takes
// the key of a load balancer, "certificate" and "trust-store" an ARN.
var Listeners = store.Define("elbv2.listener", (*Listener).Key,
	store.By("load-balancer", func(l *Listener) []string { return []string{Key(l.Account, l.Region, l.LoadBalancer())} }),
	store.By("certificate", func(l *Listener) []string { return l.Certificates }),
	store.By("trust-store", func(l *Listener) []string {
		if l.Mutual.TrustStore == "" {
			return nil
		}
		return []string{l.Mutual.TrustStore}
	}))

// DefaultRulePriority is the priority of a listener's default rule, which comes
// last and has no conditions.
const DefaultRulePriority = 1 << 20

// ListenerRule says what a listener does with requests that meet its
// conditions. Written by elbv2.
type ListenerRule struct {
	Account, Region string
	Path            string // the end of its ARN: app/NAME/ID/LISTENER/RULE

	Priority   int32 // DefaultRulePriority for the default rule
	Conditions []RuleCondition
	Actions    []ListenerAction

	CreatedAt time.Time
	Tags      []Tag
}

// RuleCondition is one condition of a rule: any of its values must match.
type RuleCondition struct {
	Field  string // host-header, path-pattern, http-header, http-request-method, query-string or source-ip
	Values []string
	// Plain is true when the values were given in the condition itself, as was done
	// before there were configurations: then they are answered in both places.
	Plain       bool
	HeaderName  string               // http-header
	QueryString []QueryStringKeyPair // query-string
}

// QueryStringKeyPair matches a parameter of a query; without a key any.
type QueryStringKeyPair struct{ Key, Value string }

// ListenerAction is one step of what is done with a request.
type ListenerAction struct {
	Type  string // forward, redirect, fixed-response or authenticate-oidc
	Order *int32

	TargetGroups    []ActionTargetGroup // forward
	Sticky          *bool               // forward: to the target group
	StickySeconds   *int32              // forward
	Redirect        *RedirectAction
	FixedResponse   *FixedResponseAction
	OIDC            *OIDCAction
	TargetGroupOnly bool // the group was given as TargetGroupArn, without a configuration
}

// ActionTargetGroup is a target group with the weight of its part of requests.
type ActionTargetGroup struct {
	ARN    string
	Weight int32
}

// RedirectAction leads clients elsewhere; parts may hold placeholders such as #{host}.
type RedirectAction struct {
	Protocol, Port, Host, Path, Query string
	StatusCode                        string // HTTP_301 or HTTP_302
}

// FixedResponseAction answers a request itself.
type FixedResponseAction struct{ StatusCode, ContentType, MessageBody string }

// OIDCAction signs users in before the next action.
type OIDCAction struct {
	Issuer, AuthorizationEndpoint, TokenEndpoint, UserInfoEndpoint, ClientID string

	SealedSecret      []byte // the client's secret; opened for the load balancer only
	Scope, CookieName string
	SessionTimeout    int64 // seconds
	ExtraParams       map[string]string
	OnUnauthenticated string // authenticate, allow or deny
}

// Key is the record's key.
func (r *ListenerRule) Key() string { return Key(r.Account, r.Region, r.Path) }

// ARN is the rule's ARN.
func (r *ListenerRule) ARN() string { return elbARN(r.Account, r.Region, "listener-rule", r.Path) }

// Listener is the path of the rule's listener.
func (r *ListenerRule) Listener() string { return parent(r.Path) }

// IsDefault reports whether the rule is its listener's default one.
func (r *ListenerRule) IsDefault() bool { return r.Priority == DefaultRulePriority }

// ListenerRules holds rules by account/region/path. Index "listener" takes the
// key of a listener, "target-group" the ARN of a target group.
var ListenerRules = store.Define("elbv2.listener-rule", (*ListenerRule).Key,
	store.By("listener", func(r *ListenerRule) []string { return []string{Key(r.Account, r.Region, r.Listener())} }),
	store.By("target-group", func(r *ListenerRule) []string {
		var arns []string
		for _, a := range r.Actions {
			for _, g := range a.TargetGroups {
				arns = append(arns, g.ARN)
			}
		}
		return arns
	}))

// parent is a path without its last part.
func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return ""
	}
	return path[:i]
}
