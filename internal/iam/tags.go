package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// newTags checks the tags of a request. Keys differ by more than case.
func newTags(ctx context.Context, in []iamapi.Tag) ([]state.Tag, error) {
	out := make([]state.Tag, 0, len(in))
	for i, t := range in {
		if !caller.From(ctx).MayTag(t.Key) {
			return nil, invalidInput("Tag keys that start with 'aws:' are reserved for system use.")
		}
		if slices.ContainsFunc(in[:i], func(o iamapi.Tag) bool { return strings.EqualFold(o.Key, t.Key) }) {
			return nil, invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		out = append(out, state.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}

// withTags adds tags to those that are there.
func withTags(ctx context.Context, have []state.Tag, in []iamapi.Tag) ([]state.Tag, error) {
	added, err := newTags(ctx, in)
	if err != nil {
		return nil, err
	}
	out := without(have, func(t state.Tag) bool {
		return slices.ContainsFunc(added, func(a state.Tag) bool { return strings.EqualFold(a.Key, t.Key) })
	})
	if out = append(out, added...); len(out) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return out, nil
}

func withoutTags(have []state.Tag, keys []string) []state.Tag {
	return without(have, func(t state.Tag) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return strings.EqualFold(k, t.Key) })
	})
}

func tagsOut(tags []state.Tag) []iamapi.Tag {
	out := make([]iamapi.Tag, 0, len(tags))
	for _, t := range tags {
		out = append(out, iamapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// TagRole adds or replaces tags of a role.
func (s *Service) TagRole(ctx context.Context, in *iamapi.TagRoleRequest) error {
	return s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) (err error) {
		r.Tags, err = withTags(ctx, r.Tags, in.Tags)
		return err
	})
}

// UntagRole removes tags of a role.
func (s *Service) UntagRole(ctx context.Context, in *iamapi.UntagRoleRequest) error {
	return s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *state.Role) error {
		r.Tags = withoutTags(r.Tags, in.TagKeys)
		return nil
	})
}

// ListRoleTags lists the tags of a role.
func (s *Service) ListRoleTags(ctx context.Context, in *iamapi.ListRoleTagsRequest) (*iamapi.ListRoleTagsResponse, error) {
	role, err := roleNamed(s.db.Read(), caller.From(ctx).Account, in.RoleName)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := page(tagsOut(role.Tags), tagKey, in.Marker, in.MaxItems)
	return &iamapi.ListRoleTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

func tagKey(t iamapi.Tag) string { return t.Key }

// TagUser adds or replaces tags of a user.
func (s *Service) TagUser(ctx context.Context, in *iamapi.TagUserRequest) error {
	return s.changeUser(ctx, in.UserName, func(_ *store.Tx, u *state.User) (err error) {
		u.Tags, err = withTags(ctx, u.Tags, in.Tags)
		return err
	})
}

// UntagUser removes tags of a user.
func (s *Service) UntagUser(ctx context.Context, in *iamapi.UntagUserRequest) error {
	return s.changeUser(ctx, in.UserName, func(_ *store.Tx, u *state.User) error {
		u.Tags = withoutTags(u.Tags, in.TagKeys)
		return nil
	})
}

// ListUserTags lists the tags of a user.
func (s *Service) ListUserTags(ctx context.Context, in *iamapi.ListUserTagsRequest) (*iamapi.ListUserTagsResponse, error) {
	user, err := userNamed(s.db.Read(), caller.From(ctx).Account, in.UserName)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := page(tagsOut(user.Tags), tagKey, in.Marker, in.MaxItems)
	return &iamapi.ListUserTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}

// TagPolicy adds or replaces tags of a customer-managed policy.
func (s *Service) TagPolicy(ctx context.Context, in *iamapi.TagPolicyRequest) error {
	return s.changePolicy(ctx, in.PolicyArn, func(_ *store.Tx, p *state.Policy) (err error) {
		p.Tags, err = withTags(ctx, p.Tags, in.Tags)
		return err
	})
}

// UntagPolicy removes tags of a customer-managed policy.
func (s *Service) UntagPolicy(ctx context.Context, in *iamapi.UntagPolicyRequest) error {
	return s.changePolicy(ctx, in.PolicyArn, func(_ *store.Tx, p *state.Policy) error {
		p.Tags = withoutTags(p.Tags, in.TagKeys)
		return nil
	})
}

// ListPolicyTags lists the tags of a policy. AWS-managed policies have none.
func (s *Service) ListPolicyTags(ctx context.Context, in *iamapi.ListPolicyTagsRequest) (*iamapi.ListPolicyTagsResponse, error) {
	p, err := findPolicy(s.db.Read(), caller.From(ctx).Account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	tags, truncated, marker, err := page(tagsOut(p.Tags), tagKey, in.Marker, in.MaxItems)
	return &iamapi.ListPolicyTagsResponse{Tags: tags, IsTruncated: truncated, Marker: marker}, err
}
