package logs

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const maxTags = 50

// putTags returns a new list, sorted by key: the old tags with the new ones over them.
func putTags(ctx context.Context, old []state.Tag, add map[string]string) ([]state.Tag, error) {
	var more []state.Tag
	for key, value := range add {
		if !caller.From(ctx).MayTag(key) {
			return nil, invalid("Tag keys starting with aws: are reserved for AWS.")
		}
		more = append(more, state.Tag{Key: key, Value: value})
	}
	out := state.WithTags(old, more)
	if len(out) > maxTags {
		return nil, &logsapi.TooManyTagsException{Message: "The number of tags exceeds the limit of 50."}
	}
	slices.SortFunc(out, func(a, b state.Tag) int { return strings.Compare(a.Key, b.Key) })
	return out, nil
}

// tagged finds the group that an ARN of a tagging request names.
func tagged(ctx context.Context, resource string) (string, error) {
	a, err := arn.Parse(resource)
	id := caller.From(ctx)
	if err != nil || a.Service != "logs" || !strings.HasPrefix(a.Resource, "log-group:") {
		return "", invalid("The ARN " + resource + " is not that of a log group; other resources are not carried out by Neargate yet.")
	}
	if a.Account != id.Account || a.Region != id.Region {
		return "", errNoGroup()
	}
	return nameOf(resource), nil
}

// TagResource puts tags on a log group.
func (s *Service) TagResource(ctx context.Context, in *logsapi.TagResourceRequest) error {
	name, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return err
	}
	return s.TagLogGroup(ctx, &logsapi.TagLogGroupRequest{LogGroupName: name, Tags: in.Tags})
}

// UntagResource takes tags off a log group.
func (s *Service) UntagResource(ctx context.Context, in *logsapi.UntagResourceRequest) error {
	name, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return err
	}
	return s.UntagLogGroup(ctx, &logsapi.UntagLogGroupRequest{LogGroupName: name, Tags: in.TagKeys})
}

// ListTagsForResource lists the tags of a log group.
func (s *Service) ListTagsForResource(ctx context.Context, in *logsapi.ListTagsForResourceRequest) (*logsapi.ListTagsForResourceResponse, error) {
	name, err := tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	g, err := s.group(ctx, s.db.Read(), name)
	if err != nil {
		return nil, err
	}
	return &logsapi.ListTagsForResourceResponse{Tags: state.TagMap(g.Tags)}, nil
}

// TagLogGroup is the older TagResource.
func (s *Service) TagLogGroup(ctx context.Context, in *logsapi.TagLogGroupRequest) error {
	return s.updateGroup(ctx, in.LogGroupName, func(g *state.LogGroup) (err error) {
		g.Tags, err = putTags(ctx, g.Tags, in.Tags)
		return err
	})
}

// UntagLogGroup is the older UntagResource.
func (s *Service) UntagLogGroup(ctx context.Context, in *logsapi.UntagLogGroupRequest) error {
	return s.updateGroup(ctx, in.LogGroupName, func(g *state.LogGroup) error {
		g.Tags = state.WithoutTags(g.Tags, in.Tags)
		return nil
	})
}

// ListTagsLogGroup is the older ListTagsForResource.
func (s *Service) ListTagsLogGroup(ctx context.Context, in *logsapi.ListTagsLogGroupRequest) (*logsapi.ListTagsLogGroupResponse, error) {
	g, err := s.group(ctx, s.db.Read(), in.LogGroupName)
	if err != nil {
		return nil, err
	}
	return &logsapi.ListTagsLogGroupResponse{Tags: state.TagMap(g.Tags)}, nil
}
