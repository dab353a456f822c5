package ecr

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const maxTags = 50

// addTags returns a new list: the old tags with the new ones put over them.
func addTags(ctx context.Context, old []state.Tag, add []ecrapi.Tag) ([]state.Tag, error) {
	var more []state.Tag
	for _, t := range add {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || len([]rune(t.Value)) > 256:
			return nil, &ecrapi.InvalidTagParameterException{Message: "Invalid parameter at 'tags' failed to satisfy constraint: 'Tag keys have 1 to 128 characters and values up to 256'"}
		case !caller.From(ctx).MayTag(t.Key):
			return nil, &ecrapi.InvalidTagParameterException{Message: "Invalid parameter at 'tags' failed to satisfy constraint: 'aws: prefixed tag key names are not allowed for external use'"}
		}
		more = append(more, state.Tag{Key: t.Key, Value: t.Value})
	}
	out := state.WithTags(old, more)
	if len(out) > maxTags {
		return nil, &ecrapi.TooManyTagsException{Message: "The list of tags on the repository is over the limit. The maximum number of tags that can be applied to a repository is 50."}
	}
	return out, nil
}
