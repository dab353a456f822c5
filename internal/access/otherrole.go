package access

import (
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
)

// otherRole completes the denial of a request that a task made with one of its
// two roles when the other one would have been allowed: they were mixed up. ECS
// uses the execution role before the containers run, they use the task role.
func (a *Authorizer) otherRole(q *question, d *decision.Decision) {
	if d.Code != "iam.not-allowed" || q.id.Type != caller.AssumedRole {
		return
	}
	role, kind := a.otherRoleOf(q.id)
	if role == nil {
		return
	}
	id := *q.id
	id.RoleARN, id.UserID, id.SessionPolicies = role.ARN(), role.ID+":"+id.SessionName, nil
	id.ARN = "arn:aws:sts::" + role.Account + ":assumed-role/" + role.Name + "/" + id.SessionName
	has, err := a.policies.of(&id)
	if err != nil {
		return
	}
	req, set := q.req, q.set
	req.Principal = principalOf(&id)
	set.Identity, set.Boundary, set.Session = has.identity, has.boundary, nil
	if r := policy.Evaluate(&req, &set); !r.Allowed {
		return
	}
	d.Code = "iam.wrong-role"
	d.Cause += "; the " + kind + " of the task, " + role.Name + ", has the permission"
	d.Facts = append(d.Facts, decision.Fact{Name: "allowed for", Value: role.ARN()})
}

// otherRoleOf finds the other role of the task whose session makes the request.
func (a *Authorizer) otherRoleOf(id *caller.Identity) (role *state.Role, kind string) {
	tx := a.db.Read()
	for t := range state.Tasks.By(tx, "alive", "yes") {
		if t.ID != id.SessionName || t.Account != id.Account {
			continue
		}
		other := ""
		switch {
		case t.TaskRoleARN == t.ExecutionRoleARN:
		case t.TaskRoleARN == id.RoleARN:
			other, kind = t.ExecutionRoleARN, "execution role"
		case t.ExecutionRoleARN == id.RoleARN:
			other, kind = t.TaskRoleARN, "task role"
		}
		role, _ = RoleOf(tx, other)
		return role, kind
	}
	return nil, ""
}
