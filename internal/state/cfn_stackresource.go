package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// StackResource is a resource of a stack. Written by cloudformation.
type StackResource struct {
	Account, Region    string
	StackID, StackName string
	LogicalID, Type    string

	Status  string // ResourceStatus
	Reason  string
	Changed time.Time

	Live     Physical   // the resource that Ref means; ID "" when there is none yet
	Previous *Physical  // the one that Live replaces, until the update is sure
	Stale    []Physical // replaced or rolled back: deleted in the cleanup

	DependsOn           []string // logical ids it waited for; deletion runs the other way
	DeletionPolicy      string
	UpdateReplacePolicy string
	Metadata            string // JSON

	Done    string // operation id and phase that it was last brought to its end for
	Touched string // id of the operation that changed it last; a rollback looks at these
	IsNew   bool   // the operation under way added it
}

// Physical is one thing that a resource was made as.
type Physical struct {
	ID         string
	Type       string
	Token      string // random: names and client tokens of this one derive from it
	Started    bool   // its making was begun, so it may exist though ID is ""
	Complete   bool   // its making was finished
	Properties string // JSON, resolved; dynamic references stay as written
	Attributes string // JSON map: what GetAtt returns
	Imported   bool   // it was there before the stack
	Pending    string // JSON: properties that an update under way brings; "" otherwise
}

// Key is the record's key.
func (r *StackResource) Key() string {
	return StackResourceKey(r.Account, r.Region, r.StackID, r.LogicalID)
}

// StackResourceKey is the key of a stack's resource; with an empty logical id
// it is the prefix of all of them.
func StackResourceKey(account, region, stackID, logicalID string) string {
	return Key(account, region, stackID+"/"+logicalID)
}

// StackResources holds the resources of stacks. Index "physical" takes a key
// with the physical id.
var StackResources = store.Define("cloudformation.resource", (*StackResource).Key,
	store.By("physical", func(r *StackResource) []string {
		if r.Live.ID == "" {
			return nil
		}
		return []string{Key(r.Account, r.Region, r.Live.ID)}
	}))
