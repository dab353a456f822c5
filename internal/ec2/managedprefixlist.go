package ec2

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// What AWS bounds of prefix lists.
const (
	maxListEntries  = 1000
	maxListChanges  = 100 // of entries, in one call
	maxListVersions = 1000
)

// ownListResource is what carries tags; listing is prefixListResource's.
var ownListResource = resource[state.ManagedPrefixList]{
	table: state.ManagedPrefixLists, kind: kindPrefixList,
	id:   func(l *state.ManagedPrefixList) string { return l.ID },
	tags: func(l *state.ManagedPrefixList) []state.Tag { return l.Tags },
}

// CreateManagedPrefixList makes a prefix list.
func (s *Service) CreateManagedPrefixList(ctx context.Context, in *ec2api.CreateManagedPrefixListRequest) (*ec2api.CreateManagedPrefixListResult, error) {
	switch {
	case in.PrefixListName == "" || len(in.PrefixListName) > 255 || strings.HasPrefix(in.PrefixListName, "com.amazonaws"):
		return nil, errParameter(in.PrefixListName, "prefixListName", "Names have up to 255 characters and do not start with com.amazonaws.")
	case in.AddressFamily != "IPv4" && in.AddressFamily != "IPv6":
		return nil, errParameter(in.AddressFamily, "addressFamily", "It is IPv4 or IPv6.")
	case in.MaxEntries < 1 || in.MaxEntries > maxListEntries:
		return nil, errParameter(in.MaxEntries, "maxEntries", fmt.Sprintf("It is from 1 to %d.", maxListEntries))
	}
	var out ec2api.CreateManagedPrefixListResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		tags, err := specifiedTags(q, in.TagSpecifications, "prefix-list")
		if err != nil {
			return err
		}
		l := &state.ManagedPrefixList{
			Account: q.account, Region: q.region, ID: ids.New("pl"), Name: in.PrefixListName, AddressFamily: in.AddressFamily,
			MaxEntries: in.MaxEntries, State: "create-complete", ClientToken: in.ClientToken, Tags: tags,
		}
		entries, err := changeList(l, nil, in.Entries, nil)
		if err != nil {
			return err
		}
		l.Versions = []state.PrefixListVersion{{Number: 1, Entries: entries}}
		for made := range state.ManagedPrefixLists.All(q.tx, q.prefix()) {
			if in.ClientToken != "" && made.ClientToken == in.ClientToken {
				l = made
			}
		}
		if err := oneMore(quotaPrefixLists, state.ManagedPrefixLists.All(q.tx, q.prefix())); err != nil {
			return err
		}
		state.ManagedPrefixLists.Put(q.tx, l)
		out.PrefixList = q.listAnswer(l.ID, "create-in-progress")
		return nil
	})
	return &out, err
}

// listAnswer is a list as the call that changes it answers: on its way.
func (q *scope) listAnswer(id string, now ec2api.PrefixListState) *ec2api.ManagedPrefixList {
	l, err := q.prefixList(id)
	if err != nil {
		return nil
	}
	out := q.managedListOut(l)
	out.State, out.StateMessage = now, ""
	return &out
}

// ownList finds a list that may be changed: AWS's may not.
func (q *scope) ownList(id string, version *int64) (*state.ManagedPrefixList, error) {
	l, err := q.prefixList(id)
	switch {
	case err != nil:
		return nil, err
	case l.made == nil:
		return nil, errorf("OperationNotPermitted", "The prefix list %s is managed by AWS and cannot be changed.", id)
	case version != nil && *version != l.made.Current().Number:
		return nil, errorf("PrefixListVersionMismatch", "The prefix list has the incorrect version number.")
	}
	return l.made, nil
}

// ModifyManagedPrefixList changes a list's entries, which makes a new version, or
// its name or size. Removals come before additions.
func (s *Service) ModifyManagedPrefixList(ctx context.Context, in *ec2api.ModifyManagedPrefixListRequest) (*ec2api.ModifyManagedPrefixListResult, error) {
	if err := unsupported(in, "PrefixListId", "CurrentVersion", "PrefixListName", "AddEntries", "RemoveEntries", "MaxEntries"); err != nil {
		return nil, err
	}
	entriesChange := len(in.AddEntries) > 0 || len(in.RemoveEntries) > 0
	switch {
	case entriesChange && in.MaxEntries != nil:
		return nil, errorf("InvalidParameterCombination", "You cannot modify the entries and the maximum entries for the prefix list in the same request.")
	case in.MaxEntries != nil && (*in.MaxEntries < 1 || *in.MaxEntries > maxListEntries):
		return nil, errParameter(*in.MaxEntries, "maxEntries", fmt.Sprintf("It is from 1 to %d.", maxListEntries))
	}
	var out ec2api.ModifyManagedPrefixListResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		l, err := q.ownList(in.PrefixListId, in.CurrentVersion)
		if err != nil {
			return err
		}
		changed := *l
		changed.State, changed.StateMessage = "modify-complete", ""
		if in.PrefixListName != "" {
			changed.Name = in.PrefixListName
		}
		if in.MaxEntries != nil {
			q.resizeList(&changed, *in.MaxEntries)
		}
		if entriesChange {
			entries, err := changeList(l, l.Current().Entries, in.AddEntries, in.RemoveEntries)
			if err != nil {
				return err
			}
			changed.Versions = nextVersion(l, entries)
		}
		state.ManagedPrefixLists.Put(q.tx, &changed)
		q.touchList(l.ID)
		out.PrefixList = q.listAnswer(l.ID, "modify-in-progress")
		return nil
	})
	return &out, err
}

// RestoreManagedPrefixListVersion makes the entries of an old version the list's
// newest ones.
func (s *Service) RestoreManagedPrefixListVersion(ctx context.Context, in *ec2api.RestoreManagedPrefixListVersionRequest) (*ec2api.RestoreManagedPrefixListVersionResult, error) {
	var out ec2api.RestoreManagedPrefixListVersionResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		l, err := q.ownList(in.PrefixListId, &in.CurrentVersion)
		if err != nil {
			return err
		}
		version, err := versionOf(l, in.PreviousVersion)
		if err != nil {
			return err
		}
		if len(version.Entries) > int(l.MaxEntries) {
			return errTooManyEntries()
		}
		state.ManagedPrefixLists.Update(q.tx, l.Key(), func(l *state.ManagedPrefixList) {
			l.Versions, l.State, l.StateMessage = nextVersion(l, version.Entries), "restore-complete", ""
		})
		q.touchList(l.ID)
		out.PrefixList = q.listAnswer(l.ID, "restore-in-progress")
		return nil
	})
	return &out, err
}

// DeleteManagedPrefixList deletes a list. As on AWS the call succeeds also when
// something refers to the list; the list then stays and says so.
func (s *Service) DeleteManagedPrefixList(ctx context.Context, in *ec2api.DeleteManagedPrefixListRequest) (*ec2api.DeleteManagedPrefixListResult, error) {
	var out ec2api.DeleteManagedPrefixListResult
	err := s.write(ctx, in.DryRun, func(q *scope) error {
		l, err := q.ownList(in.PrefixListId, nil)
		if err != nil {
			return err
		}
		out.PrefixList = q.listAnswer(l.ID, "delete-in-progress")
		if users := q.listUsers(l.ID); len(users) > 0 {
			state.ManagedPrefixLists.Update(q.tx, l.Key(), func(l *state.ManagedPrefixList) {
				l.State, l.StateMessage = "delete-failed", "The prefix list is referenced by the following resources: "+strings.Join(users[:min(len(users), 10)], ", ")
			})
			return nil
		}
		state.ManagedPrefixLists.Delete(q.tx, l.Key())
		return nil
	})
	return &out, err
}

// GetManagedPrefixListAssociations lists what refers to a list.
func (s *Service) GetManagedPrefixListAssociations(ctx context.Context, in *ec2api.GetManagedPrefixListAssociationsRequest) (*ec2api.GetManagedPrefixListAssociationsResult, error) {
	var out ec2api.GetManagedPrefixListAssociationsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		if _, err := q.ownList(in.PrefixListId, nil); err != nil {
			return err
		}
		users := each(q.listUsers(in.PrefixListId), func(id string) *string { return &id })
		found, next, err := page(q, slices.Values(users), resource[string]{id: func(s *string) string { return *s }, least: 5}, query{max: in.MaxResults, token: in.NextToken})
		out.NextToken = next
		out.PrefixListAssociations = each(found, func(id *string) ec2api.PrefixListAssociation {
			return ec2api.PrefixListAssociation{ResourceId: *id, ResourceOwner: q.account}
		})
		return err
	})
	return &out, err
}

// listUsers are the ids of what refers to a list, sorted.
func (q *scope) listUsers(id string) []string {
	var users []string
	for g := range state.SecurityGroups.By(q.tx, "prefix-list", q.key(id)) {
		users = append(users, g.ID)
	}
	for t := range state.RouteTables.By(q.tx, "prefix-list", q.key(id)) {
		users = append(users, t.ID)
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// touchList lets the data plane follow a list's entries.
func (q *scope) touchList(id string) {
	for g := range state.SecurityGroups.By(q.tx, "prefix-list", q.key(id)) {
		q.touch(g.VpcID)
	}
	for t := range state.RouteTables.By(q.tx, "prefix-list", q.key(id)) {
		q.touch(t.VpcID)
	}
}

// resizeList changes how many entries a list may have, unless a group that
// refers to it then has too many rules: each counts as so many.
func (q *scope) resizeList(l *state.ManagedPrefixList, most int32) {
	fail := func(why string) { l.State, l.StateMessage = "modify-failed", why }
	if int(most) < len(l.Current().Entries) {
		fail("The prefix list has more entries than the new maximum.")
		return
	}
	old := l.MaxEntries
	l.MaxEntries = most
	var users []string
	for g := range state.SecurityGroups.By(q.tx, "prefix-list", q.key(l.ID)) {
		for _, egress := range []bool{true, false} {
			if q.checkRules(g.Rules, egress, l) != nil {
				users = append(users, g.ID)
			}
		}
	}
	if len(users) > 0 {
		l.MaxEntries = old
		fail("The following resources do not support the new maximum size: " + strings.Join(slices.Compact(users), ", "))
	}
}

func versionOf(l *state.ManagedPrefixList, number int64) (state.PrefixListVersion, error) {
	i := slices.IndexFunc(l.Versions, func(v state.PrefixListVersion) bool { return v.Number == number })
	if i < 0 {
		return state.PrefixListVersion{}, errParameter(number, "version", "The prefix list has no such version.")
	}
	return l.Versions[i], nil
}

func nextVersion(l *state.ManagedPrefixList, entries []state.PrefixListEntry) []state.PrefixListVersion {
	kept := l.Versions[max(0, len(l.Versions)-maxListVersions+1):]
	return append(slices.Clone(kept), state.PrefixListVersion{Number: l.Current().Number + 1, Entries: entries})
}

func errTooManyEntries() error {
	return errorf("PrefixListMaxEntriesExceeded", "You've reached the maximum number of entries for the prefix list.")
}

// changeList returns entries without those that go and with those that come.
func changeList(l *state.ManagedPrefixList, entries []state.PrefixListEntry, add []ec2api.AddPrefixListEntry, remove []ec2api.RemovePrefixListEntry) ([]state.PrefixListEntry, error) {
	if max(len(add), len(remove)) > maxListChanges {
		return nil, errorf("InvalidParameterValue", "The request cannot contain more than %d entry additions or removals.", maxListChanges)
	}
	entries = slices.Clone(entries)
	at := func(cidr string) int {
		return slices.IndexFunc(entries, func(e state.PrefixListEntry) bool { return e.CIDR == cidr })
	}
	for _, e := range remove {
		cidr, err := listCIDR(l, e.Cidr)
		if err != nil {
			return nil, err
		}
		i := at(cidr)
		if i < 0 {
			return nil, errorf("InvalidPrefixListModification", "The prefix list entry %s does not exist.", e.Cidr)
		}
		entries = slices.Delete(entries, i, i+1)
	}
	for _, e := range add {
		cidr, err := listCIDR(l, e.Cidr)
		if err != nil {
			return nil, err
		}
		if len(e.Description) > 255 {
			return nil, errParameter(e.Description, "description", "It has up to 255 characters.")
		}
		if i := at(cidr); i >= 0 {
			entries[i].Description = e.Description // as on AWS, only that changes
			continue
		}
		entries = append(entries, state.PrefixListEntry{CIDR: cidr, Description: e.Description})
	}
	if len(entries) > int(l.MaxEntries) {
		return nil, errTooManyEntries()
	}
	return entries, nil
}

// listCIDR makes the range of an entry canonical.
func listCIDR(l *state.ManagedPrefixList, text string) (string, error) {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return "", errParameter(text, "cidr", "This is not a valid CIDR block.")
	}
	if p.Addr().Is4() != (l.AddressFamily == "IPv4") {
		return "", errParameter(text, "cidr", "The prefix list is for "+l.AddressFamily+".")
	}
	return p.Masked().String(), nil
}
