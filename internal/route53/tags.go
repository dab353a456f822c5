package route53

import (
	"context"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxTags = 50

// tagged are the tags of a zone or a health check, and how others are stored.
func tagged(ctx context.Context, tx *store.Tx, kind route53api.TagResourceType, id string) (tags []state.Tag, put func([]state.Tag), err error) {
	if kind == route53api.TagResourceTypeHealthcheck {
		h, err := healthCheck(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		return h.Tags, func(tags []state.Tag) {
			changed := *h
			changed.Tags = tags
			state.DNSHealthChecks.Put(tx, &changed)
		}, nil
	}
	z, err := zone(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	return z.Tags, func(tags []state.Tag) {
		changed := *z
		changed.Tags = tags
		state.HostedZones.Put(tx, &changed)
	}, nil
}

// ChangeTagsForResource puts tags on a zone or health check and takes others off.
func (s *Service) ChangeTagsForResource(ctx context.Context, in *route53api.ChangeTagsForResourceRequest) (*route53api.ChangeTagsForResourceResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		before, put, err := tagged(ctx, tx, in.ResourceType, in.ResourceId)
		if err != nil {
			return err
		}
		var more []state.Tag
		for _, t := range in.AddTags {
			if !caller.From(ctx).MayTag(t.Key) {
				return invalid("Tag keys that begin with aws: are reserved")
			}
			more = append(more, state.Tag{Key: t.Key, Value: t.Value})
		}
		after := state.WithTags(state.WithoutTags(before, in.RemoveTagKeys), more)
		if len(after) > maxTags {
			return invalid("The number of tags exceeds the maximum of 50")
		}
		put(after)
		return nil
	})
	return &route53api.ChangeTagsForResourceResponse{}, err
}

// ListTagsForResource lists the tags of a zone or health check.
func (s *Service) ListTagsForResource(ctx context.Context, in *route53api.ListTagsForResourceRequest) (*route53api.ListTagsForResourceResponse, error) {
	set, err := tagSet(ctx, s.DB.Read(), in.ResourceType, in.ResourceId)
	return &route53api.ListTagsForResourceResponse{ResourceTagSet: set}, err
}

// ListTagsForResources lists the tags of several.
func (s *Service) ListTagsForResources(ctx context.Context, in *route53api.ListTagsForResourcesRequest) (*route53api.ListTagsForResourcesResponse, error) {
	out := &route53api.ListTagsForResourcesResponse{}
	for _, id := range in.ResourceIds {
		set, err := tagSet(ctx, s.DB.Read(), in.ResourceType, id)
		if err != nil {
			return nil, err
		}
		out.ResourceTagSets = append(out.ResourceTagSets, *set)
	}
	return out, nil
}

func tagSet(ctx context.Context, tx *store.Tx, kind route53api.TagResourceType, id string) (*route53api.ResourceTagSet, error) {
	tags, _, err := tagged(ctx, tx, kind, id)
	if err != nil {
		return nil, err
	}
	out := &route53api.ResourceTagSet{ResourceType: kind, ResourceId: bare(id), Tags: []route53api.Tag{}}
	for _, t := range tags {
		out.Tags = append(out.Tags, route53api.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}
