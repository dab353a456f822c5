package roles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Report tells about roles.
type Report struct {
	Roles []Role
	Kinds []KindHere `json:",omitempty"` // with all: the kinds of roles around ECS
}

// Role is what there is to know about a role.
type Role struct {
	Name, ARN        string
	Stack, LogicalID string // of CloudFormation; "" when no stack made it
	Made             time.Time
	Kind             Kind
	Linked           bool // service-linked: what its service does with it inside Neargate is not counted

	AssumedBy []string    // who may assume it, with conditions
	NamedBy   []Reference // what names it
	Used      bool
	LastUsed  time.Time
	Uses      []Use  // what it was used for here
	Without   string // what would break without it
	Shared    string // what shares it; "" when it has one user or none
	Copies    []string
	Granted   []Granted
	Notes     []string
}

// Use is what was done with a role: one action.
type Use struct {
	Action          string
	Allowed, Denied uint64
	Last            time.Time
	On              []string // resources, as many as are kept
}

// KindHere is a kind of role, and the roles of that kind that there are.
type KindHere struct {
	Kind
	Roles []string
	Used  bool
}

// Explain tells about the roles of an account that are not service-linked; with
// a stack's name only about those which that stack and the stacks in it made.
// With all, about the service-linked ones too and about every kind of role.
func (f *Finder) Explain(account, stack string, all bool) (*Report, error) {
	v := &view{tx: f.DB.Read(), access: f.Access, account: account}
	v.definitions = definitions(v.tx, account+"/")
	v.references = references(v.tx, account, v.definitions)
	v.alike = v.likenesses()
	v.origins()
	out := &Report{}
	for r := range state.Roles.All(v.tx, state.Prefix(account, "")) {
		if r.LinkedService != "" && !all {
			continue
		}
		role := v.role(r)
		if stack != "" && role.Stack != stack && !strings.HasPrefix(role.Stack, stack+"-") {
			continue
		}
		out.Roles = append(out.Roles, role)
	}
	slices.SortStableFunc(out.Roles, func(a, b Role) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Name, b.Name))
	})
	if len(out.Roles) == 0 && stack != "" {
		return nil, fmt.Errorf("%w in the stack %s", ErrNotFound, stack)
	}
	if all {
		out.Kinds = kindsHere(out.Roles)
	}
	return out, nil
}

// view is what the roles are looked at through.
type view struct {
	tx          *store.Tx
	access      *access.Authorizer
	account     string
	definitions []*definition
	references  map[string][]Reference          // by ARN
	alike       map[string][]string             // names of roles with the same trust and policies
	resources   map[string]*state.StackResource // of stacks, by the name of a role
}

// origins finds which stacks made roles.
func (v *view) origins() {
	v.resources = map[string]*state.StackResource{}
	for r := range state.StackResources.All(v.tx, v.account+"/") {
		if r.Live.Type == "AWS::IAM::Role" {
			v.resources[r.Live.ID] = r
		}
	}
}

func (v *view) role(r *state.Role) Role {
	out := Role{Name: r.Name, ARN: r.ARN(), Made: r.CreatedAt, NamedBy: v.references[r.ARN()], Granted: granted(v.tx, r.PrincipalPolicies), Linked: r.LinkedService != ""}
	if made := v.resources[r.Name]; made != nil {
		out.Stack, out.LogicalID = made.StackName, made.LogicalID
	}
	var services []string
	out.AssumedBy, services = assumedBy(r.TrustPolicy)
	var actions []string
	for _, g := range out.Granted {
		actions = append(actions, g.Actions...)
	}
	out.Kind = kindOf(r, out.NamedBy, services, actions)

	uses := v.access.Uses(v.tx, r.ID)
	for _, use := range uses {
		u := Use{Action: use.Action, Allowed: use.Allowed, Denied: use.Denied, Last: use.LastAttempt()}
		for _, on := range use.On {
			u.On = append(u.On, on.Resource)
		}
		slices.Sort(u.On)
		u.On = slices.Compact(u.On)
		out.Uses = append(out.Uses, u)
		out.LastUsed = later(out.LastUsed, u.Last)
	}
	if key, ok := state.KeyUses.Get(v.tx, r.ARN()); ok {
		out.LastUsed = later(out.LastUsed, key.At)
	}
	out.Used = !out.LastUsed.IsZero()
	out.Without = without(&out)
	out.Shared = shared(out.NamedBy)
	if r.LinkedService == "" {
		// A role that was copied has what somebody else needed.
		out.Copies = slices.DeleteFunc(slices.Clone(v.alike[likeness(r)]), func(name string) bool { return name == r.Name })
	}
	out.Notes = v.notes(r, &out, services, uses)
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// rank is the order in which kinds are told: those of tasks first.
func rank(k Kind) int {
	switch i := slices.IndexFunc(glossary, func(g Kind) bool { return g.Name == k.Name }); {
	case k.Name == both.Name:
		return -1
	case k.Name == linkedKind.Name:
		return len(glossary) + 1
	case i < 0:
		return len(glossary)
	default:
		return i
	}
}

// kindsHere tells of every kind of the glossary which roles there are.
func kindsHere(roles []Role) []KindHere {
	var all []KindHere
	for _, k := range glossary {
		here := KindHere{Kind: k}
		for _, r := range roles {
			if r.Kind.Name == k.Name || r.Kind.Name == both.Name && (k.Name == task.Name || k.Name == execution.Name) {
				here.Roles = append(here.Roles, r.Name)
				here.Used = here.Used || r.Used
			}
		}
		all = append(all, here)
	}
	return all
}

// shared tells which task definitions of different families share a role.
func shared(references []Reference) string {
	var names []string
	for _, r := range references {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 2 {
		return ""
	}
	return strings.Join(names, ", ") + " share it: each has what the others need"
}
