package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/store"
)

// TestRefusedRequestsLeadToWhy: the header of a refused request has an id about
// which something is known; others have no header.
func TestRefusedRequestsLeadToWhy(t *testing.T) {
	db, err := store.OpenMemory(decision.Table)
	if err != nil {
		t.Fatal(err)
	}
	log := decision.NewLog(db)
	g := gateway.New(gateway.Config{
		Keys: keys{}, Checker: checker{}, Region: "us-east-1", Control: http.NotFoundHandler(), Decisions: log,
		S3Path: func(_, path string) (string, bool) { return path, true },
	})
	g.Mount(stsapi.Model, stsapi.Bind(sts{}), authorize.Service{Rules: map[string][]authorize.Rule{"GetCallerIdentity": nil, "GetAccessKeyInfo": nil}})
	server := httptest.NewServer(g)
	defer server.Close()
	for name, c := range map[string]struct {
		body, key, secret string
		code              string // "" when why has nothing to say
	}{
		"good":                      {whoami, "test", "test", ""},
		"wrong secret":              {whoami, "test", "wrong", "req.signature"},
		"unknown key":               {whoami, "LKIANOBODY", "test", "req.key"},
		"operation not carried out": {"Action=AssumeRoleWithSAML&Version=2011-06-15", "test", "test", "req.unsupported"},
		"malformed":                 {"Action=GetAccessKeyInfo&Version=2011-06-15", "test", "test", ""},
	} {
		req, err := http.NewRequest("POST", server.URL+"/", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		sigv4.Sign(req, sigv4.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}, "eu-west-1", "sts", []byte(c.body), time.Now())
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		id := res.Header.Get("x-neargate-why")
		about := log.About(id)
		switch {
		case c.code == "" && id != "":
			t.Errorf("%s: status %d leads to %s, about which there is %+v", name, res.StatusCode, id, about)
		case c.code != "" && (len(about) != 1 || about[0].Code != c.code):
			t.Errorf("%s: status %d leads to %q, about which there is %+v; want %s", name, res.StatusCode, id, about, c.code)
		}
	}
}
