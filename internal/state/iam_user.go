package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// User is an IAM user. Written by iam.
type User struct {
	Account, Name string
	Path          string // "/" or "/a/b/"
	ID            string // AIDA...
	CreatedAt     time.Time

	PrincipalPolicies
	Groups []string // names, sorted
	Tags   []Tag
}

// ARN is the user's ARN.
func (u *User) ARN() string { return "arn:aws:iam::" + u.Account + ":user" + u.Path + u.Name }

// Key is the record's key.
func (u *User) Key() string { return IAMKey(u.Account, u.Name) }

// Users holds the users; index "policy" is as for Roles, index "group" takes
// IAMKey(account, group).
var Users = store.Define("iam.user", (*User).Key,
	store.By("policy", func(u *User) []string { return u.managed() }),
	store.By("group", func(u *User) []string {
		keys := make([]string, 0, len(u.Groups))
		for _, g := range u.Groups {
			keys = append(keys, IAMKey(u.Account, g))
		}
		return keys
	}))

// AccessKey is a long-term access key of a user or of an account's root.
// Written by iam, and by access for a new account's root.
type AccessKey struct {
	ID        string // LKIA...
	Account   string
	User      string // name; "" for the root user
	Secret    []byte // sealed with the instance's key
	Inactive  bool
	CreatedAt time.Time
}

// AccessKeys holds the access keys by id; index "user" takes IAMKey(account, user).
var AccessKeys = store.Define("iam.accesskey", func(k *AccessKey) string { return k.ID },
	store.By("user", func(k *AccessKey) []string { return []string{IAMKey(k.Account, k.User)} }))

// Account is an AWS account. The operator's account exists without a record.
// Written by access.
type Account struct {
	ID        string // 12 digits
	CreatedAt time.Time
}

// Accounts holds the accounts by id.
var Accounts = store.Define("iam.account", func(a *Account) string { return a.ID })
