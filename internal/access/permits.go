package access

import (
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/policy"
)

// Permits reports whether a role's own policies allow an action on a resource, in
// a request without particular conditions. It decides nothing: it is for
// explanations, such as that a permission was given to the other role of a task.
func (a *Authorizer) Permits(roleARN, region, action, resource string) bool {
	role, ok := RoleOf(a.db.Read(), roleARN)
	if !ok {
		return false
	}
	id := caller.Identity{Account: role.Account, Region: region, Type: caller.AssumedRole, ARN: SessionARN(role.Account, roleARN, "explain"), UserID: role.ID + ":explain", RoleARN: roleARN, SecureTransport: true}
	has, err := a.policies.of(&id)
	if err != nil {
		return false
	}
	ctx := newContext(&id, nil)
	ctx.action, ctx.owner = action, role.Account
	request := policy.Request{Principal: principalOf(&id), Action: action, Resource: resource, ResourceAccount: role.Account, Context: ctx}
	return policy.Evaluate(&request, &policy.Set{Identity: has.identity, Boundary: has.boundary}).Allowed
}
