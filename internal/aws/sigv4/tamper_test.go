package sigv4

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

var (
	testKey  = Credentials{AccessKeyID: "LKIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}
	testTime = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	testNow  = &Verifier{Now: func() time.Time { return testTime }}
)

func signedPost() *http.Request {
	r, _ := http.NewRequest("POST", "http://127.0.0.1:4566/?x=1", strings.NewReader("Action=A"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Amz-Target", "T.Op")
	Sign(r, testKey, "eu-west-1", "ecs", []byte("Action=A"), testTime)
	return r
}

func TestTampering(t *testing.T) {
	cases := []struct {
		name   string
		change func(*http.Request)
		want   Kind
	}{
		{"nothing", func(*http.Request) {}, 0},
		{"body", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("Action=B")) }, Mismatch},
		{"method", func(r *http.Request) { r.Method = "PUT" }, Mismatch},
		{"path", func(r *http.Request) { r.URL.Path = "/y" }, Mismatch},
		{"query", func(r *http.Request) { r.URL.RawQuery = "x=2" }, Mismatch},
		{"more query", func(r *http.Request) { r.URL.RawQuery = "x=1&x=1" }, Mismatch},
		{"host", func(r *http.Request) { r.Host = "evil" }, Mismatch},
		{"target", func(r *http.Request) { r.Header.Set("X-Amz-Target", "T.Other") }, Mismatch},
		{"second target", func(r *http.Request) { r.Header.Add("X-Amz-Target", "T.Other") }, Mismatch},
		{"token", func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "other") }, Mismatch},
		{"unsigned header", func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") }, HeadersNotSigned},
		{"date", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261122T050001Z") }, Mismatch},
		{"day", func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261121T050000Z") }, BadScope},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, Incomplete},
		{"digest of another body", func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", emptySHA256) }, ContentMismatch},
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, Missing},
		{"two signatures", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, Conflicting},
		{"query too", func(r *http.Request) { r.URL.RawQuery += "&X-Amz-Signature=00" }, Conflicting},
		{"region", replaceAuth("eu-west-1", "us-east-1"), Mismatch},
		{"service", replaceAuth("/ecs/", "/iam/"), Mismatch},
		{"key", replaceAuth("LKIAEXAMPLE", "LKIAOTHER"), 0}, // the lookup gives another secret
		{"host not signed", replaceAuth(";host", ""), HeadersNotSigned},
		{"terminator", replaceAuth("aws4_request", "aws3_request"), BadScope},
		{"algorithm", replaceAuth("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), UnsupportedAlgorithm},
		{"sigv4a", replaceAuth("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), UnsupportedAlgorithm},
		{"sigv2", func(r *http.Request) { r.Header.Set("Authorization", "AWS AKIA:sig") }, UnsupportedAlgorithm},
		{"short credential", replaceAuth("/ecs/aws4_request", ""), Incomplete},
		{"empty key", replaceAuth("LKIAEXAMPLE", ""), Incomplete},
		{"no credential", replaceAuth("Credential=", "X="), Incomplete},
		{"short signature", func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", a[:len(a)-1])
		}, Mismatch},
		{"upper-case signature", func(r *http.Request) {
			a, sig, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", a+"Signature="+strings.ToUpper(sig))
		}, Mismatch},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := signedPost()
			c.change(r)
			_, err := verify(testNow, r, "secret")
			if kindOf(err) != c.want || (err != nil) != (c.want != 0) {
				t.Errorf("got %d %v, want %d", kindOf(err), err, c.want)
			}
		})
	}
}

func replaceAuth(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		off  time.Duration
		want Kind
		text string
	}{
		{15 * time.Minute, 0, ""}, {-15 * time.Minute, 0, ""},
		{15*time.Minute + time.Second, Skewed, "Signature expired: 20261122T050000Z is now earlier than 20261122T050001Z (20261122T051501Z - 15 min.)"},
		{-15*time.Minute - time.Second, Skewed, "Signature not yet current: 20261122T050000Z is still later than 20261122T045959Z (20261122T044459Z + 15 min.)"},
	} {
		v := &Verifier{Now: func() time.Time { return testTime.Add(c.off) }}
		_, err := verify(v, signedPost(), "secret")
		if kindOf(err) != c.want || err != nil && err.Error() != c.text {
			t.Errorf("%s: %v", c.off, err)
		}
	}
}

func TestPresigned(t *testing.T) {
	get := func(expires time.Duration) *http.Request {
		r, _ := http.NewRequest("GET", "http://127.0.0.1:4566/bucket/a%2Fb%20c?versionId=1", nil)
		r.Body = http.NoBody
		Presign(r, testKey, "us-east-1", "s3", expires, testTime)
		return r
	}
	late := &Verifier{Now: func() time.Time { return testTime.Add(MaxExpires) }}
	later := &Verifier{Now: func() time.Time { return testTime.Add(MaxExpires + time.Second) }}
	for name, c := range map[string]struct {
		v    *Verifier
		r    *http.Request
		want Kind
	}{
		"in time":       {late, get(MaxExpires), 0},
		"expired":       {later, get(MaxExpires), Expired},
		"too long":      {testNow, get(MaxExpires + time.Second), BadQuery},
		"negative":      {testNow, get(-time.Second), BadQuery},
		"from tomorrow": {&Verifier{Now: func() time.Time { return testTime.Add(-24 * time.Hour) }}, get(time.Hour), Skewed},
	} {
		if _, err := verify(c.v, c.r, "secret"); kindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := get(time.Hour)
	r.Header.Set("X-Amz-Acl", "public-read")
	if _, err := verify(testNow, r, "secret"); kindOf(err) != HeadersNotSigned {
		t.Errorf("added header: %v", err)
	}
	r = get(time.Hour)
	r.URL.RawQuery += "&X-Amz-Signature=" + strings.Repeat("0", 64)
	if _, err := verify(testNow, r, "secret"); kindOf(err) != BadQuery {
		t.Errorf("second signature: %v", err)
	}
}

// s3Put signs a PUT with the payload hash that the header says.
func s3Put(hash, body string, headers ...string) *http.Request {
	r, _ := http.NewRequest("PUT", "http://127.0.0.1:4566/b/k", nil)
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("X-Amz-Content-Sha256", hash)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	Sign(r, testKey, "us-east-1", "s3", nil, testTime)
	return r
}

func TestBodies(t *testing.T) {
	crc, _ := NewChecksum("crc64nvme")
	crc.Write([]byte("hello world"))
	sum := base64.StdEncoding.EncodeToString(crc.Sum(nil))
	trailing := func(body, length string, announced ...string) *http.Request {
		h := []string{"X-Amz-Decoded-Content-Length", length, "Content-Encoding", "aws-chunked,gzip"}
		for _, a := range announced {
			h = append(h, "X-Amz-Trailer", a)
		}
		return s3Put(StreamingUnsignedTrailer, body, h...)
	}
	name := "x-amz-checksum-crc64nvme"
	cases := []struct {
		name string
		r    *http.Request
		body string
		want Kind
	}{
		{"digest", s3Put(sha256Hex([]byte("hello")), "hello"), "hello", 0},
		{"wrong digest", s3Put(sha256Hex([]byte("hello")), "hellO"), "", ContentMismatch},
		{"not a digest", s3Put("zz", "hello"), "", Incomplete},
		{"unsigned", s3Put(UnsignedPayload, "hello"), "hello", 0},
		{"trailer", trailing("5\r\nhello\r\n6\r\n world\r\n0\r\n"+name+":"+sum+"\r\n\r\n", "11", name), "hello world", 0},
		{"trailer, bad sum", trailing("5\r\nhello\r\n6\r\n WORLD\r\n0\r\n"+name+":"+sum+"\r\n\r\n", "11", name), "", BadChecksum},
		{"trailer missing", trailing("b\r\nhello world\r\n0\r\n\r\n", "11", name), "", BadChecksum},
		{"trailer not announced", trailing("b\r\nhello world\r\n0\r\n"+name+":"+sum+"\r\n\r\n", "11"), "", BadChunk},
		{"trailer twice", trailing("b\r\nhello world\r\n0\r\n"+name+":"+sum+"\r\n"+name+":"+sum+"\r\n\r\n", "11", name), "", BadChunk},
		{"trailer of another kind", trailing("0\r\n\r\n", "0", "x-amz-meta-a"), "", BadChecksum},
		{"longer than announced", trailing("b\r\nhello world\r\n0\r\n\r\n", "10"), "", ShortBody},
		{"shorter than announced", trailing("b\r\nhello world\r\n0\r\n\r\n", "12"), "", ShortBody},
		{"cut", trailing("b\r\nhello wor", "11"), "", ShortBody},
		{"no last chunk", trailing("b\r\nhello world\r\n", "11"), "", ShortBody},
		{"no length", s3Put(StreamingUnsignedTrailer, "0\r\n\r\n"), "", MissingLength},
		{"bad size", trailing("-1\r\n\r\n", "0"), "", BadChunk},
		{"huge size", trailing("ffffffffffffffff\r\n\r\n", "0"), "", BadChunk},
		{"long header", trailing(strings.Repeat("0", maxLine+1)+"\r\n", "0"), "", BadChunk},
		{"data after the end", trailing("0\r\n\r\nmore", "0"), "", BadChunk},
		{"chunk longer than its size", trailing("1\r\nab\r\n0\r\n\r\n", "1"), "", BadChunk},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body, err := verify(testNow, c.r, "secret")
			if kindOf(err) != c.want || err == nil && body != c.body || err != nil && c.want == 0 {
				t.Fatalf("got %q %v, want %d", body, err, c.want)
			}
			if c.name == "trailer" && (c.r.Trailer.Get(name) != sum || c.r.ContentLength != 11 || c.r.Header.Get("Content-Encoding") != "gzip") {
				t.Errorf("trailer %v, length %d, encoding %q", c.r.Trailer, c.r.ContentLength, c.r.Header.Get("Content-Encoding"))
			}
		})
	}
}

// TestChunkAttacks changes one thing of AWS's signed examples.
func TestChunkAttacks(t *testing.T) {
	v := at(t, "20130524T000000Z")
	chunk2 := chunkedBody[strings.Index(chunkedBody, "400;"):strings.Index(chunkedBody, "0;chunk-signature=b6c6")]
	for name, c := range map[string]struct{ head, body string }{
		"data":            {chunkedHead, strings.Replace(chunkedBody, "\r\naa", "\r\nab", 1)},
		"dropped chunk":   {strings.Replace(chunkedHead, "66560", "65536", 1), strings.Replace(chunkedBody, chunk2, "", 1)},
		"doubled chunk":   {chunkedHead, strings.Replace(chunkedBody, chunk2, chunk2+chunk2, 1)},
		"no signature":    {chunkedHead, strings.Replace(chunkedBody, ";chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", "", 1)},
		"cut":             {chunkedHead, chunkedBody[:70000%len(chunkedBody)]},
		"trailer value":   {trailerHead, strings.Replace(trailerBody, "sOO8/Q==", "sOO8/A==", 1)},
		"trailer dropped": {trailerHead, strings.Replace(trailerBody, "x-amz-checksum-crc32c:sOO8/Q==\r\n", "", 1)},
		"signature gone":  {trailerHead, trailerBody[:strings.Index(trailerBody, "x-amz-trailer-signature")] + "\r\n"},
	} {
		if _, err := verify(v, request(t, c.head, c.body), s3Secret); kindOf(err) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	for kind := Missing; kind <= MissingContentHash; kind++ {
		for family := Query; family <= S3; family++ {
			code, status, message, ok := Answer(fmt.Errorf("wrapped: %w", errorf(kind, "detail")), family)
			if !ok || code == "" || status < 400 || status > 499 || message == "" {
				t.Errorf("kind %d, family %d: %q %d %q", kind, family, code, status, message)
			}
		}
	}
	if _, _, _, ok := Answer(io.EOF, Query); ok {
		t.Error("io.EOF is worded")
	}
}

func BenchmarkVerify(b *testing.B) {
	r := signedPost()
	body := bytes.Repeat([]byte("a"), 8)
	copy(body, "Action=A")
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(r)
		if err == nil {
			err = testNow.VerifyBody(r, s, "secret", body)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
