package sts

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	acct   = "111111111111"
	appARN = "arn:aws:iam::111111111111:role/app"
)

type world struct {
	db   *store.DB
	keys *access.Keys
	auth *access.Authorizer
	sts  *Service
	inv  stsapi.API // through permission checks
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, keys: access.NewKeys(db, seal.Temporary())}
	w.auth = access.NewAuthorizer(w.keys, decision.Discard)
	w.sts = New(db, w.keys, w.auth)
	w.inv = stsapi.NewClient(w)
	return w
}

// Invoke does what the gateway does between validation and handler.
func (w *world) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	if err := wire.Validate(service.Operation(operation), in); err != nil {
		return nil, err
	}
	if err := w.auth.CheckOperation(ctx, w.sts.Authorization(), operation, in); err != nil {
		return nil, err
	}
	return stsapi.Bind(w.sts)[operation](ctx, in)
}

func (w *world) role(t *testing.T, name, trust string, policies ...state.InlinePolicy) {
	t.Helper()
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		state.Roles.Put(tx, &state.Role{Account: acct, Name: name, Path: "/", ID: "AROA" + name, MaxSessionDuration: 3600, CreatedAt: time.Now(),
			TrustPolicy: `{"Version":"2012-10-17","Statement":[` + trust + `]}`, PrincipalPolicies: state.PrincipalPolicies{Inline: policies}})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) user(t *testing.T, account, name, policy string) context.Context {
	t.Helper()
	u := &state.User{Account: account, Name: name, Path: "/", ID: "AIDA" + name}
	if policy != "" {
		u.Inline = []state.InlinePolicy{{Name: "p", Document: policy}}
	}
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { state.Users.Put(tx, u); return nil }); err != nil {
		t.Fatal(err)
	}
	return caller.With(t.Context(), caller.Identity{Account: account, Region: "eu-west-1", Type: caller.User, ARN: u.ARN(), UserID: u.ID})
}

const (
	mayAssume  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Resource":"*"}]}`
	trustRoot  = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":["sts:AssumeRole","sts:TagSession"]}`
	trustBob   = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/bob"},"Action":"sts:AssumeRole"}`
	trustOther = `{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"open sesame"}}}`
	trustTasks = `{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"}}}`
)

func TestAssumeRole(t *testing.T) {
	w := newWorld(t)
	bob, poor := w.user(t, acct, "bob", mayAssume), w.user(t, acct, "poor", "")
	eve := w.user(t, "222222222222", "eve", mayAssume)
	root := caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1"))
	denied := func(who string) string {
		return "AccessDenied: User: " + who + " is not authorized to perform: sts:AssumeRole on resource: " + appARN
	}
	with := func(f func(*stsapi.AssumeRoleRequest)) *stsapi.AssumeRoleRequest {
		in := &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s1"}
		if f != nil {
			f(in)
		}
		return in
	}
	plain := with(nil)
	long := int32(7200)
	cases := []struct {
		name, trust string
		ctx         context.Context
		in          *stsapi.AssumeRoleRequest
		want        string // error, "" when allowed
	}{
		{"account trusted", trustRoot, bob, plain, ""},
		{"account trusted, no permission of one's own", trustRoot, poor, plain, denied("arn:aws:iam::111111111111:user/poor")},
		{"account trusted, root", trustRoot, root, plain, ""},
		{"user trusted needs no permission", strings.Replace(trustBob, "bob", "poor", 1), poor, plain, ""},
		{"another user trusted", strings.Replace(trustBob, "bob", "poor", 1), bob, plain, denied("arn:aws:iam::111111111111:user/bob")},
		{"only a service trusted", trustTasks, bob, plain, denied("arn:aws:iam::111111111111:user/bob")},
		{"root, not trusted", trustTasks, root, plain, denied("arn:aws:iam::111111111111:root")},
		{"other account with external id", trustOther, eve, with(func(in *stsapi.AssumeRoleRequest) { in.ExternalId = "open sesame" }), "ValidationError"},
		{"other account with external id, well-formed", strings.Replace(trustOther, "open sesame", "sesame", 1), eve, with(func(in *stsapi.AssumeRoleRequest) { in.ExternalId = "sesame" }), ""},
		{"other account without external id", trustOther, eve, plain, denied("arn:aws:iam::222222222222:user/eve")},
		{"no such role", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) { in.RoleArn += "x" }), denied("arn:aws:iam::111111111111:user/bob") + "x"},
		{"too long", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) { in.DurationSeconds = &long }), "ValidationError: The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"bad policy", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) { in.Policy = "{}" }), "MalformedPolicyDocument: Syntax errors in policy."},
		{"large policy", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) { in.Policy = mayAssume + strings.Repeat(" ", 2048) }), "PackedPolicyTooLarge: Packed policy consumes more than 100% of allotted space, please use smaller policy."},
		{"unknown session policy", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) {
			in.PolicyArns = []stsapi.PolicyDescriptorType{{Arn: "arn:aws:iam::aws:policy/Nothing"}}
		}), "ValidationError: Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable."},
		{"tags", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) { in.Tags = []stsapi.Tag{{Key: "team", Value: "red"}} }), ""},
		{"tags not trusted", trustBob, bob, with(func(in *stsapi.AssumeRoleRequest) { in.Tags = []stsapi.Tag{{Key: "team", Value: "red"}} }), "AccessDenied: User: arn:aws:iam::111111111111:user/bob is not authorized to perform: sts:TagSession on resource: " + appARN},
		{"duplicate tags", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) {
			in.Tags = []stsapi.Tag{{Key: "team", Value: "red"}, {Key: "Team", Value: "x"}}
		}), "InvalidParameterValue: Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"MFA", trustRoot, bob, with(func(in *stsapi.AssumeRoleRequest) { in.SerialNumber, in.TokenCode = "arn:aws:iam::1:mfa/x", "123456" }), "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code. "},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.role(t, "app", c.trust)
			out, err := w.inv.AssumeRole(c.ctx, c.in)
			switch {
			case c.want != "":
				if err == nil || !strings.HasPrefix(err.Error(), c.want) {
					t.Errorf("got  %v\nwant %s", err, c.want)
				}
			case err != nil:
				t.Error(err)
			case out.AssumedRoleUser.Arn != "arn:aws:sts::111111111111:assumed-role/app/s1" || out.AssumedRoleUser.AssumedRoleId != "AROAapp:s1":
				t.Errorf("%+v", out.AssumedRoleUser)
			default:
				secret, id, err := w.keys.Lookup(t.Context(), out.Credentials.AccessKeyId, out.Credentials.SessionToken, false)
				if err != nil || secret != out.Credentials.SecretAccessKey || id.RoleARN != appARN {
					t.Errorf("%+v %v", id, err)
				}
			}
		})
	}
}

// TestChain: session policies bind, transitive tags go on, chained sessions are short.
func TestChain(t *testing.T) {
	w := newWorld(t)
	bob := w.user(t, acct, "bob", mayAssume)
	w.role(t, "app", trustRoot, state.InlinePolicy{Name: "p", Document: mayAssume})
	first, err := w.inv.AssumeRole(bob, &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s1", Tags: []stsapi.Tag{{Key: "team", Value: "red"}, {Key: "own", Value: "1"}}, TransitiveTagKeys: []string{"team"}})
	if err != nil {
		t.Fatal(err)
	}
	_, id, err := w.keys.Lookup(t.Context(), first.Credentials.AccessKeyId, first.Credentials.SessionToken, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx := caller.With(t.Context(), id)
	second, err := w.inv.AssumeRole(ctx, &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s2"})
	if err != nil {
		t.Fatal(err)
	}
	_, id2, err := w.keys.Lookup(t.Context(), second.Credentials.AccessKeyId, second.Credentials.SessionToken, false)
	if err != nil || id2.Tags["team"] != "red" || id2.Tags["own"] != "" || id2.SessionName != "s2" {
		t.Errorf("%+v %v", id2, err)
	}
	if _, err := w.inv.AssumeRole(ctx, &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s2", Tags: []stsapi.Tag{{Key: "team", Value: "blue"}}}); err == nil {
		t.Error("a transitive tag was replaced")
	}
	long := int32(3601)
	if _, err := w.inv.AssumeRole(ctx, &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s2", DurationSeconds: &long}); err == nil || !strings.Contains(err.Error(), "role chaining") {
		t.Error(err)
	}
}

func TestGetSessionToken(t *testing.T) {
	w := newWorld(t)
	bob := w.user(t, acct, "bob", "")
	out, err := w.inv.GetSessionToken(bob, &stsapi.GetSessionTokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, id, err := w.keys.Lookup(t.Context(), out.Credentials.AccessKeyId, out.Credentials.SessionToken, false)
	if err != nil || id.ARN != "arn:aws:iam::111111111111:user/bob" || id.IssuedAt.IsZero() {
		t.Errorf("%+v %v", id, err)
	}
	if _, err := w.inv.GetSessionToken(caller.With(t.Context(), id), &stsapi.GetSessionTokenRequest{}); err == nil || !strings.Contains(err.Error(), "Cannot call GetSessionToken with session credentials") {
		t.Error(err)
	}
}

func TestSessionsForServices(t *testing.T) {
	w := newWorld(t)
	w.role(t, "app", trustTasks)
	x := w.sts.Sessions()
	const task = "arn:aws:ecs:eu-west-1:111111111111:task/c/0123"
	c, err := x.AssumeForService(t.Context(), appARN, "ecs-tasks.amazonaws.com", task, acct, "0123", 6*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if c.Identity.ARN != "arn:aws:sts::111111111111:assumed-role/app/0123" || time.Until(c.Expiration) < 5*time.Hour {
		t.Errorf("%+v", c.Identity)
	}
	if _, id, err := w.keys.Lookup(t.Context(), c.AccessKeyID, c.SessionToken, false); err != nil || id.ARN != c.Identity.ARN {
		t.Errorf("%+v %v", id, err)
	}
	if err := x.CanAssume(t.Context(), acct, "eu-west-1", appARN, "ecs-tasks.amazonaws.com", task); err != nil {
		t.Error(err)
	}
	var not *access.NotAssumable
	if err := x.CanAssume(t.Context(), acct, "eu-west-1", appARN, "ecs.amazonaws.com", task); !errors.As(err, &not) || not.Reason != access.PrincipalMissing {
		t.Error(err)
	}
	w.role(t, "app", strings.Replace(trustTasks, acct, "333333333333", 1))
	if err := x.CanAssume(t.Context(), acct, "eu-west-1", appARN, "ecs-tasks.amazonaws.com", task); !errors.As(err, &not) || not.Key != "aws:SourceAccount" || not.Wanted[0] != "333333333333" || not.Given[0] != acct {
		t.Errorf("%v", err)
	}
}

func TestSmallOperations(t *testing.T) {
	w := newWorld(t)
	bob := w.user(t, acct, "bob", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`)
	who, err := w.inv.GetCallerIdentity(bob, &stsapi.GetCallerIdentityRequest{})
	if err != nil || who.Account != acct || who.Arn != "arn:aws:iam::111111111111:user/bob" || who.UserId != "AIDAbob" {
		t.Errorf("%+v %v", who, err)
	}
	a, err := w.keys.CreateAccount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info, err := w.inv.GetAccessKeyInfo(bob, &stsapi.GetAccessKeyInfoRequest{AccessKeyId: a.AccessKeyID}); err != nil || info.Account != a.AccountID {
		t.Errorf("%+v %v", info, err)
	}
	if _, err := w.inv.GetAccessKeyInfo(bob, &stsapi.GetAccessKeyInfoRequest{AccessKeyId: "LKIA0000000000000000"}); err == nil {
		t.Error("an unknown key has an account")
	}
	var e wire.Error
	if err := w.auth.Check(bob, "ec2:CreateVpc", "*", nil); !errors.As(err, &e) {
		t.Fatal(err)
	}
	_, encoded, _ := strings.Cut(e.ErrorMessage(), "failure message: ")
	message, err := w.inv.DecodeAuthorizationMessage(bob, &stsapi.DecodeAuthorizationMessageRequest{EncodedMessage: encoded})
	if err != nil || !json.Valid([]byte(message.DecodedMessage)) || !strings.Contains(message.DecodedMessage, `"action":"ec2:CreateVpc"`) {
		t.Errorf("%+v %v", message, err)
	}
	if _, err := w.inv.DecodeAuthorizationMessage(bob, &stsapi.DecodeAuthorizationMessageRequest{EncodedMessage: "x"}); err == nil {
		t.Error("nonsense was decoded")
	}
}

// TestAuthorizationIsComplete: every served operation has an entry.
func TestAuthorizationIsComplete(t *testing.T) {
	rules := newWorld(t).sts.Authorization().Rules
	for name := range stsapi.Model.Operations {
		if _, ok := rules[name]; !ok {
			t.Errorf("%s has no entry", name)
		}
	}
}
