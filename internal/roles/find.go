package roles

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/unused"
)

// Finder answers questions about roles. All fields must be set.
type Finder struct {
	DB     *store.DB
	Access *access.Authorizer
}

// ErrNotFound is wrapped by the error about a principal that is not there.
var ErrNotFound = errors.New("there is no such role or user")

// principal is a role or user that somebody asks about.
type principal struct {
	kind, name, arn, id string // kind: role or user
	created             time.Time
	policies            state.PrincipalPolicies
	identity            caller.Identity // as which its requests are evaluated
}

func ofRole(r *state.Role) principal {
	return principal{kind: "role", name: r.Name, arn: r.ARN(), id: r.ID, created: r.CreatedAt, policies: r.PrincipalPolicies, identity: caller.Identity{
		Type: caller.AssumedRole, Account: r.Account, ARN: access.SessionARN(r.Account, r.ARN(), "replay"), RoleARN: r.ARN(), UserID: r.ID + ":replay",
	}}
}

func ofUser(u *state.User) principal {
	return principal{kind: "user", name: u.Name, arn: u.ARN(), id: u.ID, created: u.CreatedAt, policies: u.PrincipalPolicies, identity: caller.Identity{
		Type: caller.User, Account: u.Account, ARN: u.ARN(), UserID: u.ID,
	}}
}

// find is the role or user of a name, an ARN, role/NAME or user/NAME, or the
// role with a logical id in a template when only one stack has such a one.
func find(tx *store.Tx, account, region, name string) (principal, error) {
	kind, last := "", name
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		last = name[i+1:]
		before := name[strings.LastIndexByte(name[:i], ':')+1:]
		kind, _, _ = strings.Cut(before, "/")
	}
	key := state.IAMKey(account, last)
	if r, ok := state.Roles.Get(tx, key); ok && kind != "user" {
		if p := ofRole(r); !strings.HasPrefix(name, "arn:") || p.arn == name {
			return p, nil
		}
	}
	if u, ok := state.Users.Get(tx, key); ok && kind != "role" {
		if p := ofUser(u); !strings.HasPrefix(name, "arn:") || p.arn == name {
			return p, nil
		}
	}
	var found []*state.Role
	for r := range state.StackResources.All(tx, state.Prefix(account, region)) {
		if r.LogicalID != name || r.Live.Type != "AWS::IAM::Role" {
			continue
		}
		if role, ok := state.Roles.Get(tx, state.IAMKey(account, r.Live.ID)); ok {
			found = append(found, role)
		}
	}
	switch len(found) {
	case 0:
		return principal{}, fmt.Errorf("%w: %s", ErrNotFound, name)
	case 1:
		return ofRole(found[0]), nil
	}
	return principal{}, fmt.Errorf("%w: %d stacks have a role %s; name it as IAM does, for example %s", ErrNotFound, len(found), name, found[0].Name)
}

// Granted is a policy of a principal and the actions that it grants, as written.
type Granted struct {
	Policy  string // name of an inline policy, ARN of a managed one
	Actions []string
}

// granted are the policies of a principal, the inline ones first.
func granted(tx *store.Tx, p state.PrincipalPolicies) []Granted {
	var all []Granted
	for _, inline := range p.Inline {
		all = append(all, Granted{inline.Name, unused.Grants(inline.Document)})
	}
	for _, arn := range p.Attached {
		document := ""
		if aws, ok := managed.Get(arn); ok {
			document = aws.Document
		}
		for own := range state.Policies.By(tx, "arn", arn) {
			document = own.Document()
		}
		all = append(all, Granted{arn, unused.Grants(document)})
	}
	return all
}
