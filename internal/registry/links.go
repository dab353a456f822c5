package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// linkValidity is how long a link to a layer works.
const linkValidity = time.Hour

const linkTime = "20060102T150405Z"

// Links makes and verifies links to blobs that need no other credentials: the
// host, the path and the time are signed.
type Links struct {
	key []byte
	now func() time.Time
}

// NewLinks returns Links signed with a secret key.
func NewLinks(key []byte, now func() time.Time) *Links { return &Links{key: key, now: now} }

// URL is a link to a blob below https://host/prefix/.
func (l *Links) URL(host, prefix string, d digest.Digest) string {
	path := "/" + strings.Trim(prefix, "/") + "/" + d.Encoded()
	date := l.now().UTC().Format(linkTime)
	expires := strconv.Itoa(int(linkValidity / time.Second))
	query := url.Values{
		"X-Amz-Date": {date}, "X-Amz-Expires": {expires},
		"X-Amz-Signature": {l.sign(host, path, date, expires)},
	}
	return "https://" + host + path + "?" + query.Encode()
}

// Verify returns the blob that a request with a link asks for. The error is an
// *Error with status 403 and the reason.
func (l *Links) Verify(r *http.Request) (digest.Digest, error) {
	query := r.URL.Query()
	host, _, _ := strings.Cut(strings.ToLower(r.Host), ":")
	date, expires := query.Get("X-Amz-Date"), query.Get("X-Amz-Expires")
	want := l.sign(host, r.URL.Path, date, expires)
	if !hmac.Equal([]byte(want), []byte(query.Get("X-Amz-Signature"))) {
		return "", NewError(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	signed, err := time.Parse(linkTime, date)
	seconds, err2 := strconv.Atoi(expires)
	if err != nil || err2 != nil || l.now().After(signed.Add(time.Duration(seconds)*time.Second)) {
		return "", NewError(http.StatusForbidden, "AccessDenied", "Request has expired")
	}
	d := digest.NewDigestFromEncoded(digest.SHA256, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	return d, d.Validate()
}

func (l *Links) sign(parts ...string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(mac.Sum(nil))
}
