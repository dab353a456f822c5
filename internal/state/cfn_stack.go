package state

import (
	"time"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/store"
)

// Stack is a CloudFormation stack, wanted and seen. Written by cloudformation.
type Stack struct {
	Account, Region string
	ID              string // ARN
	Name            string
	ParentID        string // ARN of the parent stack; "" for a root stack
	RootID          string // "" for a root stack

	Created, Updated, Deleted time.Time
	Status                    string // StackStatus
	StatusReason              string
	ChangeSetID               string // the change set that was executed last

	Config     StackConfig // what the stack is, or is becoming
	Outputs    []StackOutput
	Imports    []string // names of exports that its resources use
	Protected  bool     // termination protection
	NoRollback bool     // DisableRollback
	Timeout    int      // minutes a creation may take; 0 for no limit
	Policy     string   // what updates may do to its resources, as JSON; "" for everything

	Operation *StackOperation // what goes on; nil when nothing does
	Stuck     *StackOperation // the failed update that a rollback may still undo
	LastToken string          // "KIND token" of the last accepted request that had a token
	Events    int             // number of events so far
	LastEvent time.Time       // event times grow strictly
}

// StackConfig is everything a user gives to make or update a stack.
type StackConfig struct {
	Template         string // the text as given
	Processed        string // the document after its transforms, as JSON; "" without transforms
	Description      string
	Parameters       []StackParameter
	Tags             []Tag
	Capabilities     []string
	NotificationARNs []string
	RoleARN          string
	Imports          []string // logical ids of what the change set found existing
}

// StackParameter is a parameter of a stack and its value.
type StackParameter struct {
	Key      string
	Value    string // as given, or the default
	Resolved string // what a parameter of an SSM type stands for
	NoEcho   bool
}

// StackOutput is an output of a stack.
type StackOutput struct {
	Key         string
	Value       string
	Description string
	ExportName  string // "" when it is not exported
}

// StackOperation is what a stack is being changed to. It is recorded before
// anything is done, and the work is taken up from here after a restart.
type StackOperation struct {
	ID        string
	Kind      string // CREATE, UPDATE, DELETE
	Phase     string // apply, rollback, cleanup, delete
	Token     string // ClientRequestToken
	Caller    caller.Identity
	Started   time.Time
	OnFailure string       // ROLLBACK, DELETE or DO_NOTHING
	Previous  *StackConfig // UPDATE: what to return to
	Retain    []string     // DELETE, rollback: logical ids to leave alone
	Failed    bool         // the phase before this one failed
	Cancelled bool         // CancelUpdateStack came
	Waits     bool         // a nested stack that waits for its root before cleaning up
	Policy    string       // UPDATE: the stack policy while it lasts; "" for the stack's own
	Next      string       // UPDATE: the stack policy from its success on; "" leaves it
	RetainNew bool         // RetainExceptOnCreate: a rollback deletes new resources whatever their DeletionPolicy
}

// Key is the record's key.
func (s *Stack) Key() string { return Key(s.Account, s.Region, s.ID) }

// Stacks holds the stacks, deleted ones too. Indexes: "name" takes a key with
// the name of a stack that is not deleted, "parent" the key of a parent,
// "export" and "import" a key with the name of an export, "busy" "yes" for
// stacks with an operation under way.
var Stacks = store.Define("cloudformation.stack", (*Stack).Key,
	store.By("name", func(s *Stack) []string {
		if s.Status == "DELETE_COMPLETE" {
			return nil
		}
		return []string{Key(s.Account, s.Region, s.Name)}
	}),
	store.By("parent", func(s *Stack) []string {
		if s.ParentID == "" {
			return nil
		}
		return []string{Key(s.Account, s.Region, s.ParentID)}
	}),
	store.By("export", func(s *Stack) []string {
		var names []string
		for _, o := range s.Outputs {
			if o.ExportName != "" && s.Status != "DELETE_COMPLETE" {
				names = append(names, Key(s.Account, s.Region, o.ExportName))
			}
		}
		return names
	}),
	store.By("import", func(s *Stack) []string {
		var names []string
		for _, name := range s.Imports {
			if s.Status != "DELETE_COMPLETE" {
				names = append(names, Key(s.Account, s.Region, name))
			}
		}
		return names
	}),
	store.By("busy", func(s *Stack) []string {
		if s.Operation == nil {
			return nil
		}
		return []string{"yes"}
	}))
