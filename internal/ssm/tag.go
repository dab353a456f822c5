package ssm

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const maxTags = 50

// putTags returns a new list: the old tags with the new ones put over them.
func putTags(old []state.Tag, add []ssmapi.Tag) ([]state.Tag, error) {
	out := slices.Clone(old)
	for _, t := range add {
		if strings.HasPrefix(strings.ToLower(t.Key), "aws:") {
			return nil, invalid("Tag keys that start with aws: are reserved for AWS use.")
		}
		if i := slices.IndexFunc(out, func(o state.Tag) bool { return o.Key == t.Key }); i >= 0 {
			out[i].Value = t.Value
		} else {
			out = append(out, state.Tag{Key: t.Key, Value: t.Value})
		}
	}
	if len(out) > maxTags {
		return nil, &ssmapi.TooManyTagsError{}
	}
	return out, nil
}

// checkTagged refuses to tag anything but parameters.
func checkTagged(kind ssmapi.ResourceTypeForTagging) error {
	if kind != ssmapi.ResourceTypeForTaggingParameter {
		return &ssmapi.InvalidResourceType{Message: "The resource type " + string(kind) + " is not carried out by Neargate yet; only Parameter is."}
	}
	return nil
}

// resourceError words a missing parameter as the tagging operations do.
func resourceError(err error) error {
	if _, ok := err.(*ssmapi.ParameterNotFound); ok {
		return &ssmapi.InvalidResourceId{Message: "The resource ID is not valid. Verify that you entered the correct ID and try again."}
	}
	return err
}

// AddTagsToResource puts tags on a parameter.
func (s *Service) AddTagsToResource(ctx context.Context, in *ssmapi.AddTagsToResourceRequest) (*ssmapi.AddTagsToResourceResult, error) {
	if err := checkTagged(in.ResourceType); err != nil {
		return nil, err
	}
	err := s.update(ctx, in.ResourceId, func(p *state.Parameter) (err error) {
		p.Tags, err = putTags(p.Tags, in.Tags)
		return err
	})
	if err != nil {
		return nil, resourceError(err)
	}
	return &ssmapi.AddTagsToResourceResult{}, nil
}

// RemoveTagsFromResource takes tags off a parameter.
func (s *Service) RemoveTagsFromResource(ctx context.Context, in *ssmapi.RemoveTagsFromResourceRequest) (*ssmapi.RemoveTagsFromResourceResult, error) {
	if err := checkTagged(in.ResourceType); err != nil {
		return nil, err
	}
	err := s.update(ctx, in.ResourceId, func(p *state.Parameter) error {
		p.Tags = slices.DeleteFunc(slices.Clone(p.Tags), func(t state.Tag) bool { return slices.Contains(in.TagKeys, t.Key) })
		return nil
	})
	if err != nil {
		return nil, resourceError(err)
	}
	return &ssmapi.RemoveTagsFromResourceResult{}, nil
}

// ListTagsForResource lists the tags of a parameter.
func (s *Service) ListTagsForResource(ctx context.Context, in *ssmapi.ListTagsForResourceRequest) (*ssmapi.ListTagsForResourceResult, error) {
	if err := checkTagged(in.ResourceType); err != nil {
		return nil, err
	}
	p, err := s.find(s.db.Read(), caller.From(ctx), in.ResourceId)
	if err != nil {
		return nil, resourceError(err)
	}
	out := &ssmapi.ListTagsForResourceResult{TagList: []ssmapi.Tag{}}
	for _, t := range p.Tags {
		out.TagList = append(out.TagList, ssmapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}
