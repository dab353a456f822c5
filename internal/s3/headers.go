package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/state"
)

// maxMetadata is the size of all user metadata together, in bytes.
const maxMetadata = 2 << 10

// refused are request members that we do not carry out, and the headers they come in.
var refused = map[string]string{
	"SSECustomerAlgorithm":           "x-amz-server-side-encryption-customer-algorithm",
	"SSECustomerKey":                 "x-amz-server-side-encryption-customer-key",
	"CopySourceSSECustomerAlgorithm": "x-amz-copy-source-server-side-encryption-customer-algorithm",
	"SSEKMSEncryptionContext":        "x-amz-server-side-encryption-context",
	"ObjectLockMode":                 "x-amz-object-lock-mode",
	"ObjectLockLegalHoldStatus":      "x-amz-object-lock-legal-hold",
	"ObjectLockEventHold":            "x-amz-object-lock-event-hold",
	"ObjectLockEnabledForBucket":     "x-amz-bucket-object-lock-enabled",
	"BypassGovernanceRetention":      "x-amz-bypass-governance-retention",
	"WriteOffsetBytes":               "x-amz-write-offset-bytes",
	"GrantFullControl":               "x-amz-grant-full-control",
	"GrantRead":                      "x-amz-grant-read",
	"GrantReadACP":                   "x-amz-grant-read-acp",
	"GrantWrite":                     "x-amz-grant-write",
	"GrantWriteACP":                  "x-amz-grant-write-acp",
	"MFA":                            "x-amz-mfa",
	"BucketNamespace":                "x-amz-bucket-namespace",
	"AnnotationDirective":            "x-amz-object-annotation-directive",
	"IfMatchLastModifiedTime":        "x-amz-if-match-last-modified-time",
	"IfMatchSize":                    "x-amz-if-match-size",
}

// checkCarriedOut refuses a request with a header that we do not carry out.
func checkCarriedOut(in any) error {
	v := reflect.ValueOf(in).Elem()
	for i := range v.NumField() {
		header, ok := refused[v.Type().Field(i).Name]
		if f := v.Field(i); ok && !f.IsZero() && !(f.Kind() == reflect.Pointer && f.Elem().IsZero()) {
			return errNotImplemented(header)
		}
	}
	return nil
}

// checkACL accepts the access control lists that change nothing: the owner's.
func checkACL(acl, ownership string) error {
	switch {
	case acl == "" || acl == "private" || acl == "bucket-owner-full-control":
		return nil
	case ownership == "" || ownership == string(s3api.ObjectOwnershipBucketOwnerEnforced):
		return errDetailed("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
	}
	return errNotImplemented("x-amz-acl")
}

// storedHeaders takes the headers of a request that stores an object; the
// requests that do have the same members for them.
func storedHeaders(in any) (state.ObjectHeaders, error) {
	v := reflect.ValueOf(in).Elem()
	text := func(name string) string { return v.FieldByName(name).String() }
	h := state.ObjectHeaders{
		ContentType: text("ContentType"), CacheControl: text("CacheControl"), ContentDisposition: text("ContentDisposition"),
		ContentEncoding: text("ContentEncoding"), ContentLanguage: text("ContentLanguage"), Expires: text("Expires"),
		WebsiteRedirect: text("WebsiteRedirectLocation"), StorageClass: text("StorageClass"),
	}
	if h.ContentType == "" {
		h.ContentType = "binary/octet-stream"
	}
	size := 0
	if metadata, _ := v.FieldByName("Metadata").Interface().(map[string]string); len(metadata) > 0 {
		h.Metadata = map[string]string{}
		for name, value := range metadata {
			h.Metadata[strings.ToLower(name)] = value
			size += len(name) + len(value)
		}
	}
	if size > maxMetadata {
		return h, errDetailed("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size", "Size", fmt.Sprint(size), "MaxSizeAllowed", fmt.Sprint(maxMetadata))
	}
	return h, checkStorageClass(&h.StorageClass)
}

// checkStorageClass accepts the classes whose objects can be read at once.
func checkStorageClass(class *string) error {
	if *class == "" {
		*class = "STANDARD"
	}
	if !slices.Contains([]string{"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"}, *class) {
		return errDetailed("InvalidStorageClass", 400, "The storage class you specified is not valid", "StorageClassRequested", *class)
	}
	return nil
}

// encryptionOf is how an object is encrypted: as the request says, or as the
// bucket does by default.
func encryptionOf(b *state.Bucket, algorithm s3api.ServerSideEncryption, keyID string, bucketKey *bool) (state.ObjectEncryption, error) {
	if algorithm == "" {
		if keyID != "" {
			return state.ObjectEncryption{}, errInvalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms", "x-amz-server-side-encryption", "null")
		}
		return b.Encryption, nil
	}
	e := state.ObjectEncryption{Algorithm: string(algorithm), KMSKeyID: keyID, BucketKey: bucketKey != nil && *bucketKey}
	return e, checkEncryption(b, e)
}

func checkEncryption(b *state.Bucket, e state.ObjectEncryption) error {
	switch e.Algorithm {
	case "AES256":
		if e.KMSKeyID != "" {
			return errInvalidArgument("a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse", "ApplyServerSideEncryptionByDefault", "")
		}
		return nil
	case "aws:kms":
		return checkKMSKey(b, e.KMSKeyID)
	case "aws:kms:dsse", "aws:fsx", "aws:backup":
		return errNotImplemented("x-amz-server-side-encryption: " + e.Algorithm)
	}
	return errDetailed("InvalidEncryptionAlgorithmError", 400, "The Encryption request you specified is not valid. Supported value: AES256.", "ArgumentName", "x-amz-server-side-encryption", "ArgumentValue", e.Algorithm)
}

// checkKMSKey accepts the account's AWS managed key: there are no others.
func checkKMSKey(b *state.Bucket, id string) error {
	own := kmsKeyARN(b)
	switch {
	case id == "" || id == "alias/aws/s3" || id == arn.Format("kms", b.Region, b.Account, "alias/aws/s3") || id == own || strings.HasSuffix(own, ":key/"+id):
		return nil
	case strings.HasPrefix(id, "arn:"):
		return errDetailed("KMS.NotFoundException", 400, "Key '"+id+"' does not exist")
	}
	return errDetailed("KMS.NotFoundException", 400, "Invalid keyId '"+id+"'")
}

// kmsKeyARN is the account's AWS managed key for S3. There is one for each
// account and region, with an id that follows from them.
func kmsKeyARN(b *state.Bucket) string {
	sum := sha256.Sum256([]byte("aws/s3 " + b.Account + " " + b.Region))
	h := hex.EncodeToString(sum[:])
	id := h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:32]
	return arn.Format("kms", b.Region, b.Account, "key/"+id)
}

// putEncryption fills the encryption members of an answer.
func putEncryption(out any, b *state.Bucket, e state.ObjectEncryption) {
	v := reflect.ValueOf(out).Elem()
	v.FieldByName("ServerSideEncryption").SetString(e.Algorithm)
	if e.Algorithm != "aws:kms" {
		return
	}
	if f := v.FieldByName("SSEKMSKeyId"); f.IsValid() {
		f.SetString(kmsKeyARN(b))
	}
	if f := v.FieldByName("BucketKeyEnabled"); f.IsValid() && e.BucketKey {
		f.Set(reflect.ValueOf(&e.BucketKey))
	}
}

// putHeaders fills the members of an answer that an object was stored with.
func putHeaders(out any, h state.ObjectHeaders) {
	v := reflect.ValueOf(out).Elem()
	for name, value := range map[string]string{
		"ContentType": h.ContentType, "CacheControl": h.CacheControl, "ContentDisposition": h.ContentDisposition,
		"ContentEncoding": h.ContentEncoding, "ContentLanguage": h.ContentLanguage, "Expires": h.Expires,
		"WebsiteRedirectLocation": h.WebsiteRedirect,
	} {
		if value != "" {
			v.FieldByName(name).SetString(value)
		}
	}
	if h.StorageClass != "STANDARD" { // S3 leaves the header out for the usual class
		v.FieldByName("StorageClass").SetString(h.StorageClass)
	}
	if len(h.Metadata) > 0 {
		v.FieldByName("Metadata").Set(reflect.ValueOf(h.Metadata))
	}
}

// parseTagging reads the tags of an x-amz-tagging header.
func parseTagging(header string) ([]state.Tag, error) {
	if header == "" {
		return nil, nil
	}
	bad := errInvalidArgument("The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.", "x-amz-tagging", header)
	var tags []state.Tag
	for part := range strings.SplitSeq(header, "&") {
		name, value, _ := strings.Cut(part, "=")
		key, err := url.QueryUnescape(name)
		text, err2 := url.QueryUnescape(value)
		if err != nil || err2 != nil || slices.ContainsFunc(tags, func(t state.Tag) bool { return t.Key == key }) {
			return nil, bad
		}
		tags = append(tags, state.Tag{Key: key, Value: text})
	}
	return tags, checkTags(tags, 10, "Object tags cannot be greater than 10")
}
