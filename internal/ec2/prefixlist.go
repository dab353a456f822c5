package ec2

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// knownPrefixLists are AWS's own ids of S3's lists, which people write into
// templates, by region.
var knownPrefixLists = map[string]string{
	"us-east-1": "pl-63a5400a", "us-east-2": "pl-7ba54012", "us-west-1": "pl-6ba54002", "us-west-2": "pl-68a54001",
	"eu-west-1": "pl-6da54004", "eu-central-1": "pl-6ea54007", "ap-southeast-1": "pl-6fa54006", "ap-southeast-2": "pl-6ca54005",
	"ap-northeast-1": "pl-61a54008", "sa-east-1": "pl-6aa54003",
}

// prefixListID is the id of AWS's prefix list of a service in a region.
func prefixListID(region, suffix string) string {
	if id := knownPrefixLists[region]; id != "" && suffix == "s3" {
		return id
	}
	return "pl-" + stableHex(8, "prefix list", region, suffix)
}

// stableHex derives n hex digits from what they stand for.
func stableHex(n int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])[:n]
}

// stableZone derives the id of one of AWS's hosted zones.
func stableZone(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	text := strings.NewReplacer("-", "", "_", "").Replace(base64.RawURLEncoding.EncodeToString(sum[:]))
	return "Z" + strings.ToUpper(text)[:20]
}

// prefixList is a prefix list in a region: one of AWS's, or one that a user made.
type prefixList struct {
	id, name string
	prefixes []netip.Prefix
	made     *state.ManagedPrefixList // nil for AWS's
}

// prefixLists lists the region's prefix lists, sorted by id.
func (o *Options) prefixLists(tx *store.Tx, account, region string) []*prefixList {
	var all []*prefixList
	for suffix, prefixes := range o.gatewayPrefixes(region) {
		all = append(all, &prefixList{id: prefixListID(region, suffix), name: serviceName(region, suffix), prefixes: prefixes})
	}
	for l := range state.ManagedPrefixLists.All(tx, state.Prefix(account, region)) {
		prefixes := each(l.Current().Entries, func(e state.PrefixListEntry) netip.Prefix { return mustPrefix(e.CIDR) })
		all = append(all, &prefixList{l.ID, l.Name, prefixes, l})
	}
	slices.SortFunc(all, func(a, b *prefixList) int { return strings.Compare(a.id, b.id) })
	return all
}

func (q *scope) prefixLists() []*prefixList { return q.options.prefixLists(q.tx, q.account, q.region) }

// prefixList finds a list by its id.
func (q *scope) prefixList(id string) (*prefixList, error) {
	all := q.prefixLists()
	i := slices.IndexFunc(all, func(l *prefixList) bool { return l.id == id })
	if i < 0 {
		return nil, kindPrefixList.notFound(id)
	}
	return all[i], nil
}

// namedLists returns the lists with the given ids; all when none is given.
func (q *scope) namedLists(wanted []string) ([]*prefixList, error) {
	for _, id := range wanted {
		if _, err := q.prefixList(id); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(q.prefixLists(), func(l *prefixList) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, l.id)
	}), nil
}

var prefixListResource = resource[prefixList]{
	least: 1,
	id:    func(l *prefixList) string { return l.id },
	tags: func(l *prefixList) []state.Tag {
		if l.made == nil {
			return nil
		}
		return l.made.Tags
	},
	fields: fields[prefixList]{
		"prefix-list-id":   func(_ *scope, l *prefixList) []string { return one(l.id) },
		"prefix-list-name": func(_ *scope, l *prefixList) []string { return one(l.name) },
		"owner-id":         func(_ *scope, l *prefixList) []string { return one(l.owner()) },
	},
}

func (l *prefixList) owner() string {
	if l.made == nil {
		return "AWS"
	}
	return l.made.Account
}

// DescribePrefixLists lists the addresses of services with gateway endpoints.
func (s *Service) DescribePrefixLists(ctx context.Context, in *ec2api.DescribePrefixListsRequest) (*ec2api.DescribePrefixListsResult, error) {
	var out ec2api.DescribePrefixListsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		all, err := q.namedLists(in.PrefixListIds)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(l *prefixList) bool { return l.made != nil })
		found, next, err := page(q, slices.Values(all), prefixListResource, query{in.PrefixListIds, "prefixListIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.PrefixLists = each(found, func(l *prefixList) ec2api.PrefixList {
			return ec2api.PrefixList{PrefixListId: l.id, PrefixListName: l.name, Cidrs: each(l.prefixes, netip.Prefix.String)}
		})
		return err
	})
	return &out, err
}

// DescribeManagedPrefixLists lists prefix lists, AWS's and the account's own.
func (s *Service) DescribeManagedPrefixLists(ctx context.Context, in *ec2api.DescribeManagedPrefixListsRequest) (*ec2api.DescribeManagedPrefixListsResult, error) {
	var out ec2api.DescribeManagedPrefixListsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		all, err := q.namedLists(in.PrefixListIds)
		if err != nil {
			return err
		}
		found, next, err := page(q, slices.Values(all), prefixListResource, query{in.PrefixListIds, "prefixListIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.PrefixLists = each(found, q.managedListOut)
		return err
	})
	return &out, err
}

func (q *scope) managedListOut(l *prefixList) ec2api.ManagedPrefixList {
	out := ec2api.ManagedPrefixList{
		PrefixListId: l.id, PrefixListName: l.name, AddressFamily: "IPv4", State: "create-complete", OwnerId: l.owner(),
		PrefixListArn: resourceARN("aws", q.region, "prefix-list", l.id), Tags: []ec2api.Tag{},
	}
	if m := l.made; m != nil {
		out.AddressFamily, out.State, out.StateMessage = m.AddressFamily, ec2api.PrefixListState(m.State), m.StateMessage
		out.PrefixListArn, out.Tags = resourceARN(m.Account, m.Region, "prefix-list", m.ID), apiTags(m.Tags)
		out.MaxEntries, out.Version = &m.MaxEntries, new(m.Current().Number)
	}
	return out
}

// GetManagedPrefixListEntries lists the ranges of one prefix list, as they are or
// as they were in a version.
func (s *Service) GetManagedPrefixListEntries(ctx context.Context, in *ec2api.GetManagedPrefixListEntriesRequest) (*ec2api.GetManagedPrefixListEntriesResult, error) {
	var out ec2api.GetManagedPrefixListEntriesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		l, err := q.prefixList(in.PrefixListId)
		if err != nil {
			return err
		}
		entries := each(l.prefixes, func(p netip.Prefix) *ec2api.PrefixListEntry { return &ec2api.PrefixListEntry{Cidr: p.String()} })
		if l.made != nil {
			version, err := versionOf(l.made, wire.Or(in.TargetVersion, l.made.Current().Number))
			if err != nil {
				return err
			}
			entries = each(version.Entries, func(e state.PrefixListEntry) *ec2api.PrefixListEntry {
				return &ec2api.PrefixListEntry{Cidr: e.CIDR, Description: e.Description}
			})
		} else if in.TargetVersion != nil {
			return errUnsupported("The parameter TargetVersion for a prefix list of AWS")
		}
		slices.SortFunc(entries, func(a, b *ec2api.PrefixListEntry) int { return strings.Compare(a.Cidr, b.Cidr) })
		found, next, err := page(q, slices.Values(entries), resource[ec2api.PrefixListEntry]{
			id: func(e *ec2api.PrefixListEntry) string { return e.Cidr }, least: 1,
		}, query{max: in.MaxResults, token: in.NextToken})
		out.NextToken = next
		out.Entries = each(found, func(e *ec2api.PrefixListEntry) ec2api.PrefixListEntry { return *e })
		return err
	})
	return &out, err
}
