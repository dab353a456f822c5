package cloudtrail

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const maxTags = 50

// AddTags puts tags on a trail.
func (s *Service) AddTags(ctx context.Context, in *cloudtrailapi.AddTagsRequest) (*cloudtrailapi.AddTagsResponse, error) {
	_, err := s.update(ctx, in.ResourceId, func(t *state.Trail) error { return addTags(t, in.TagsList) })
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.AddTagsResponse{}, nil
}

// RemoveTags takes tags off a trail; their values do not matter.
func (s *Service) RemoveTags(ctx context.Context, in *cloudtrailapi.RemoveTagsRequest) (*cloudtrailapi.RemoveTagsResponse, error) {
	_, err := s.update(ctx, in.ResourceId, func(t *state.Trail) error {
		t.Tags = slices.DeleteFunc(slices.Clone(t.Tags), func(have state.Tag) bool {
			return slices.ContainsFunc(in.TagsList, func(tag cloudtrailapi.Tag) bool { return tag.Key == have.Key })
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudtrailapi.RemoveTagsResponse{}, nil
}

// ListTags lists the tags of up to 20 trails.
func (s *Service) ListTags(ctx context.Context, in *cloudtrailapi.ListTagsRequest) (*cloudtrailapi.ListTagsResponse, error) {
	tx, out := s.DB.Read(), &cloudtrailapi.ListTagsResponse{ResourceTagList: []cloudtrailapi.ResourceTag{}}
	for _, resource := range in.ResourceIdList {
		t, err := s.find(tx, caller.From(ctx), resource)
		if err != nil {
			return nil, err
		}
		tags := []cloudtrailapi.Tag{}
		for _, tag := range t.Tags {
			tags = append(tags, cloudtrailapi.Tag{Key: tag.Key, Value: tag.Value})
		}
		out.ResourceTagList = append(out.ResourceTagList, cloudtrailapi.ResourceTag{ResourceId: resource, TagsList: tags})
	}
	return out, nil
}

func addTags(t *state.Trail, tags []cloudtrailapi.Tag) error {
	list := slices.Clone(t.Tags)
	for _, tag := range tags {
		list = slices.DeleteFunc(list, func(have state.Tag) bool { return have.Key == tag.Key })
		list = append(list, state.Tag{Key: tag.Key, Value: tag.Value})
	}
	if len(list) > maxTags {
		return &cloudtrailapi.TagsLimitExceededException{Message: "A resource can have at most 50 tags."}
	}
	slices.SortFunc(list, func(a, b state.Tag) int { return strings.Compare(a.Key, b.Key) })
	t.Tags = list
	return nil
}
