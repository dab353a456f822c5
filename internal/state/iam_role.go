package state

import (
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Role is an IAM role. Written by iam.
type Role struct {
	Account, Name string
	Path          string // "/" or "/a/b/"
	ID            string // AROA...; a role that is made again under its name has another
	CreatedAt     time.Time
	Tool          string // the client that made it: caller.Identity.Tool

	TrustPolicy        string // document as it was given
	Description        string
	MaxSessionDuration int32  // seconds
	LinkedService      string // service-linked: the one service that may assume it

	PrincipalPolicies
	Tags []Tag
}

// PrincipalPolicies are the policies of a role or user.
type PrincipalPolicies struct {
	Inline   []InlinePolicy // by name
	Attached []string       // ARNs of managed policies, in the order of attachment
	Boundary string         // ARN of a managed policy; "" means none
}

// InlinePolicy is a policy that is part of a role or user.
type InlinePolicy struct {
	Name, Document string
}

// managed lists the ARNs of the managed policies, the boundary included.
func (p *PrincipalPolicies) managed() []string {
	if p.Boundary == "" {
		return p.Attached
	}
	return append([]string{p.Boundary}, p.Attached...)
}

// ARN is the role's ARN.
func (r *Role) ARN() string { return "arn:aws:iam::" + r.Account + ":role" + r.Path + r.Name }

// Key is the record's key.
func (r *Role) Key() string { return IAMKey(r.Account, r.Name) }

// IAMKey is the key of a role, user or policy. Names differ by more than case,
// whatever the path.
func IAMKey(account, name string) string { return Key(account, "", strings.ToLower(name)) }

// Roles holds the roles; index "policy" takes the ARN of a managed policy that
// is attached or the boundary.
var Roles = store.Define("iam.role", (*Role).Key,
	store.By("policy", func(r *Role) []string { return r.managed() }))
