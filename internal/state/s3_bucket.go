package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Bucket is an S3 bucket. Its name is unique over all accounts and regions.
// Written by s3.
type Bucket struct {
	Name, Account, Region string

	CreatedAt         time.Time
	Versioning        string // "" (never enabled), Enabled or Suspended
	Encryption        ObjectEncryption
	PublicAccessBlock *PublicAccessBlock // nil when there is none
	Ownership         string             // BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter; "" when the controls were deleted
	Policy            string             // document; "" without
	Tags              []Tag
}

// ObjectEncryption is how an object is encrypted as its owner sees it; on disk
// every object is encrypted under the local key.
type ObjectEncryption struct {
	Algorithm string // AES256 or aws:kms
	KMSKeyID  string // as it was given; "" is the account's aws/s3 key
	BucketKey bool
}

// PublicAccessBlock is a bucket's block of public access.
type PublicAccessBlock struct {
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets bool
}

// ARN is the bucket's ARN.
func (b *Bucket) ARN() string { return "arn:aws:s3:::" + b.Name }

// Buckets holds buckets by name. Index "account" takes the owner.
var Buckets = store.Define("s3.bucket", func(b *Bucket) string { return b.Name },
	store.By("account", func(b *Bucket) []string { return []string{b.Account} }))
