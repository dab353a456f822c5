package wire_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
)

func TestXMLOfAnotherSchema(t *testing.T) {
	for _, c := range []struct{ method, target, body, want string }{
		{"PUT", "/b", `<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`, ""},
		{"PUT", "/b", `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`, ""},
		{"PUT", "/b", ``, ""},
		{"PUT", "/b", `<Foo/>`, "MalformedXML"},
		{"PUT", "/b", `<Foo><LocationConstraint>eu-west-1</LocationConstraint></Foo>`, "MalformedXML"},
		{"PUT", "/b", `<CreateBucketConfiguration><Location>eu-west-1</Location></CreateBucketConfiguration>`, "MalformedXML"},
		{"PUT", "/b", `<CreateBucketConfiguration><LocationConstraint><A/></LocationConstraint></CreateBucketConfiguration>`, "MalformedXML"},
		{"PUT", "/b", `<CreateBucketConfiguration><LocationConstraint>a</LocationConstraint><LocationConstraint>b</LocationConstraint></CreateBucketConfiguration>`, "MalformedXML"},
		{"PUT", "/b?versioning", `<VersioningConfiguration/>`, ""},
		{"PUT", "/b?versioning", `<Versioning/>`, "MalformedXML"},
		{"PUT", "/b?versioning", ``, "MissingRequestBodyError"},
		{"PUT", "/b?tagging", `<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>`, ""},
		{"PUT", "/b?tagging", `<Tagging><TagSet><Label><Key>k</Key></Label></TagSet></Tagging>`, "MalformedXML"},
		{"POST", "/b?delete", `<Delete><Object><Key>k</Key></Object></Delete>`, ""},
		{"POST", "/b?delete", `<Objects><Object><Key>k</Key></Object></Objects>`, "MalformedXML"},
		{"POST", "/b/k?uploadId=1", `<CompleteMultipartUpload><Part><ETag>e</ETag><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>`, ""},
		{"POST", "/b/k?uploadId=1", `<Parts/>`, "MalformedXML"},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		op, protocol, err := s3api.Model.Route(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = op.Decode(protocol, r, []byte(c.body))
		var known wire.Error
		if got := errors.As(err, &known); !got && c.want != "" || got && known.ErrorCode() != c.want {
			t.Errorf("%s %s: %v, want %q", c.target, c.body, err, c.want)
		}
	}
}

func TestRoutesOfS3(t *testing.T) {
	for _, c := range []struct{ method, target, header, want string }{
		{"GET", "/", "", "ListBuckets"},
		{"PUT", "/b", "", "CreateBucket"},
		{"PUT", "/b/", "", "CreateBucket"},
		{"GET", "/b", "", "ListObjects"},
		{"GET", "/b?list-type=2&prefix=x", "", "ListObjectsV2"},
		{"GET", "/b?policy", "", "GetBucketPolicy"},
		{"GET", "/b?policyStatus", "", "GetBucketPolicyStatus"},
		{"GET", "/b?versions", "", "ListObjectVersions"},
		{"GET", "/b/a/b%2Fc/", "", "GetObject"},
		{"GET", "/b/k?uploadId=1", "", "ListParts"},
		{"PUT", "/b/k", "", "PutObject"},
		{"PUT", "/b/k", "x-amz-copy-source", "CopyObject"},
		{"PUT", "/b/k?partNumber=1&uploadId=2", "", "UploadPart"},
		{"PUT", "/b/k?partNumber=1&uploadId=2", "x-amz-copy-source", "UploadPartCopy"},
		{"POST", "/b/k?uploads", "", "CreateMultipartUpload"},
		{"POST", "/b/k?uploadId=1", "", "CompleteMultipartUpload"},
		{"POST", "/b?delete", "", "DeleteObjects"},
		{"DELETE", "/b/k?uploadId=1", "", "AbortMultipartUpload"},
		{"HEAD", "/b", "", "HeadBucket"},
		{"HEAD", "/b/k", "", "HeadObject"},
		{"GET", "/b?lifecycle", "", "NotImplemented: GetBucketLifecycleConfiguration"},
		{"GET", "/b/k?torrent", "", "NotImplemented: GetObjectTorrent"},
		{"PATCH", "/b", "", "MethodNotAllowed"},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		if c.header != "" {
			r.Header.Set(c.header, "x")
		}
		op, _, err := s3api.Model.Route(r, nil)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = op.Name
		}
		for _, part := range strings.Split(c.want, ": ") {
			if err == nil && got != c.want || !strings.Contains(got, part) {
				t.Errorf("%s %s (%s) is %s, want %s", c.method, c.target, c.header, got, c.want)
			}
		}
	}
}

// The model ends the path with a slash; newer SDKs do not send it.
func TestSlashAtTheEndOfAPath(t *testing.T) {
	for _, path := range []string{"/2013-04-01/hostedzone/Z1/rrset", "/2013-04-01/hostedzone/Z1/rrset/"} {
		op, _, err := route53api.Model.Route(httptest.NewRequest("POST", path, nil), nil)
		if err != nil || op.Name != "ChangeResourceRecordSets" {
			t.Errorf("%s: %v %v", path, op, err)
		}
	}
}

func TestUnservedOperationsAreNamed(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.Header.Set("X-Amz-Target", ecsapi.Model.TargetPrefix+".CreateDaemonNotThere")
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if _, _, err := ecsapi.Model.Route(r, nil); err == nil || !strings.Contains(err.Error(), "UnknownOperationException") || !strings.Contains(err.Error(), "CreateDaemonNotThere") {
		t.Errorf("ecs: %v", err)
	}
	r = httptest.NewRequest("POST", "/", strings.NewReader("Action=RunInstances"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form, _ := wire.ParseForm(r, []byte("Action=RunInstances"))
	if _, _, err := ec2api.Model.Route(r, form); err == nil || !strings.Contains(err.Error(), "InvalidAction: The action RunInstances is not carried out") {
		t.Errorf("ec2: %v", err)
	}
}

func TestValidationSpeaksLikeEachService(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, c := range []struct {
		op   *wire.Operation
		in   any
		want string
	}{
		{iamapi.Model.Operation("CreateRole"), &iamapi.CreateRoleRequest{RoleName: long + "?", AssumeRolePolicyDocument: "{}"},
			"ValidationError: 2 validation errors detected: Value '" + long + "?' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64; Value '" + long + "?' at 'roleName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+"},
		{iamapi.Model.Operation("CreateRole"), &iamapi.CreateRoleRequest{RoleName: "a"},
			"ValidationError: 1 validation error detected: Value null at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null"},
		{iamapi.Model.Operation("TagRole"), &iamapi.TagRoleRequest{RoleName: "a", Tags: []iamapi.Tag{{Key: strings.Repeat("k", 129)}}},
			"ValidationError: 1 validation error detected: Value '" + strings.Repeat("k", 129) + "' at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128"},
		{iamapi.Model.Operation("ListRoles"), &iamapi.ListRolesRequest{MaxItems: new(int32(0))},
			"ValidationError: 1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{cloudformationapi.Model.Operation("CreateStack"), &cloudformationapi.CreateStackInput{StackName: "a", OnFailure: "PANIC"},
			"ValidationError: 1 validation error detected: Value 'PANIC' at 'onFailure' failed to satisfy constraint: Member must satisfy enum value set: [DO_NOTHING, ROLLBACK, DELETE]"},
		{ec2api.Model.Operation("DeleteVpc"), &ec2api.DeleteVpcRequest{}, "MissingParameter: The request must contain the parameter vpcId"},
		{ec2api.Model.Operation("DeleteVpc"), &ec2api.DeleteVpcRequest{VpcId: "vpc-1"}, "<nil>"},
	} {
		got := "<nil>"
		if err := wire.Validate(c.op, c.in); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.op.Name, got, c.want)
		}
	}
}

func TestAbsentAndZeroSurvive(t *testing.T) {
	op := ecsapi.Model.Operation("RegisterTaskDefinition")
	body := `{"family":"f","containerDefinitions":[{"name":"a","essential":false,"environment":[{"name":"E","value":""}],"command":[]}]}`
	in, err := op.Decode(wire.JSON11, httptest.NewRequest("POST", "/", nil), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	c := in.(*ecsapi.RegisterTaskDefinitionRequest).ContainerDefinitions[0]
	if c.Essential == nil || *c.Essential || c.Command == nil || c.EntryPoint != nil || c.Memory != nil {
		t.Errorf("decoded %+v", c)
	}
	w := httptest.NewRecorder()
	out := &ecsapi.RegisterTaskDefinitionResponse{TaskDefinition: &ecsapi.TaskDefinition{ContainerDefinitions: []ecsapi.ContainerDefinition{c}}}
	if err := op.Encode(wire.JSON11, w, out, "id"); err != nil {
		t.Fatal(err)
	}
	want := `"containerDefinitions":[{"name":"a","cpu":0,"essential":false,"command":[],"environment":[{"name":"E","value":""}]}]`
	if !strings.Contains(w.Body.String(), want) {
		t.Errorf("encoded %s", w.Body)
	}
}

func TestErrorsInEachProtocol(t *testing.T) {
	for _, c := range []struct {
		service  *wire.Service
		protocol wire.Protocol
		err      wire.Error
		want     []string
	}{
		{ecsapi.Model, wire.JSON11, &ecsapi.ClusterNotFoundException{Message: "Cluster not found."}, []string{`{"__type":"ClusterNotFoundException","message":"Cluster not found."}`}},
		{ec2api.Model, wire.EC2Query, wire.NewError("InvalidVpcID.NotFound", 400, "The vpc ID '%s' does not exist", "vpc-<1>"),
			[]string{"<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code><Message>The vpc ID &apos;", "<RequestID>id</RequestID>"}},
		{iamapi.Model, wire.Query, &iamapi.NoSuchEntityException{Message: "no"},
			[]string{`<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>no</Message></Error><RequestId>id</RequestId>`}},
		{s3api.Model, wire.RESTXML, &s3api.NoSuchBucket{Message: "gone"}, []string{"<Error><Code>NoSuchBucket</Code><Message>gone</Message><RequestId>id</RequestId>"}},
	} {
		w := httptest.NewRecorder()
		if err := wire.EncodeError(c.service, c.protocol, w, c.err, "id"); err != nil {
			t.Fatal(err)
		}
		for _, part := range c.want {
			part = strings.ReplaceAll(part, "&apos;", "'")
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s: %s\nwants %s", c.service.ID, w.Body, part)
			}
		}
		if w.Code != c.err.HTTPStatus() || w.Header().Get("X-Amzn-Requestid")+w.Header().Get("X-Amz-Request-Id") != "id" {
			t.Errorf("%s: %d %v", c.service.ID, w.Code, w.Header())
		}
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func BenchmarkDescribeServices(b *testing.B) {
	op := ecsapi.Model.Operation("DescribeServices")
	r := httptest.NewRequest("POST", "/", nil)
	body := []byte(`{"cluster":"default","services":["web","api"],"include":["TAGS"]}`)
	out := &ecsapi.DescribeServicesResponse{Services: []ecsapi.Service{{ServiceName: "web", ServiceArn: "arn:aws:ecs:us-east-1:000000000000:service/default/web", DesiredCount: 2}}}
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		in, err := op.Decode(wire.JSON11, r, body)
		if err == nil {
			err = wire.Validate(op, in)
		}
		if err == nil {
			err = op.Encode(wire.JSON11, w, out, "id")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDescribeVpcs(b *testing.B) {
	op := ec2api.Model.Operation("DescribeVpcs")
	r := httptest.NewRequest("POST", "/", nil)
	body := []byte("Action=DescribeVpcs&Version=2016-11-15&VpcId.1=vpc-1&Filter.1.Name=state&Filter.1.Value.1=available")
	out := &ec2api.DescribeVpcsResult{Vpcs: []ec2api.Vpc{{VpcId: "vpc-1", CidrBlock: "10.0.0.0/16", State: "available", IsDefault: new(false)}}}
	w := discard{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		in, err := op.Decode(wire.EC2Query, r, body)
		if err == nil {
			err = wire.Validate(op, in)
		}
		if err == nil {
			err = op.Encode(wire.EC2Query, w, out, "id")
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRouteS3(b *testing.B) {
	r := httptest.NewRequest("GET", "/bucket/some/key/of/an/object?versionId=1", nil)
	b.ReportAllocs()
	for b.Loop() {
		if op, _, err := s3api.Model.Route(r, nil); err != nil || op.Name != "GetObject" {
			b.Fatal(op, err)
		}
	}
}
