package kms

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const maxTags = 50

// putTags returns a new list: the old tags with the new ones put over them.
func putTags(ctx context.Context, old []state.Tag, add []kmsapi.Tag) ([]state.Tag, error) {
	out := slices.Clone(old)
	for n, t := range add {
		if !caller.From(ctx).MayTag(t.TagKey) {
			return nil, &kmsapi.TagException{Message: "Tags beginning with aws: are reserved"}
		}
		if slices.ContainsFunc(add[:n], func(o kmsapi.Tag) bool { return o.TagKey == t.TagKey }) {
			return nil, &kmsapi.TagException{Message: "Duplicate tag keys"}
		}
		if i := slices.IndexFunc(out, func(o state.Tag) bool { return o.Key == t.TagKey }); i >= 0 {
			out[i].Value = t.TagValue
		} else {
			out = append(out, state.Tag{Key: t.TagKey, Value: t.TagValue})
		}
	}
	if len(out) > maxTags {
		return nil, &kmsapi.TagException{Message: "Too many tags"}
	}
	return out, nil
}

// TagResource puts tags on a key.
func (s *Service) TagResource(ctx context.Context, in *kmsapi.TagResourceRequest) error {
	_, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) (err error) {
		if err := notPending(key); err != nil {
			return err
		}
		key.Tags, err = putTags(ctx, key.Tags, in.Tags)
		return err
	})
	return err
}

// UntagResource takes tags off a key.
func (s *Service) UntagResource(ctx context.Context, in *kmsapi.UntagResourceRequest) error {
	_, err := s.update(ctx, in.KeyId, func(key *state.KMSKey) error {
		key.Tags = slices.DeleteFunc(slices.Clone(key.Tags), func(t state.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return notPending(key)
	})
	return err
}

// ListResourceTags lists the tags of a key.
func (s *Service) ListResourceTags(ctx context.Context, in *kmsapi.ListResourceTagsRequest) (*kmsapi.ListResourceTagsResponse, error) {
	key, err := s.find(s.db.Read(), caller.From(ctx), in.KeyId)
	if err != nil {
		return nil, err
	}
	list := []kmsapi.Tag{}
	for _, t := range key.Tags {
		list = append(list, kmsapi.Tag{TagKey: t.Key, TagValue: t.Value})
	}
	out := &kmsapi.ListResourceTagsResponse{}
	out.Tags, out.NextMarker, out.Truncated, err = page(list, in.Limit, in.Marker, 50, func(t kmsapi.Tag) string { return t.TagKey })
	return out, err
}
