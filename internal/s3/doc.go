// Package s3 is Amazon S3: buckets and objects, as far as staging templates,
// applications' own files and SAM's and CDK's managed buckets need it.
//
// Records are in state (Buckets, ObjectVersions, MultipartUploads, UploadParts),
// data in encrypted files of package blob: bodies are streamed to disk while
// their checksums are computed, written before the record that refers to them
// and removed after it is gone. A file that no record refers to is swept when
// the service starts.
//
// Which permission a request needs depends, for some operations, on what is in
// it (a version id, a source to copy, a list of keys). Those ask the Checker
// themselves (permission.go); all others are in the table (authorize.go).
//
// Not carried out, and refused by name: access control lists beyond the bucket
// owner's, object lock, customer-provided keys, customer-managed KMS keys,
// archive storage classes, and every operation that is not in operations.txt.
package s3
