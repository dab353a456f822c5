package gateway_test

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/gateway"
)

// keys knows one key, which is trusted from loopback only.
type keys struct{}

func (keys) Lookup(_ context.Context, id, _ string, trusted bool) (string, caller.Identity, error) {
	if id != "test" || !trusted {
		return "", caller.Identity{}, &sigv4.Error{Kind: sigv4.UnknownKey}
	}
	return "test", caller.ForRoot("000000000000", ""), nil
}

// checker denies one operation.
type checker struct{}

func (checker) CheckOperation(ctx context.Context, table authorize.Service, operation string, _ any) error {
	if _, ok := table.Rules[operation]; !ok {
		return errors.New("no rule for " + operation)
	}
	if operation == "GetSessionToken" {
		return wire.NewError("AccessDenied", 403, "no")
	}
	return nil
}

// sts answers with who was seen.
type sts struct{ stsapi.API }

func (sts) GetCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	id := caller.From(ctx)
	return &stsapi.GetCallerIdentityResponse{Account: id.Account, Arn: id.ARN, UserId: id.Region}, nil
}

func (sts) GetAccessKeyInfo(context.Context, *stsapi.GetAccessKeyInfoRequest) (*stsapi.GetAccessKeyInfoResponse, error) {
	return nil, errors.New("the disk is on fire")
}

func newServer(t *testing.T, origin func(context.Context) (gateway.Origin, bool)) string {
	g := gateway.New(gateway.Config{
		Keys: keys{}, Checker: checker{}, Region: "us-east-1", Origin: origin, Control: http.NotFoundHandler(),
		S3Path: func(_, path string) (string, bool) { return path, true },
	})
	g.Mount(stsapi.Model, stsapi.Bind(sts{}), authorize.Service{Rules: map[string][]authorize.Rule{"GetCallerIdentity": nil, "GetAccessKeyInfo": nil, "GetSessionToken": nil}})
	g.Mount(ecsapi.Model, wire.Handlers{}, authorize.Service{})
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server.URL
}

// request is one case: what is sent and how it is spoiled.
type request struct {
	body, target, secret string
	service              string
	unsigned             bool
	at                   time.Time
	spoil                func(*http.Request)
}

func send(t *testing.T, url string, r request) (int, string) {
	t.Helper()
	req, err := http.NewRequest("POST", url+"/", strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if r.target != "" {
		req.Header.Set("Content-Type", "application/x-amz-json-1.1")
		req.Header.Set("X-Amz-Target", r.target)
	}
	if r.secret == "" {
		r.secret = "test"
	}
	if r.service == "" {
		r.service = "sts"
	}
	if r.at.IsZero() {
		r.at = time.Now()
	}
	if !r.unsigned {
		sigv4.Sign(req, sigv4.Credentials{AccessKeyID: "test", SecretAccessKey: r.secret}, "eu-west-1", r.service, []byte(r.body), r.at)
	}
	if r.spoil != nil {
		r.spoil(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(answer)
}

func zipped(s string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func isZipped(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }

const whoami = "Action=GetCallerIdentity&Version=2011-06-15"

func TestAnswers(t *testing.T) {
	url := newServer(t, nil)
	for name, c := range map[string]struct {
		request
		status int
		want   []string
	}{
		"good":                      {request{body: whoami}, 200, []string{"<Account>000000000000</Account>", "<UserId>eu-west-1</UserId>", "<RequestId>"}},
		"wrong secret":              {request{body: whoami, secret: "wrong"}, 403, []string{"<Code>SignatureDoesNotMatch</Code>"}},
		"body changed":              {request{body: whoami, spoil: func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(whoami + "&a=1")); r.ContentLength += 4 }}, 403, []string{"SignatureDoesNotMatch"}},
		"skewed":                    {request{body: whoami, at: time.Now().Add(-time.Hour)}, 403, []string{"SignatureDoesNotMatch"}},
		"unsigned":                  {request{body: whoami, unsigned: true}, 403, []string{"MissingAuthenticationToken"}},
		"scope of another service":  {request{target: "AmazonEC2ContainerServiceV20141113.ListClusters", body: "{}", service: "sts"}, 400, []string{"InvalidSignatureException", "correct service"}},
		"operation nobody has":      {request{body: "Action=MakeTea&Version=2011-06-15"}, 400, []string{"InvalidAction", "MakeTea"}},
		"operation not carried out": {request{body: "Action=AssumeRoleWithSAML&Version=2011-06-15"}, 400, []string{"AssumeRoleWithSAML"}},
		"service not carried out":   {request{body: whoami, service: "sqs"}, 400, []string{"sqs"}},
		"denied":                    {request{body: "Action=GetSessionToken&Version=2011-06-15"}, 403, []string{"<Code>AccessDenied</Code>"}},
		"internal failure":          {request{body: "Action=GetAccessKeyInfo&Version=2011-06-15&AccessKeyId=AKIAIOSFODNN7EXAMPLE"}, 500, []string{"<Code>InternalFailure</Code>"}},
		"too large":                 {request{body: whoami + "&x=" + strings.Repeat("x", 9<<20)}, 413, []string{"RequestEntityTooLarge"}},
		"compressed":                {request{body: zipped(whoami), spoil: isZipped}, 200, []string{"<Account>000000000000</Account>"}},
		"compressed, it says":       {request{body: whoami, spoil: isZipped}, 400, []string{"MalformedInput"}},
		"large once decompressed":   {request{body: zipped(whoami + "&x=" + strings.Repeat("x", 9<<20)), spoil: isZipped}, 413, []string{"RequestEntityTooLarge"}},
		"malformed form":            {request{body: "Action=GetCallerIdentity&%zz"}, 400, []string{"MalformedQueryString"}},
	} {
		t.Run(name, func(t *testing.T) {
			status, answer := send(t, url, c.request)
			if status != c.status {
				t.Errorf("status %d, want %d: %s", status, c.status, answer)
			}
			for _, want := range c.want {
				if !strings.Contains(answer, want) {
					t.Errorf("no %q in %s", want, answer)
				}
			}
			if strings.Contains(answer, "on fire") {
				t.Errorf("the text of an internal error leaked: %s", answer)
			}
		})
	}
}

func TestTheOperatorsKeyIsRefusedFromInsideAVPC(t *testing.T) {
	url := newServer(t, func(context.Context) (gateway.Origin, bool) { return gateway.Origin{VPC: "vpc-1"}, true })
	if status, answer := send(t, url, request{body: whoami}); status != 403 || !strings.Contains(answer, "InvalidClientTokenId") {
		t.Errorf("%d %s", status, answer)
	}
}
