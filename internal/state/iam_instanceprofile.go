package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// InstanceProfile hands a role to EC2 instances. Written by iam.
type InstanceProfile struct {
	Account, Name string
	Path          string // "/" or "/a/b/"
	ID            string // AIPA...
	CreatedAt     time.Time

	Role string // name; "" while it has none
	Tags []Tag
}

// ARN is the profile's ARN.
func (p *InstanceProfile) ARN() string {
	return "arn:aws:iam::" + p.Account + ":instance-profile" + p.Path + p.Name
}

// Key is the record's key.
func (p *InstanceProfile) Key() string { return IAMKey(p.Account, p.Name) }

// InstanceProfiles holds the profiles; index "role" takes IAMKey(account, role).
var InstanceProfiles = store.Define("iam.instance-profile", (*InstanceProfile).Key,
	store.By("role", func(p *InstanceProfile) []string {
		if p.Role == "" {
			return nil
		}
		return []string{IAMKey(p.Account, p.Role)}
	}))
