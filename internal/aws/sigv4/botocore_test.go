package sigv4_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/testenv"
)

// signWithBotocore prints requests as botocore signs them, one JSON per line.
const signWithBotocore = `
import json, random, base64
from botocore.auth import SigV4Auth, S3SigV4Auth, SigV4QueryAuth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from urllib.parse import quote, urlsplit
rnd = random.Random(7)
alphabet = "abcXYZ019-._~ !*'()+&=/%$@:,;?#[]\\\"<>äß€語"
word = lambda n: "".join(rnd.choice(alphabet) for _ in range(rnd.randint(1, n)))
for i in range(400):
    secret = word(40)
    creds = Credentials("LKIA%d" % i, secret, "tok/en+=%d" % i if i % 3 == 0 else None)
    s3 = i % 2 == 0
    auth = rnd.choice([S3SigV4Auth, S3SigV4QueryAuth]) if s3 else rnd.choice([SigV4Auth, SigV4QueryAuth])
    service = "s3" if s3 else rnd.choice(["ecs", "iam", "lambda"])
    path = "/" + quote(word(12), safe="/~")
    query = "&".join(quote(word(5), safe="-_.~") + "=" + quote(word(5), safe="-_.~") for _ in range(rnd.randint(0, 4)))
    presigned = "Query" in auth.__name__
    body = b"" if presigned else word(50).encode()
    headers = {} if presigned else {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": " a   b  ", "X-Amz-Meta-A": "x,  y"}
    r = AWSRequest("GET" if presigned else "POST", "http://127.0.0.1:4566" + path + ("?" + query if query else ""), headers=headers, data=body)
    auth(creds, service, "eu-west-1").add_auth(r)
    p = r.prepare()
    u = urlsplit(p.url)
    print(json.dumps(dict(method=p.method, path=u.path + ("?" + u.query if u.query else ""), headers={k: v if isinstance(v, str) else v.decode() for k, v in p.headers.items()},
        body=base64.b64encode(body).decode(), secret=secret, token=creds.token or "")))
`

func python(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
		testenv.Missing(t, "python3 with boto3")
	}
	return exec.Command("python3", append([]string{"-c", script}, args...)...)
}

func TestBotocoreSigner(t *testing.T) {
	out, err := python(t, signWithBotocore).Output()
	if err != nil {
		t.Fatal(err)
	}
	var v sigv4.Verifier
	n := 0
	for line := range strings.Lines(string(out)) {
		var e struct {
			Method, Path, Secret, Token string
			Headers                     map[string]string
			Body                        []byte
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:4566\r\n", e.Method, e.Path)
		for k, h := range e.Headers {
			fmt.Fprintf(&b, "%s: %s\r\n", k, h)
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(b.String() + "\r\n" + string(e.Body))))
		if err != nil {
			t.Fatal(err)
		}
		s, err := sigv4.Parse(r)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if s.Token != e.Token || s.Region != "eu-west-1" {
			t.Errorf("token %q, region %q", s.Token, s.Region)
		}
		if s.Service == "s3" {
			err = v.VerifyStream(r, s, e.Secret)
		} else {
			err = v.VerifyBody(r, s, e.Secret, e.Body)
		}
		if err != nil {
			t.Errorf("%s%v", line, err)
		}
		n++
	}
	if n != 400 {
		t.Errorf("%d requests", n)
	}
}

// uploadWithBoto3 makes the uploads that clients make: small, from a stream,
// multipart, with each checksum, presigned.
const uploadWithBoto3 = `
import sys, io, urllib.request, boto3
from botocore.config import Config
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
    config=Config(signature_version=None if sys.argv[2] == "signed" else "s3v4", s3={"addressing_style": "path", "payload_signing_enabled": sys.argv[2] == "signed"}, retries={"total_max_attempts": 1}), verify=False)
class Stream(io.BytesIO): pass
for algorithm in ["CRC32", "SHA1", "SHA256"]:
    s3.put_object(Bucket="b", Key="k e+y/" + algorithm, Body=Stream(b"x" * 200000), ChecksumAlgorithm=algorithm)
s3.put_object(Bucket="b", Key="empty", Body=b"", Metadata={"a": "  two   words "})
s3.get_object(Bucket="b", Key="a/../b//c")
url = s3.generate_presigned_url("put_object", Params=dict(Bucket="b", Key="ü/k"), ExpiresIn=60)
import ssl
send = lambda url, **kw: urllib.request.urlopen(urllib.request.Request(url, **kw), context=ssl._create_unverified_context())
send(url, data=b"hello", method="PUT", headers={"Content-Type": ""} if "Signature=" in url else {})
send(s3.generate_presigned_url("get_object", Params=dict(Bucket="b", Key="a b/+c", VersionId="v=1", ResponseContentType="text/plain; x"), ExpiresIn=60))
send(s3.generate_presigned_url("list_objects_v2", Params=dict(Bucket="b", Prefix="p q"), ExpiresIn=60))
token = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test", aws_session_token="to/k+en=", config=Config(s3={"addressing_style": "path"}))
send(token.generate_presigned_url("get_object", Params=dict(Bucket="b", Key="k"), ExpiresIn=60))
`

func TestBoto3Uploads(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		for _, signed := range []string{"signed", "unsigned"} {
			t.Run(scheme+" "+signed, func(t *testing.T) { checkUploads(t, scheme, signed) })
		}
	}
}

func checkUploads(t *testing.T, scheme, signed string) {
	var v sigv4.Verifier
	var mu sync.Mutex
	kinds := map[string]int{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := sigv4.Parse(r)
		hash := r.Header.Get("X-Amz-Content-Sha256")
		if err == nil {
			s.S3Path = r.URL.EscapedPath()
			err = v.VerifyStream(r, s, "test")
		}
		var body []byte
		if err == nil {
			body, err = io.ReadAll(r.Body)
		}
		mu.Lock()
		defer mu.Unlock()
		if err != nil || r.ContentLength >= 0 && int64(len(body)) != r.ContentLength {
			t.Errorf("%s %s (%s): %d bytes of %d, %v", r.Method, r.URL, hash, len(body), r.ContentLength, err)
			w.WriteHeader(403)
		}
		if len(hash) == 64 {
			hash = "digest"
		}
		kinds[hash]++
	})
	srv := httptest.NewUnstartedServer(handler)
	if scheme == "https" {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	defer srv.Close()
	cmd := python(t, uploadWithBoto3, srv.URL, signed)
	cmd.WaitDelay = time.Minute
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(kinds)
	if scheme == "https" && kinds[sigv4.StreamingUnsignedTrailer] == 0 {
		t.Errorf("no trailer was used: %v", kinds)
	}
}
