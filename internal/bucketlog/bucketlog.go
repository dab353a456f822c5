// Package bucketlog puts the log files of AWS's services (trails, flow logs) into
// buckets: where they lie, how they are compressed, and as whom they are put. It
// is called by services and is none: the bucket's policy decides as on AWS.
package bucketlog

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/caller"
)

// Place is where the files of a log lie.
type Place struct {
	Bucket, Prefix  string
	Account, Region string // whose log it is
	Service         string // "CloudTrail", "vpcflowlogs"
	Log             string // id in the files' names, "" for none
}

// Folder is the key below which the account's files lie, with a slash at its end.
func (p Place) Folder() string {
	folder := "AWSLogs/" + p.Account + "/" + p.Service + "/"
	if p.Prefix != "" {
		return strings.TrimSuffix(p.Prefix, "/") + "/" + folder
	}
	return folder
}

// Key is the name of a file whose first entry is of that time. It follows from
// the seed, so that a file that is put again after a crash is the same one.
func (p Place) Key(at time.Time, seed, extension string) string {
	sum := sha256.Sum256([]byte(seed))
	words := []string{p.Account, p.Service, p.Region}
	if p.Log != "" {
		words = append(words, p.Log)
	}
	words = append(words, at.UTC().Format("20060102T1504Z"), base32.StdEncoding.EncodeToString(sum[:])[:16])
	return p.Folder() + p.Region + "/" + at.UTC().Format("2006/01/02") + "/" + strings.Join(words, "_") + extension
}

// As is a service of AWS that acts for a resource: its policies must allow it.
func As(ctx context.Context, principal, account, region, resourceARN string) context.Context {
	id := caller.ForService(principal, account, region)
	id.SourceARN = resourceARN
	return caller.With(ctx, id)
}

// Object is a file's content.
type Object struct {
	Content        []byte
	Type, Encoding string
}

// Gzip compresses a text.
func Gzip(text string) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}

// Put stores an object as the caller of ctx. The bucket's owner gets all rights on it.
func Put(ctx context.Context, api s3api.API, bucket, key string, o Object) error {
	size := int64(len(o.Content))
	_, err := api.PutObject(ctx, &s3api.PutObjectRequest{
		Bucket: bucket, Key: key, Body: io.NopCloser(bytes.NewReader(o.Content)), ContentLength: &size, ContentType: o.Type, ContentEncoding: o.Encoding,
		ACL: s3api.ObjectCannedACLBucketOwnerFullControl, ServerSideEncryption: s3api.ServerSideEncryptionAes256,
	})
	return err
}
