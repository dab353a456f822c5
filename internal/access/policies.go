package access

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/iam/managed"
	"github.com/neargate/neargate/internal/iam/policy"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// policies gathers a principal's policies, compiled. Documents are compiled
// once for their text; what a principal has is remembered until any record of
// IAM changes.
type policies struct {
	db         *store.DB
	generation atomic.Uint64

	mu         sync.RWMutex
	documents  map[documentKey]*policy.Document
	principals map[string]gathered
}

type documentKey struct {
	kind policy.Kind
	text string
}

// gathered is what a principal has. Its slices are shared: they are never written.
type gathered struct {
	generation uint64
	identity   []policy.Source
	boundary   *policy.Source
}

func newPolicies(db *store.DB) *policies {
	p := &policies{db: db, documents: map[documentKey]*policy.Document{}, principals: map[string]gathered{}}
	db.OnCommit(func(changes []store.Change) {
		for _, c := range changes {
			if c.Table == state.Roles.Name() || c.Table == state.Users.Name() || c.Table == state.Groups.Name() || c.Table == state.Policies.Name() {
				p.generation.Add(1)
				return
			}
		}
	})
	return p
}

// of returns the identity policies and the boundary of a principal.
func (p *policies) of(id *caller.Identity) (gathered, error) {
	name := id.ARN + " " + id.UserARN
	if id.RoleARN != "" {
		// Sessions of a role that was made again under its name have another id.
		roleID, _, _ := strings.Cut(id.UserID, ":")
		name = id.RoleARN + " " + roleID
	}
	generation := p.generation.Load()
	p.mu.RLock()
	g, ok := p.principals[name]
	p.mu.RUnlock()
	if ok && g.generation == generation {
		return g, nil
	}
	g, err := p.gather(p.db.Read(), id)
	if err != nil {
		return g, err
	}
	g.generation = generation
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.principals) >= maxCached {
		p.principals = map[string]gathered{}
	}
	p.principals[name] = g
	return g, nil
}

func (p *policies) gather(tx *store.Tx, id *caller.Identity) (gathered, error) {
	switch id.Type {
	case caller.AssumedRole:
		role, ok := RoleOf(tx, id.RoleARN)
		if roleID, _, _ := strings.Cut(id.UserID, ":"); !ok || role.ID != roleID {
			return gathered{}, nil // deleted: the session has no permissions any more
		}
		return p.principal(tx, "role/"+role.Name, role.PrincipalPolicies)
	case caller.User:
		return p.user(tx, id.ARN)
	case caller.Federated:
		if id.UserARN == caller.ForRoot(id.Account, "").ARN {
			return gathered{identity: []policy.Source{{Name: "the account's root user", Document: rootMay}}}, nil
		}
		return p.user(tx, id.UserARN)
	}
	return gathered{}, nil
}

// rootMay is what the root user may: everything. Federated users that it makes
// have it as far as their session policies go.
var rootMay = constant(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, policy.Inline)

// user has the policies of a user and of its groups.
func (p *policies) user(tx *store.Tx, userARN string) (gathered, error) {
	user, ok := userOf(tx, userARN)
	if !ok {
		return gathered{}, nil
	}
	g, err := p.principal(tx, "user/"+user.Name, user.PrincipalPolicies)
	for _, name := range user.Groups {
		group, ok := state.Groups.Get(tx, state.IAMKey(user.Account, name))
		if err != nil || !ok {
			continue
		}
		var more gathered
		more, err = p.principal(tx, "group/"+group.Name, group.PrincipalPolicies)
		g.identity = append(g.identity, more.identity...)
	}
	return g, err
}

func (p *policies) principal(tx *store.Tx, owner string, has state.PrincipalPolicies) (g gathered, err error) {
	for _, inline := range has.Inline {
		d, err := p.compiled(policy.Inline, inline.Document)
		if err != nil {
			return g, err
		}
		g.identity = append(g.identity, policy.Source{Name: owner + " inline policy " + inline.Name, Document: d})
	}
	for _, arn := range has.Attached {
		source, err := p.managed(tx, arn)
		if err != nil {
			return g, err
		}
		g.identity = append(g.identity, source)
	}
	if has.Boundary != "" {
		source, err := p.managed(tx, has.Boundary)
		if err != nil {
			return g, err
		}
		g.boundary = &source
	}
	return g, nil
}

func (p *policies) managed(tx *store.Tx, arn string) (policy.Source, error) {
	text, ok := documentOf(tx, arn)
	if !ok {
		text = denyAll // a boundary or policy that vanished must not widen anything
	}
	d, err := p.compiled(policy.Inline, text)
	return policy.Source{Name: arn, Document: d}, err
}

// compiled compiles a text once.
func (p *policies) compiled(kind policy.Kind, text string) (*policy.Document, error) {
	key := documentKey{kind, text}
	p.mu.RLock()
	d, ok := p.documents[key]
	p.mu.RUnlock()
	if ok {
		return d, nil
	}
	d, err := policy.Parse(text, kind)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.documents) >= maxCached {
		p.documents = map[documentKey]*policy.Document{}
	}
	p.documents[key] = d
	return d, nil
}

// documentOf returns the text in force of a managed policy, AWS's or a customer's.
func documentOf(tx *store.Tx, policyARN string) (string, bool) {
	if aws, ok := managed.Get(policyARN); ok {
		return aws.Document, true
	}
	for p := range state.Policies.By(tx, "arn", policyARN) {
		return p.Document(), true
	}
	return "", false
}

// RoleOf finds the role of an ARN; its path must be right, too.
func RoleOf(tx *store.Tx, roleARN string) (*state.Role, bool) {
	a, err := arn.Parse(roleARN)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return nil, false
	}
	role, ok := state.Roles.Get(tx, state.IAMKey(a.Account, lastSegment(roleARN)))
	if !ok || role.ARN() != roleARN {
		return nil, false
	}
	return role, true
}

// userOf finds the user of an ARN; its path must be right, too.
func userOf(tx *store.Tx, userARN string) (*state.User, bool) {
	a, err := arn.Parse(userARN)
	if err != nil || a.Service != "iam" || !strings.HasPrefix(a.Resource, "user/") {
		return nil, false
	}
	user, ok := state.Users.Get(tx, state.IAMKey(a.Account, lastSegment(userARN)))
	return user, ok && user.ARN() == userARN
}

func lastSegment(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// IdentityPolicies returns the identity policies and the boundary of a user or
// role session, for simulations.
func (a *Authorizer) IdentityPolicies(id caller.Identity) (policy.Set, error) {
	g, err := a.policies.of(&id)
	return policy.Set{Identity: g.identity, Boundary: g.boundary}, err
}

// PolicyExists reports whether a managed policy is AWS's own or the account's.
func PolicyExists(tx *store.Tx, account, policyARN string) bool {
	if a, err := arn.Parse(policyARN); err != nil || a.Account != account && a.Account != managed.Account {
		return false
	}
	_, ok := documentOf(tx, policyARN)
	return ok
}
