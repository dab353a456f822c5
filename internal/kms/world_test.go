package kms

import (
	"context"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/secretsmanager"
	"github.com/neargate/neargate/internal/ssm"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const acct = "111111111111"

// world is KMS, Secrets Manager and Parameter Store behind the gateway, with IAM.
type world struct {
	t       *testing.T
	db      *store.DB
	clock   time.Time
	service *Service
	root    context.Context
	kmsapi.API
	secrets    secretsmanagerapi.API
	parameters ssmapi.API
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, clock: time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC), root: caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1"))}
	now := func() time.Time { return w.clock }
	sealer := seal.Temporary()
	auth := access.NewAuthorizer(access.NewKeys(db, sealer), decision.Discard)
	gate := gateway.New(gateway.Config{Checker: auth, Region: "eu-west-1"})
	w.service = New(db, sealer, now)
	secrets := secretsmanager.New(db, gate, func(string) error { return nil }, now)
	parameters := ssm.New(db, gate, now)
	gate.Mount(kmsapi.Model, kmsapi.Bind(w.service), w.service.Authorization())
	gate.Mount(secretsmanagerapi.Model, secretsmanagerapi.Bind(secrets), secrets.Authorization())
	gate.Mount(ssmapi.Model, ssmapi.Bind(parameters), parameters.Authorization())
	w.API, w.secrets, w.parameters = kmsapi.NewClient(gate), secretsmanagerapi.NewClient(gate), ssmapi.NewClient(gate)
	return w
}

// user makes a user with one inline policy; an empty one allows nothing.
func (w *world) user(account, name, statements string) context.Context {
	w.t.Helper()
	u := &state.User{Account: account, Name: name, Path: "/", ID: "AIDA" + name}
	if statements != "" {
		u.Inline = []state.InlinePolicy{{Name: "p", Document: `{"Version":"2012-10-17","Statement":[` + statements + `]}`}}
	}
	if err := w.db.Write(w.t.Context(), func(tx *store.Tx) error { state.Users.Put(tx, u); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return caller.With(w.t.Context(), caller.Identity{Account: account, Region: "eu-west-1", Type: caller.User, ARN: u.ARN(), UserID: u.ID})
}

func allow(action, resource string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
}

// ok takes an answer and fails the test on an error.
func ok[T any](out T, err error) T {
	if err != nil {
		panic(err)
	}
	return out
}

func (w *world) done(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refused(err error, want string) {
	w.t.Helper()
	if err == nil || err.Error() != want {
		w.t.Errorf("got  %v\nwant %s", err, want)
	}
}

// key makes a key; policy "" is AWS's default.
func (w *world) key(policy string) string {
	w.t.Helper()
	return ok(w.CreateKey(w.root, &kmsapi.CreateKeyRequest{Policy: policy, BypassPolicyLockoutSafetyCheck: true})).KeyMetadata.Arn
}
