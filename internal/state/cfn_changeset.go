package state

import (
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/store"
)

// ChangeSet is a computed update of a stack. Written by cloudformation.
type ChangeSet struct {
	Account, Region    string
	ID                 string // ARN
	Name               string
	StackID, StackName string
	Kind               string // CREATE or UPDATE
	Description        string
	Created            time.Time
	Status             string // ChangeSetStatus
	StatusReason       string
	Execution          string // ExecutionStatus
	Config             StackConfig
	Changes            []ResourceChange
	Caller             caller.Identity
	OnFailure          string // OnStackFailure
	Token              string // ClientToken
	Nested             bool   // IncludeNestedStacks
	Imports            bool   // ImportExistingResources
}

// ResourceChange is what a change set does to one resource.
type ResourceChange struct {
	Action      string // Add, Modify, Remove
	LogicalID   string
	PhysicalID  string
	Type        string
	Replacement string // Modify only: True, False, Conditional
	Policy      string // PolicyAction; "" when nothing is deleted
	Scope       []string
	Details     []ChangeDetail
	Before      string // JSON {"Properties": ...}
	After       string
}

// ChangeDetail is one reason for a change.
type ChangeDetail struct {
	Source     string // ChangeSource
	Causing    string // CausingEntity
	Evaluation string // Static, Dynamic
	Attribute  string // Properties, Tags ...
	Name       string // the property
	Recreation string // Never, Conditionally, Always
	Kind       string // Add, Modify, Remove
	Before     string
	After      string
}

// Key is the record's key.
func (c *ChangeSet) Key() string { return Key(c.Account, c.Region, c.ID) }

// ChangeSets holds the change sets. Index "stack" takes the key of the stack.
var ChangeSets = store.Define("cloudformation.changeset", (*ChangeSet).Key,
	store.By("stack", func(c *ChangeSet) []string { return []string{Key(c.Account, c.Region, c.StackID)} }))
