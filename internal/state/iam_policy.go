package state

import (
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Policy is a customer-managed policy. Written by iam. AWS's own are data of
// package iam/managed.
type Policy struct {
	Account, Name string
	Path          string // "/" or "/a/b/"
	ID            string // ANPA...
	Description   string
	CreatedAt     time.Time
	UpdatedAt     time.Time

	Versions []PolicyVersion // oldest first; numbers are never used again
	Last     int             // number of the newest version ever
	Default  int             // number of the version in force
	Tags     []Tag
}

// PolicyVersion is one text of a policy.
type PolicyVersion struct {
	Number    int
	Document  string
	CreatedAt time.Time
}

// ID is the version's id: v1, v2 ...
func (v PolicyVersion) ID() string { return "v" + strconv.Itoa(v.Number) }

// Version returns the version with the given id.
func (p *Policy) Version(id string) (PolicyVersion, bool) {
	for _, v := range p.Versions {
		if v.ID() == id {
			return v, true
		}
	}
	return PolicyVersion{}, false
}

// Document is the text in force.
func (p *Policy) Document() string {
	v, _ := p.Version(PolicyVersion{Number: p.Default}.ID())
	return v.Document
}

// ARN is the policy's ARN.
func (p *Policy) ARN() string { return "arn:aws:iam::" + p.Account + ":policy" + p.Path + p.Name }

// Key is the record's key.
func (p *Policy) Key() string { return IAMKey(p.Account, p.Name) }

// Policies holds the customer-managed policies; index "arn" takes an ARN.
var Policies = store.Define("iam.policy", (*Policy).Key,
	store.By("arn", func(p *Policy) []string { return []string{p.ARN()} }))
