package state

import (
	"fmt"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// MultipartUpload is a multipart upload that is neither completed nor aborted.
// Written by s3.
type MultipartUpload struct {
	Bucket, ObjectKey, UploadID string

	Initiated         time.Time
	Initiator         string // ARN
	Headers           ObjectHeaders
	Encryption        ObjectEncryption
	Tags              []Tag
	ChecksumAlgorithm string // "" when the client chose none
	ChecksumType      string
}

// Key is the record's key.
func (u *MultipartUpload) Key() string { return VersionsPrefix(u.Bucket, u.ObjectKey) + u.UploadID }

// MultipartUploads holds the uploads in progress by bucket/name and upload id.
var MultipartUploads = store.Define("s3.multipart-upload", (*MultipartUpload).Key)

// UploadPart is a part of a multipart upload. Written by s3.
type UploadPart struct {
	UploadID string
	Number   int

	File         string // in the object store
	Size         int64
	ETag         string // without quotes
	Checksum     string // base64, of the upload's algorithm
	LastModified time.Time
}

// Key is the record's key.
func (p *UploadPart) Key() string { return fmt.Sprintf("%s/%05d", p.UploadID, p.Number) }

// UploadParts holds the parts of uploads in progress by upload id and number.
var UploadParts = store.Define("s3.upload-part", (*UploadPart).Key)
