package wire_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/wire"
)

// decodeAndCheck decodes a body; whatever it is, nothing may panic, and every
// error must be one that can be answered.
func decodeAndCheck(t *testing.T, p wire.Protocol, op *wire.Operation, target string, body []byte) any {
	r := httptest.NewRequest("POST", "/", nil)
	if u, err := url.ParseRequestURI(target); err == nil {
		r.URL = u
	}
	in, err := op.Decode(p, r, body)
	if err == nil {
		err = wire.Validate(op, in)
	}
	if err == nil {
		return in
	}
	aws, ok := err.(wire.Error)
	if !ok || aws.ErrorCode() == "" || aws.HTTPStatus() < 400 {
		t.Fatalf("%T %v", err, err)
	}
	if err := wire.EncodeError(op.Service, p, httptest.NewRecorder(), aws, "id"); err != nil {
		t.Fatal(err)
	}
	return nil
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"family":"x","containerDefinitions":[{"name":"a","image":"b","cpu":1,"environment":[{"name":"K","value":""}],"dockerLabels":{"a":"\u00e9"}}],"tags":null}`))
	f.Add([]byte(`{"a":[[[[[[1e999,-0.0,true,"\ud83d\ude00"]]]]]]}`))
	op := ecsapi.Model.Operation("RegisterTaskDefinition")
	f.Fuzz(func(t *testing.T, body []byte) { decodeAndCheck(t, wire.JSON11, op, "/", body) })
}

func FuzzQuery(f *testing.F) {
	f.Add("Action=CreateStack&StackName=a&Parameters.member.1.ParameterKey=k&Parameters.member.1.ParameterValue=v&Tags=&Capabilities.member.2=CAPABILITY_IAM")
	op := cloudformationapi.Model.Operation("CreateStack")
	f.Fuzz(func(t *testing.T, body string) { decodeAndCheck(t, wire.Query, op, "/", []byte(body)) })
}

func FuzzEC2Query(f *testing.F) {
	f.Add("Action=AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.FromPort=80&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0")
	op := ec2api.Model.Operation("AuthorizeSecurityGroupIngress")
	f.Fuzz(func(t *testing.T, body string) { decodeAndCheck(t, wire.EC2Query, op, "/", []byte(body)) })
}

func FuzzXML(f *testing.F) {
	f.Add("/bucket?tagging", []byte(`<Tagging xmlns="x"><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>`))
	f.Add("/bucket/%2e%2e?x", []byte(strings.Repeat("<a>", 200)))
	op := s3api.Model.Operation("PutBucketTagging")
	f.Fuzz(func(t *testing.T, target string, body []byte) { decodeAndCheck(t, wire.RESTXML, op, target, body) })
}

func FuzzRESTJSON(f *testing.F) {
	f.Add("/bucket/key?x=1", []byte(`{"a":1}`))
	op := s3api.Model.Operation("ListObjectsV2")
	f.Fuzz(func(t *testing.T, target string, body []byte) { decodeAndCheck(t, wire.RESTJSON, op, target, body) })
}

func FuzzCBOR(f *testing.F) {
	f.Add([]byte("\xbf\x66family\x61x\x74containerDefinitions\x81\xa1\x64name\x7f\x61a\x61b\xff\xff"))
	f.Add([]byte("\x9f\x9f\x9f\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00\xff"))
	op := ecsapi.Model.Operation("RegisterTaskDefinition")
	f.Fuzz(func(t *testing.T, body []byte) { decodeAndCheck(t, wire.RPCv2, op, "/", body) })
}

// FuzzRoundTrip checks that what was decoded is decoded again from what we encode.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte(`{"cluster":"c","services":["a","b"],"include":["TAGS"]}`))
	// An operation whose output is the input's type, to feed one into the other.
	op := &wire.Operation{Name: "Echo", Service: ecsapi.Model,
		NewInput: func() any { return new(ecsapi.RegisterTaskDefinitionRequest) }, NewOutput: func() any { return new(ecsapi.RegisterTaskDefinitionRequest) }}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, p := range []wire.Protocol{wire.JSON11, wire.RPCv2} {
			in, err := op.Decode(wire.JSON11, httptest.NewRequest("POST", "/", nil), body)
			if err != nil {
				return
			}
			first := httptest.NewRecorder()
			if err := op.Encode(p, first, in, "id"); err != nil {
				t.Fatal(err)
			}
			again, err := op.Decode(p, httptest.NewRequest("POST", "/", nil), first.Body.Bytes())
			if err != nil {
				t.Fatalf("%s: %v\n%q", p, err, first.Body)
			}
			second := httptest.NewRecorder()
			op.Encode(p, second, again, "id")
			if first.Body.String() != second.Body.String() {
				t.Fatalf("%s:\n%q\n%q", p, first.Body, second.Body)
			}
		}
	})
}
