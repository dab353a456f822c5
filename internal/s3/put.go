package s3

import (
	"context"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// maxKey is the length of a key in bytes.
const maxKey = 1024

// PutObject stores an object. The body is the caller's to close: closing that of
// an HTTP request reads it to its end, and a refused client has not sent it.
func (s *Service) PutObject(ctx context.Context, in *s3api.PutObjectRequest) (*s3api.PutObjectOutput, error) {
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	v, err := s.newVersion(b, in, string(in.ACL), in.Key, in.Tagging)
	if err != nil {
		return nil, err
	}
	if v.Encryption, err = encryptionOf(b, in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled); err != nil {
		return nil, err
	}
	w, err := wanted(in, in.ContentMD5, string(in.ChecksumAlgorithm))
	if err != nil {
		return nil, err
	}
	// Checked before the body is read, to save the client the upload, and again with the record.
	if err := checkWrite(in.IfMatch, in.IfNoneMatch, in.Key, latest(tx, b.Name, in.Key)); err != nil {
		return nil, err
	}
	r, err := s.receive(ctx, in.Body, w)
	if err != nil {
		return nil, err
	}
	v.Size, v.ETag, v.Checksum = r.segment.Size, r.etag(), r.checksum
	v.Segments = []state.ObjectSegment{r.segment}
	if b, err = s.store(ctx, v, in.ExpectedBucketOwner, in.IfMatch, in.IfNoneMatch, nil); err != nil {
		s.discard(ctx, r.segment.File)
		return nil, err
	}
	out := &s3api.PutObjectOutput{ETag: quote(v.ETag), VersionId: shown(b, v.VersionID)}
	putChecksum(out, v.Checksum)
	putEncryption(out, b, v.Encryption)
	return out, nil
}

// newVersion starts the record of an object from the headers of a request that
// stores one.
func (s *Service) newVersion(b *state.Bucket, in any, acl, key, tagging string) (*state.ObjectVersion, error) {
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	if err := checkACL(acl, b.Ownership); err != nil {
		return nil, err
	}
	if len(key) > maxKey {
		return nil, errDetailed("KeyTooLongError", 400, "Your key is too long", "Size", itoa(len(key)), "MaxSizeAllowed", itoa(maxKey))
	}
	tags, err := parseTagging(tagging)
	if err != nil {
		return nil, err
	}
	headers, err := storedHeaders(in)
	if err != nil {
		return nil, err
	}
	return &state.ObjectVersion{Bucket: b.Name, ObjectKey: key, Headers: headers, Tags: tags}, nil
}

// store makes v the latest version, if the conditions hold. also, when given,
// runs in the same transaction and returns further files that are free then.
func (s *Service) store(ctx context.Context, v *state.ObjectVersion, expectedOwner, match, noneMatch string, also func(*store.Tx) ([]string, error)) (b *state.Bucket, err error) {
	var free []string
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		free = nil
		if b, err = s.bucket(ctx, tx, v.Bucket, expectedOwner); err != nil {
			return err
		}
		if err := checkWrite(match, noneMatch, v.ObjectKey, latest(tx, b.Name, v.ObjectKey)); err != nil {
			return err
		}
		if also != nil {
			if free, err = also(tx); err != nil {
				return err
			}
		}
		free = append(free, add(tx, b, v, s.Now())...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, free...)
	return b, nil
}
