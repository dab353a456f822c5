package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Group is an IAM group. Who is in it stands in the users. Written by iam.
type Group struct {
	Account, Name string
	Path          string // "/" or "/a/b/"
	ID            string // AGPA...
	CreatedAt     time.Time

	PrincipalPolicies // without a boundary
}

// ARN is the group's ARN.
func (g *Group) ARN() string { return "arn:aws:iam::" + g.Account + ":group" + g.Path + g.Name }

// Key is the record's key.
func (g *Group) Key() string { return IAMKey(g.Account, g.Name) }

// Groups holds the groups; index "policy" is as for Roles.
var Groups = store.Define("iam.group", (*Group).Key,
	store.By("policy", func(g *Group) []string { return g.managed() }))
