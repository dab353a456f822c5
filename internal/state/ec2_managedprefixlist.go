package state

import "github.com/neargate/neargate/internal/store"

// ManagedPrefixList is a named set of ranges that a user made, for security
// groups and route tables to refer to. AWS's own lists have no records. Written by ec2.
type ManagedPrefixList struct {
	Account, Region, ID string

	Name          string
	AddressFamily string // "IPv4" or "IPv6"
	MaxEntries    int32
	// State is AWS's: "create-complete", "modify-complete", "modify-failed",
	// "restore-complete", "delete-failed"; StateMessage says why it failed.
	State        string
	StateMessage string

	// Versions hold the entries as they were and, last, as they are.
	Versions    []PrefixListVersion
	ClientToken string
	Tags        []Tag
}

// PrefixListVersion is what a list held at one time.
type PrefixListVersion struct {
	Number  int64
	Entries []PrefixListEntry
}

// PrefixListEntry is one range of a list.
type PrefixListEntry struct {
	CIDR        string // canonical
	Description string
}

// Key is the record's key.
func (l *ManagedPrefixList) Key() string { return Key(l.Account, l.Region, l.ID) }

// Current is the version that is in force.
func (l *ManagedPrefixList) Current() PrefixListVersion { return l.Versions[len(l.Versions)-1] }

// ManagedPrefixLists holds the prefix lists of users.
var ManagedPrefixLists = store.Define("ec2.managed-prefix-list", (*ManagedPrefixList).Key)
