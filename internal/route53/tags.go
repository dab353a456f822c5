package route53

import (
	"context"

	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxTags = 50

// tagged finds the zone that a request about tags names.
func tagged(ctx context.Context, tx *store.Tx, kind route53api.TagResourceType, id string) (*state.HostedZone, error) {
	if kind != route53api.TagResourceTypeHostedzone {
		return nil, &route53api.NoSuchHealthCheck{Message: "No health check exists with the specified ID: " + id}
	}
	return zone(ctx, tx, id)
}

// ChangeTagsForResource puts tags on a zone and takes others off.
func (s *Service) ChangeTagsForResource(ctx context.Context, in *route53api.ChangeTagsForResourceRequest) (*route53api.ChangeTagsForResourceResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		z, err := tagged(ctx, tx, in.ResourceType, in.ResourceId)
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
		changed := *z
		if changed.Tags = state.WithTags(state.WithoutTags(z.Tags, in.RemoveTagKeys), more); len(changed.Tags) > maxTags {
			return invalid("The number of tags exceeds the maximum of 50")
		}
		state.HostedZones.Put(tx, &changed)
		return nil
	})
	return &route53api.ChangeTagsForResourceResponse{}, err
}

// ListTagsForResource lists a zone's tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *route53api.ListTagsForResourceRequest) (*route53api.ListTagsForResourceResponse, error) {
	z, err := tagged(ctx, s.DB.Read(), in.ResourceType, in.ResourceId)
	if err != nil {
		return nil, err
	}
	return &route53api.ListTagsForResourceResponse{ResourceTagSet: tagSet(z)}, nil
}

// ListTagsForResources lists the tags of several zones.
func (s *Service) ListTagsForResources(ctx context.Context, in *route53api.ListTagsForResourcesRequest) (*route53api.ListTagsForResourcesResponse, error) {
	out := &route53api.ListTagsForResourcesResponse{}
	for _, id := range in.ResourceIds {
		z, err := tagged(ctx, s.DB.Read(), in.ResourceType, id)
		if err != nil {
			return nil, err
		}
		out.ResourceTagSets = append(out.ResourceTagSets, *tagSet(z))
	}
	return out, nil
}

func tagSet(z *state.HostedZone) *route53api.ResourceTagSet {
	out := &route53api.ResourceTagSet{ResourceType: route53api.TagResourceTypeHostedzone, ResourceId: z.ID, Tags: []route53api.Tag{}}
	for _, t := range z.Tags {
		out.Tags = append(out.Tags, route53api.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}
