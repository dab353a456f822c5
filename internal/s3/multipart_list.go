package s3

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
)

// ListParts lists the parts that an upload has so far.
func (s *Service) ListParts(ctx context.Context, in *s3api.ListPartsRequest) (*s3api.ListPartsOutput, error) {
	tx := s.DB.Read()
	b, u, err := s.upload(ctx, tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	most, err := limitOf(in.MaxParts, "max-parts")
	if err != nil {
		return nil, err
	}
	truncated := false
	out := &s3api.ListPartsOutput{
		Bucket: b.Name, Key: u.ObjectKey, UploadId: u.UploadID, MaxParts: int32(most), IsTruncated: &truncated, StorageClass: s3api.StorageClass(u.Headers.StorageClass),
		Owner: owner(b.Account), Initiator: &s3api.Initiator{ID: u.Initiator, DisplayName: u.Initiator},
		ChecksumAlgorithm: s3api.ChecksumAlgorithm(u.ChecksumAlgorithm),
	}
	if u.ChecksumAlgorithm != "" {
		out.ChecksumType = s3api.ChecksumType(u.ChecksumType)
	}
	if in.PartNumberMarker != nil {
		out.PartNumberMarker = *in.PartNumberMarker
	}
	next := int32(0)
	for p := range state.UploadParts.All(tx, u.UploadID+"/") {
		if int32(p.Number) <= out.PartNumberMarker {
			continue
		}
		if len(out.Parts) == most {
			truncated = true
			break
		}
		size := p.Size
		part := s3api.Part{PartNumber: int32(p.Number), LastModified: p.LastModified, ETag: quote(p.ETag), Size: &size}
		if u.ChecksumAlgorithm != "" {
			putChecksum(&part, state.ObjectChecksum{Algorithm: u.ChecksumAlgorithm, Value: p.Checksum})
		}
		out.Parts = append(out.Parts, part)
		next = part.PartNumber
	}
	out.NextPartNumberMarker = &next
	return out, nil
}

// ListMultipartUploads lists the uploads of a bucket that are in progress.
func (s *Service) ListMultipartUploads(ctx context.Context, in *s3api.ListMultipartUploadsRequest) (*s3api.ListMultipartUploadsOutput, error) {
	encode, err := encoder(string(in.EncodingType))
	if err != nil {
		return nil, err
	}
	tx := s.DB.Read()
	b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	most, err := limitOf(in.MaxUploads, "max-uploads")
	if err != nil {
		return nil, err
	}
	truncated := false
	out := &s3api.ListMultipartUploadsOutput{
		Bucket: b.Name, Prefix: encode(in.Prefix), Delimiter: encode(in.Delimiter), KeyMarker: encode(in.KeyMarker), UploadIdMarker: in.UploadIdMarker,
		EncodingType: in.EncodingType, MaxUploads: int32(most), IsTruncated: &truncated,
	}
	uploads := slices.Collect(state.MultipartUploads.All(tx, state.ObjectPrefix(b.Name, in.Prefix)))
	slices.SortStableFunc(uploads, func(a, b *state.MultipartUpload) int {
		return cmp.Or(strings.Compare(a.ObjectKey, b.ObjectKey), a.Initiated.Compare(b.Initiated), strings.Compare(a.UploadID, b.UploadID))
	})
	common, passed := "", false
	for _, u := range uploads {
		if in.KeyMarker != "" && u.ObjectKey <= in.KeyMarker {
			told := u.ObjectKey < in.KeyMarker || in.UploadIdMarker == "" || !passed
			passed = passed || u.ObjectKey == in.KeyMarker && u.UploadID == in.UploadIdMarker
			if told {
				continue
			}
		}
		prefix := commonPrefix(u.ObjectKey, query{prefix: in.Prefix, delimiter: in.Delimiter})
		if prefix != "" && (prefix == common || prefix <= in.KeyMarker) {
			continue
		}
		if len(out.Uploads)+len(out.CommonPrefixes) == most {
			truncated = true
			return out, nil
		}
		out.NextKeyMarker, out.NextUploadIdMarker = encode(u.ObjectKey), u.UploadID
		if prefix != "" {
			common = prefix
			out.CommonPrefixes = append(out.CommonPrefixes, s3api.CommonPrefix{Prefix: encode(prefix)})
			out.NextKeyMarker, out.NextUploadIdMarker = encode(prefix), ""
			continue
		}
		out.Uploads = append(out.Uploads, describeUpload(b, u, encode))
	}
	out.NextKeyMarker, out.NextUploadIdMarker = "", ""
	return out, nil
}

func describeUpload(b *state.Bucket, u *state.MultipartUpload, encode func(string) string) s3api.MultipartUpload {
	out := s3api.MultipartUpload{
		UploadId: u.UploadID, Key: encode(u.ObjectKey), Initiated: u.Initiated, StorageClass: s3api.StorageClass(u.Headers.StorageClass),
		Owner: owner(b.Account), Initiator: &s3api.Initiator{ID: u.Initiator, DisplayName: u.Initiator}, ChecksumAlgorithm: s3api.ChecksumAlgorithm(u.ChecksumAlgorithm),
	}
	if u.ChecksumAlgorithm != "" {
		out.ChecksumType = s3api.ChecksumType(u.ChecksumType)
	}
	return out
}
