package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

var operator = caller.With(context.Background(), caller.ForRoot("000000000000", "eu-west-1"))

func (s *server) create(t testing.TB, bucket string) {
	t.Helper()
	_, err := s.service.CreateBucket(operator, &s3api.CreateBucketRequest{
		Bucket: bucket, CreateBucketConfiguration: &s3api.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s *server) put(t testing.TB, bucket, key, body string) {
	t.Helper()
	if _, err := s.service.PutObject(operator, &s3api.PutObjectRequest{Bucket: bucket, Key: key, Body: io.NopCloser(strings.NewReader(body))}); err != nil {
		t.Fatal(err)
	}
}

func code(err error) string {
	var e wire.Error
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func TestPermissionsThatDependOnTheRequest(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	s.put(t, "bucket", "key", "data")
	get := func(key, version string) string {
		out, err := s.service.GetObject(operator, &s3api.GetObjectRequest{Bucket: "bucket", Key: key, VersionId: version})
		if err == nil {
			out.Body.Close()
		}
		return code(err)
	}
	s.checker.deny("s3:GetObject")
	if got := get("key", ""); got != "AccessDenied" {
		t.Errorf("GetObject: %s", got)
	}
	if got := get("key", "null"); got != "<nil>" {
		t.Errorf("a version needs another permission: %s", got)
	}
	if _, err := s.service.CopyObject(operator, &s3api.CopyObjectRequest{Bucket: "bucket", Key: "copy", CopySource: "bucket/key"}); code(err) != "AccessDenied" {
		t.Errorf("copying what may not be read: %v", err)
	}
	s.checker.deny("s3:GetObjectVersion")
	if got := get("key", "null"); got != "AccessDenied" {
		t.Errorf("GetObjectVersion: %s", got)
	}
	if got := get("none", ""); got != "NoSuchKey" {
		t.Errorf("missing key: %s", got)
	}
	s.checker.deny("s3:ListBucket")
	if got := get("none", ""); got != "AccessDenied" {
		t.Errorf("missing key, to one who may not list: %s", got)
	}
	s.checker.deny("s3:DeleteObject")
	out, err := s.service.DeleteObjects(operator, &s3api.DeleteObjectsRequest{Bucket: "bucket", Delete: &s3api.Delete{Objects: []s3api.ObjectIdentifier{{Key: "key"}, {Key: "x", VersionId: "null"}}}})
	if err != nil || len(out.Errors) != 1 || out.Errors[0].Code != "AccessDenied" || len(out.Deleted) != 1 {
		t.Errorf("%+v %v", out, err)
	}
}

// Each served operation has an entry, and no entry fails on an empty input.
func TestAuthorizationCoversTheAPI(t *testing.T) {
	s := newServer(t)
	table := s.service.Authorization()
	id := caller.ForRoot("000000000000", "eu-west-1")
	for name, operation := range s3api.Model.Operations {
		rules, ok := table.Rules[name]
		if !ok {
			t.Errorf("no rule for %s", name)
		}
		for _, rule := range rules {
			if rule.Resources != nil && !strings.HasPrefix(rule.Resources(id, operation.NewInput())[0], "arn:aws:s3:::") {
				t.Errorf("%s: wrong resource", name)
			}
			if rule.Conditions != nil {
				rule.Conditions(id, operation.NewInput())
			}
		}
	}
	s.create(t, "bucket")
	if document, owner, ok := table.ResourcePolicy(operator, "arn:aws:s3:::bucket/a/b"); ok || document != "" || owner != "000000000000" {
		t.Error(document, owner, ok)
	}
}

func TestBucketPolicyTexts(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	statement := func(rest string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + rest + `}]}`
	}
	for document, want := range map[string]string{
		`[]`:                       "Policies must be valid JSON and the first byte must be '{'",
		`{"Version":"2012-10-17"}`: "Missing required field Statement",
		statement(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"`):                                                                                                          "Missing required field Principal",
		statement(`"Principal":{"AWS":"000000000000"},"Action":"s3:GetObject"`):                                                                                                          "Missing required field Resource",
		statement(`"Principal":{"AWS":"000000000000"},"Action":"ec2:RunInstances","Resource":"arn:aws:s3:::bucket"`):                                                                     "Policy has invalid action",
		statement(`"Principal":{"AWS":"000000000000"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"`):                                                                        "Policy has invalid resource",
		statement(`"Principal":"nobody","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/*"`):                                                                                     "Invalid principal in policy",
		`{"Version":"2013","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`:                                                                              "The policy must contain a valid version string",
		statement(`"Principal":{"AWS":"000000000000"},"Action":"s3:*","Resource":["arn:aws:s3:::bucket","arn:aws:s3:::bucket/*"]`):                                                       "",
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}}`: "",
	} {
		err := s.service.PutBucketPolicy(operator, &s3api.PutBucketPolicyRequest{Bucket: "bucket", Policy: document})
		var e wire.Error
		if got := errors.As(err, &e); got != (want != "") || got && (e.ErrorCode() != "MalformedPolicy" || e.ErrorMessage() != want) {
			t.Errorf("%s: %v", document, err)
		}
	}
}

// A crash between a file and its record leaves the file, which the next start
// removes; everything that a record names is kept.
func TestFilesWithoutARecordAreSwept(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	s.put(t, "bucket", "key", "data")
	up, err := s.service.CreateMultipartUpload(operator, &s3api.CreateMultipartUploadRequest{Bucket: "bucket", Key: "big"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.service.UploadPart(operator, &s3api.UploadPartRequest{Bucket: "bucket", Key: "big", UploadId: up.UploadId, PartNumber: 1, Body: io.NopCloser(strings.NewReader("part"))}); err != nil {
		t.Fatal(err)
	}
	w, err := s.objects.Create("0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("left by a crash"))
	if err := w.Commit(); err != nil || s.files(t) != 3 {
		t.Fatal(err, s.files(t))
	}
	if _, err := s3.New(s3.Config{DB: s.db, Objects: s.objects, Checker: s.checker}); err != nil {
		t.Fatal(err)
	}
	if s.files(t) != 2 {
		t.Errorf("%d files", s.files(t))
	}
}

// A body that breaks off, and a write that is refused at the end, leave nothing.
func TestBrokenUploadsLeaveNothing(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	broken := io.MultiReader(strings.NewReader("some data"), failingReader{})
	_, err := s.service.PutObject(operator, &s3api.PutObjectRequest{Bucket: "bucket", Key: "key", Body: io.NopCloser(broken)})
	if !errors.Is(err, errBroken) {
		t.Errorf("broken body: %v", err)
	}
	slow := &hookReader{data: strings.NewReader("late"), before: func() { s.put(t, "bucket", "key", "early") }}
	_, err = s.service.PutObject(operator, &s3api.PutObjectRequest{Bucket: "bucket", Key: "key", IfNoneMatch: "*", Body: io.NopCloser(slow)})
	if code(err) != "PreconditionFailed" {
		t.Errorf("another was quicker: %v", err)
	}
	if n := s.files(t); n != 1 {
		t.Errorf("%d files for one object", n)
	}
}

var errBroken = errors.New("connection reset")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

type hookReader struct {
	data   io.Reader
	before func()
}

func (h *hookReader) Read(p []byte) (int, error) {
	if h.before != nil {
		h.before()
		h.before = nil
	}
	return h.data.Read(p)
}

// A large object goes through without being held in memory.
func TestLargeObjectsAreStreamed(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	const size = 200 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	body := io.LimitReader(endless{}, size)
	if _, err := s.service.PutObject(operator, &s3api.PutObjectRequest{Bucket: "bucket", Key: "big", Body: io.NopCloser(body)}); err != nil {
		t.Fatal(err)
	}
	out, err := s.service.GetObject(operator, &s3api.GetObjectRequest{Bucket: "bucket", Key: "big"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil || n != size {
		t.Fatal(n, err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes were allocated for %d", used, size)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// Requests to a bucket's own host name, signed and not.
func TestVirtualHosts(t *testing.T) {
	s := newServer(t)
	s.create(t, "my.bucket")
	s.put(t, "my.bucket", "a/b c", "data")
	get := func(host, path string, sign bool) (int, string, http.Header) {
		r, _ := http.NewRequest("GET", s.URL+path, nil)
		r.Host = host
		if sign {
			sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "eu-west-1", "s3", nil, time.Now())
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body), res.Header
	}
	for _, host := range []string{"my.bucket.s3.eu-west-1.amazonaws.com", "my.bucket.s3.amazonaws.com", "my.bucket.s3-eu-west-1.amazonaws.com", "my.bucket.s3.localhost.localstack.cloud:4566"} {
		if status, body, _ := get(host, "/a/b%20c", true); status != 200 || body != "data" {
			t.Errorf("%s: %d %s", host, status, body)
		}
		if status, body, _ := get(host, "/?list-type=2", true); status != 200 || !strings.Contains(body, "<Key>a/b c</Key>") {
			t.Errorf("%s: %d %s", host, status, body)
		}
	}
	if status, body, _ := get("my.bucket.s3.eu-west-1.amazonaws.com", "/a/b%20c", false); status != 403 || !strings.Contains(body, "<Code>AccessDenied</Code>") {
		t.Errorf("unsigned: %d %s", status, body)
	}
	r, _ := http.NewRequest("HEAD", s.URL+"/my.bucket/", nil)
	sigv4.Sign(r, sigv4.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, "us-east-1", "s3", nil, time.Now())
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || res.StatusCode != 301 || res.Header.Get("x-amz-bucket-region") != "eu-west-1" {
		t.Errorf("wrong region: %v %v", res, err)
	}
}

// Two writers of one key and a reader: the reader sees one or the other whole.
func TestConcurrentWrites(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	bodies := []string{strings.Repeat("a", 300_000), strings.Repeat("b", 200_000)}
	s.put(t, "bucket", "key", bodies[0])
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 40 {
			s.put(t, "bucket", "key", bodies[i%2])
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		out, err := s.service.GetObject(operator, &s3api.GetObjectRequest{Bucket: "bucket", Key: "key"})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		out.Body.Close()
		if err != nil || !bytes.Equal(body, []byte(bodies[0])) && !bytes.Equal(body, []byte(bodies[1])) {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
	}
	if n := s.files(t); n != 1 {
		t.Errorf("%d files", n)
	}
}

// What is in the store is enough: a service made anew serves the same objects.
func TestRestart(t *testing.T) {
	s := newServer(t)
	s.create(t, "bucket")
	s.put(t, "bucket", "key", "data")
	again, err := s3.New(s3.Config{DB: s.db, Objects: s.objects, Checker: s.checker})
	if err != nil {
		t.Fatal(err)
	}
	out, err := again.GetObject(operator, &s3api.GetObjectRequest{Bucket: "bucket", Key: "key"})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if body, _ := io.ReadAll(out.Body); string(body) != "data" {
		t.Errorf("%q", body)
	}
	// A damaged record is an error, and not wrong data.
	err = s.db.Write(operator, func(tx *store.Tx) error {
		for v := range state.ObjectVersions.All(tx, "") {
			changed := *v
			changed.Segments = []state.ObjectSegment{{File: "gone0", Size: 4}}
			state.ObjectVersions.Put(tx, &changed)
		}
		return nil
	})
	if _, err2 := again.GetObject(operator, &s3api.GetObjectRequest{Bucket: "bucket", Key: "key"}); err != nil || err2 == nil {
		t.Error(err, err2)
	}
}
