package sigv4

import (
	"net/http"
	"testing"
	"time"
)

// TestVersion2 holds botocore's signer (secret "test", bucket b, key k,
// versionId 1) against changes of the request.
func TestVersion2(t *testing.T) {
	const query = "versionId=1&AWSAccessKeyId=test&Signature=HQHF0F2w06hM0a4U15z2Vi9mfDM%3D&Expires=2000000000"
	before := &Verifier{Now: func() time.Time { return time.Unix(1999999999, 0) }}
	after := &Verifier{Now: func() time.Time { return time.Unix(2000000001, 0) }}
	for name, c := range map[string]struct {
		v             *Verifier
		method, query string
		path          string
		header        string
		want          Kind
	}{
		"good":              {before, "GET", query, "/b/k", "", 0},
		"expired":           {after, "GET", query, "/b/k", "", Expired},
		"later expiry":      {before, "GET", query[:len(query)-1] + "1", "/b/k", "", Mismatch},
		"method":            {before, "PUT", query, "/b/k", "", Mismatch},
		"key":               {before, "GET", query, "/b/j", "", Mismatch},
		"version":           {before, "GET", "versionId=2" + query[11:], "/b/k", "", Mismatch},
		"other operation":   {before, "GET", query + "&tagging", "/b/k", "", Mismatch},
		"unknown parameter": {before, "GET", query + "&encryption", "/b/k", "", HeadersNotSigned},
		"free parameter":    {before, "GET", query + "&x-id=GetObject", "/b/k", "", 0},
		"added header":      {before, "GET", query, "/b/k", "X-Amz-Acl", Mismatch},
		"unknown path":      {before, "GET", query, "", "", HeadersNotSigned},
		"second signature":  {before, "GET", query + "&Signature=x", "/b/k", "", BadQuery},
		"no expiry":         {before, "GET", query[:len(query)-19], "/b/k", "", BadQuery},
	} {
		r, err := http.NewRequest(c.method, "http://127.0.0.1/b/k?"+c.query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if c.header != "" {
			r.Header.Set(c.header, "x")
		}
		s, err := Parse(r)
		if err == nil {
			s.S3Path = c.path
			err = c.v.VerifyStream(r, s, "test")
		}
		if kindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, _ := http.NewRequest("GET", "http://127.0.0.1/?"+query, http.NoBody)
	if s, err := Parse(r); err != nil || kindOf(before.VerifyBody(r, s, "test", nil)) != UnsupportedAlgorithm {
		t.Error("version 2 is accepted outside of S3")
	}
}
