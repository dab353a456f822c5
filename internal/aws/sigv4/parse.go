package sigv4

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// MaxExpires is the longest life of a presigned request.
const MaxExpires = 7 * 24 * time.Hour

// Signature is what a request says about how it is signed. Nothing in it is
// proven before it is verified.
type Signature struct {
	AccessKeyID string
	Date        string // of the credential scope, YYYYMMDD
	Region      string
	Service     string // signing name, for example "ecs" or "s3"
	Token       string // session token, "" when there is none

	Time          time.Time     // when it was signed
	Presigned     bool          // the signature is in the query
	Expires       time.Duration // presigned only
	SignedHeaders []string      // lower case, as listed

	Version2 bool // the old form of S3's presigned query; Region and Date are empty
	// S3Path is the path-style path ("/bucket/key") of an S3 request, as it is
	// sent. Whoever routes the request sets it: Version2 cannot be verified without.
	S3Path string

	value string // the signature itself: lower-case hex, base64 for Version2
}

func (s *Signature) scope() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// Signed reports whether the request carries any kind of AWS signature, valid
// or not. A request that does not may still be served as anonymous (S3).
func Signed(r *http.Request) bool {
	return r.Header.Get("Authorization") != "" || isPresigned(r)
}

func isPresigned(r *http.Request) bool {
	q := r.URL.RawQuery
	return strings.Contains(q, "X-Amz-Algorithm=") || strings.Contains(q, "X-Amz-Signature=") ||
		strings.Contains(q, "AWSAccessKeyId=") && strings.Contains(q, "Signature=")
}

// Parse reads the signature of r from its Authorization header or its query.
// It proves nothing; see Verifier.
func Parse(r *http.Request) (*Signature, error) {
	headers := r.Header["Authorization"]
	switch presigned := isPresigned(r); {
	case len(headers) > 1 || len(headers) == 1 && presigned:
		return nil, errorf(Conflicting, "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified")
	case presigned:
		return parseQuery(r)
	case len(headers) == 0 || headers[0] == "":
		return nil, errorf(Missing, "Missing Authentication Token")
	}
	return parseHeader(r, headers[0])
}

func parseHeader(r *http.Request, header string) (*Signature, error) {
	algorithm, rest, _ := strings.Cut(header, " ")
	if algorithm != Algorithm {
		return nil, errorf(UnsupportedAlgorithm, "Unsupported AWS 'algorithm': '%s'", clip(algorithm))
	}
	var credential, signed, signature string
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			signed = value
		case "Signature":
			signature = value
		}
	}
	when := r.Header.Get("X-Amz-Date")
	if when == "" {
		when = r.Header.Get("Date")
	}
	if problem := incomplete(credential, signed, signature, when); problem != "" {
		return nil, errorf(Incomplete, "%sAuthorization=%s", problem, redact(header))
	}
	s := &Signature{Token: r.Header.Get("X-Amz-Security-Token")}
	var err error
	if s.Time, err = parseTime(when); err != nil {
		return nil, errorf(Incomplete, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", clip(when))
	}
	return s, s.fill(credential, signed, signature)
}

func incomplete(credential, signed, signature, when string) string {
	var b strings.Builder
	for _, p := range []struct{ name, value string }{{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signed}} {
		if p.value == "" {
			b.WriteString("Authorization header requires '" + p.name + "' parameter. ")
		}
	}
	if when == "" {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return b.String()
}

func parseQuery(r *http.Request) (*Signature, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, errorf(BadQuery, "The query string cannot be parsed")
	}
	if isVersion2(q) && !q.Has("X-Amz-Algorithm") {
		return parseVersion2(q)
	}
	for _, name := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-Date", "X-Amz-SignedHeaders"} {
		if len(q[name]) != 1 || q[name][0] == "" {
			return nil, errorf(BadQuery, "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
		}
	}
	if a := q.Get("X-Amz-Algorithm"); a != Algorithm {
		return nil, errorf(UnsupportedAlgorithm, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"; got '%s'", clip(a))
	}
	s := &Signature{Presigned: true, Token: q.Get("X-Amz-Security-Token")}
	if s.Time, err = time.Parse(timeFormat, q.Get("X-Amz-Date")); err != nil {
		return nil, errorf(BadQuery, "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"")
	}
	if s.Expires, err = parseExpires(q["X-Amz-Expires"]); err != nil {
		return nil, err
	}
	return s, s.fill(q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"))
}

// parseExpires reads X-Amz-Expires. Services other than S3 may leave it out and
// then have the 15 minutes of a header signature.
func parseExpires(values []string) (time.Duration, error) {
	if len(values) == 0 {
		return maxSkew, nil
	}
	n, err := strconv.Atoi(values[0])
	switch {
	case err != nil || len(values) > 1:
		return 0, errorf(BadQuery, "X-Amz-Expires should be a number")
	case n < 0:
		return 0, errorf(BadQuery, "X-Amz-Expires must be non-negative")
	case time.Duration(n)*time.Second > MaxExpires || n > 1<<30:
		return 0, errorf(BadQuery, "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
	}
	return time.Duration(n) * time.Second, nil
}

func (s *Signature) fill(credential, signed, signature string) error {
	kind := Incomplete
	if s.Presigned {
		kind = BadQuery
	}
	parts := strings.Split(credential, "/")
	if len(parts) < 5 || len(credential) > 512 {
		return errorf(kind, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(credential))
	}
	n := len(parts) - 4
	s.AccessKeyID = strings.Join(parts[:n], "/")
	s.Date, s.Region, s.Service = parts[n], parts[n+1], parts[n+2]
	switch {
	case s.AccessKeyID == "" || s.Region == "" || s.Service == "":
		return errorf(kind, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", clip(credential))
	case parts[n+3] != terminator:
		return errorf(BadScope, "Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", clip(parts[n+3]))
	case s.Date != s.Time.Format(dateFormat):
		return errorf(BadScope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			clip(s.Date), s.Time.Format(dateFormat), s.Time.Format(timeFormat))
	case len(signed) > 8192:
		return errorf(kind, "SignedHeaders is too long")
	case len(signature) != 64:
		return errorf(Mismatch, mismatchText)
	}
	s.SignedHeaders = strings.Split(strings.ToLower(signed), ";")
	s.value = signature
	return nil
}

func parseTime(s string) (time.Time, error) {
	if t, err := time.Parse(timeFormat, s); err == nil {
		return t, nil
	}
	t, err := http.ParseTime(s)
	return t.UTC(), err
}

// clip bounds what we repeat of a request in an error.
func clip(s string) string {
	if len(s) > 128 {
		return s[:128]
	}
	return s
}

// redact removes the signature from a header that we repeat in an error.
func redact(header string) string {
	if i := strings.Index(header, "Signature="); i >= 0 {
		header = header[:i] + "Signature=(hidden)"
	}
	return clip(header)
}
