package s3

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// GetObject returns an object, or a range or a part of it, as a stream.
func (s *Service) GetObject(ctx context.Context, in *s3api.GetObjectRequest) (*s3api.GetObjectOutput, error) {
	override := in.ResponseCacheControl + in.ResponseContentDisposition + in.ResponseContentEncoding + in.ResponseContentLanguage + in.ResponseContentType
	if (override != "" || !in.ResponseExpires.IsZero()) && caller.From(ctx).Type == caller.Anonymous {
		return nil, errInvalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
	}
	body, f, err := s.open(ctx, in)
	if errors.Is(err, blob.ErrNotFound) { // overwritten between the record and its file: look again
		body, f, err = s.open(ctx, in)
	}
	if err != nil {
		return nil, err
	}
	out := &s3api.GetObjectOutput{
		Body: body, AcceptRanges: "bytes", LastModified: f.version.LastModified, ContentLength: f.span.size(), ETag: quote(f.version.ETag),
		VersionId: shown(f.bucket, f.version.VersionID), TagCount: f.tagCount(), PartsCount: f.parts, ContentRange: f.contentRange(),
	}
	putHeaders(out, f.version.Headers)
	putEncryption(out, f.bucket, f.version.Encryption)
	if in.ChecksumMode == s3api.ChecksumModeEnabled && !f.partial {
		putChecksum(out, f.version.Checksum)
	}
	for _, o := range []struct {
		value  string
		member *string
	}{
		{in.ResponseCacheControl, &out.CacheControl}, {in.ResponseContentDisposition, &out.ContentDisposition}, {in.ResponseContentEncoding, &out.ContentEncoding},
		{in.ResponseContentLanguage, &out.ContentLanguage}, {in.ResponseContentType, &out.ContentType},
	} {
		if o.value != "" {
			*o.member = o.value
		}
	}
	if !in.ResponseExpires.IsZero() {
		out.Expires = in.ResponseExpires.UTC().Format(http.TimeFormat)
	}
	return out, nil
}

// HeadObject is GetObject without the data.
func (s *Service) HeadObject(ctx context.Context, in *s3api.HeadObjectRequest) (*s3api.HeadObjectOutput, error) {
	f, err := s.find(ctx, &s3api.GetObjectRequest{
		Bucket: in.Bucket, Key: in.Key, VersionId: in.VersionId, ExpectedBucketOwner: in.ExpectedBucketOwner,
		IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch, IfModifiedSince: in.IfModifiedSince, IfUnmodifiedSince: in.IfUnmodifiedSince,
		Range: in.Range, PartNumber: in.PartNumber, SSECustomerAlgorithm: in.SSECustomerAlgorithm,
	}, http.MethodHead)
	if err != nil {
		return nil, err
	}
	out := &s3api.HeadObjectOutput{
		AcceptRanges: "bytes", LastModified: f.version.LastModified, ContentLength: f.span.size(), ETag: quote(f.version.ETag),
		VersionId: shown(f.bucket, f.version.VersionID), TagCount: f.tagCount(), PartsCount: f.parts, ContentRange: f.contentRange(),
	}
	putHeaders(out, f.version.Headers)
	putEncryption(out, f.bucket, f.version.Encryption)
	if in.ChecksumMode == s3api.ChecksumModeEnabled && !f.partial {
		putChecksum(out, f.version.Checksum)
	}
	return out, nil
}

// found is an object that may be read, and what of it was asked for.
type found struct {
	bucket  *state.Bucket
	version *state.ObjectVersion
	span    span
	partial bool
	parts   *int32 // number of parts, when one was asked for
}

func (f *found) contentRange() string {
	if !f.partial {
		return ""
	}
	return f.span.contentRange(f.version.Size)
}

func (f *found) tagCount() *int32 {
	if len(f.version.Tags) == 0 {
		return nil
	}
	n := int32(len(f.version.Tags))
	return &n
}

func (s *Service) open(ctx context.Context, in *s3api.GetObjectRequest) (io.ReadCloser, *found, error) {
	f, err := s.find(ctx, in, http.MethodGet)
	if err != nil {
		return nil, nil, err
	}
	body, err := s.data(f.version, f.span)
	return body, f, err
}

// find does all that reading an object and asking for its headers have in common.
func (s *Service) find(ctx context.Context, in *s3api.GetObjectRequest, method string) (*found, error) {
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, versioned("s3:GetObject", "s3:GetObjectVersion", in.VersionId), in.Bucket, in.Key, versionCondition(in.VersionId)); err != nil {
		return nil, err
	}
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	v, err := object(tx, b, in.Key, in.VersionId, method)
	if err != nil {
		return nil, s.hide(ctx, b, in.Key, err)
	}
	c := conditions{match: in.IfMatch, noneMatch: in.IfNoneMatch, modified: in.IfModifiedSince, unmodified: in.IfUnmodifiedSince}
	if err := c.check(v); err != nil {
		return nil, err
	}
	f := &found{bucket: b, version: v}
	switch {
	case in.Range != "" && in.PartNumber != nil:
		return nil, errInvalidRequest("Cannot specify both Range header and partNumber query parameter")
	case in.PartNumber != nil:
		f.span, err = partSpan(v, *in.PartNumber)
		f.partial = f.span.size() > 0
		if v.Parts > 0 {
			n := int32(v.Parts)
			f.parts = &n
		}
	default:
		f.span, f.partial, err = parseRange(in.Range, v.Size)
	}
	return f, err
}

// GetObjectAcl shows the only access control list that there is: the owner's.
func (s *Service) GetObjectAcl(ctx context.Context, in *s3api.GetObjectAclRequest) (*s3api.GetObjectAclOutput, error) {
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := s.allow(ctx, versioned("s3:GetObjectAcl", "s3:GetObjectVersionAcl", in.VersionId), in.Bucket, in.Key, versionCondition(in.VersionId)); err != nil {
		return nil, err
	}
	if _, err := object(tx, b, in.Key, in.VersionId, http.MethodGet); err != nil {
		return nil, s.hide(ctx, b, in.Key, err)
	}
	return &s3api.GetObjectAclOutput{Owner: owner(b.Account), Grants: ownerGrants(b.Account)}, nil
}
