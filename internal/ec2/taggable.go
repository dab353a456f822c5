package ec2

import (
	"slices"
	"strings"
	"sync"

	"github.com/neargate/neargate/internal/state"
)

// taggable is a kind of resource that carries tags.
type taggable struct {
	prefix       string // of its ids
	resourceType string
	kind         kind
	get          func(q *scope, id string) ([]state.Tag, bool)
	put          func(q *scope, id string, tags []state.Tag)
	all          func(q *scope, yield func(id string, tags []state.Tag))
}

// tagged makes a taggable of a table whose records carry their tags.
func tagged[T any](prefix, resourceType string, r resource[T], tags func(*T) *[]state.Tag) taggable {
	return taggable{
		prefix: prefix, resourceType: resourceType, kind: r.kind,
		get: func(q *scope, id string) ([]state.Tag, bool) {
			rec, ok := r.table.Get(q.tx, q.key(id))
			if !ok {
				return nil, false
			}
			return r.tags(rec), true
		},
		put: func(q *scope, id string, t []state.Tag) {
			r.table.Update(q.tx, q.key(id), func(rec *T) { *tags(rec) = t })
		},
		all: func(q *scope, yield func(string, []state.Tag)) {
			for rec := range r.table.All(q.tx, q.prefix()) {
				yield(r.id(rec), r.tags(rec))
			}
		},
	}
}

// taggables are all kinds of resources that carry tags.
var taggables = sync.OnceValue(func() []taggable {
	return []taggable{
		tagged("vpc", "vpc", vpcResource, func(r *state.Vpc) *[]state.Tag { return &r.Tags }),
		tagged("subnet", "subnet", subnetResource, func(r *state.Subnet) *[]state.Tag { return &r.Tags }),
		tagged("rtb", "route-table", routeTableResource, func(r *state.RouteTable) *[]state.Tag { return &r.Tags }),
		tagged("igw", "internet-gateway", internetGatewayResource, func(r *state.InternetGateway) *[]state.Tag { return &r.Tags }),
		tagged("eigw", "egress-only-internet-gateway", egressOnlyGatewayResource, func(r *state.EgressOnlyInternetGateway) *[]state.Tag { return &r.Tags }),
		tagged("sg", "security-group", securityGroupResource, func(r *state.SecurityGroup) *[]state.Tag { return &r.Tags }),
		tagged("vpce", "vpc-endpoint", endpointResource, func(r *state.VpcEndpoint) *[]state.Tag { return &r.Tags }),
		tagged("eni", "network-interface", interfaceResource, func(r *state.NetworkInterface) *[]state.Tag { return &r.Tags }),
		tagged("acl", "network-acl", networkACLResource, func(r *state.NetworkAcl) *[]state.Tag { return &r.Tags }),
		tagged("dopt", "dhcp-options", dhcpOptionsResource, func(r *state.DhcpOptions) *[]state.Tag { return &r.Tags }),
		tagged("eipalloc", "elastic-ip", addressResource, func(r *state.Address) *[]state.Tag { return &r.Tags }),
		tagged("nat", "natgateway", natGatewayResource, func(r *state.NatGateway) *[]state.Tag { return &r.Tags }),
		tagged("pl", "prefix-list", ownListResource, func(r *state.ManagedPrefixList) *[]state.Tag { return &r.Tags }),
		tagged("nip", "network-insights-path", insightsPathResource, func(r *state.NetworkInsightsPath) *[]state.Tag { return &r.Tags }),
		tagged("nia", "network-insights-analysis", insightsAnalysisResource, func(r *state.NetworkInsightsAnalysis) *[]state.Tag { return &r.Tags }),
		tagged("fl", "vpc-flow-log", flowLogResource, func(r *state.FlowLog) *[]state.Tag { return &r.Tags }),
		taggedRules(), taggedPeerings(),
	}
})

// taggableByPrefix finds a kind by the prefix of its ids: every call asks.
var taggableByPrefix = sync.OnceValue(func() map[string]taggable {
	kinds := map[string]taggable{}
	for _, t := range taggables() {
		kinds[t.prefix] = t
	}
	return kinds
})

// taggedRules are the rules of security groups, which live in their group's record.
func taggedRules() taggable {
	find := func(q *scope, id string) (*state.SecurityGroup, int) {
		g, ok := first(state.SecurityGroups.By(q.tx, "rule", q.key(id)))
		if !ok {
			return nil, 0
		}
		return g, slices.IndexFunc(g.Rules, func(r state.SecurityGroupRule) bool { return r.ID == id })
	}
	return taggable{
		prefix: "sgr", resourceType: "security-group-rule", kind: kindRule,
		get: func(q *scope, id string) ([]state.Tag, bool) {
			g, i := find(q, id)
			if g == nil {
				return nil, false
			}
			return g.Rules[i].Tags, true
		},
		put: func(q *scope, id string, tags []state.Tag) {
			g, i := find(q, id)
			state.SecurityGroups.Update(q.tx, g.Key(), func(g *state.SecurityGroup) {
				g.Rules = slices.Clone(g.Rules)
				g.Rules[i].Tags = tags
			})
		},
		all: func(q *scope, yield func(string, []state.Tag)) {
			for g := range state.SecurityGroups.All(q.tx, q.prefix()) {
				for _, r := range g.Rules {
					yield(r.ID, r.Tags)
				}
			}
		},
	}
}

func taggableOf(id string) (taggable, bool) {
	prefix, _, _ := strings.Cut(id, "-")
	kind, ok := taggableByPrefix()[prefix]
	return kind, ok
}
