package why

import (
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// names finds what people call the resources of an account and region: the
// logical id and stack of what CloudFormation made, the Name tag otherwise.
type names struct {
	tx              *store.Tx
	account, region string
}

// resource returns the stack resource that has a physical id, or is meant by an ARN.
func (n names) resource(id string) *state.StackResource {
	for _, id := range []string{id, physical(id)} {
		for r := range state.StackResources.By(n.tx, "physical", state.Key(n.account, n.region, id)) {
			return r
		}
	}
	return nil
}

// name is the id with what people call it: "subnet-0a1b (PrivateSubnetOne)".
func (n names) name(id string) string {
	if r := n.resource(id); r != nil {
		return id + " (" + r.LogicalID + ")"
	}
	return id
}

// ref is how a template refers to a resource: by logical id when a template
// made it, by id otherwise.
func (n names) ref(id string) string {
	if r := n.resource(id); r != nil {
		return "!Ref " + r.LogicalID
	}
	return id
}

// refFrom is ref for a fix that goes into the template of another resource: a
// logical id means nothing outside of its own template.
func (n names) refFrom(id, home string) string {
	r, h := n.resource(id), n.resource(home)
	if r != nil && h != nil && r.StackID == h.StackID {
		return "!Ref " + r.LogicalID
	}
	return n.across(id, h)
}
