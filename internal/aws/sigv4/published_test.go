package sigv4

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The example requests that AWS publishes, with the signatures that it prints.
var published = []struct {
	name, secret, now, request, body string
}{
	{"IAM ListUsers", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830T123600Z",
		"GET /?Action=ListUsers&Version=2010-05-08 HTTP/1.1\nHost: iam.amazonaws.com\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\nX-Amz-Date: 20150830T123600Z\n" +
			"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7", ""},
	{"get-vanilla", suiteSecret, "20150830T123600Z", suite("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"), ""},
	{"get-relative", suiteSecret, "20150830T123600Z", suite("GET", "/example/..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"), ""},
	{"get-relative-relative", suiteSecret, "20150830T123600Z", suite("GET", "/example1/example2/../..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"), ""},
	{"get-slash", suiteSecret, "20150830T123600Z", suite("GET", "//", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"), ""},
	{"get-slash-dot-slash", suiteSecret, "20150830T123600Z", suite("GET", "/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"), ""},
	{"get-vanilla-query-order-key-case", suiteSecret, "20150830T123600Z", suite("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"), ""},
	{"post-vanilla", suiteSecret, "20150830T123600Z", suite("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"), ""},
	{"S3 get object", s3Secret, "20130524T000000Z", s3Example("GET", "/test.txt", "host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
		"Range: bytes=0-9", "X-Amz-Content-Sha256: "+emptySHA256), ""},
	{"S3 put object", s3Secret, "20130524T000000Z", s3Example("PUT", "/test%24file.text", "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
		"Date: Fri, 24 May 2013 00:00:00 GMT", "X-Amz-Storage-Class: REDUCED_REDUNDANCY", "Content-Length: 21",
		"X-Amz-Content-Sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"), "Welcome to Amazon S3."},
	{"S3 get lifecycle", s3Secret, "20130524T000000Z", s3Example("GET", "/?lifecycle", "host;x-amz-content-sha256;x-amz-date", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
		"X-Amz-Content-Sha256: "+emptySHA256), ""},
	{"S3 list", s3Secret, "20130524T000000Z", s3Example("GET", "/?max-keys=2&prefix=J", "host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
		"X-Amz-Content-Sha256: "+emptySHA256), ""},
	{"S3 presigned", s3Secret, "20130524T235900Z", "GET /test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404 HTTP/1.1\nHost: examplebucket.s3.amazonaws.com", ""},
	{"S3 chunks", s3Secret, "20130524T000000Z", chunkedHead, chunkedBody},
	{"S3 chunks with trailer", s3Secret, "20130524T000000Z", trailerHead, trailerBody},
}

const (
	suiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	s3Secret    = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

	chunkedHead = "PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\nX-Amz-Date: 20130524T000000Z\nX-Amz-Storage-Class: REDUCED_REDUNDANCY\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9\n" +
		"X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\nContent-Encoding: aws-chunked\nX-Amz-Decoded-Content-Length: 66560\nContent-Length: 66824"
	trailerHead = "PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\nX-Amz-Date: 20130524T000000Z\nX-Amz-Storage-Class: REDUCED_REDUNDANCY\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e\n" +
		"X-Amz-Content-Sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\nX-Amz-Trailer: x-amz-checksum-crc32c\nContent-Encoding: aws-chunked\nX-Amz-Decoded-Content-Length: 66560\nTransfer-Encoding: identity"
)

var (
	chunkedBody = "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + strings.Repeat("a", 65536) +
		"\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" + strings.Repeat("a", 1024) +
		"\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"
	trailerBody = "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" + strings.Repeat("a", 65536) +
		"\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" + strings.Repeat("a", 1024) +
		"\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
		"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"
)

func suite(method, path, signature string) string {
	return method + " " + path + " HTTP/1.1\nHost: example.amazonaws.com\nX-Amz-Date: 20150830T123600Z\n" +
		"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + signature
}

func s3Example(method, path, signed, signature string, headers ...string) string {
	return method + " " + path + " HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nX-Amz-Date: 20130524T000000Z\n" + strings.Join(headers, "\n") +
		"\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" + signed + ",Signature=" + signature
}

// request reads a request as a server would, with body behind it.
func request(t testing.TB, head, body string) *http.Request {
	t.Helper()
	head = strings.ReplaceAll(strings.ReplaceAll(head, "\nTransfer-Encoding: identity", ""), "\n", "\r\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.Body = io.NopCloser(strings.NewReader(body))
	return r
}

func at(t testing.TB, when string) *Verifier {
	t.Helper()
	now, err := time.Parse(timeFormat, when)
	if err != nil {
		t.Fatal(err)
	}
	return &Verifier{Now: func() time.Time { return now }}
}

// verify does what the gateway does, and reads the body to its end.
func verify(v *Verifier, r *http.Request, secret string) (string, error) {
	s, err := Parse(r)
	if err != nil {
		return "", err
	}
	if s.Service == "s3" {
		if err := v.VerifyStream(r, s, secret); err != nil {
			return "", err
		}
		b, err := io.ReadAll(r.Body)
		return string(b), err
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return "", err
	}
	return string(b), v.VerifyBody(r, s, secret, b)
}

func TestPublishedExamples(t *testing.T) {
	for _, e := range published {
		t.Run(e.name, func(t *testing.T) {
			v := at(t, e.now)
			if _, err := verify(v, request(t, e.request, e.body), e.secret); err != nil {
				t.Fatal(err)
			}
			if _, err := verify(v, request(t, e.request, e.body), e.secret+"x"); kindOf(err) != Mismatch {
				t.Errorf("another secret: %v", err)
			}
			if _, err := verify(v, request(t, "X"+e.request, e.body), e.secret); kindOf(err) != Mismatch {
				t.Errorf("another method: %v", err)
			}
		})
	}
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}
