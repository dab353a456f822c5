package sigv4

import (
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxSkew is how far a client's clock may be off.
const maxSkew = 15 * time.Minute

const mismatchText = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."

// Verifier checks signatures and remembers signing keys. The zero value is
// ready; it is safe for concurrent use.
type Verifier struct {
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	keys keyCache
}

func (v *Verifier) now() time.Time {
	if v.Now != nil {
		return v.Now().UTC()
	}
	return time.Now().UTC()
}

// VerifyBody checks the signature of a request whose whole body is in memory,
// as all services but S3 have them.
func (v *Verifier) VerifyBody(r *http.Request, s *Signature, secret string, body []byte) error {
	hash := sha256Hex(body)
	if given := r.Header.Get("X-Amz-Content-Sha256"); isDigest(given) && given != hash {
		return errorf(ContentMismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	_, err := v.check(r, s, secret, hash)
	return err
}

// VerifyStream checks the signature of an S3 request without reading its body
// and replaces r.Body by a reader that checks the body as it is read: against
// X-Amz-Content-Sha256, or chunk by chunk with trailers and their checksums.
//
// What the reader returns is proven only when it has returned io.EOF; any other
// error is an *Error and what was read must be thrown away. Of aws-chunked
// bodies the framing is removed, r.ContentLength becomes the decoded length,
// aws-chunked leaves Content-Encoding, and r.Trailer holds the trailers after EOF.
func (v *Verifier) VerifyStream(r *http.Request, s *Signature, secret string) error {
	if s.Version2 {
		return v.verifyVersion2(r, s, secret)
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" && s.Presigned {
		// Some signers put it into the query, as all X-Amz- headers of a presigned request.
		if hash = r.URL.Query().Get("X-Amz-Content-Sha256"); hash == "" {
			hash = UnsignedPayload
		}
	}
	if hash == "" {
		return errorf(MissingContentHash, "Missing required header for this request: x-amz-content-sha256")
	}
	key, err := v.check(r, s, secret, hash)
	if err != nil {
		return err
	}
	return wrapBody(r, s, key, hash)
}

func (v *Verifier) check(r *http.Request, s *Signature, secret, payloadHash string) ([]byte, error) {
	if s.Version2 {
		return nil, errorf(UnsupportedAlgorithm, "Signature Version 2 is served for S3's presigned requests only")
	}
	if err := s.checkTime(v.now()); err != nil {
		return nil, err
	}
	if err := s.checkHeaders(r); err != nil {
		return nil, err
	}
	key := v.keys.get(scopeKey{secret, s.Date, s.Region, s.Service})
	want := mac(key, stringToSign(s, canonicalRequest(r, s, payloadHash)))
	if !equalHex(s.value, want) {
		return nil, errorf(Mismatch, mismatchText)
	}
	return key, nil
}

func stringToSign(s *Signature, canonical []byte) string {
	return Algorithm + "\n" + s.Time.Format(timeFormat) + "\n" + s.scope() + "\n" + sha256Hex(canonical)
}

func (s *Signature) checkTime(now time.Time) error {
	if s.Time.After(now.Add(maxSkew)) {
		return errorf(Skewed, "Signature not yet current: %s is still later than %s (%s + 15 min.)",
			s.Time.Format(timeFormat), now.Add(maxSkew).Format(timeFormat), now.Format(timeFormat))
	}
	life, kind := maxSkew, Skewed
	if s.Presigned {
		life, kind = s.Expires, Expired
	}
	if now.After(s.Time.Add(life)) {
		return errorf(kind, "Signature expired: %s is now earlier than %s (%s - %d min.)",
			s.Time.Format(timeFormat), now.Add(-life).Format(timeFormat), now.Format(timeFormat), int(life.Minutes()))
	}
	return nil
}

// checkHeaders refuses a request with headers that change its meaning and that
// the signature does not cover: Host, and everything that starts with X-Amz-.
// X-Amz-Content-Sha256 is bound by the last line of the canonical request.
func (s *Signature) checkHeaders(r *http.Request) error {
	if !slices.Contains(s.SignedHeaders, "host") {
		return errorf(HeadersNotSigned, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") || name == "X-Amz-Content-Sha256" {
			continue
		}
		if !slices.Contains(s.SignedHeaders, strings.ToLower(name)) {
			return errorf(HeadersNotSigned, "'%s' must be a 'SignedHeader' in the AWS Authorization.", clip(name))
		}
	}
	return nil
}

func equalHex(given string, want []byte) bool {
	var text [64]byte
	hex.Encode(text[:], want)
	return subtle.ConstantTimeCompare([]byte(given), text[:]) == 1
}

func isDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return false
		}
	}
	return true
}
