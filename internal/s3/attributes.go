package s3

import (
	"context"
	"net/http"
	"slices"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
)

// GetObjectAttributes tells the attributes of an object that are asked for.
func (s *Service) GetObjectAttributes(ctx context.Context, in *s3api.GetObjectAttributesRequest) (*s3api.GetObjectAttributesOutput, error) {
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	for _, action := range []string{versioned("s3:GetObject", "s3:GetObjectVersion", in.VersionId), versioned("s3:GetObjectAttributes", "s3:GetObjectVersionAttributes", in.VersionId)} {
		if err := s.allow(ctx, action, in.Bucket, in.Key, versionCondition(in.VersionId)); err != nil {
			return nil, err
		}
	}
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	v, err := object(tx, b, in.Key, in.VersionId, http.MethodGet)
	if err != nil {
		return nil, s.hide(ctx, b, in.Key, err)
	}
	for _, a := range in.ObjectAttributes {
		if !slices.Contains(a.EnumValues(), string(a)) {
			return nil, errDetailed("InvalidArgument", 400, "Invalid attribute name specified.", "ArgumentName", "x-amz-object-attributes")
		}
	}
	asked := func(a s3api.ObjectAttributes) bool { return slices.Contains(in.ObjectAttributes, a) }
	out := &s3api.GetObjectAttributesOutput{LastModified: v.LastModified, VersionId: shown(b, v.VersionID)}
	if asked(s3api.ObjectAttributesETag) {
		out.ETag = v.ETag // here, and only here, without quotes
	}
	if asked(s3api.ObjectAttributesStorageClass) {
		out.StorageClass = s3api.StorageClass(v.Headers.StorageClass)
	}
	if asked(s3api.ObjectAttributesObjectSize) {
		out.ObjectSize = &v.Size
	}
	if asked(s3api.ObjectAttributesChecksum) {
		out.Checksum = &s3api.Checksum{}
		putChecksum(out.Checksum, v.Checksum)
	}
	if asked(s3api.ObjectAttributesObjectParts) && v.Parts > 0 {
		if out.ObjectParts, err = partsOf(v, in); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// partsOf lists the parts of an object; each only where the parts have
// checksums of their own.
func partsOf(v *state.ObjectVersion, in *s3api.GetObjectAttributesRequest) (*s3api.GetObjectAttributesParts, error) {
	total := int32(v.Parts)
	out := &s3api.GetObjectAttributesParts{TotalPartsCount: &total}
	if v.Checksum.Type != composite {
		return out, nil
	}
	most, err := limitOf(in.MaxParts, "x-amz-max-parts")
	if err != nil {
		return nil, err
	}
	if in.PartNumberMarker != nil {
		out.PartNumberMarker = *in.PartNumberMarker
	}
	truncated, next := false, int32(0)
	for i, segment := range v.Segments {
		number := int32(i + 1)
		if number <= out.PartNumberMarker {
			continue
		}
		if len(out.Parts) == most {
			truncated = true
			break
		}
		size := segment.Size
		part := s3api.ObjectPart{PartNumber: number, Size: &size}
		putChecksum(&part, state.ObjectChecksum{Algorithm: v.Checksum.Algorithm, Value: segment.Checksum})
		out.Parts, next = append(out.Parts, part), number
	}
	out.MaxParts, out.IsTruncated, out.NextPartNumberMarker = int32(most), &truncated, &next
	return out, nil
}
