package s3

import (
	"context"
	"errors"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// DeleteObject removes an object, puts a delete marker over it, or removes one
// version for good. Deleting what is not there succeeds.
func (s *Service) DeleteObject(ctx context.Context, in *s3api.DeleteObjectRequest) (*s3api.DeleteObjectOutput, error) {
	if err := s.allow(ctx, versioned("s3:DeleteObject", "s3:DeleteObjectVersion", in.VersionId), in.Bucket, in.Key, versionCondition(in.VersionId)); err != nil {
		return nil, err
	}
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	if in.VersionId != "" && !validVersion(in.VersionId) {
		return nil, errInvalidArgument("Invalid version id specified", "versionId", in.VersionId)
	}
	var files []string
	out := &s3api.DeleteObjectOutput{}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		if err := checkDelete(in.IfMatch, in.Key, latest(tx, b.Name, in.Key)); err != nil {
			return err
		}
		id, marker, free := remove(tx, b, in.Key, in.VersionId, s.Now())
		out.VersionId, files = shown(b, id), free
		if out.DeleteMarker = nil; marker {
			out.DeleteMarker = &marker
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, files...)
	return out, nil
}

// checkDelete compares with what is to be deleted. Where there is nothing, the
// deletion has been done already.
func checkDelete(match, key string, now *state.ObjectVersion) error {
	if match == "" || now == nil || now.DeleteMarker {
		return nil
	}
	return checkWrite(match, "", key, now)
}

// DeleteObjects deletes up to a thousand objects, each with a permission and an
// answer of its own.
func (s *Service) DeleteObjects(ctx context.Context, in *s3api.DeleteObjectsRequest) (*s3api.DeleteObjectsOutput, error) {
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	if n := len(in.Delete.Objects); n == 0 || n > 1000 {
		return nil, errMalformedXML()
	}
	if _, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	out := &s3api.DeleteObjectsOutput{}
	for _, o := range in.Delete.Objects {
		done, err := s.deleteOne(ctx, in, o)
		var e wire.Error
		switch {
		case err == nil && (in.Delete.Quiet == nil || !*in.Delete.Quiet):
			out.Deleted = append(out.Deleted, done)
		case err == nil:
		case errors.As(err, &e):
			out.Errors = append(out.Errors, s3api.Error{Key: o.Key, VersionId: o.VersionId, Code: e.ErrorCode(), Message: e.ErrorMessage()})
		default:
			return nil, err
		}
	}
	return out, nil
}

func (s *Service) deleteOne(ctx context.Context, in *s3api.DeleteObjectsRequest, o s3api.ObjectIdentifier) (s3api.DeletedObject, error) {
	done := s3api.DeletedObject{Key: o.Key, VersionId: o.VersionId}
	got, err := s.DeleteObject(ctx, &s3api.DeleteObjectRequest{
		Bucket: in.Bucket, Key: o.Key, VersionId: o.VersionId, ExpectedBucketOwner: in.ExpectedBucketOwner,
		IfMatch: o.ETag, IfMatchLastModifiedTime: o.LastModifiedTime, IfMatchSize: o.Size,
	})
	if err != nil {
		return done, err
	}
	if got.DeleteMarker != nil {
		done.DeleteMarker, done.DeleteMarkerVersionId = got.DeleteMarker, got.VersionId
	}
	return done, nil
}
