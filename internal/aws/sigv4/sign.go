package sigv4

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials sign requests.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // "" for long-term keys
}

// Sign signs r in its Authorization header: the host, Content-Type and every
// X-Amz- header. body is the whole body; r.Body itself is not touched. For S3
// the X-Amz-Content-Sha256 header is set, unless it is already there (for
// example UNSIGNED-PAYLOAD).
func Sign(r *http.Request, c Credentials, region, service string, body []byte, now time.Time) {
	s := newSignature(c, region, service, now)
	r.Header.Set("X-Amz-Date", s.Time.Format(timeFormat))
	r.Header.Del("Authorization")
	if c.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", c.SessionToken)
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		hash = sha256Hex(body)
		if service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
	}
	s.SignedHeaders = headersToSign(r)
	s.sign(r, c, hash)
	r.Header.Set("Authorization", Algorithm+" Credential="+c.AccessKeyID+"/"+s.scope()+
		", SignedHeaders="+strings.Join(s.SignedHeaders, ";")+", Signature="+s.value)
}

// Presign signs r in its query, for expires (at most MaxExpires). The body is
// not signed for S3, and empty for all others.
func Presign(r *http.Request, c Credentials, region, service string, expires time.Duration, now time.Time) {
	s := newSignature(c, region, service, now)
	s.SignedHeaders = headersToSign(r)
	q := r.URL.Query()
	q.Set("X-Amz-Algorithm", Algorithm)
	q.Set("X-Amz-Credential", c.AccessKeyID+"/"+s.scope())
	q.Set("X-Amz-Date", s.Time.Format(timeFormat))
	q.Set("X-Amz-Expires", strconv.Itoa(int(expires.Seconds())))
	q.Set("X-Amz-SignedHeaders", strings.Join(s.SignedHeaders, ";"))
	if c.SessionToken != "" {
		q.Set("X-Amz-Security-Token", c.SessionToken)
	}
	r.URL.RawQuery = q.Encode()
	hash := emptySHA256
	if service == "s3" {
		hash = UnsignedPayload
	}
	s.sign(r, c, hash)
	r.URL.RawQuery += "&X-Amz-Signature=" + s.value
}

func newSignature(c Credentials, region, service string, now time.Time) *Signature {
	now = now.UTC().Truncate(time.Second)
	return &Signature{AccessKeyID: c.AccessKeyID, Date: now.Format(dateFormat), Region: region, Service: service, Token: c.SessionToken, Time: now}
}

func (s *Signature) sign(r *http.Request, c Credentials, hash string) {
	key := signingKey(scopeKey{c.SecretAccessKey, s.Date, s.Region, s.Service})
	s.value = hex.EncodeToString(mac(key, stringToSign(s, canonicalRequest(r, s, hash))))
}

func headersToSign(r *http.Request) []string {
	names := []string{"host"}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") || lower == "content-type" || lower == "content-md5" {
			names = append(names, lower)
		}
	}
	slices.Sort(names)
	return names
}
