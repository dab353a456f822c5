package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// minPart is the size in bytes that every part but the last must have.
const minPart = 5 << 20

// CompleteMultipartUpload makes an object of the parts that the request lists.
// The parts' files become the object's: nothing is copied.
func (s *Service) CompleteMultipartUpload(ctx context.Context, in *s3api.CompleteMultipartUploadRequest) (*s3api.CompleteMultipartUploadOutput, error) {
	tx := s.DB.Read()
	_, u, err := s.upload(ctx, tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
	if err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, errInvalidRequest("You must specify at least one part")
	}
	parts, err := chooseParts(tx, u, in.MultipartUpload.Parts)
	if err != nil {
		return nil, err
	}
	v, err := assemble(u, parts)
	if err != nil {
		return nil, err
	}
	if err := checkComplete(in, u, v); err != nil {
		return nil, err
	}
	used := filesOf(v)
	b, err := s.store(ctx, v, in.ExpectedBucketOwner, in.IfMatch, in.IfNoneMatch, func(tx *store.Tx) ([]string, error) {
		if _, ok := state.MultipartUploads.Get(tx, u.Key()); !ok {
			return nil, errNoSuchUpload(u.UploadID)
		}
		// A part that was sent again since has another file: what was listed is gone.
		free := dropUpload(tx, u)
		for _, file := range used {
			if !slices.Contains(free, file) {
				return nil, errInvalidPart(u, nil)
			}
		}
		return slices.DeleteFunc(free, func(f string) bool { return slices.Contains(used, f) }), nil
	})
	if err != nil {
		return nil, err
	}
	out := &s3api.CompleteMultipartUploadOutput{
		Location: "https://" + b.Name + ".s3." + b.Region + ".amazonaws.com/" + (&url.URL{Path: v.ObjectKey}).EscapedPath(),
		Bucket:   b.Name, Key: v.ObjectKey, ETag: quote(v.ETag), VersionId: shown(b, v.VersionID),
	}
	putChecksum(out, v.Checksum)
	putEncryption(out, b, v.Encryption)
	return out, nil
}

// chooseParts finds the parts that a request lists, and checks order, entity
// tags, checksums and sizes.
func chooseParts(tx *store.Tx, u *state.MultipartUpload, listed []s3api.CompletedPart) ([]*state.UploadPart, error) {
	var parts []*state.UploadPart
	last := int32(0)
	for i := range listed {
		l := &listed[i]
		if l.PartNumber == nil {
			return nil, errMalformedXML()
		}
		if *l.PartNumber <= last {
			return nil, errDetailed("InvalidPartOrder", 400, "The list of parts was not in ascending order. Parts must be ordered by part number.", "UploadId", u.UploadID)
		}
		last = *l.PartNumber
		part, ok := state.UploadParts.Get(tx, (&state.UploadPart{UploadID: u.UploadID, Number: int(last)}).Key())
		if !ok || strings.Trim(l.ETag, `"`) != part.ETag {
			return nil, errInvalidPart(u, l)
		}
		if err := checkPartChecksum(u, part, l); err != nil {
			return nil, err
		}
		if n := len(parts); n > 0 && parts[n-1].Size < minPart {
			small := parts[n-1]
			return nil, errDetailed("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size",
				"ETag", small.ETag, "MinSizeAllowed", itoa(minPart), "PartNumber", itoa(small.Number), "ProposedSize", fmt.Sprint(small.Size))
		}
		parts = append(parts, part)
	}
	return parts, nil
}

func errInvalidPart(u *state.MultipartUpload, l *s3api.CompletedPart) error {
	f := errDetailed("InvalidPart", 400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	if l != nil {
		f.details = [][2]string{{"ETag", strings.Trim(l.ETag, `"`)}, {"PartNumber", fmt.Sprint(*l.PartNumber)}}
	}
	f.details = append(f.details, [2]string{"UploadId", u.UploadID})
	return f
}

func checkPartChecksum(u *state.MultipartUpload, part *state.UploadPart, l *s3api.CompletedPart) error {
	if u.ChecksumAlgorithm == "" {
		return nil
	}
	given := reflect.ValueOf(l).Elem().FieldByName("Checksum" + u.ChecksumAlgorithm).String()
	name := strings.ToLower(u.ChecksumAlgorithm)
	switch {
	case given == "" && u.ChecksumType == composite:
		return errInvalidRequest(fmt.Sprintf("The upload was created using a %s checksum. The complete request must include the checksum for each part. It was missing for part %d in the request.", name, part.Number))
	case given != "" && given != part.Checksum:
		return errDetailed("BadDigest", 400, fmt.Sprintf("The %s you specified for part %d did not match what we received.", name, part.Number))
	}
	return nil
}

// assemble makes the record of the object.
func assemble(u *state.MultipartUpload, parts []*state.UploadPart) (*state.ObjectVersion, error) {
	v := &state.ObjectVersion{
		Bucket: u.Bucket, ObjectKey: u.ObjectKey, Headers: u.Headers, Encryption: u.Encryption, Tags: u.Tags, Parts: len(parts),
		Checksum: state.ObjectChecksum{Algorithm: partAlgorithm(u), Type: u.ChecksumType},
	}
	sums := md5.New()
	for _, part := range parts {
		raw, err := hex.DecodeString(part.ETag)
		if err != nil {
			return nil, err
		}
		sums.Write(raw)
		v.Size += part.Size
		v.Segments = append(v.Segments, state.ObjectSegment{File: part.File, Size: part.Size, Checksum: part.Checksum})
	}
	v.ETag = hex.EncodeToString(sums.Sum(nil)) + "-" + itoa(len(parts))
	var err error
	v.Checksum.Value, err = combine(v.Checksum.Algorithm, v.Checksum.Type, parts)
	return v, err
}

// checkComplete compares the object with what the request says about it.
func checkComplete(in *s3api.CompleteMultipartUploadRequest, u *state.MultipartUpload, v *state.ObjectVersion) error {
	if err := checkCarriedOut(in); err != nil {
		return err
	}
	if in.MpuObjectSize != nil && *in.MpuObjectSize != v.Size {
		return errInvalidRequest(fmt.Sprintf("The provided 'x-amz-mp-object-size' header value %d does not match what was computed: %d", *in.MpuObjectSize, v.Size))
	}
	if in.ChecksumType != "" && u.ChecksumAlgorithm != "" && string(in.ChecksumType) != u.ChecksumType {
		return errInvalidRequest("The upload was created using the " + u.ChecksumType + " checksum mode. The complete request must use the same checksum mode.")
	}
	given := reflect.ValueOf(in).Elem().FieldByName("Checksum" + v.Checksum.Algorithm).String()
	value, _, _ := strings.Cut(v.Checksum.Value, "-")
	if given != "" && given != value && given != v.Checksum.Value {
		return errDetailed("BadDigest", 400, "The "+strings.ToLower(v.Checksum.Algorithm)+" you specified did not match the calculated checksum.")
	}
	return nil
}
