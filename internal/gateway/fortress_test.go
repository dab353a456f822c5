package gateway_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	stsservice "github.com/neargate/neargate/internal/sts"
)

// fortress is a Neargate without a data plane: two accounts, each with a user
// who may do everything in it, and a user who may do next to nothing.
type fortress struct {
	t       *testing.T
	gate    *gateway.Gateway
	iam     *iam.Service
	auth    *access.Authorizer
	keys    *access.Keys
	tokens  *stsservice.Service
	inside  *gateway.Origin // where requests come from; nil: the API's listener
	address string
}

const (
	home  = access.OperatorAccount
	other = "222222222222"
)

func newFortress(t *testing.T) *fortress {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := blob.OpenObjects(t.TempDir(), blob.Key{1})
	if err != nil {
		t.Fatal(err)
	}
	sealer := seal.Temporary()
	f := &fortress{t: t, keys: access.NewKeys(db, sealer), address: "127.0.0.1:40000"}
	f.auth = access.NewAuthorizer(f.keys, decision.Discard)
	f.tokens, f.iam = stsservice.New(db, f.keys, f.auth), iam.New(db, sealer, f.auth)
	f.gate = gateway.New(gateway.Config{Keys: f.keys, Checker: f.auth, Region: "us-east-1", S3Path: s3.PathStyle, Control: http.NotFoundHandler(), Origin: func(context.Context) (gateway.Origin, bool) {
		if f.inside == nil {
			return gateway.Origin{}, false
		}
		return *f.inside, true
	}})
	buckets, err := s3.New(s3.Config{DB: db, Objects: objects, Checker: f.auth})
	if err != nil {
		t.Fatal(err)
	}
	scheduler := ecs.New(ecs.Deps{DB: db, Checker: f.auth, Roles: f.tokens.Sessions(), Decisions: decision.Discard})
	f.auth.Register("s3", buckets.Authorization())
	f.gate.Mount(stsapi.Model, stsapi.Bind(f.tokens), f.tokens.Authorization())
	f.gate.Mount(iamapi.Model, iamapi.Bind(f.iam), f.iam.Authorization())
	f.gate.Mount(ecsapi.Model, ecsapi.Bind(scheduler), scheduler.Authorization())
	f.gate.Mount(s3api.Model, s3api.Bind(buckets), buckets.Authorization())
	if err := db.Write(t.Context(), func(tx *store.Tx) error { state.Accounts.Put(tx, &state.Account{ID: other}); return nil }); err != nil {
		t.Fatal(err)
	}
	return f
}

// user makes a user with a policy and a key.
func (f *fortress) user(account, name, statements string) sigv4.Credentials {
	f.t.Helper()
	ctx := caller.With(f.t.Context(), caller.ForRoot(account, "us-east-1"))
	_, err := f.iam.CreateUser(ctx, &iamapi.CreateUserRequest{UserName: name})
	f.must(err)
	f.must(f.iam.PutUserPolicy(ctx, &iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[` + statements + `]}`}))
	key, err := f.iam.CreateAccessKey(ctx, &iamapi.CreateAccessKeyRequest{UserName: name})
	f.must(err)
	return sigv4.Credentials{AccessKeyID: key.AccessKey.AccessKeyId, SecretAccessKey: key.AccessKey.SecretAccessKey}
}

func (f *fortress) role(account, name, trust string) string {
	f.t.Helper()
	ctx := caller.With(f.t.Context(), caller.ForRoot(account, "us-east-1"))
	_, err := f.iam.CreateRole(ctx, &iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":[` + trust + `]}`})
	f.must(err)
	return "arn:aws:iam::" + account + ":role/" + name
}

func (f *fortress) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

const (
	everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	nothing    = `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`
)

// query makes a signed request of a query service; attack spoils it afterwards.
func (f *fortress) query(c sigv4.Credentials, service string, form url.Values, attack func(*http.Request)) (int, string) {
	body := []byte(form.Encode())
	r := httptest.NewRequest("POST", "http://"+service+".us-east-1.amazonaws.com/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sigv4.Sign(r, c, "us-east-1", service, body, time.Now())
	return f.send(r, attack)
}

// json makes a signed request of a JSON service.
func (f *fortress) json(c sigv4.Credentials, service, target, body string, attack func(*http.Request)) (int, string) {
	r := httptest.NewRequest("POST", "http://"+service+".us-east-1.amazonaws.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	sigv4.Sign(r, c, "us-east-1", service, []byte(body), time.Now())
	return f.send(r, attack)
}

// s3 makes a signed request of S3.
func (f *fortress) s3(c sigv4.Credentials, method, path, body string, attack func(*http.Request)) (int, string) {
	r := httptest.NewRequest(method, "http://s3.us-east-1.amazonaws.com"+path, strings.NewReader(body))
	sigv4.Sign(r, c, "us-east-1", "s3", []byte(body), time.Now())
	return f.send(r, attack)
}

func (f *fortress) send(r *http.Request, attack func(*http.Request)) (int, string) {
	f.t.Helper()
	r.RemoteAddr = f.address
	if attack != nil {
		attack(r)
	}
	w := httptest.NewRecorder()
	f.gate.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(body)
}

// refused checks that an attack fails for the reason that is wanted.
func (f *fortress) refused(name string, status int, answer, want string) {
	f.t.Helper()
	if status < 400 || status >= 500 || !strings.Contains(answer, want) {
		f.t.Errorf("%s: %d %.500s\nwant %s", name, status, answer, want)
	}
}

var whoAmI = url.Values{"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}}
