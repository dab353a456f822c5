package acm

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

const maxTags = 50

// putTags returns a new list: the old tags with the new ones put over them.
func putTags(ctx context.Context, old []state.Tag, add []acmapi.Tag) ([]state.Tag, error) {
	var more []state.Tag
	for _, t := range add {
		if !caller.From(ctx).MayTag(t.Key) {
			return nil, &acmapi.InvalidTagException{Message: "User-defined tag keys can't start with \"aws:\"."}
		}
		if slices.ContainsFunc(more, func(have state.Tag) bool { return have.Key == t.Key }) {
			return nil, &acmapi.InvalidTagException{Message: "Duplicate tag key: " + t.Key}
		}
		more = append(more, state.Tag{Key: t.Key, Value: t.Value})
	}
	out := state.WithTags(old, more)
	if len(out) > maxTags {
		return nil, &acmapi.TooManyTagsException{Message: "The number of tags exceeds the maximum of 50."}
	}
	return out, nil
}

// AddTagsToCertificate puts tags on a certificate.
func (s *Service) AddTagsToCertificate(ctx context.Context, in *acmapi.AddTagsToCertificateRequest) error {
	return s.update(ctx, in.CertificateArn, func(c *state.Certificate) (err error) {
		c.Tags, err = putTags(ctx, c.Tags, in.Tags)
		return err
	})
}

// RemoveTagsFromCertificate takes tags off; one that is given with a value only
// if it has that value.
func (s *Service) RemoveTagsFromCertificate(ctx context.Context, in *acmapi.RemoveTagsFromCertificateRequest) error {
	return s.update(ctx, in.CertificateArn, func(c *state.Certificate) error {
		c.Tags = slices.DeleteFunc(slices.Clone(c.Tags), func(have state.Tag) bool {
			return slices.ContainsFunc(in.Tags, func(t acmapi.Tag) bool { return t.Key == have.Key && (t.Value == "" || t.Value == have.Value) })
		})
		return nil
	})
}

// ListTagsForCertificate lists a certificate's tags.
func (s *Service) ListTagsForCertificate(ctx context.Context, in *acmapi.ListTagsForCertificateRequest) (*acmapi.ListTagsForCertificateResponse, error) {
	c, err := s.find(s.DB.Read(), caller.From(ctx), in.CertificateArn)
	if err != nil {
		return nil, err
	}
	out := &acmapi.ListTagsForCertificateResponse{Tags: []acmapi.Tag{}}
	for _, t := range c.Tags {
		out.Tags = append(out.Tags, acmapi.Tag{Key: t.Key, Value: t.Value})
	}
	return out, nil
}
