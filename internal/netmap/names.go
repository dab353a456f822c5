package netmap

import (
	"cmp"
	"strings"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// names finds what people call the resources of an account and region.
type names struct {
	tx              *store.Tx
	account, region string
}

// name is the logical id in the stack that made a resource, else its Name tag,
// else "".
func (n names) name(id string, tags []state.Tag) string {
	for r := range state.StackResources.By(n.tx, "physical", state.Key(n.account, n.region, id)) {
		return r.LogicalID
	}
	for _, t := range tags {
		if t.Key == "Name" {
			return t.Value
		}
	}
	return ""
}

// groupName is a group's name in its stack, or its own.
func (n names) groupName(g *state.SecurityGroup) string {
	return cmp.Or(n.name(g.ID, g.Tags), g.Name)
}

// label is the name of a resource, with its id when it has none.
func (n names) label(id string) string {
	if strings.HasPrefix(id, "sg-") {
		if g, ok := state.SecurityGroups.Get(n.tx, state.Key(n.account, n.region, id)); ok {
			return n.groupName(g)
		}
	}
	if name := n.name(id, n.tags(id)); name != "" {
		return name
	}
	return id
}

// tags are those of the gateways that labels are asked for.
func (n names) tags(id string) []state.Tag {
	key := state.Key(n.account, n.region, id)
	if g, ok := state.InternetGateways.Get(n.tx, key); ok {
		return g.Tags
	}
	if g, ok := state.EgressOnlyInternetGateways.Get(n.tx, key); ok {
		return g.Tags
	}
	if g, ok := state.NatGateways.Get(n.tx, key); ok {
		return g.Tags
	}
	if e, ok := state.VpcEndpoints.Get(n.tx, key); ok {
		return e.Tags
	}
	return nil
}

// both is "Name (id)" or the id.
func both(name, id string) string {
	if name == "" {
		return id
	}
	return name + " (" + id + ")"
}
