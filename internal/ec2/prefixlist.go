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
	"github.com/neargate/neargate/internal/state"
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

// prefixList is one of AWS's prefix lists in a region.
type prefixList struct {
	id, name string
	prefixes []netip.Prefix
}

// prefixLists lists the region's prefix lists, sorted by id.
func (o *Options) prefixLists(region string) []*prefixList {
	var all []*prefixList
	for suffix, prefixes := range o.gatewayPrefixes(region) {
		all = append(all, &prefixList{prefixListID(region, suffix), serviceName(region, suffix), prefixes})
	}
	slices.SortFunc(all, func(a, b *prefixList) int { return strings.Compare(a.id, b.id) })
	return all
}

func (q *scope) prefixListExists(id string) bool {
	return slices.ContainsFunc(q.options.prefixLists(q.region), func(l *prefixList) bool { return l.id == id })
}

// namedLists returns the lists with the given ids; all when none is given.
func (q *scope) namedLists(wanted []string) ([]*prefixList, error) {
	for _, id := range wanted {
		if !q.prefixListExists(id) {
			return nil, kindPrefixList.notFound(id)
		}
	}
	return slices.DeleteFunc(q.options.prefixLists(q.region), func(l *prefixList) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, l.id)
	}), nil
}

var prefixListResource = resource[prefixList]{
	least: 1,
	id:    func(l *prefixList) string { return l.id },
	tags:  func(*prefixList) []state.Tag { return nil },
	fields: fields[prefixList]{
		"prefix-list-id":   func(_ *scope, l *prefixList) []string { return one(l.id) },
		"prefix-list-name": func(_ *scope, l *prefixList) []string { return one(l.name) },
		"owner-id":         func(*scope, *prefixList) []string { return one("AWS") },
	},
}

// DescribePrefixLists lists the addresses of services with gateway endpoints.
func (s *Service) DescribePrefixLists(ctx context.Context, in *ec2api.DescribePrefixListsRequest) (*ec2api.DescribePrefixListsResult, error) {
	var out ec2api.DescribePrefixListsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		all, err := q.namedLists(in.PrefixListIds)
		if err != nil {
			return err
		}
		found, next, err := page(q, slices.Values(all), prefixListResource, query{in.PrefixListIds, "prefixListIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.PrefixLists = each(found, func(l *prefixList) ec2api.PrefixList {
			return ec2api.PrefixList{PrefixListId: l.id, PrefixListName: l.name, Cidrs: each(l.prefixes, netip.Prefix.String)}
		})
		return err
	})
	return &out, err
}

// DescribeManagedPrefixLists lists AWS's prefix lists.
func (s *Service) DescribeManagedPrefixLists(ctx context.Context, in *ec2api.DescribeManagedPrefixListsRequest) (*ec2api.DescribeManagedPrefixListsResult, error) {
	var out ec2api.DescribeManagedPrefixListsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		all, err := q.namedLists(in.PrefixListIds)
		if err != nil {
			return err
		}
		found, next, err := page(q, slices.Values(all), prefixListResource, query{in.PrefixListIds, "prefixListIds", in.Filters, in.MaxResults, in.NextToken})
		out.NextToken = next
		out.PrefixLists = each(found, func(l *prefixList) ec2api.ManagedPrefixList {
			return ec2api.ManagedPrefixList{
				PrefixListId: l.id, PrefixListName: l.name, AddressFamily: "IPv4", State: "create-complete", OwnerId: "AWS",
				PrefixListArn: resourceARN("aws", q.region, "prefix-list", l.id), Tags: []ec2api.Tag{},
			}
		})
		return err
	})
	return &out, err
}

// GetManagedPrefixListEntries lists the ranges of one prefix list.
func (s *Service) GetManagedPrefixListEntries(ctx context.Context, in *ec2api.GetManagedPrefixListEntriesRequest) (*ec2api.GetManagedPrefixListEntriesResult, error) {
	if err := unsupported(in, "PrefixListId", "MaxResults", "NextToken"); err != nil {
		return nil, err
	}
	var out ec2api.GetManagedPrefixListEntriesResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		lists, err := q.namedLists([]string{in.PrefixListId})
		if err != nil {
			return err
		}
		entries := each(lists[0].prefixes, func(p netip.Prefix) *ec2api.PrefixListEntry { return &ec2api.PrefixListEntry{Cidr: p.String()} })
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
