package ec2

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// taggable is a kind of resource that carries tags.
type taggable struct {
	prefix       string // of its ids
	resourceType string
	get          func(q *scope, id string) ([]state.Tag, bool)
	put          func(q *scope, id string, tags []state.Tag)
	all          func(q *scope, yield func(id string, tags []state.Tag))
}

// tagged makes a taggable of a table whose records carry their tags.
func tagged[T any](prefix, resourceType string, table *store.Table[T], id func(*T) string, tags func(*T) *[]state.Tag) taggable {
	return taggable{
		prefix: prefix, resourceType: resourceType,
		get: func(q *scope, id string) ([]state.Tag, bool) {
			rec, ok := table.Get(q.tx, q.key(id))
			if !ok {
				return nil, false
			}
			return *tags(rec), true
		},
		put: func(q *scope, id string, t []state.Tag) {
			table.Update(q.tx, q.key(id), func(rec *T) { *tags(rec) = t })
		},
		all: func(q *scope, yield func(string, []state.Tag)) {
			for rec := range table.All(q.tx, q.prefix()) {
				yield(id(rec), *tags(rec))
			}
		},
	}
}

// taggables are all kinds of resources that carry tags.
func taggables() []taggable {
	return []taggable{
		tagged("vpc", "vpc", state.Vpcs, func(r *state.Vpc) string { return r.ID }, func(r *state.Vpc) *[]state.Tag { return &r.Tags }),
		tagged("subnet", "subnet", state.Subnets, func(r *state.Subnet) string { return r.ID }, func(r *state.Subnet) *[]state.Tag { return &r.Tags }),
		tagged("rtb", "route-table", state.RouteTables, func(r *state.RouteTable) string { return r.ID }, func(r *state.RouteTable) *[]state.Tag { return &r.Tags }),
		tagged("igw", "internet-gateway", state.InternetGateways, func(r *state.InternetGateway) string { return r.ID }, func(r *state.InternetGateway) *[]state.Tag { return &r.Tags }),
		tagged("sg", "security-group", state.SecurityGroups, func(r *state.SecurityGroup) string { return r.ID }, func(r *state.SecurityGroup) *[]state.Tag { return &r.Tags }),
		tagged("vpce", "vpc-endpoint", state.VpcEndpoints, func(r *state.VpcEndpoint) string { return r.ID }, func(r *state.VpcEndpoint) *[]state.Tag { return &r.Tags }),
		tagged("eni", "network-interface", state.NetworkInterfaces, func(r *state.NetworkInterface) string { return r.ID }, func(r *state.NetworkInterface) *[]state.Tag { return &r.Tags }),
		tagged("acl", "network-acl", state.NetworkAcls, func(r *state.NetworkAcl) string { return r.ID }, func(r *state.NetworkAcl) *[]state.Tag { return &r.Tags }),
		tagged("dopt", "dhcp-options", state.DhcpOptionSets, func(r *state.DhcpOptions) string { return r.ID }, func(r *state.DhcpOptions) *[]state.Tag { return &r.Tags }),
		tagged("eipalloc", "elastic-ip", state.Addresses, func(r *state.Address) string { return r.AllocationID }, func(r *state.Address) *[]state.Tag { return &r.Tags }),
		tagged("nat", "natgateway", state.NatGateways, func(r *state.NatGateway) string { return r.ID }, func(r *state.NatGateway) *[]state.Tag { return &r.Tags }),
		taggedRules(),
	}
}

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
		prefix: "sgr", resourceType: "security-group-rule",
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
	all := taggables()
	i := slices.IndexFunc(all, func(t taggable) bool { return t.prefix == prefix })
	if i < 0 {
		return taggable{}, false
	}
	return all[i], true
}

func notFoundByPrefix(prefix, id string) error {
	kinds := map[string]kind{
		"vpc": kindVpc, "subnet": kindSubnet, "rtb": kindRouteTable, "igw": kindInternetGateway, "sg": kindSecurityGroup,
		"vpce": kindEndpoint, "eni": kindInterface, "acl": kindNetworkACL, "dopt": kindDHCPOptions, "eipalloc": kindAllocation,
		"nat": kindNatGateway, "sgr": kindRule,
	}
	return kinds[prefix].notFound(id)
}
