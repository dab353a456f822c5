package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxTags = 50

// checkTags makes tags of a request into tags of a record.
func checkTags(ctx context.Context, in []cloudwatchapi.Tag) ([]state.Tag, error) {
	var out []state.Tag
	for _, t := range in {
		if !caller.From(ctx).MayTag(t.Key) {
			return nil, invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		if slices.ContainsFunc(out, func(have state.Tag) bool { return have.Key == t.Key }) {
			return nil, invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		out = append(out, state.Tag{Key: t.Key, Value: t.Value})
	}
	if len(out) > maxTags {
		return nil, invalid("The number of tags exceeds the limit of %d.", maxTags)
	}
	return out, nil
}

// tagged finds the tags of an alarm or dashboard, and how to put others in their place.
func tagged(tx *store.Tx, id caller.Identity, resource string) ([]state.Tag, func([]state.Tag), error) {
	a, err := arn.Parse(resource)
	if err != nil || a.Service != "cloudwatch" {
		return nil, nil, invalid("The value %s for parameter ResourceARN is invalid.", resource)
	}
	if name, ok := strings.CutPrefix(a.Resource, "alarm:"); ok && a.Region == id.Region && a.Account == id.Account {
		if found, ok := state.Alarms.Get(tx, state.Key(a.Account, a.Region, name)); ok {
			return found.Tags, func(tags []state.Tag) {
				state.Alarms.Update(tx, found.Key(), func(a *state.Alarm) { a.Tags = tags })
			}, nil
		}
	}
	if name, ok := strings.CutPrefix(a.Resource, "dashboard/"); ok && a.Account == id.Account {
		if found, ok := state.Dashboards.Get(tx, state.Key(a.Account, "", name)); ok {
			return found.Tags, func(tags []state.Tag) {
				state.Dashboards.Update(tx, found.Key(), func(d *state.Dashboard) { d.Tags = tags })
			}, nil
		}
	}
	kind, _, _ := strings.Cut(strings.ReplaceAll(a.Resource, ":", "/"), "/")
	return nil, nil, &cloudwatchapi.ResourceNotFoundException{Message: "Unknown resource: " + resource, ResourceType: kind, ResourceId: resource}
}

// TagResource puts tags on an alarm or a dashboard.
func (s *Service) TagResource(ctx context.Context, in *cloudwatchapi.TagResourceInput) (*cloudwatchapi.TagResourceOutput, error) {
	more, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	return &cloudwatchapi.TagResourceOutput{}, s.DB.Write(ctx, func(tx *store.Tx) error {
		tags, put, err := tagged(tx, caller.From(ctx), in.ResourceARN)
		if err != nil {
			return err
		}
		if tags = state.WithTags(tags, more); len(tags) > maxTags {
			return invalid("The number of tags exceeds the limit of %d.", maxTags)
		}
		put(tags)
		return nil
	})
}

// UntagResource takes tags off an alarm or a dashboard.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatchapi.UntagResourceInput) (*cloudwatchapi.UntagResourceOutput, error) {
	return &cloudwatchapi.UntagResourceOutput{}, s.DB.Write(ctx, func(tx *store.Tx) error {
		tags, put, err := tagged(tx, caller.From(ctx), in.ResourceARN)
		if err != nil {
			return err
		}
		put(state.WithoutTags(tags, in.TagKeys))
		return nil
	})
}

// ListTagsForResource lists the tags of an alarm or a dashboard.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatchapi.ListTagsForResourceInput) (*cloudwatchapi.ListTagsForResourceOutput, error) {
	tags, _, err := tagged(s.DB.Read(), caller.From(ctx), in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &cloudwatchapi.ListTagsForResourceOutput{Tags: []cloudwatchapi.Tag{}}
	for _, t := range tags {
		out.Tags = append(out.Tags, cloudwatchapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}
