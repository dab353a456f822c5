package s3

import (
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// tagsOf reads a tag set.
func tagsOf(in []s3api.Tag, most int) ([]state.Tag, error) {
	var out []state.Tag
	for _, t := range in {
		out = append(out, state.Tag{Key: t.Key, Value: t.Value})
	}
	if most == 50 {
		return out, checkTags(out, most, "Bucket tag count cannot be greater than 50")
	}
	return out, checkTags(out, most, "Object tags cannot be greater than 10")
}

func checkTags(tags []state.Tag, most int, tooMany string) error {
	if len(tags) > most {
		return errDetailed("BadRequest", 400, tooMany)
	}
	seen := map[string]bool{}
	for _, t := range tags {
		switch {
		case t.Key == "" || len([]rune(t.Key)) > 128 || !tagText(t.Key):
			return errDetailed("InvalidTag", 400, "The TagKey you have provided is invalid", "TagKey", t.Key)
		case len([]rune(t.Value)) > 256 || !tagText(t.Value):
			return errDetailed("InvalidTag", 400, "The TagValue you have provided is invalid", "TagKey", t.Key, "TagValue", t.Value)
		case seen[t.Key]:
			return errDetailed("InvalidTag", 400, "Cannot provide multiple Tags with the same key", "TagKey", t.Key)
		case strings.HasPrefix(t.Key, "aws:") && most == 50:
			return errDetailed("InvalidTag", 400, "System tags cannot be added/updated by requester", "TagKey", t.Key)
		case strings.HasPrefix(t.Key, "aws:"):
			return errDetailed("InvalidTag", 400, "Your TagKey cannot be prefixed with aws:", "TagKey", t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

// tagText accepts letters, numbers, spaces and + - = . _ : / @ in all languages.
func tagText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < 128 && !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 +-=._:/@", r)
	})
}

func asTagSet(tags []state.Tag) []s3api.Tag {
	out := []s3api.Tag{}
	for _, t := range tags {
		out = append(out, s3api.Tag{Key: t.Key, Value: t.Value})
	}
	return out
}

// PutBucketTagging replaces a bucket's tags.
func (s *Service) PutBucketTagging(ctx context.Context, in *s3api.PutBucketTaggingRequest) error {
	given := in.Tagging.TagSet
	var system []state.Tag
	if caller.From(ctx).ViaService == "cloudformation.amazonaws.com" {
		// CloudFormation marks what it makes with tags of AWS's own.
		given = slices.DeleteFunc(slices.Clone(given), func(t s3api.Tag) bool {
			if strings.HasPrefix(t.Key, "aws:") {
				system = append(system, state.Tag{Key: t.Key, Value: t.Value})
				return true
			}
			return false
		})
	}
	tags, err := tagsOf(given, 50)
	if err != nil {
		return err
	}
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		if system == nil { // those that are there stay
			for _, t := range b.Tags {
				if strings.HasPrefix(t.Key, "aws:") {
					system = append(system, t)
				}
			}
		}
		b.Tags = slices.Concat(tags, system)
		return nil
	})
}

// GetBucketTagging returns a bucket's tags; having none is an error.
func (s *Service) GetBucketTagging(ctx context.Context, in *s3api.GetBucketTaggingRequest) (*s3api.GetBucketTaggingOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.Tags) == 0 {
		return nil, errDetailed("NoSuchTagSet", 404, "The TagSet does not exist", "BucketName", b.Name)
	}
	return &s3api.GetBucketTaggingOutput{TagSet: asTagSet(b.Tags)}, nil
}

// DeleteBucketTagging removes a bucket's tags.
func (s *Service) DeleteBucketTagging(ctx context.Context, in *s3api.DeleteBucketTaggingRequest) error {
	return s.change(ctx, in.Bucket, in.ExpectedBucketOwner, func(b *state.Bucket) error {
		b.Tags = nil
		return nil
	})
}

// PutObjectTagging replaces the tags of an object's version.
func (s *Service) PutObjectTagging(ctx context.Context, in *s3api.PutObjectTaggingRequest) (*s3api.PutObjectTaggingOutput, error) {
	if err := s.allow(ctx, versioned("s3:PutObjectTagging", "s3:PutObjectVersionTagging", in.VersionId), in.Bucket, in.Key, nil); err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tagging.TagSet, 10)
	if err != nil {
		return nil, err
	}
	version, err := s.retag(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId, "PUT", tags)
	if err != nil {
		return nil, err
	}
	return &s3api.PutObjectTaggingOutput{VersionId: version}, nil
}

// DeleteObjectTagging removes the tags of an object's version.
func (s *Service) DeleteObjectTagging(ctx context.Context, in *s3api.DeleteObjectTaggingRequest) (*s3api.DeleteObjectTaggingOutput, error) {
	if err := s.allow(ctx, versioned("s3:DeleteObjectTagging", "s3:DeleteObjectVersionTagging", in.VersionId), in.Bucket, in.Key, nil); err != nil {
		return nil, err
	}
	version, err := s.retag(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId, "DELETE", nil)
	if err != nil {
		return nil, err
	}
	return &s3api.DeleteObjectTaggingOutput{VersionId: version}, nil
}

func (s *Service) retag(ctx context.Context, bucket, expectedOwner, key, version, method string, tags []state.Tag) (shownVersion string, err error) {
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := s.bucket(ctx, tx, bucket, expectedOwner)
		if err != nil {
			return err
		}
		v, err := object(tx, b, key, version, method)
		if err != nil {
			return err
		}
		next := *v
		next.Tags = tags
		state.ObjectVersions.Put(tx, &next)
		shownVersion = shown(b, v.VersionID)
		return nil
	})
	return shownVersion, err
}

// GetObjectTagging returns the tags of an object's version.
func (s *Service) GetObjectTagging(ctx context.Context, in *s3api.GetObjectTaggingRequest) (*s3api.GetObjectTaggingOutput, error) {
	if err := s.allow(ctx, versioned("s3:GetObjectTagging", "s3:GetObjectVersionTagging", in.VersionId), in.Bucket, in.Key, nil); err != nil {
		return nil, err
	}
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	v, err := object(tx, b, in.Key, in.VersionId, "GET")
	if err != nil {
		return nil, err
	}
	return &s3api.GetObjectTaggingOutput{VersionId: shown(b, v.VersionID), TagSet: asTagSet(v.Tags)}, nil
}
