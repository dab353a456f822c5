package state

import (
	"fmt"
	"math"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// ObjectVersion is one version of an S3 object, or a delete marker. Written by s3.
type ObjectVersion struct {
	Bucket, ObjectKey string
	Order             uint64 // the version of a key with the greatest is the latest
	VersionID         string // "null" outside of versioning

	DeleteMarker bool
	LastModified time.Time // whole seconds
	Size         int64
	ETag         string // without quotes
	Segments     []ObjectSegment
	Parts        int // number of parts of a multipart upload; 0 otherwise
	Checksum     ObjectChecksum
	Headers      ObjectHeaders
	Encryption   ObjectEncryption
	Tags         []Tag
}

// ObjectSegment is a piece of an object's data: a file of the object store.
type ObjectSegment struct {
	File     string
	Size     int64
	Checksum string // of a part, base64; "" when none was asked for
}

// ObjectChecksum is a checksum that clients may verify.
type ObjectChecksum struct {
	Algorithm string // CRC32, CRC32C, CRC64NVME, SHA1 or SHA256
	Value     string // base64, with "-N" if composite
	Type      string // FULL_OBJECT or COMPOSITE
}

// ObjectHeaders are the headers and metadata that an object was stored with.
type ObjectHeaders struct {
	ContentType, CacheControl, ContentDisposition, ContentEncoding, ContentLanguage, Expires string

	WebsiteRedirect string
	StorageClass    string
	Metadata        map[string]string
}

// Key is the record's key: versions of an object follow each other, newest first.
func (v *ObjectVersion) Key() string {
	return VersionsPrefix(v.Bucket, v.ObjectKey) + fmt.Sprintf("%016x", math.MaxUint64-v.Order)
}

// ObjectPrefix is the start of the keys of all objects of a bucket whose names
// start with prefix. They come in the order of their names.
func ObjectPrefix(bucket, prefix string) string { return bucket + "/" + prefix }

// VersionsPrefix is the start of the keys of all versions of one object. The
// separator sorts before everything that names contain in practice.
func VersionsPrefix(bucket, key string) string { return bucket + "/" + key + "\x01" }

// ObjectVersions holds the versions of S3 objects by bucket/name and age.
var ObjectVersions = store.Define("s3.object", (*ObjectVersion).Key)
