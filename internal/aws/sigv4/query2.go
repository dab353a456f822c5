package sigv4

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signature Version 2 in the query of S3: what `aws s3 presign` and boto3's
// generate_presigned_url make in the older regions unless they are told
// otherwise. It is served in that form only. It signs neither host nor region,
// so the bucket has to be known: see Signature.S3Path.

// signedParameters are part of the signed resource.
var signedParameters = []string{
	"accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location", "logging", "metrics", "notification",
	"object-lock", "partNumber", "policy", "replication", "requestPayment", "response-cache-control", "response-content-disposition",
	"response-content-encoding", "response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type",
	"storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website",
}

// freeParameters are not signed and narrow an answer, no more. Any other
// parameter could turn the request into another operation and is refused.
var freeParameters = []string{
	"AWSAccessKeyId", "Expires", "Signature", "content-md5", "content-type", "continuation-token", "delimiter", "encoding-type", "fetch-owner", "key-marker",
	"list-type", "marker", "max-keys", "max-parts", "max-uploads", "part-number-marker", "prefix", "start-after", "upload-id-marker", "version-id-marker", "x-id",
}

func isVersion2(q url.Values) bool { return q.Has("AWSAccessKeyId") && q.Has("Signature") }

func parseVersion2(q url.Values) (*Signature, error) {
	for _, name := range []string{"AWSAccessKeyId", "Signature", "Expires"} {
		if len(q[name]) != 1 || q[name][0] == "" {
			return nil, errorf(BadQuery, "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters")
		}
	}
	expires, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
	if err != nil || expires < 0 || expires > 1<<40 {
		return nil, errorf(BadQuery, "Invalid date (should be seconds since epoch): %s", clip(q.Get("Expires")))
	}
	return &Signature{
		AccessKeyID: q.Get("AWSAccessKeyId"), Service: "s3", Token: q.Get("x-amz-security-token"), Presigned: true,
		Version2: true, Time: time.Unix(expires, 0).UTC(), value: q.Get("Signature"),
	}, nil
}

// verifyVersion2 checks the signature; the body is not signed.
func (v *Verifier) verifyVersion2(r *http.Request, s *Signature, secret string) error {
	if v.now().After(s.Time) {
		return errorf(Expired, "Request has expired")
	}
	q := r.URL.Query()
	resource, ok := resourceVersion2(s.S3Path, q)
	if !ok {
		return errorf(HeadersNotSigned, "There were headers present in the request which were not signed")
	}
	amz, ok := amzHeaders(r.Header, q)
	if !ok {
		return errorf(BadQuery, "A header stands in the query, too")
	}
	text := r.Method + "\n" + headerOrQuery(r.Header, q, "Content-Md5") + "\n" + headerOrQuery(r.Header, q, "Content-Type") + "\n" + q.Get("Expires") + "\n" + amz
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(text + resource))
	want := base64.StdEncoding.EncodeToString(h.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.value)) != 1 {
		return errorf(Mismatch, mismatchText)
	}
	return nil
}

func headerOrQuery(h http.Header, q url.Values, name string) string {
	if v := h.Get(name); v != "" {
		return v
	}
	return q.Get(strings.ToLower(name))
}

// resourceVersion2 is the path-style path with the signed parameters.
func resourceVersion2(path string, q url.Values) (string, bool) {
	if path == "" {
		return "", false
	}
	if strings.Count(path, "/") == 1 && path != "/" {
		path += "/" // a bucket is signed as its root
	}
	var parts []string
	for name, values := range q {
		switch {
		case slices.Contains(signedParameters, name):
			for _, v := range values {
				if v == "" {
					parts = append(parts, name)
				} else {
					parts = append(parts, name+"="+v)
				}
			}
		case !slices.Contains(freeParameters, name) && !strings.HasPrefix(name, "x-amz-"):
			return "", false
		}
	}
	if len(parts) == 0 {
		return path, true
	}
	slices.Sort(parts)
	return path + "?" + strings.Join(parts, "&"), true
}

// amzHeaders are the x-amz- headers; those of a presigned request stand in the query.
func amzHeaders(h http.Header, q url.Values) (string, bool) {
	all := map[string]string{}
	for name, values := range h {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && lower != "x-amz-content-sha256" {
			all[lower] = strings.Join(values, ",")
		}
	}
	for name, values := range q {
		if strings.HasPrefix(name, "x-amz-") {
			if _, twice := all[name]; twice || len(values) != 1 {
				return "", false
			}
			all[name] = values[0]
		}
	}
	lines := make([]string, 0, len(all))
	for name, value := range all {
		lines = append(lines, name+":"+strings.TrimSpace(value)+"\n")
	}
	slices.Sort(lines)
	return strings.Join(lines, ""), true
}
