package ecs

import (
	"context"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxTags = 50

func toTags(in []ecsapi.Tag) []state.Tag {
	var out []state.Tag
	for _, t := range in {
		out = append(out, state.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

func fromTags(in []state.Tag) []ecsapi.Tag {
	out := []ecsapi.Tag{}
	for _, t := range in {
		out = append(out, ecsapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// checkTags checks tags that a request brings.
func checkTags(ctx context.Context, tags []ecsapi.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "":
			return invalid("Tag keys must not be empty.")
		case len(t.Key) > 128 || len(t.Value) > 256:
			return invalid("Tag keys have at most 128 and values at most 256 characters.")
		case !caller.From(ctx).MayTag(t.Key):
			return invalid("The following tag keys are reserved: %s.", t.Key)
		case seen[t.Key]:
			return invalid("Duplicate tag keys found: %s.", t.Key)
		}
		seen[t.Key] = true
	}
	if len(tags) > maxTags {
		return invalid("The maximum number of tags per resource is %d.", maxTags)
	}
	return nil
}

// tagged finds the tags of a resource, and returns how to replace them in the
// same transaction.
func (c scope) tagged(tx *store.Tx, resource string) (tags []state.Tag, put func([]state.Tag), err error) {
	a, err := arn.Parse(resource)
	if err != nil || a.Service != "ecs" || a.Account != c.Account || a.Region != c.Region {
		return nil, nil, invalid("Invalid ARN: %s", resource)
	}
	ok := false
	switch key := c.key(a.ID()); a.Type() {
	case "cluster":
		tags, put, ok = tagsOf(tx, state.Clusters, key, func(r *state.Cluster) *[]state.Tag { return &r.Tags })
	case "service":
		tags, put, ok = tagsOf(tx, state.Services, key, func(r *state.Service) *[]state.Tag { return &r.Tags })
	case "task":
		tags, put, ok = tagsOf(tx, state.Tasks, key, func(r *state.Task) *[]state.Tag { return &r.Tags })
	case "task-definition":
		family, revision := c.familyAndRevision(resource)
		key = state.TaskDefinitionKey(c.Account, c.Region, family, revision)
		tags, put, ok = tagsOf(tx, state.TaskDefinitions, key, func(r *state.TaskDefinition) *[]state.Tag { return &r.Tags })
	default:
		return nil, nil, unsupported("tags of " + a.Type())
	}
	if !ok {
		return nil, nil, invalid("The specified resource was not found: %s", resource)
	}
	return tags, put, nil
}

func tagsOf[T any](tx *store.Tx, table *store.Table[T], key string, field func(*T) *[]state.Tag) ([]state.Tag, func([]state.Tag), bool) {
	rec, ok := table.Get(tx, key)
	if !ok {
		return nil, nil, false
	}
	put := func(tags []state.Tag) { table.Update(tx, key, func(r *T) { *field(r) = tags }) }
	return *field(rec), put, true
}

// TagResource adds tags to a resource, or changes their values.
func (s *Service) TagResource(ctx context.Context, in *ecsapi.TagResourceRequest) (*ecsapi.TagResourceResponse, error) {
	if err := checkTags(ctx, in.Tags); err != nil {
		return nil, err
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		have, put, err := scopeOf(ctx).tagged(tx, in.ResourceArn)
		if err != nil {
			return err
		}
		tags := state.WithTags(have, toTags(in.Tags))
		if len(tags) > maxTags {
			return invalid("The maximum number of tags per resource is %d.", maxTags)
		}
		put(tags)
		return nil
	})
	return &ecsapi.TagResourceResponse{}, err
}

// UntagResource takes tags away.
func (s *Service) UntagResource(ctx context.Context, in *ecsapi.UntagResourceRequest) (*ecsapi.UntagResourceResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		have, put, err := scopeOf(ctx).tagged(tx, in.ResourceArn)
		if err == nil {
			put(state.WithoutTags(have, in.TagKeys))
		}
		return err
	})
	return &ecsapi.UntagResourceResponse{}, err
}

// ListTagsForResource lists the tags of a resource.
func (s *Service) ListTagsForResource(ctx context.Context, in *ecsapi.ListTagsForResourceRequest) (*ecsapi.ListTagsForResourceResponse, error) {
	tags, _, err := scopeOf(ctx).tagged(s.DB.Read(), in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListTagsForResourceResponse{Tags: fromTags(tags)}, nil
}
