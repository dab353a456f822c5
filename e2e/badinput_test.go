package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/testenv"
)

// apiCall is a call for testdata/calls.py.
type apiCall struct {
	Service   string `json:"service"`
	Operation string `json:"operation"`
	Input     any    `json:"input"`
}

// apiAnswer is what a call was answered.
type apiAnswer struct {
	Status        int
	Code, Message string
	Output        json.RawMessage
}

func (r apiAnswer) String() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

// boto3 makes calls one after the other with boto3, whose own validation is off.
func (a *account) boto3(calls ...apiCall) []apiAnswer {
	a.t.Helper()
	var in, stderr bytes.Buffer
	for _, c := range calls {
		if err := json.NewEncoder(&in).Encode(c); err != nil {
			a.t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(a.t.Context(), filepath.Join(testenv.Root(), "out/clients/aws/bin/python"), filepath.Join(testenv.Root(), "e2e/testdata/calls.py"))
	cmd.Env, cmd.Stdin, cmd.Stderr = a.env(), &in, &stderr
	out, err := cmd.Output()
	if err != nil {
		testenv.Missing(a.t, fmt.Sprintf("boto3: %v\n%s", err, stderr.String()))
	}
	var answers []apiAnswer
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var r apiAnswer
		if err := d.Decode(&r); err != nil {
			a.t.Fatal(err)
		}
		answers = append(answers, r)
	}
	if len(answers) != len(calls) {
		a.t.Fatalf("%d answers to %d calls\n%s", len(answers), len(calls), stderr.String())
	}
	return answers
}

// everything describes what the account has, for comparing before and after.
func (a *account) everything() string {
	a.t.Helper()
	var out strings.Builder
	none := struct{}{}
	calls := []apiCall{
		{"ecs", "ListClusters", none}, {"ecs", "ListTaskDefinitions", none}, {"cloudformation", "ListStacks", none}, {"ec2", "DescribeVpcs", none},
		{"ec2", "DescribeSecurityGroups", none}, {"s3", "ListBuckets", none}, {"ecr", "DescribeRepositories", none}, {"logs", "DescribeLogGroups", none},
		{"secretsmanager", "ListSecrets", none}, {"ssm", "DescribeParameters", none}, {"iam", "ListRoles", none}, {"iam", "ListUsers", none},
	}
	for i, r := range a.boto3(calls...) {
		if r.Status != 200 {
			a.t.Fatalf("%s: %s", calls[i].Operation, r)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(r.Output, &fields); err != nil {
			a.t.Fatal(err)
		}
		delete(fields, "ResponseMetadata")
		b, _ := json.Marshal(fields)
		fmt.Fprintf(&out, "%s %s\n", calls[i].Operation, b)
	}
	return out.String()
}

// unharmed runs what must change nothing and must not hurt the instance.
func (a *account) unharmed(do func()) {
	a.t.Helper()
	before := a.everything()
	do()
	if after := a.everything(); after != before {
		a.t.Errorf("something was changed:\nbefore %s\nafter  %s", before, after)
	}
	res, err := http.Get(a.endpoint + "/_neargate/health")
	if err != nil {
		a.t.Fatalf("not healthy: %v\n%s", err, a.logTail())
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		a.t.Errorf("not healthy: %s", res.Status)
	}
	if log := a.logTail(); strings.Contains(log, "panic") || strings.Contains(log, "internal failure") {
		a.t.Errorf("the log tells of a failure inside:\n%s", log)
	}
}

// rawRequest is a request that no client would make.
type rawRequest struct {
	name          string
	service       string // of the signature; "": not signed
	method, path  string
	header        map[string]string
	body          string
	at            time.Time
	tamper        func(*http.Request)
	status        int
	code, message string // both must be in the answer's body
}

const (
	form   = "application/x-www-form-urlencoded; charset=utf-8"
	json11 = "application/x-amz-json-1.1"
	json10 = "application/x-amz-json-1.0"
)

func (a *account) raw(r rawRequest) (int, string) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, a.endpoint+r.path, strings.NewReader(r.body))
	if err != nil {
		a.t.Fatal(err)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	if r.at.IsZero() {
		r.at = time.Now()
	}
	if r.service != "" {
		sigv4.Sign(req, sigv4.Credentials{AccessKeyID: a.Key, SecretAccessKey: a.Secret}, a.Region, r.service, []byte(r.body), r.at)
	}
	if r.tamper != nil {
		r.tamper(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Errorf("%s: no answer: %v", r.name, err)
		return 0, ""
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Errorf("%s: the answer broke off: %v", r.name, err)
	}
	return res.StatusCode, string(b)
}

func (a *account) refused(rows []rawRequest) {
	a.t.Helper()
	for _, r := range rows {
		status, body := a.raw(r)
		if status != r.status || !strings.Contains(body, r.code) || !strings.Contains(body, r.message) {
			a.t.Errorf("%s: answered %d %.400s\nwant %d %s %q", r.name, status, body, r.status, r.code, r.message)
		}
	}
}

// target is the header of an operation in a JSON protocol.
func target(operation, content string) map[string]string {
	return map[string]string{"X-Amz-Target": operation, "Content-Type": content}
}

func TestMalformedRequests(t *testing.T) {
	a := newAccount(t)
	const createCluster = "AmazonEC2ContainerServiceV20141113.CreateCluster"
	formHeader := map[string]string{"Content-Type": form}
	big := strings.Repeat("x", 9<<20)
	a.unharmed(func() {
		a.refused([]rawRequest{
			// awsJson1.1
			{name: "json broken off", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: `{"clusterName": "x`, status: 400, code: "SerializationException"},
			{name: "json list", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: `[]`, status: 400, code: "SerializationException"},
			{name: "json of the wrong type", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: `{"clusterName": 5}`, status: 400, code: "SerializationException"},
			{name: "json with more after it", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: `{"clusterName": "x"} {}`, status: 400, code: "SerializationException"},
			{name: "json too deep", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: `{"x":` + strings.Repeat("[", 100_000), status: 400, code: "SerializationException"},
			{name: "json not UTF-8", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: "{\"clusterName\": \"\xff\xfe\"}", status: 400, code: "InvalidParameterException"},
			{name: "unknown target", service: "ecs", method: "POST", path: "/", header: target("AmazonEC2ContainerServiceV20141113.Nope", json11), body: `{}`, status: 400, code: "UnknownOperationException"},
			{name: "no target", service: "ecs", method: "POST", path: "/", header: map[string]string{"Content-Type": json11}, body: `{}`, status: 400, code: "UnknownOperationException"},
			{name: "operation that is not carried out", service: "ecs", method: "POST", path: "/", header: target("AmazonEC2ContainerServiceV20141113.CreateCapacityProvider", json11), body: `{}`, status: 400, code: "UnknownOperationException", message: "CreateCapacityProvider"},
			{name: "json too large", service: "ecs", method: "POST", path: "/", header: target(createCluster, json11), body: `{"clusterName": "` + big + `"}`, status: 413, code: "RequestEntityTooLarge"},
			{name: "service that is not carried out", service: "dynamodb", method: "POST", path: "/", header: target("DynamoDB_20120810.ListTables", json10), body: `{}`, status: 400, code: `"__type":"UnknownOperationException"`, message: "dynamodb"},
			{name: "CBOR broken off", service: "ecs", method: "POST", path: "/service/AmazonEC2ContainerServiceV20141113/operation/CreateCluster", header: map[string]string{"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}, body: "\xbf\x6bclusterNam", status: 400, code: "UnknownOperationException"},
			{name: "CBOR nonsense", service: "ecs", method: "POST", path: "/service/AmazonEC2ContainerServiceV20141113/operation/CreateCluster", header: map[string]string{"Content-Type": "application/cbor", "Smithy-Protocol": "rpc-v2-cbor"}, body: "\xff\xff\xff", status: 400, code: "UnknownOperationException"},
			// query and ec2
			{name: "no action", service: "sts", method: "POST", path: "/", header: formHeader, body: `Version=2011-06-15`, status: 400, code: "MissingAction"},
			{name: "unknown action", service: "sts", method: "POST", path: "/", header: formHeader, body: `Action=Nope&Version=2011-06-15`, status: 400, code: "InvalidAction", message: "Nope"},
			{name: "unknown action of ec2", service: "ec2", method: "POST", path: "/", header: formHeader, body: `Action=Nope&Version=2016-11-15`, status: 400, code: "InvalidAction", message: "Nope"},
			{name: "bad percent", service: "iam", method: "POST", path: "/", header: formHeader, body: `Action=CreateUser&UserName=%zz`, status: 400, code: "MalformedQueryString"},
			{name: "index of a list out of bounds", service: "ec2", method: "POST", path: "/", header: formHeader, body: `Action=DescribeVpcs&VpcId.99999999999999999999=vpc-1&Version=2016-11-15`, status: 400, code: "<Code>"},
			{name: "huge index", service: "ec2", method: "POST", path: "/", header: formHeader, body: `Action=DescribeVpcs&VpcId.2000000000=vpc-1&Version=2016-11-15`, status: 400, code: "<Code>"},
			{name: "number that is none", service: "ec2", method: "POST", path: "/", header: formHeader, body: `Action=DescribeVpcs&MaxResults=abc&Version=2016-11-15`, status: 400, code: "<Code>", message: "abc"},
			{name: "form too large", service: "iam", method: "POST", path: "/", header: formHeader, body: `Action=CreateUser&UserName=` + big, status: 413, code: "RequestEntityTooLarge"},
			// rest-xml
			{name: "xml broken off", service: "s3", method: "PUT", path: "/malformed-bucket", body: `<CreateBucketConfiguration><Loc`, status: 400, code: "MalformedXML"},
			{name: "xml of another root", service: "s3", method: "PUT", path: "/malformed-bucket", body: `<Foo/>`, status: 400, code: "MalformedXML"},
			{name: "xml element that is not known", service: "s3", method: "PUT", path: "/malformed-bucket?versioning", body: `<VersioningConfiguration><Staus>Enabled</Staus></VersioningConfiguration>`, status: 400, code: "MalformedXML"},
			{name: "xml entity bomb", service: "s3", method: "PUT", path: "/malformed-bucket", body: `<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;">]><CreateBucketConfiguration><LocationConstraint>&y;</LocationConstraint></CreateBucketConfiguration>`, status: 400, code: "MalformedXML"},
			{name: "bucket name", service: "s3", method: "PUT", path: "/No_Such", status: 400, code: "InvalidBucketName"},
			{name: "method", service: "s3", method: "PATCH", path: "/malformed-bucket", status: 405, code: "MethodNotAllowed"},
			{name: "path traversal", service: "s3", method: "GET", path: "/../../etc/passwd", status: 404, code: "NoSuchBucket"},
			// validation by the model
			{name: "missing member", service: "secretsmanager", method: "POST", path: "/", header: target("secretsmanager.CreateSecret", json11), body: `{}`, status: 400, code: "Exception", message: "ame"},
			{name: "missing role name", service: "iam", method: "POST", path: "/", header: formHeader, body: `Action=CreateRole&Version=2010-05-08`, status: 400, code: "ValidationError", message: "roleName"},
		})
	})
}

func TestBadSignatures(t *testing.T) {
	a := newAccount(t)
	list := target("AmazonEC2ContainerServiceV20141113.CreateCluster", json11)
	formHeader := map[string]string{"Content-Type": form}
	sts := `Action=GetCallerIdentity&Version=2011-06-15`
	replace := func(header, old, new string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(header, strings.Replace(r.Header.Get(header), old, new, 1)) }
	}
	flip := func(r *http.Request) {
		v := r.Header.Get("Authorization")
		last := "0"
		if strings.HasSuffix(v, "0") {
			last = "1"
		}
		r.Header.Set("Authorization", v[:len(v)-1]+last)
	}
	rows := []rawRequest{
		{name: "json not signed", method: "POST", path: "/", header: list, body: "{}", status: 400, code: "MissingAuthenticationTokenException"},
		{name: "query not signed", method: "POST", path: "/", header: formHeader, body: sts, status: 403, code: "MissingAuthenticationToken"},
		{name: "s3 not signed", method: "GET", path: "/", status: 403, code: "AccessDenied"},
		{name: "json wrong signature", service: "ecs", method: "POST", path: "/", header: list, body: "{}", tamper: flip, status: 400, code: "InvalidSignatureException"},
		{name: "query wrong signature", service: "sts", method: "POST", path: "/", header: formHeader, body: sts, tamper: flip, status: 403, code: "SignatureDoesNotMatch"},
		{name: "ec2 wrong signature", service: "ec2", method: "POST", path: "/", header: formHeader, body: "Action=DescribeVpcs&Version=2016-11-15", tamper: flip, status: 401, code: "AuthFailure"},
		{name: "s3 wrong signature", service: "s3", method: "GET", path: "/", tamper: flip, status: 403, code: "SignatureDoesNotMatch"},
		{name: "other body than signed", service: "ecs", method: "POST", path: "/", header: list, body: `{}`, tamper: func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(`{"clusterName":"x"}`)), 19
		}, status: 400, code: "InvalidSignatureException"},
		{name: "other path than signed", service: "s3", method: "PUT", path: "/signed-bucket", tamper: func(r *http.Request) { r.URL.Path = "/other-bucket" }, status: 403, code: "SignatureDoesNotMatch"},
		{name: "unknown key", service: "sts", method: "POST", path: "/", header: formHeader, body: sts, tamper: replace("Authorization", a.Key, "LKIA0000000000000000"), status: 403, code: "InvalidClientTokenId"},
		{name: "unknown key of s3", service: "s3", method: "GET", path: "/", tamper: replace("Authorization", a.Key, "LKIA0000000000000000"), status: 403, code: "InvalidAccessKeyId"},
		{name: "unknown key of ecs", service: "ecs", method: "POST", path: "/", header: list, body: "{}", tamper: replace("Authorization", a.Key, "LKIA0000000000000000"), status: 400, code: "UnrecognizedClientException"},
		{name: "signed for another service", service: "iam", method: "POST", path: "/", header: list, body: "{}", status: 400, code: "InvalidSignatureException"},
		{name: "20 minutes old", service: "ecs", method: "POST", path: "/", header: list, body: "{}", at: time.Now().Add(-20 * time.Minute), status: 400, code: "InvalidSignatureException", message: "expired"},
		{name: "20 minutes ahead", service: "sts", method: "POST", path: "/", header: formHeader, body: sts, at: time.Now().Add(20 * time.Minute), status: 403, code: "SignatureDoesNotMatch", message: "not yet current"},
		{name: "20 minutes old for s3", service: "s3", method: "GET", path: "/", at: time.Now().Add(-20 * time.Minute), status: 403, code: "RequestTimeTooSkewed"},
		{name: "no date", service: "ecs", method: "POST", path: "/", header: list, body: "{}", tamper: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, status: 400, code: "Exception"},
		{name: "date that is none", service: "ecs", method: "POST", path: "/", header: list, body: "{}", tamper: func(r *http.Request) { r.Header.Set("X-Amz-Date", "yesterday") }, status: 400, code: "Exception"},
		{name: "authorization that is none", method: "POST", path: "/", header: map[string]string{"X-Amz-Target": list["X-Amz-Target"], "Content-Type": json11, "Authorization": "AWS4-HMAC-SHA256 nonsense"}, body: "{}", status: 400, code: "IncompleteSignatureException"},
		{name: "another scheme", method: "POST", path: "/", header: map[string]string{"X-Amz-Target": list["X-Amz-Target"], "Content-Type": json11, "Authorization": "Basic dGVzdDp0ZXN0"}, body: "{}", status: 400, code: "Exception"},
		{name: "host not signed", service: "ecs", method: "POST", path: "/", header: list, body: "{}", tamper: replace("Authorization", "host;", ""), status: 400, code: "Exception"},
		{name: "presigned and over", method: "GET", path: "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" + a.Key + "%2F20200101%2F" + a.Region + "%2Fs3%2Faws4_request&X-Amz-Date=20200101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + strings.Repeat("0", 64), status: 403, code: "AccessDenied", message: "expired"},
	}
	a.unharmed(func() { a.refused(rows) })
}

// TestBrokenConnections sends what is no HTTP, or only half of it.
func TestBrokenConnections(t *testing.T) {
	a := newAccount(t)
	a.unharmed(func() {
		for name, text := range map[string]string{
			"no HTTP":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
			"half a header":        "POST / HTTP/1.1\r\nHost: x\r\nContent-Le",
			"half a body":          "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: " + json11 + "\r\nX-Amz-Target: AmazonEC2ContainerServiceV20141113.CreateCluster\r\nContent-Length: 1000\r\n\r\n{",
			"two lengths":          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
			"chunk that is none":   "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
			"header of 2 MB":       "GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
			"no host":              "GET / HTTP/1.1\r\n\r\n",
			"host that is none":    "GET / HTTP/1.1\r\nHost: a b/../c\r\n\r\n",
			"absolute to another":  "GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n",
			"CONNECT":              "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
			"HTTP/2 preface":       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
			"registry's half blob": "PUT /v2/x/blobs/uploads/1?digest=sha256:00 HTTP/1.1\r\nHost: " + a.ID + ".dkr.ecr." + a.Region + ".amazonaws.com\r\nContent-Length: 1000\r\n\r\nx",
		} {
			conn, err := net.Dial("tcp", a.listen)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			conn.SetDeadline(time.Now().Add(2 * time.Second))
			io.WriteString(conn, text)
			conn.(*net.TCPConn).CloseWrite()
			answer, _ := io.ReadAll(conn)
			conn.Close()
			if first, _, _ := strings.Cut(string(answer), "\r\n"); len(answer) > 0 && !strings.HasPrefix(first, "HTTP/1.1 4") {
				t.Errorf("%s: answered %q", name, first)
			}
		}
	})
}
