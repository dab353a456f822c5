package s3

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
)

// CopyObject makes an object from another.
func (s *Service) CopyObject(ctx context.Context, in *s3api.CopyObjectRequest) (*s3api.CopyObjectOutput, error) {
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if err := checkDirectives(in); err != nil {
		return nil, err
	}
	from, source, err := s.copySource(ctx, in.CopySource, in.ExpectedSourceBucketOwner, conditions{
		match: in.CopySourceIfMatch, noneMatch: in.CopySourceIfNoneMatch, modified: in.CopySourceIfModifiedSince, unmodified: in.CopySourceIfUnmodifiedSince,
	})
	if err != nil {
		return nil, err
	}
	v, err := s.newVersion(b, in, string(in.ACL), in.Key, in.Tagging)
	if err != nil {
		return nil, err
	}
	if in.MetadataDirective != s3api.MetadataDirectiveReplace {
		class := v.Headers.StorageClass
		v.Headers = source.Headers
		v.Headers.StorageClass, v.Headers.WebsiteRedirect = class, in.WebsiteRedirectLocation
	}
	if in.TaggingDirective != s3api.TaggingDirectiveReplace {
		v.Tags = source.Tags
	}
	if v.Encryption, err = encryptionOf(b, in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled); err != nil {
		return nil, err
	}
	if source.Bucket == v.Bucket && source.ObjectKey == v.ObjectKey && !changes(in) {
		return nil, errInvalidRequest("This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	if err := s.duplicate(ctx, v, source, string(in.ChecksumAlgorithm)); err != nil {
		return nil, err
	}
	if b, err = s.store(ctx, v, in.ExpectedBucketOwner, in.IfMatch, in.IfNoneMatch, nil); err != nil {
		s.discard(ctx, filesOf(v)...)
		return nil, err
	}
	result := &s3api.CopyObjectResult{ETag: quote(v.ETag), LastModified: v.LastModified}
	putChecksum(result, v.Checksum)
	out := &s3api.CopyObjectOutput{CopyObjectResult: result, VersionId: shown(b, v.VersionID), CopySourceVersionId: shown(from, source.VersionID)}
	putEncryption(out, b, v.Encryption)
	return out, nil
}

func checkDirectives(in *s3api.CopyObjectRequest) error {
	if d := in.MetadataDirective; d != "" && !slices.Contains(d.EnumValues(), string(d)) {
		return errInvalidArgument("Unknown metadata directive.", "x-amz-metadata-directive", string(d))
	}
	if d := in.TaggingDirective; d != "" && !slices.Contains(d.EnumValues(), string(d)) {
		return errInvalidArgument("Unknown tagging directive.", "x-amz-tagging-directive", string(d))
	}
	return nil
}

// changes says whether a copy of an object to itself changes it.
func changes(in *s3api.CopyObjectRequest) bool {
	return in.MetadataDirective == s3api.MetadataDirectiveReplace || in.TaggingDirective == s3api.TaggingDirectiveReplace || in.StorageClass != "" ||
		in.ServerSideEncryption != "" || in.WebsiteRedirectLocation != "" || in.ChecksumAlgorithm != "" || strings.Contains(in.CopySource, "?versionId=")
}

// duplicate gives v the data of another object: by a link to its file, or, when
// it was uploaded in parts or another checksum is wanted, by copying it.
func (s *Service) duplicate(ctx context.Context, v, source *state.ObjectVersion, algorithm string) error {
	if source.Size > maxPut {
		return errInvalidRequest("The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")
	}
	if source.Parts == 0 && len(source.Segments) == 1 && (algorithm == "" || algorithm == source.Checksum.Algorithm) {
		file := ids.Hex(32)
		if err := s.Objects.Link(source.Segments[0].File, file); err != nil {
			return err
		}
		v.Size, v.ETag, v.Checksum = source.Size, source.ETag, source.Checksum
		v.Segments = []state.ObjectSegment{{File: file, Size: source.Size}}
		return nil
	}
	if algorithm == "" {
		algorithm = source.Checksum.Algorithm
	}
	if newHash(algorithm) == nil {
		return errUnsupportedChecksum()
	}
	r, err := s.copyData(ctx, source, span{0, source.Size}, algorithm)
	if err != nil {
		return err
	}
	v.Size, v.ETag, v.Checksum = r.segment.Size, r.etag(), r.checksum
	v.Segments = []state.ObjectSegment{r.segment}
	return nil
}

func (s *Service) copyData(ctx context.Context, source *state.ObjectVersion, r span, algorithm string) (received, error) {
	body, err := s.data(source, r)
	if err != nil {
		return received{}, err
	}
	defer body.Close()
	return s.receive(ctx, io.Reader(body), want{algorithm: algorithm})
}

// copySource finds the object that a copy is made from. It may be in another region.
func (s *Service) copySource(ctx context.Context, header, expectedOwner string, c conditions) (*state.Bucket, *state.ObjectVersion, error) {
	bucket, key, version, err := parseCopySource(header)
	if err != nil {
		return nil, nil, err
	}
	tx := s.DB.Read()
	b, err := s.anyRegion(ctx, tx, bucket, expectedOwner)
	if err != nil {
		return nil, nil, err
	}
	if err := s.allow(ctx, versioned("s3:GetObject", "s3:GetObjectVersion", version), bucket, key, versionCondition(version)); err != nil {
		return nil, nil, err
	}
	if version != "" {
		if v := findVersion(tx, bucket, key, version); v != nil && v.DeleteMarker {
			return nil, nil, errInvalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
		}
	}
	v, err := object(tx, b, key, version, "GET")
	if err != nil {
		return nil, nil, s.hide(ctx, b, key, err)
	}
	c.prefix = "x-amz-copy-source-"
	return b, v, c.check(v)
}

// parseCopySource reads "bucket/key", with an optional slash before it and an
// optional version after it; the key is URL-encoded.
func parseCopySource(header string) (bucket, key, version string, err error) {
	bad := errInvalidArgument("Invalid copy source object key", "x-amz-copy-source", "x-amz-copy-source")
	path, query, _ := strings.Cut(header, "?")
	path, err = url.PathUnescape(strings.TrimPrefix(path, "/"))
	if err != nil {
		return "", "", "", bad
	}
	if strings.HasPrefix(path, "arn:") {
		return "", "", "", errNotImplemented("x-amz-copy-source: access points")
	}
	bucket, key, ok := strings.Cut(path, "/")
	if !ok || bucket == "" || key == "" {
		return "", "", "", bad
	}
	if query != "" {
		values, err := url.ParseQuery(query)
		if err != nil || values.Get("versionId") == "" {
			return "", "", "", bad
		}
		version = values.Get("versionId")
	}
	return bucket, key, version, nil
}
