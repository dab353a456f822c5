package s3

import (
	"context"
	"iter"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// ListObjectsV2 lists the keys of a bucket.
func (s *Service) ListObjectsV2(ctx context.Context, in *s3api.ListObjectsV2Request) (*s3api.ListObjectsV2Output, error) {
	encode, err := encoder(string(in.EncodingType))
	if err != nil {
		return nil, err
	}
	after, err := decodeToken(in.ContinuationToken)
	if err != nil {
		return nil, err
	}
	if in.ContinuationToken == "" {
		after = in.StartAfter
	}
	b, p, most, err := s.page(ctx, in.Bucket, in.ExpectedBucketOwner, in.MaxKeys, query{prefix: in.Prefix, delimiter: in.Delimiter, after: after})
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectsV2Output{
		Name: b.Name, Prefix: encode(in.Prefix), Delimiter: encode(in.Delimiter), StartAfter: encode(in.StartAfter), EncodingType: in.EncodingType,
		MaxKeys: int32(most), KeyCount: int32(len(p.items) + len(p.prefixes)), IsTruncated: &p.truncated, ContinuationToken: in.ContinuationToken,
		CommonPrefixes: prefixes(p, encode),
	}
	withOwner := in.FetchOwner != nil && *in.FetchOwner
	for _, i := range p.items {
		out.Contents = append(out.Contents, listed(b, i.version, encode, withOwner))
	}
	if p.truncated {
		out.NextContinuationToken = encodeToken(p.next)
	}
	return out, nil
}

// ListObjects is the first version of the list.
func (s *Service) ListObjects(ctx context.Context, in *s3api.ListObjectsRequest) (*s3api.ListObjectsOutput, error) {
	encode, err := encoder(string(in.EncodingType))
	if err != nil {
		return nil, err
	}
	b, p, most, err := s.page(ctx, in.Bucket, in.ExpectedBucketOwner, in.MaxKeys, query{prefix: in.Prefix, delimiter: in.Delimiter, after: in.Marker})
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectsOutput{
		Name: b.Name, Prefix: encode(in.Prefix), Delimiter: encode(in.Delimiter), Marker: encode(in.Marker), EncodingType: in.EncodingType,
		MaxKeys: int32(most), IsTruncated: &p.truncated, CommonPrefixes: prefixes(p, encode),
	}
	for _, i := range p.items {
		out.Contents = append(out.Contents, listed(b, i.version, encode, true))
	}
	if p.truncated && in.Delimiter != "" { // without a delimiter, clients go on after the last key
		out.NextMarker = encode(p.next)
	}
	return out, nil
}

// ListObjectVersions lists all versions and delete markers.
func (s *Service) ListObjectVersions(ctx context.Context, in *s3api.ListObjectVersionsRequest) (*s3api.ListObjectVersionsOutput, error) {
	encode, err := encoder(string(in.EncodingType))
	if err != nil {
		return nil, err
	}
	if in.VersionIdMarker != "" && in.KeyMarker == "" {
		return nil, errInvalidArgument("A version-id marker cannot be specified without a key marker.", "version-id-marker", in.VersionIdMarker)
	}
	b, p, most, err := s.page(ctx, in.Bucket, in.ExpectedBucketOwner, in.MaxKeys, query{
		prefix: in.Prefix, delimiter: in.Delimiter, after: in.KeyMarker, afterVersion: in.VersionIdMarker, versions: true,
	})
	if err != nil {
		return nil, err
	}
	out := &s3api.ListObjectVersionsOutput{
		Name: b.Name, Prefix: encode(in.Prefix), Delimiter: encode(in.Delimiter), KeyMarker: encode(in.KeyMarker), VersionIdMarker: in.VersionIdMarker,
		EncodingType: in.EncodingType, MaxKeys: int32(most), IsTruncated: &p.truncated, CommonPrefixes: prefixes(p, encode),
		NextKeyMarker: encode(p.next), NextVersionIdMarker: p.nextVersion,
	}
	for _, i := range p.items {
		v, isLatest := i.version, i.latest
		if v.DeleteMarker {
			out.DeleteMarkers = append(out.DeleteMarkers, s3api.DeleteMarkerEntry{
				Key: encode(v.ObjectKey), VersionId: v.VersionID, IsLatest: &isLatest, LastModified: v.LastModified, Owner: owner(b.Account),
			})
			continue
		}
		o := listed(b, v, encode, true)
		out.Versions = append(out.Versions, s3api.ObjectVersion{
			Key: o.Key, VersionId: v.VersionID, IsLatest: &isLatest, LastModified: o.LastModified, ETag: o.ETag, Size: o.Size,
			StorageClass: s3api.ObjectVersionStorageClass(o.StorageClass), Owner: o.Owner, ChecksumAlgorithm: o.ChecksumAlgorithm, ChecksumType: o.ChecksumType,
		})
	}
	return out, nil
}

func (s *Service) page(ctx context.Context, bucket, expectedOwner string, maxKeys *int32, q query) (*state.Bucket, page, int, error) {
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, bucket, expectedOwner)
	if err != nil {
		return nil, page{}, 0, err
	}
	if q.most, err = limitOf(maxKeys, "max-keys"); err != nil {
		return nil, page{}, 0, err
	}
	return b, list(objectsOf(tx, b, q.prefix), q), q.most, nil
}

func objectsOf(tx *store.Tx, b *state.Bucket, prefix string) iter.Seq[*state.ObjectVersion] {
	return state.ObjectVersions.All(tx, state.ObjectPrefix(b.Name, prefix))
}

func prefixes(p page, encode func(string) string) (out []s3api.CommonPrefix) {
	for _, prefix := range p.prefixes {
		out = append(out, s3api.CommonPrefix{Prefix: encode(prefix)})
	}
	return out
}

// listed is an object as lists show it.
func listed(b *state.Bucket, v *state.ObjectVersion, encode func(string) string, withOwner bool) s3api.Object {
	size := v.Size
	o := s3api.Object{
		Key: encode(v.ObjectKey), LastModified: v.LastModified, ETag: quote(v.ETag), Size: &size, StorageClass: s3api.ObjectStorageClass(v.Headers.StorageClass),
		ChecksumAlgorithm: []s3api.ChecksumAlgorithm{s3api.ChecksumAlgorithm(v.Checksum.Algorithm)}, ChecksumType: s3api.ChecksumType(v.Checksum.Type),
	}
	if withOwner {
		o.Owner = owner(b.Account)
	}
	return o
}
