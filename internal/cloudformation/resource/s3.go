package resource

import (
	"context"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// bucket is AWS::S3::Bucket.
type bucket struct{}

var bucketSchema = &Schema{
	Type: "AWS::S3::Bucket",
	Properties: Properties{
		"BucketName": String.Replaces(),
		"BucketEncryption": Object(Properties{"ServerSideEncryptionConfiguration": ListOf(Object(Properties{
			"BucketKeyEnabled":              Boolean,
			"ServerSideEncryptionByDefault": Object(Properties{"SSEAlgorithm": String.Required(), "KMSMasterKeyID": String}),
		})).Required()}),
		"VersioningConfiguration":        Object(Properties{"Status": String.Required()}),
		"PublicAccessBlockConfiguration": Shape[s3api.PublicAccessBlockConfiguration](),
		"OwnershipControls":              Object(Properties{"Rules": ListOf(Object(Properties{"ObjectOwnership": String})).Required()}),
		"Tags":                           Tags,
	},
	Attributes: []string{"Arn", "DomainName", "DualStackDomainName", "RegionalDomainName", "WebsiteURL"},
	Name:       "BucketName",
}

// Schema is the type's schema.
func (bucket) Schema() *Schema { return bucketSchema }

func (r *Request) s3() s3api.API { return s3api.NewClient(r.Invoker) }

// Create makes the bucket and configures it.
func (bucket) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &s3api.CreateBucketRequest{Bucket: r.Or("BucketName", r.LowerName(63))}
		if r.Region != "us-east-1" {
			in.CreateBucketConfiguration = &s3api.CreateBucketConfiguration{LocationConstraint: s3api.BucketLocationConstraint(r.Region)}
		}
		if !r.Retry { // in us-east-1 S3 answers a second creation with success
			if _, err := r.s3().HeadBucket(ctx, &s3api.HeadBucketRequest{Bucket: in.Bucket}); err == nil {
				return Result{}, &Failure{Code: "AlreadyExists", Message: in.Bucket + " already exists"}
			}
		}
		if _, err := r.s3().CreateBucket(ctx, in); err != nil && !(r.Retry && isCode(err, "BucketAlreadyOwnedByYou")) {
			return Result{}, err
		}
		r.PhysicalID = in.Bucket
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return bucketResult(r), r.configureBucket(ctx, func(name string) bool { return r.Properties.Get(name) != nil }, true)
}

// configureBucket carries out the properties that changed; one that was removed
// goes back to what a new bucket has.
func (r *Request) configureBucket(ctx context.Context, changed func(string) bool, create bool) error {
	if changed("BucketEncryption") {
		if err := r.bucketEncryption(ctx); err != nil {
			return err
		}
	}
	if changed("VersioningConfiguration") {
		status := r.Properties.Get("VersioningConfiguration").Get("Status").Str()
		if status == "" {
			status = "Suspended"
		}
		err := r.s3().PutBucketVersioning(ctx, &s3api.PutBucketVersioningRequest{Bucket: r.PhysicalID,
			VersioningConfiguration: &s3api.VersioningConfiguration{Status: s3api.BucketVersioningStatus(status)}})
		if err != nil {
			return err
		}
	}
	if changed("PublicAccessBlockConfiguration") {
		if err := r.bucketPublicAccess(ctx); err != nil {
			return err
		}
	}
	if changed("OwnershipControls") {
		if err := r.bucketOwnership(ctx); err != nil {
			return err
		}
	}
	set, removed := r.tagChange()
	if !create && set == nil && removed == nil {
		return nil
	}
	tagging := &s3api.Tagging{TagSet: []s3api.Tag{}}
	for _, t := range r.allTags(r.Properties.Get("Tags")) {
		tagging.TagSet = append(tagging.TagSet, s3api.Tag{Key: t.Key, Value: t.Value})
	}
	return r.s3().PutBucketTagging(ctx, &s3api.PutBucketTaggingRequest{Bucket: r.PhysicalID, Tagging: tagging})
}

func (r *Request) bucketEncryption(ctx context.Context) error {
	rules := items(r.Properties.Get("BucketEncryption").Get("ServerSideEncryptionConfiguration"))
	if rules == nil {
		return r.s3().DeleteBucketEncryption(ctx, &s3api.DeleteBucketEncryptionRequest{Bucket: r.PhysicalID})
	}
	configuration := &s3api.ServerSideEncryptionConfiguration{}
	for _, u := range rules {
		var out s3api.ServerSideEncryptionRule
		if err := bind(renamed(u, "ServerSideEncryptionByDefault", "ApplyServerSideEncryptionByDefault"), &out); err != nil {
			return err
		}
		configuration.Rules = append(configuration.Rules, out)
	}
	return r.s3().PutBucketEncryption(ctx, &s3api.PutBucketEncryptionRequest{Bucket: r.PhysicalID, ServerSideEncryptionConfiguration: configuration})
}

// bucketPublicAccess sets the public access block: all four are on since 2023
// unless a template speaks of them, and then those it leaves out are off.
func (r *Request) bucketPublicAccess(ctx context.Context) error {
	on, off := true, false
	block := &s3api.PublicAccessBlockConfiguration{BlockPublicAcls: &on, IgnorePublicAcls: &on, BlockPublicPolicy: &on, RestrictPublicBuckets: &on}
	if given := r.Properties.Get("PublicAccessBlockConfiguration"); given != nil {
		block = &s3api.PublicAccessBlockConfiguration{BlockPublicAcls: &off, IgnorePublicAcls: &off, BlockPublicPolicy: &off, RestrictPublicBuckets: &off}
		if err := bind(given, block); err != nil {
			return err
		}
	}
	return r.s3().PutPublicAccessBlock(ctx, &s3api.PutPublicAccessBlockRequest{Bucket: r.PhysicalID, PublicAccessBlockConfiguration: block})
}

func (r *Request) bucketOwnership(ctx context.Context) error {
	given := r.Properties.Get("OwnershipControls")
	if given == nil {
		return r.s3().DeleteBucketOwnershipControls(ctx, &s3api.DeleteBucketOwnershipControlsRequest{Bucket: r.PhysicalID})
	}
	controls := &s3api.OwnershipControls{}
	if err := bind(given, controls); err != nil {
		return err
	}
	return r.s3().PutBucketOwnershipControls(ctx, &s3api.PutBucketOwnershipControlsRequest{Bucket: r.PhysicalID, OwnershipControls: controls})
}

func bucketResult(r *Request) Result {
	name := r.PhysicalID
	return Result{PhysicalID: name, Attributes: attributes("Arn", "arn:aws:s3:::"+name, "DomainName", name+".s3.amazonaws.com",
		"DualStackDomainName", name+".s3.dualstack."+r.Region+".amazonaws.com", "RegionalDomainName", name+".s3."+r.Region+".amazonaws.com",
		"WebsiteURL", "http://"+name+".s3-website-"+r.Region+".amazonaws.com")}
}

// Update changes the configuration.
func (bucket) Update(ctx context.Context, r *Request) (Result, error) {
	return bucketResult(r), r.configureBucket(ctx, r.Changed, false)
}

// Delete deletes the bucket, which must be empty.
func (bucket) Delete(ctx context.Context, r *Request) error {
	return gone(r.s3().DeleteBucket(ctx, &s3api.DeleteBucketRequest{Bucket: r.PhysicalID}), "NoSuchBucket")
}

// bucketPolicy is AWS::S3::BucketPolicy.
type bucketPolicy struct{}

var bucketPolicySchema = &Schema{
	Type:       "AWS::S3::BucketPolicy",
	Properties: Properties{"Bucket": String.Required().Replaces(), "PolicyDocument": Document.Required()},
}

// Schema is the type's schema.
func (bucketPolicy) Schema() *Schema { return bucketPolicySchema }

// Create puts the policy. A bucket that has one already is not taken over.
func (bucketPolicy) Create(ctx context.Context, r *Request) (Result, error) {
	name := r.Text("Bucket")
	if r.PhysicalID == "" && !r.Retry {
		if _, err := r.s3().GetBucketPolicy(ctx, &s3api.GetBucketPolicyRequest{Bucket: name}); err == nil {
			return Result{}, &Failure{Code: "AlreadyExists", Message: "The bucket policy already exists on bucket " + name + "."}
		}
	}
	if err := putBucketPolicy(ctx, r, name); err != nil {
		return Result{}, err
	}
	if r.PhysicalID == "" {
		if err := r.Created(name); err != nil {
			return Result{}, err
		}
	}
	return Result{PhysicalID: name, Attributes: map[string]*template.Value{}}, nil
}

func putBucketPolicy(ctx context.Context, r *Request, name string) error {
	return r.s3().PutBucketPolicy(ctx, &s3api.PutBucketPolicyRequest{Bucket: name, Policy: r.Properties.Get("PolicyDocument").JSON()})
}

// Update puts the new policy.
func (bucketPolicy) Update(ctx context.Context, r *Request) (Result, error) {
	return Result{PhysicalID: r.PhysicalID, Attributes: map[string]*template.Value{}}, putBucketPolicy(ctx, r, r.PhysicalID)
}

// Delete removes the policy.
func (bucketPolicy) Delete(ctx context.Context, r *Request) error {
	return gone(r.s3().DeleteBucketPolicy(ctx, &s3api.DeleteBucketPolicyRequest{Bucket: r.PhysicalID}), "NoSuchBucket", "NoSuchBucketPolicy")
}
