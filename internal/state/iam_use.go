package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// KeyUse is when an access key or a role was last used. Written by access, some
// seconds late.
type KeyUse struct {
	ID      string // access key id, or ARN of a role
	At      time.Time
	Region  string
	Service string // signing name
}

// KeyUses holds the uses by id.
var KeyUses = store.Define("iam.use", func(u *KeyUse) string { return u.ID })

// ActionUse counts what one role or user did with one action: the evidence for
// permissions that are used, and by its absence for those that are not. Written
// by access, some seconds late; deleted with the principal by iam.
type ActionUse struct {
	PrincipalID string // AROA... or AIDA...: one that is made again under its name starts anew
	Principal   string // ARN
	Action      string // "s3:GetObject"

	Allowed, Denied uint64
	LastAllowed     time.Time // zero when it was never allowed
	LastDenied      time.Time // zero when it was never denied
	Region          string    // of the last attempt
	Resource        string    // of the last attempt: an ARN or "*"
	// On tells it by resource; the last entry may stand for what was too much to keep.
	On []ResourceUse `json:",omitempty"`
}

// ResourceUse counts what an action was tried on: the evidence from which least
// privilege follows.
type ResourceUse struct {
	Resource string // an ARN or "*"
	// Keys are the condition keys of the request by which such a permission is
	// commonly narrowed, in lower case, for example iam:passedtoservice.
	Keys map[string]string `json:",omitempty"`
	// Rest says that this entry stands for all that was too much to be kept:
	// Resource is the start that their ARNs have in common, Keys are not known.
	Rest bool `json:",omitempty"`
	// ByResource says that the resource's own policy allowed it the last time, so
	// that no permission of the principal was needed.
	ByResource bool `json:",omitempty"`

	Allowed, Denied uint64
	Last            time.Time // of the last attempt
}

// LastAttempt is when it was last tried, with success or without.
func (u *ActionUse) LastAttempt() time.Time {
	if u.LastDenied.After(u.LastAllowed) {
		return u.LastDenied
	}
	return u.LastAllowed
}

// ActionUseKey is the key of a use; with an empty action, the start of the keys
// of all that a principal did.
func ActionUseKey(principalID, action string) string { return principalID + "/" + action }

// ActionUses holds the uses of actions.
var ActionUses = store.Define("iam.action-use", func(u *ActionUse) string { return ActionUseKey(u.PrincipalID, u.Action) })

// ForgetPrincipal deletes what is known of the use of a role or user that is deleted.
func ForgetPrincipal(tx *store.Tx, principalID, arn string) {
	KeyUses.Delete(tx, arn)
	for u := range ActionUses.All(tx, ActionUseKey(principalID, "")) {
		ActionUses.Delete(tx, ActionUseKey(u.PrincipalID, u.Action))
	}
}
