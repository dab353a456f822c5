package servicediscovery

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const maxTags = 50

// putTags returns a new list: the old tags with the new ones put over them.
func putTags(id caller.Identity, old []state.Tag, add []servicediscoveryapi.Tag) ([]state.Tag, error) {
	var more []state.Tag
	for _, t := range add {
		if !id.MayTag(t.Key) {
			return nil, invalid("Tag keys starting with 'aws:' are reserved for system use")
		}
		if slices.ContainsFunc(more, func(have state.Tag) bool { return have.Key == t.Key }) {
			return nil, invalid("Duplicate tag key: " + t.Key)
		}
		more = append(more, state.Tag{Key: t.Key, Value: t.Value})
	}
	out := state.WithTags(old, more)
	if len(out) > maxTags {
		return nil, &servicediscoveryapi.TooManyTagsException{Message: "The list of tags on the resource is over the limit. The maximum number of tags that can be applied to a resource is 50."}
	}
	return out, nil
}

// tagged finds the tags of a resource, and how to replace them.
func tagged(tx *store.Tx, id caller.Identity, resource string) (tags []state.Tag, set func(*store.Tx, []state.Tag), err error) {
	if strings.HasPrefix(resource, "arn:") && ownARN(id, resource) {
		key := state.Key(id.Account, id.Region, bare(resource))
		if n, ok := state.Namespaces.Get(tx, key); ok {
			return n.Tags, func(tx *store.Tx, tags []state.Tag) {
				state.Namespaces.Update(tx, key, func(n *state.Namespace) { n.Tags = tags })
			}, nil
		}
		if v, ok := state.DiscoveryServices.Get(tx, key); ok {
			return v.Tags, func(tx *store.Tx, tags []state.Tag) {
				state.DiscoveryServices.Update(tx, key, func(v *state.DiscoveryService) { v.Tags = tags })
			}, nil
		}
	}
	return nil, nil, &servicediscoveryapi.ResourceNotFoundException{Message: "Resource not found: " + resource}
}

// TagResource puts tags on a namespace or service.
func (s *Service) TagResource(ctx context.Context, in *servicediscoveryapi.TagResourceRequest) (*servicediscoveryapi.TagResourceResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		tags, set, err := tagged(tx, caller.From(ctx), in.ResourceARN)
		if err != nil {
			return err
		}
		if tags, err = putTags(caller.From(ctx), tags, in.Tags); err != nil {
			return err
		}
		set(tx, tags)
		return nil
	})
	return &servicediscoveryapi.TagResourceResponse{}, err
}

// UntagResource takes tags off.
func (s *Service) UntagResource(ctx context.Context, in *servicediscoveryapi.UntagResourceRequest) (*servicediscoveryapi.UntagResourceResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		tags, set, err := tagged(tx, caller.From(ctx), in.ResourceARN)
		if err != nil {
			return err
		}
		set(tx, state.WithoutTags(tags, in.TagKeys))
		return nil
	})
	return &servicediscoveryapi.UntagResourceResponse{}, err
}

// ListTagsForResource lists the tags of a namespace or service.
func (s *Service) ListTagsForResource(ctx context.Context, in *servicediscoveryapi.ListTagsForResourceRequest) (*servicediscoveryapi.ListTagsForResourceResponse, error) {
	tags, _, err := tagged(s.DB.Read(), caller.From(ctx), in.ResourceARN)
	if err != nil {
		return nil, err
	}
	out := &servicediscoveryapi.ListTagsForResourceResponse{Tags: []servicediscoveryapi.Tag{}}
	for _, t := range tags {
		out.Tags = append(out.Tags, servicediscoveryapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}
