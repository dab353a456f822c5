package elbv2

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxTags = 50

// checkTags makes tags of a request into tags of a record.
func checkTags(ctx context.Context, in []elbv2api.Tag) ([]state.Tag, error) {
	id := caller.From(ctx)
	var tags []state.Tag
	for _, t := range in {
		if !id.MayTag(t.Key) {
			return nil, invalid("Tag keys cannot start with 'aws:'")
		}
		if slices.ContainsFunc(tags, func(o state.Tag) bool { return o.Key == t.Key }) {
			return nil, &elbv2api.DuplicateTagKeysException{Message: "The tag key '" + t.Key + "' was specified more than once"}
		}
		tags = append(tags, state.Tag{Key: t.Key, Value: t.Value})
	}
	if len(tags) > maxTags {
		return nil, &elbv2api.TooManyTagsException{Message: "The maximum number of tags per resource is 50"}
	}
	return tags, nil
}

// tagged finds the tags of a resource, and how to put others in their place.
func (q scope) tagged(text string) ([]state.Tag, func([]state.Tag), error) {
	if b, err := q.loadBalancer(text); err == nil {
		return b.Tags, func(tags []state.Tag) {
			state.LoadBalancers.Update(q.tx, b.Key(), func(b *state.LoadBalancer) { b.Tags = tags })
		}, nil
	} else if _, wrong := q.path(kindLoadBalancer, text); wrong == nil {
		return nil, nil, err
	}
	if g, err := q.targetGroup(text); err == nil {
		return g.Tags, func(tags []state.Tag) {
			state.TargetGroups.Update(q.tx, g.Key(), func(g *state.TargetGroup) { g.Tags = tags })
		}, nil
	} else if _, wrong := q.path(kindTargetGroup, text); wrong == nil {
		return nil, nil, err
	}
	if l, err := q.listener(text); err == nil {
		return l.Tags, func(tags []state.Tag) {
			state.Listeners.Update(q.tx, l.Key(), func(l *state.Listener) { l.Tags = tags })
		}, nil
	} else if _, wrong := q.path(kindListener, text); wrong == nil {
		return nil, nil, err
	}
	if t, err := q.trustStore(text); err == nil {
		return t.Tags, func(tags []state.Tag) {
			state.TrustStores.Update(q.tx, t.Key(), func(t *state.TrustStore) { t.Tags = tags })
		}, nil
	} else if _, wrong := q.path(kindTrustStore, text); wrong == nil {
		return nil, nil, err
	}
	r, err := q.rule(text)
	if err != nil {
		return nil, nil, err
	}
	return r.Tags, func(tags []state.Tag) {
		state.ListenerRules.Update(q.tx, r.Key(), func(r *state.ListenerRule) { r.Tags = tags })
	}, nil
}

// AddTags puts tags on resources.
func (s *Service) AddTags(ctx context.Context, in *elbv2api.AddTagsInput) (*elbv2api.AddTagsOutput, error) {
	tags, err := checkTags(ctx, in.Tags)
	if err != nil {
		return nil, err
	}
	err = s.retag(ctx, in.ResourceArns, func(old []state.Tag) []state.Tag { return state.WithTags(old, tags) })
	return &elbv2api.AddTagsOutput{}, err
}

// RemoveTags takes tags off resources.
func (s *Service) RemoveTags(ctx context.Context, in *elbv2api.RemoveTagsInput) (*elbv2api.RemoveTagsOutput, error) {
	err := s.retag(ctx, in.ResourceArns, func(old []state.Tag) []state.Tag { return state.WithoutTags(old, in.TagKeys) })
	return &elbv2api.RemoveTagsOutput{}, err
}

func (s *Service) retag(ctx context.Context, arns []string, change func([]state.Tag) []state.Tag) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		q := scopeOf(ctx, tx)
		for _, text := range arns {
			old, put, err := q.tagged(text)
			if err != nil {
				return err
			}
			tags := change(old)
			if len(tags) > maxTags {
				return &elbv2api.TooManyTagsException{Message: "The maximum number of tags per resource is 50"}
			}
			put(tags)
		}
		return nil
	})
}

// DescribeTags lists the tags of resources.
func (s *Service) DescribeTags(ctx context.Context, in *elbv2api.DescribeTagsInput) (*elbv2api.DescribeTagsOutput, error) {
	if len(in.ResourceArns) > 20 {
		return nil, invalid("At most 20 resources can be specified")
	}
	q := scopeOf(ctx, s.DB.Read())
	out := &elbv2api.DescribeTagsOutput{TagDescriptions: []elbv2api.TagDescription{}}
	for _, text := range in.ResourceArns {
		tags, _, err := q.tagged(text)
		if err != nil {
			return nil, err
		}
		d := elbv2api.TagDescription{ResourceArn: text, Tags: []elbv2api.Tag{}}
		for _, t := range tags {
			d.Tags = append(d.Tags, elbv2api.Tag{Key: t.Key, Value: t.Value})
		}
		out.TagDescriptions = append(out.TagDescriptions, d)
	}
	return out, nil
}
