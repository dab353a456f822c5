package s3

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateMultipartUpload starts an upload in parts.
func (s *Service) CreateMultipartUpload(ctx context.Context, in *s3api.CreateMultipartUploadRequest) (*s3api.CreateMultipartUploadOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	v, err := s.newVersion(b, in, string(in.ACL), in.Key, in.Tagging)
	if err != nil {
		return nil, err
	}
	kind, err := checksumType(string(in.ChecksumAlgorithm), string(in.ChecksumType))
	if err != nil {
		return nil, err
	}
	u := &state.MultipartUpload{
		Bucket: b.Name, ObjectKey: in.Key, UploadID: ids.Mixed(96), Initiated: s.Now().UTC().Truncate(time.Second), Initiator: caller.From(ctx).ARN,
		Headers: v.Headers, Tags: v.Tags, ChecksumAlgorithm: string(in.ChecksumAlgorithm), ChecksumType: kind,
	}
	if u.Encryption, err = encryptionOf(b, in.ServerSideEncryption, in.SSEKMSKeyId, in.BucketKeyEnabled); err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		state.MultipartUploads.Put(tx, u)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &s3api.CreateMultipartUploadOutput{Bucket: b.Name, Key: in.Key, UploadId: u.UploadID, ChecksumAlgorithm: in.ChecksumAlgorithm}
	if u.ChecksumAlgorithm != "" {
		out.ChecksumType = s3api.ChecksumType(kind)
	}
	putEncryption(out, b, u.Encryption)
	return out, nil
}

// checksumType is the kind of an upload's checksum: as asked for, if the
// algorithm can do that, or the algorithm's usual one.
func checksumType(algorithm, kind string) (string, error) {
	switch {
	case algorithm == "" && kind != "":
		return "", errInvalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
	case algorithm == "":
		return fullObject, nil
	case newHash(algorithm) == nil:
		return "", errUnsupportedChecksum()
	case kind != "" && kind != composite && kind != fullObject:
		return "", errInvalidRequest("Value for x-amz-checksum-type header is invalid.")
	case algorithm == "CRC64NVME" && kind == composite, strings.HasPrefix(algorithm, "SHA") && kind == fullObject:
		return "", errInvalidRequest(fmt.Sprintf("The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(algorithm)))
	case kind != "":
		return kind, nil
	case algorithm == "CRC64NVME":
		return fullObject, nil
	}
	return composite, nil
}

// partAlgorithm is the checksum that each part of an upload has.
func partAlgorithm(u *state.MultipartUpload) string {
	if u.ChecksumAlgorithm == "" {
		return "CRC64NVME"
	}
	return u.ChecksumAlgorithm
}

// upload finds the upload of a request.
func (s *Service) upload(ctx context.Context, tx *store.Tx, bucket, expectedOwner, key, id string) (*state.Bucket, *state.MultipartUpload, error) {
	b, err := s.bucket(ctx, tx, bucket, expectedOwner)
	if err != nil {
		return nil, nil, err
	}
	u, ok := state.MultipartUploads.Get(tx, state.VersionsPrefix(bucket, key)+id)
	if !ok {
		return nil, nil, errNoSuchUpload(id)
	}
	return b, u, nil
}

// UploadPart stores a part. The body is the caller's to close, as PutObject's.
func (s *Service) UploadPart(ctx context.Context, in *s3api.UploadPartRequest) (*s3api.UploadPartOutput, error) {
	b, u, err := s.upload(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	w, err := wanted(in, in.ContentMD5, string(in.ChecksumAlgorithm))
	if err != nil {
		return nil, err
	}
	if chosen := u.ChecksumAlgorithm; chosen != "" && chosen != w.algorithm {
		if w.checksum != "" || in.ChecksumAlgorithm != "" {
			return nil, errInvalidRequest(fmt.Sprintf("Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s", strings.ToLower(chosen), strings.ToLower(w.algorithm)))
		}
		w.algorithm = chosen
	}
	w.keep = partAlgorithm(u)
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	r, err := s.receive(ctx, in.Body, w)
	if err != nil {
		return nil, err
	}
	part, err := s.addPart(ctx, u, in.ExpectedBucketOwner, in.PartNumber, r)
	if err != nil {
		return nil, err
	}
	out := &s3api.UploadPartOutput{ETag: quote(part.ETag)}
	if u.ChecksumAlgorithm != "" {
		putChecksum(out, state.ObjectChecksum{Algorithm: u.ChecksumAlgorithm, Value: part.Checksum})
	}
	putEncryption(out, b, u.Encryption)
	return out, nil
}

// UploadPartCopy stores a part that is a copy of an object or of a range of it.
func (s *Service) UploadPartCopy(ctx context.Context, in *s3api.UploadPartCopyRequest) (*s3api.UploadPartCopyOutput, error) {
	b, u, err := s.upload(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	from, source, err := s.copySource(ctx, in.CopySource, in.ExpectedSourceBucketOwner, conditions{
		match: in.CopySourceIfMatch, noneMatch: in.CopySourceIfNoneMatch, modified: in.CopySourceIfModifiedSince, unmodified: in.CopySourceIfUnmodifiedSince,
	})
	if err != nil {
		return nil, err
	}
	r, err := copyRange(in.CopySourceRange, source.Size)
	if err != nil {
		return nil, err
	}
	got, err := s.copyData(ctx, source, r, partAlgorithm(u))
	if err != nil {
		return nil, err
	}
	part, err := s.addPart(ctx, u, in.ExpectedBucketOwner, in.PartNumber, got)
	if err != nil {
		return nil, err
	}
	result := &s3api.CopyPartResult{ETag: quote(part.ETag), LastModified: part.LastModified}
	if u.ChecksumAlgorithm != "" {
		putChecksum(result, state.ObjectChecksum{Algorithm: u.ChecksumAlgorithm, Value: part.Checksum})
	}
	out := &s3api.UploadPartCopyOutput{CopyPartResult: result, CopySourceVersionId: shown(from, source.VersionID)}
	putEncryption(out, b, u.Encryption)
	return out, nil
}

// copyRange reads x-amz-copy-source-range, which is stricter than Range.
func copyRange(header string, size int64) (span, error) {
	if header == "" {
		return span{0, size}, nil
	}
	var first, last int64
	var rest string
	if n, _ := fmt.Sscanf(header+" ", "bytes=%d-%d%s", &first, &last, &rest); n != 2 || first < 0 || last < first {
		return span{}, errInvalidArgument("The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy", "x-amz-copy-source-range", header)
	}
	if last >= size {
		return span{}, errInvalidArgument(fmt.Sprintf("Range specified is not valid for source object of size: %d", size), "x-amz-copy-source-range", header)
	}
	return span{first, last + 1}, nil
}

func checkPartNumber(n int32) error {
	if n < 1 || n > 10000 {
		return errInvalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", itoa(int(n)))
	}
	return nil
}

// addPart records a part that was received, in place of one with its number.
func (s *Service) addPart(ctx context.Context, u *state.MultipartUpload, expectedOwner string, number int32, r received) (*state.UploadPart, error) {
	part := &state.UploadPart{
		UploadID: u.UploadID, Number: int(number), File: r.segment.File, Size: r.segment.Size, ETag: r.etag(),
		Checksum: r.checksum.Value, LastModified: s.Now().UTC().Truncate(time.Second),
	}
	replaced := ""
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, _, err := s.upload(ctx, tx, u.Bucket, expectedOwner, u.ObjectKey, u.UploadID); err != nil {
			return err
		}
		if old, ok := state.UploadParts.Get(tx, part.Key()); ok {
			replaced = old.File
		}
		state.UploadParts.Put(tx, part)
		return nil
	})
	if err != nil {
		s.discard(ctx, r.segment.File)
		return nil, err
	}
	if replaced != "" {
		s.discard(ctx, replaced)
	}
	return part, nil
}

// AbortMultipartUpload throws an upload and its parts away.
func (s *Service) AbortMultipartUpload(ctx context.Context, in *s3api.AbortMultipartUploadRequest) (*s3api.AbortMultipartUploadOutput, error) {
	if !in.IfMatchInitiatedTime.IsZero() {
		return nil, errNotImplemented("x-amz-if-match-initiated-time")
	}
	var files []string
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		_, u, err := s.upload(ctx, tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		files = dropUpload(tx, u)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.discard(ctx, files...)
	return &s3api.AbortMultipartUploadOutput{}, nil
}

// dropUpload removes the records of an upload, and returns its parts' files.
func dropUpload(tx *store.Tx, u *state.MultipartUpload) (files []string) {
	for part := range state.UploadParts.All(tx, u.UploadID+"/") {
		files = append(files, part.File)
		state.UploadParts.Delete(tx, part.Key())
	}
	state.MultipartUploads.Delete(tx, u.Key())
	return files
}
