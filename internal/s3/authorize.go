package s3

import (
	"context"
	"reflect"
	"strconv"
	"strings"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
)

// Authorization is which permission each operation needs. Operations without a
// rule ask for theirs in the handler: see permission.go.
func (s *Service) Authorization() authorize.Service {
	rules := map[string][]authorize.Rule{
		"ListBuckets":         {{Action: "s3:ListAllMyBuckets"}},
		"PutObject":           {{Action: "s3:PutObject", Resources: keyOf, Conditions: putConditions}},
		"DeleteObject":        {},
		"DeleteObjects":       {},
		"DeleteObjectTagging": {},
		"GetObject":           {},
		"GetObjectAcl":        {},
		"GetObjectAttributes": {},
		"GetObjectTagging":    {},
		"HeadObject":          {},
		"PutObjectTagging":    {},
	}
	for operation, action := range map[string]string{
		"CompleteMultipartUpload": "PutObject", "CopyObject": "PutObject", "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject", "UploadPartCopy": "PutObject",
		"AbortMultipartUpload": "AbortMultipartUpload", "ListParts": "ListMultipartUploadParts",
	} {
		rules[operation] = []authorize.Rule{{Action: "s3:" + action, Resources: keyOf, Conditions: putConditions}}
	}
	for operation, action := range map[string]string{
		"CreateBucket": "CreateBucket", "DeleteBucket": "DeleteBucket", "HeadBucket": "ListBucket",
		"ListObjects": "ListBucket", "ListObjectsV2": "ListBucket", "ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads",
		"GetBucketAcl": "GetBucketAcl", "GetBucketLocation": "GetBucketLocation",
		"GetBucketEncryption": "GetEncryptionConfiguration", "PutBucketEncryption": "PutEncryptionConfiguration", "DeleteBucketEncryption": "PutEncryptionConfiguration",
		"GetBucketOwnershipControls": "GetBucketOwnershipControls", "PutBucketOwnershipControls": "PutBucketOwnershipControls", "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
		"GetBucketPolicy": "GetBucketPolicy", "GetBucketPolicyStatus": "GetBucketPolicyStatus", "PutBucketPolicy": "PutBucketPolicy", "DeleteBucketPolicy": "DeleteBucketPolicy",
		"GetBucketTagging": "GetBucketTagging", "PutBucketTagging": "PutBucketTagging", "DeleteBucketTagging": "PutBucketTagging",
		"GetBucketVersioning": "GetBucketVersioning", "PutBucketVersioning": "PutBucketVersioning",
		"GetPublicAccessBlock": "GetBucketPublicAccessBlock", "PutPublicAccessBlock": "PutBucketPublicAccessBlock", "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
	} {
		rules[operation] = []authorize.Rule{{Action: "s3:" + action, Resources: bucketOf, Conditions: listConditions}}
	}
	return authorize.Service{Rules: rules, ResourcePolicy: s.resourcePolicy}
}

// resourcePolicy returns the policy of the bucket of an object or a bucket. The
// owner is told also for a bucket without a policy.
func (s *Service) resourcePolicy(_ context.Context, resource string) (document, ownerAccount string, ok bool) {
	name, found := strings.CutPrefix(resource, "arn:aws:s3:::")
	name, _, _ = strings.Cut(name, "/")
	b, exists := state.Buckets.Get(s.DB.Read(), name)
	if found && !exists && strings.HasSuffix(name, layerBucketSuffix) {
		return layerBucketPolicy, "", true
	}
	if !found || !exists {
		return "", "", false
	}
	return b.Policy, b.Account, b.Policy != ""
}

// The buckets of AWS's that layers of images come from are open to who has a link;
// what is left to decide is for the policy of the endpoint on the way.
const (
	layerBucketSuffix = "-starport-layer-bucket"
	layerBucketPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`
)

func bucketOf(_ caller.Identity, in any) []string {
	return []string{"arn:aws:s3:::" + reflect.ValueOf(in).Elem().FieldByName("Bucket").String()}
}

func keyOf(_ caller.Identity, in any) []string {
	v := reflect.ValueOf(in).Elem()
	return []string{objectARN(v.FieldByName("Bucket").String(), v.FieldByName("Key").String())}
}

// putConditions are the condition keys of requests that write an object: the
// headers that policies commonly ask for.
func putConditions(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	v := reflect.ValueOf(in).Elem()
	for member, key := range map[string]string{
		"ServerSideEncryption": "s3:x-amz-server-side-encryption", "SSEKMSKeyId": "s3:x-amz-server-side-encryption-aws-kms-key-id",
		"StorageClass": "s3:x-amz-storage-class", "ACL": "s3:x-amz-acl", "CopySource": "s3:x-amz-copy-source", "MetadataDirective": "s3:x-amz-metadata-directive",
		"IfMatch": "s3:if-match", "IfNoneMatch": "s3:if-none-match",
	} {
		if f := v.FieldByName(member); f.IsValid() && f.String() != "" {
			out[key] = []string{f.String()}
		}
	}
	if f := v.FieldByName("Tagging"); f.IsValid() && f.Kind() == reflect.String {
		tags, _ := parseTagging(f.String())
		for _, t := range tags {
			out["s3:RequestObjectTag/"+t.Key] = []string{t.Value}
			out["s3:RequestObjectTagKeys"] = append(out["s3:RequestObjectTagKeys"], t.Key)
		}
	}
	return out
}

// listConditions are the condition keys of requests to a bucket.
func listConditions(_ caller.Identity, in any) map[string][]string {
	out := map[string][]string{}
	list := func(prefix, delimiter string, most *int32) {
		out["s3:prefix"] = []string{prefix}
		if delimiter != "" {
			out["s3:delimiter"] = []string{delimiter}
		}
		if most != nil {
			out["s3:max-keys"] = []string{strconv.Itoa(int(*most))}
		}
	}
	switch in := in.(type) {
	case *s3api.ListObjectsRequest:
		list(in.Prefix, in.Delimiter, in.MaxKeys)
	case *s3api.ListObjectsV2Request:
		list(in.Prefix, in.Delimiter, in.MaxKeys)
	case *s3api.ListObjectVersionsRequest:
		list(in.Prefix, in.Delimiter, in.MaxKeys)
	case *s3api.CreateBucketRequest:
		if c := in.CreateBucketConfiguration; c != nil && c.LocationConstraint != "" {
			out["s3:LocationConstraint"] = []string{string(c.LocationConstraint)}
		}
	}
	return out
}
