package roles

import (
	"time"

	"github.com/neargate/neargate/internal/suggest"
)

// Suggestion is the least privilege of a role or user, in all its forms.
type Suggestion struct {
	Kind, Name, ARN string // Kind: role or user
	Since           time.Time

	Granted   []Granted // what it may now
	Actions   int       // different actions that it was allowed by its policies
	Resources int       // different resources of them
	Requests  uint64

	Statements     []suggest.Statement
	Notes          []string
	JSON           string // "" when it needs nothing
	CloudFormation string
	Terraform      string
	Replay         *suggest.Replay // with verify
}

// policyName is the name that a suggestion proposes for itself.
const policyName = "least-privilege"

// Suggest tells which policy is enough for what a role or user really did; with
// verify it also replays that against the suggestion.
func (f *Finder) Suggest(account, region, name string, verify bool) (*Suggestion, error) {
	tx := f.DB.Read()
	who, err := find(tx, account, region, name)
	if err != nil {
		return nil, err
	}
	uses := f.Access.Uses(tx, who.id)
	p := suggest.For(uses)
	out := &Suggestion{
		Kind: who.kind, Name: who.name, ARN: who.arn, Since: who.created, Granted: granted(tx, who.policies), Statements: p.Statements, Notes: p.Notes,
		JSON: p.Document(), CloudFormation: p.CloudFormation(policyName), Terraform: p.Terraform(who.kind, who.name, policyName),
	}
	resources := map[string]bool{}
	for _, use := range uses {
		var n uint64
		for _, on := range use.On {
			if on.Allowed > 0 && !on.ByResource {
				n += on.Allowed
				resources[on.Resource] = true
			}
		}
		if n > 0 {
			out.Actions, out.Requests = out.Actions+1, out.Requests+n
		}
	}
	out.Resources = len(resources)
	if !verify {
		return out, nil
	}
	has, err := f.Access.IdentityPolicies(who.identity)
	if err != nil {
		return nil, err
	}
	replay, err := suggest.Run(out.JSON, suggest.Principal{Account: account, ARN: who.identity.ARN, RoleARN: who.identity.RoleARN, Boundary: has.Boundary}, uses)
	out.Replay = &replay
	return out, err
}
