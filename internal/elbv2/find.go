package elbv2

import (
	"context"
	"iter"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// scope is the account and region of a request, with its transaction.
type scope struct {
	tx              *store.Tx
	account, region string
}

func scopeOf(ctx context.Context, tx *store.Tx) scope {
	id := caller.From(ctx)
	return scope{tx, id.Account, id.Region}
}

func (q scope) key(path string) string { return state.Key(q.account, q.region, path) }

// The kinds of resources, as ARNs have them, and as AWS's errors speak of them.
const (
	kindLoadBalancer = "loadbalancer"
	kindTargetGroup  = "targetgroup"
	kindListener     = "listener"
	kindRule         = "listener-rule"
	kindTrustStore   = "truststore"
)

var spoken = map[string]string{kindLoadBalancer: "load balancer", kindTargetGroup: "target group", kindListener: "listener", kindRule: "rule", kindTrustStore: "trust store"}

// path takes the path out of an ARN of a kind; the account and the region must be
// those of the request.
func (q scope) path(kind, text string) (string, error) {
	a, err := arn.Parse(text)
	found, path, ok := cutKind(text)
	if err != nil || !ok || found != kind || path == "" {
		return "", invalid("'%s' is not a valid %s ARN", text, spoken[kind])
	}
	if a.Account != q.account || a.Region != q.region {
		return "", invalid("'%s' is not a valid %s ARN of this account and region", text, spoken[kind])
	}
	return path, nil
}

// cutKind takes the kind and the path out of an ARN of Elastic Load Balancing.
func cutKind(text string) (kind, path string, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "elasticloadbalancing" {
		return "", "", false
	}
	kind, path, ok = strings.Cut(a.Resource, "/")
	return kind, path, ok
}

// get finds a record by its ARN.
func get[T any](q scope, table *store.Table[T], kind, text string, missing error) (*T, error) {
	path, err := q.path(kind, text)
	if err != nil {
		return nil, err
	}
	rec, ok := table.Get(q.tx, q.key(path))
	if !ok {
		return nil, missing
	}
	return rec, nil
}

func (q scope) loadBalancer(text string) (*state.LoadBalancer, error) {
	l, err := get(q, state.LoadBalancers, kindLoadBalancer, text, noLoadBalancers(text))
	if err == nil && l.Status == state.LoadBalancerDeleting {
		return nil, noLoadBalancers(text)
	}
	return l, err
}

// balancerNamed finds a load balancer that is not being deleted by its name.
func (q scope) balancerNamed(name string) (*state.LoadBalancer, bool) {
	for b := range state.LoadBalancers.By(q.tx, "name", q.key(name)) {
		if b.Status != state.LoadBalancerDeleting {
			return b, true
		}
	}
	return nil, false
}

func noLoadBalancers(names ...string) error {
	return &elbv2api.LoadBalancerNotFoundException{Message: "Load balancers '[" + strings.Join(names, ", ") + "]' not found"}
}

func (q scope) targetGroup(text string) (*state.TargetGroup, error) {
	return get(q, state.TargetGroups, kindTargetGroup, text, noTargetGroups())
}

func noTargetGroups() error {
	return &elbv2api.TargetGroupNotFoundException{Message: "One or more target groups not found"}
}

func (q scope) listener(text string) (*state.Listener, error) {
	return get(q, state.Listeners, kindListener, text, &elbv2api.ListenerNotFoundException{Message: "One or more listeners not found"})
}

func (q scope) rule(text string) (*state.ListenerRule, error) {
	return get(q, state.ListenerRules, kindRule, text, &elbv2api.RuleNotFoundException{Message: "One or more rules not found"})
}

// balancerOf is the load balancer of a listener.
func (q scope) balancerOf(l *state.Listener) *state.LoadBalancer {
	b, _ := state.LoadBalancers.Get(q.tx, q.key(l.LoadBalancer()))
	return b
}

// rulesOf lists the rules of a listener in the order in which they are tried.
func (q scope) rulesOf(l *state.Listener) []*state.ListenerRule {
	return sortedRules(state.ListenerRules.By(q.tx, "listener", l.Key()))
}

// defaultRule is the default rule of a listener.
func (q scope) defaultRule(l *state.Listener) *state.ListenerRule {
	rules := q.rulesOf(l)
	return rules[len(rules)-1]
}

// usersOf lists the load balancers whose rules name a target group.
func (q scope) usersOf(groupARN string) []string {
	var paths []string
	for r := range state.ListenerRules.By(q.tx, "target-group", groupARN) {
		paths = append(paths, balancerPath(r.Path))
	}
	return unique(paths)
}

// balancerPath is the path of the load balancer that a listener's or rule's path
// begins with: app/NAME/ID.
func balancerPath(path string) string {
	return strings.Join(strings.SplitN(path, "/", 4)[:3], "/")
}

func first[T any](all iter.Seq[*T]) (*T, bool) {
	for t := range all {
		return t, true
	}
	return nil, false
}

func count[T any](all iter.Seq[T]) int {
	n := 0
	for range all {
		n++
	}
	return n
}

// unique returns the values in order, each once.
func unique(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, v := range in {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
