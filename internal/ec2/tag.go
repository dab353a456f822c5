package ec2

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// AWS's limits on tags.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// CreateTags adds tags to resources, or replaces their values.
func (s *Service) CreateTags(ctx context.Context, in *ec2api.CreateTagsRequest) error {
	return s.retag(ctx, in.DryRun, in.Resources, func(q *scope, old []state.Tag) ([]state.Tag, error) {
		tags, err := checkTags(q.caller, in.Tags)
		if err != nil {
			return nil, err
		}
		tags = mergeTags(old, tags)
		if users(tags) > maxTags {
			return nil, errorf("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
		}
		return tags, nil
	})
}

// DeleteTags takes tags off: all but AWS's own when none is named; one that is
// named with a value only if it has that value.
func (s *Service) DeleteTags(ctx context.Context, in *ec2api.DeleteTagsRequest) error {
	return s.retag(ctx, in.DryRun, in.Resources, func(q *scope, old []state.Tag) ([]state.Tag, error) {
		goes := func(t state.Tag) bool {
			if len(in.Tags) == 0 {
				return !reserved(t.Key)
			}
			return slices.ContainsFunc(in.Tags, func(d ec2api.Tag) bool {
				return d.Key == t.Key && (d.Value == "" || d.Value == t.Value)
			})
		}
		var keep []state.Tag
		for _, t := range old {
			if !goes(t) {
				keep = append(keep, t)
			}
		}
		return keep, nil
	})
}

func (s *Service) retag(ctx context.Context, dryRun *bool, ids []string, change func(*scope, []state.Tag) ([]state.Tag, error)) error {
	return s.write(ctx, dryRun, func(q *scope) error {
		for _, id := range ids {
			kind, ok := taggableOf(id)
			if !ok {
				return kindTaggedResource.notFound(id)
			}
			old, ok := kind.get(q, id)
			if !ok {
				return kind.kind.notFound(id)
			}
			tags, err := change(q, old)
			if err != nil {
				return err
			}
			kind.put(q, id, tags)
		}
		return nil
	})
}

// tagRecord is one line of DescribeTags.
type tagRecord struct {
	id, resourceType string
	tag              state.Tag
}

// DescribeTags lists tags of all kinds of resources.
func (s *Service) DescribeTags(ctx context.Context, in *ec2api.DescribeTagsRequest) (*ec2api.DescribeTagsResult, error) {
	var out ec2api.DescribeTagsResult
	err := s.read(ctx, in.DryRun, func(q *scope) error {
		var all []*tagRecord
		for _, kind := range taggables() {
			kind.all(q, func(id string, tags []state.Tag) {
				for _, t := range tags {
					all = append(all, &tagRecord{id, kind.resourceType, t})
				}
			})
		}
		slices.SortFunc(all, func(a, b *tagRecord) int { return cmp.Compare(a.sortKey(), b.sortKey()) })
		found, next, err := page(q, slices.Values(all), tagResource, query{filters: in.Filters, max: in.MaxResults, token: in.NextToken})
		out.NextToken = next
		out.Tags = each(found, func(t *tagRecord) ec2api.TagDescription {
			return ec2api.TagDescription{Key: t.tag.Key, Value: t.tag.Value, ResourceId: t.id, ResourceType: ec2api.ResourceType(t.resourceType)}
		})
		return err
	})
	return &out, err
}

func (t *tagRecord) sortKey() string { return t.id + "/" + t.tag.Key }

var tagResource = resource[tagRecord]{
	id: (*tagRecord).sortKey,
	fields: fields[tagRecord]{
		"key":           func(_ *scope, t *tagRecord) []string { return one(t.tag.Key) },
		"value":         func(_ *scope, t *tagRecord) []string { return []string{t.tag.Value} },
		"resource-id":   func(_ *scope, t *tagRecord) []string { return one(t.id) },
		"resource-type": func(_ *scope, t *tagRecord) []string { return one(t.resourceType) },
	},
	tags: func(t *tagRecord) []state.Tag { return []state.Tag{t.tag} },
}

// specifiedTags are the tags that a request gives to the resource which it makes.
func specifiedTags(q *scope, specs []ec2api.TagSpecification, resourceType string) ([]state.Tag, error) {
	var tags []state.Tag
	for _, spec := range specs {
		if string(spec.ResourceType) != resourceType {
			return nil, errorf("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", spec.ResourceType)
		}
		checked, err := checkTags(q.caller, spec.Tags)
		if err != nil {
			return nil, err
		}
		for _, t := range checked {
			if slices.ContainsFunc(tags, func(o state.Tag) bool { return o.Key == t.Key }) {
				return nil, errorf("InvalidParameterValue", "Duplicate tag key '%s' specified.", t.Key)
			}
			tags = append(tags, t)
		}
	}
	if users(tags) > maxTags {
		return nil, errorf("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	}
	slices.SortFunc(tags, byKey)
	return tags, nil
}

// checkTags checks keys and values. Keys with aws: are for AWS's services.
func checkTags(id caller.Identity, in []ec2api.Tag) ([]state.Tag, error) {
	service := id.Type == caller.Service || id.ViaService != ""
	var tags []state.Tag
	for _, t := range in {
		switch {
		case t.Key == "":
			return nil, errorf("InvalidParameterValue", "Tag key cannot be empty.")
		case utf8.RuneCountInString(t.Key) > maxTagKey:
			return nil, errorf("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return nil, errorf("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", maxTagValue)
		case reserved(t.Key) && !service:
			return nil, errorf("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		}
		tags = append(tags, state.Tag{Key: t.Key, Value: t.Value})
	}
	return tags, nil
}

func reserved(key string) bool { return strings.HasPrefix(strings.ToLower(key), "aws:") }

// users counts the tags that are not AWS's own.
func users(tags []state.Tag) int {
	n := 0
	for _, t := range tags {
		if !reserved(t.Key) {
			n++
		}
	}
	return n
}

// mergeTags returns old with tags put over it, sorted by key.
func mergeTags(old, tags []state.Tag) []state.Tag {
	merged := slices.Clone(old)
	for _, t := range tags {
		i := slices.IndexFunc(merged, func(o state.Tag) bool { return o.Key == t.Key })
		if i < 0 {
			merged = append(merged, t)
		} else {
			merged[i] = t
		}
	}
	slices.SortFunc(merged, byKey)
	return merged
}

func byKey(a, b state.Tag) int { return cmp.Compare(a.Key, b.Key) }

func apiTags(tags []state.Tag) []ec2api.Tag {
	return each(tags, func(t state.Tag) ec2api.Tag { return ec2api.Tag{Key: t.Key, Value: t.Value} })
}
