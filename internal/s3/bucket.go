package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const classicRegion = "us-east-1"

// CreateBucket makes a bucket in the region that the request is addressed to.
func (s *Service) CreateBucket(ctx context.Context, in *s3api.CreateBucketRequest) (*s3api.CreateBucketOutput, error) {
	id := caller.From(ctx)
	if !validBucketName(in.Bucket) {
		return nil, errDetailed("InvalidBucketName", 400, "The specified bucket is not valid.", "BucketName", in.Bucket)
	}
	if err := checkLocation(in.CreateBucketConfiguration, id.Region); err != nil {
		return nil, err
	}
	if err := checkCarriedOut(in); err != nil {
		return nil, err
	}
	ownership := string(in.ObjectOwnership)
	if ownership == "" {
		ownership = string(s3api.ObjectOwnershipBucketOwnerEnforced)
	}
	if !slices.Contains(s3api.ObjectOwnership("").EnumValues(), ownership) {
		return nil, errDetailed("InvalidArgument", 400, "Invalid x-amz-object-ownership header: "+ownership, "ArgumentName", "x-amz-object-ownership")
	}
	if err := checkACL(string(in.ACL), ownership); err != nil {
		return nil, errDetailed("InvalidBucketAclWithObjectOwnership", 400, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	b := &state.Bucket{
		Name: in.Bucket, Account: id.Account, Region: id.Region, CreatedAt: s.Now().UTC().Truncate(time.Second), Ownership: ownership,
		Encryption: state.ObjectEncryption{Algorithm: "AES256"},
		// Every new bucket is blocked to the public since April 2023.
		PublicAccessBlock: &state.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true},
	}
	if c := in.CreateBucketConfiguration; c != nil {
		tags, err := tagsOf(c.Tags, 50)
		if err != nil {
			return nil, err
		}
		b.Tags = tags
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		old, ok := state.Buckets.Get(tx, b.Name)
		switch {
		case !ok:
			state.Buckets.Put(tx, b)
			return nil
		case old.Account != b.Account:
			return errDetailed("BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.", "BucketName", b.Name)
		case old.Region == classicRegion && b.Region == classicRegion:
			return nil // as in the classic region, making it again changes nothing
		}
		return errDetailed("BucketAlreadyOwnedByYou", 409, "Your previous request to create the named bucket succeeded and you already own it.", "BucketName", b.Name)
	})
	if err != nil {
		return nil, err
	}
	location := "/" + b.Name
	if b.Region != classicRegion {
		location = "http://" + b.Name + ".s3.amazonaws.com/"
	}
	return &s3api.CreateBucketOutput{Location: location, BucketArn: b.ARN()}, nil
}

// checkLocation compares the location constraint with the region of the
// endpoint, as S3 does.
func checkLocation(c *s3api.CreateBucketConfiguration, region string) error {
	location := ""
	if c != nil {
		if c.Location != nil || c.Bucket != nil {
			return errNotImplemented("CreateBucketConfiguration.Bucket")
		}
		location = string(c.LocationConstraint)
	}
	if location == "EU" {
		location = "eu-west-1"
	}
	switch {
	case location == region && region != classicRegion || location == "" && region == classicRegion:
		return nil
	case location == "":
		location = "unspecified"
	case region == classicRegion && (location == classicRegion || !slices.Contains(s3api.BucketLocationConstraint("").EnumValues(), location)):
		return errDetailed("InvalidLocationConstraint", 400, "The specified location-constraint is not valid", "LocationConstraint", location)
	}
	return errDetailed("IllegalLocationConstraintException", 400, "The "+location+" location constraint is incompatible for the region specific endpoint this request was sent to.")
}

// validBucketName applies S3's rules for names of general purpose buckets.
func validBucketName(name string) bool {
	if len(name) < 3 || len(name) > 63 || strings.Contains(name, "..") || strings.Contains(name, ".-") || strings.Contains(name, "-.") {
		return false
	}
	for i, c := range name {
		alphanumeric := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || i == len(name)-1 || c != '-' && c != '.') {
			return false
		}
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	return !strings.HasSuffix(name, "-s3alias") && !strings.HasSuffix(name, "--ol-s3") && !strings.HasSuffix(name, ".mrap") && !strings.HasSuffix(name, "--x-s3")
}

// DeleteBucket removes an empty bucket, and what is left of unfinished uploads.
func (s *Service) DeleteBucket(ctx context.Context, in *s3api.DeleteBucketRequest) error {
	var files []string
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		for range state.ObjectVersions.All(tx, state.ObjectPrefix(b.Name, "")) {
			if b.Versioning != "" {
				return errDetailed("BucketNotEmpty", 409, "The bucket you tried to delete is not empty. You must delete all versions in the bucket.", "BucketName", b.Name)
			}
			return errDetailed("BucketNotEmpty", 409, "The bucket you tried to delete is not empty", "BucketName", b.Name)
		}
		files = nil
		for upload := range state.MultipartUploads.All(tx, state.ObjectPrefix(b.Name, "")) {
			files = append(files, dropUpload(tx, upload)...)
		}
		state.Buckets.Delete(tx, b.Name)
		return nil
	})
	if err == nil {
		s.discard(ctx, files...)
	}
	return err
}

// HeadBucket says that a bucket exists and may be accessed.
func (s *Service) HeadBucket(ctx context.Context, in *s3api.HeadBucketRequest) (*s3api.HeadBucketOutput, error) {
	b, err := s.bucket(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3api.HeadBucketOutput{BucketRegion: b.Region, BucketArn: b.ARN(), AccessPointAlias: new(bool)}, nil
}

// GetBucketLocation tells a bucket's region; the classic one has no name here.
func (s *Service) GetBucketLocation(ctx context.Context, in *s3api.GetBucketLocationRequest) (*s3api.GetBucketLocationOutput, error) {
	b, err := s.anyRegion(ctx, s.DB.Read(), in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3api.GetBucketLocationOutput{}
	if b.Region != classicRegion {
		out.LocationConstraint = s3api.BucketLocationConstraint(b.Region)
	}
	return out, nil
}

// ListBuckets lists the buckets of the caller's account, in all regions.
func (s *Service) ListBuckets(ctx context.Context, in *s3api.ListBucketsRequest) (*s3api.ListBucketsOutput, error) {
	id := caller.From(ctx)
	if in.BucketRegion != "" && in.BucketRegion != classicRegion && !slices.Contains(s3api.BucketLocationConstraint("").EnumValues(), in.BucketRegion) {
		return nil, errDetailed("InvalidArgument", 400, "Argument value "+in.BucketRegion+" is not a valid AWS Region", "ArgumentName", "bucket-region")
	}
	after, err := decodeToken(in.ContinuationToken)
	if err != nil {
		return nil, err
	}
	out := &s3api.ListBucketsOutput{Buckets: []s3api.Bucket{}, Owner: owner(id.Account), Prefix: in.Prefix}
	most := int(wire.Or(in.MaxBuckets, 10000))
	for b := range state.Buckets.By(s.DB.Read(), "account", id.Account) {
		if b.Name <= after || !strings.HasPrefix(b.Name, in.Prefix) || in.BucketRegion != "" && b.Region != in.BucketRegion {
			continue
		}
		if len(out.Buckets) == most {
			out.ContinuationToken = encodeToken(out.Buckets[most-1].Name)
			break
		}
		bucket := s3api.Bucket{Name: b.Name, CreationDate: b.CreatedAt}
		// The region is told to clients that ask for pages or a region only.
		if in.MaxBuckets != nil || in.BucketRegion != "" || in.Prefix != "" || in.ContinuationToken != "" {
			bucket.BucketRegion, bucket.BucketArn = b.Region, b.ARN()
		}
		out.Buckets = append(out.Buckets, bucket)
	}
	return out, nil
}

// owner is an account as S3 shows it: by a canonical id of 64 hex digits.
func owner(account string) *s3api.Owner {
	return &s3api.Owner{ID: canonicalID(account)}
}

func canonicalID(account string) string {
	sum := sha256.Sum256([]byte("canonical user " + account))
	return hex.EncodeToString(sum[:])
}
