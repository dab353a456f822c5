package sts

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	mayAll  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	mayRead = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`
)

// TestFederationToken: a federated user has what its maker may and its session
// policy allows, and nothing without one.
func TestFederationToken(t *testing.T) {
	w := newWorld(t)
	bob, reader := w.user(t, acct, "bob", mayAll), w.user(t, acct, "reader", strings.Replace(mayRead, `"s3:GetObject"`, `["s3:GetObject","sts:GetFederationToken"]`, 1))
	root := caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1"))
	const object = "arn:aws:s3:::b/k"
	for _, c := range []struct {
		name         string
		policy       string
		byRoot, poor bool
		get, put     bool
	}{
		{"no session policy", "", false, false, false, false},
		{"reads", mayRead, false, false, true, false},
		{"everything", mayAll, false, false, true, true},
		{"everything of one who reads", mayAll, false, true, true, false},
		{"of the root user", mayRead, true, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := bob
			if c.byRoot {
				ctx = root
			}
			if c.poor {
				ctx = reader
			}
			out, err := w.inv.GetFederationToken(ctx, &stsapi.GetFederationTokenRequest{Name: "fred", Policy: c.policy, Tags: []stsapi.Tag{{Key: "team", Value: "red"}}})
			if err != nil {
				t.Fatal(err)
			}
			if out.FederatedUser.Arn != "arn:aws:sts::111111111111:federated-user/fred" || out.FederatedUser.FederatedUserId != "111111111111:fred" {
				t.Errorf("%+v", out.FederatedUser)
			}
			_, id, err := w.keys.Lookup(t.Context(), out.Credentials.AccessKeyId, out.Credentials.SessionToken, false)
			if err != nil || id.Type != caller.Federated || id.Tags["team"] != "red" {
				t.Fatalf("%+v %v", id, err)
			}
			fred := caller.With(t.Context(), id)
			if got := w.auth.Check(fred, "s3:GetObject", object, nil) == nil; got != c.get {
				t.Errorf("GetObject: %v", got)
			}
			if got := w.auth.Check(fred, "s3:PutObject", object, nil) == nil; got != c.put {
				t.Errorf("PutObject: %v", got)
			}
		})
	}
	session, err := w.inv.GetFederationToken(bob, &stsapi.GetFederationTokenRequest{Name: "fred", Policy: mayAll})
	if err != nil {
		t.Fatal(err)
	}
	_, id, _ := w.keys.Lookup(t.Context(), session.Credentials.AccessKeyId, session.Credentials.SessionToken, false)
	_, err = w.inv.GetFederationToken(caller.With(t.Context(), id), &stsapi.GetFederationTokenRequest{Name: "ted"})
	if err == nil || !strings.Contains(err.Error(), "AccessDenied: Cannot call GetFederationToken with session credentials") {
		t.Errorf("%v", err)
	}
	// The session ends with the user who made it.
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { state.Users.Delete(tx, state.IAMKey(acct, "bob")); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.keys.Lookup(t.Context(), session.Credentials.AccessKeyId, session.Credentials.SessionToken, false); err == nil {
		t.Error("the session outlives its user")
	}
}

// TestSourceIdentityStays: who began a chain of roles is known at its end.
func TestSourceIdentityStays(t *testing.T) {
	w := newWorld(t)
	const may = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:*","Resource":"*"}]}`
	trustAll := `{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}`
	w.role(t, "app", trustAll, state.InlinePolicy{Name: "p", Document: may})
	w.role(t, "second", trustAll)
	w.role(t, "strict", strings.Replace(trustAll, `,"sts:SetSourceIdentity"`, "", 1))
	bob := w.user(t, acct, "bob", may)
	first, err := w.inv.AssumeRole(bob, &stsapi.AssumeRoleRequest{RoleArn: appARN, RoleSessionName: "s1", SourceIdentity: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	_, id, err := w.keys.Lookup(t.Context(), first.Credentials.AccessKeyId, first.Credentials.SessionToken, false)
	if err != nil || id.SourceIdentity != "bob" {
		t.Fatalf("%+v %v", id, err)
	}
	chained := caller.With(t.Context(), id)
	second, err := w.inv.AssumeRole(chained, &stsapi.AssumeRoleRequest{RoleArn: strings.Replace(appARN, "app", "second", 1), RoleSessionName: "s2"})
	if err != nil || second.SourceIdentity != "bob" {
		t.Errorf("%+v %v", second, err)
	}
	if _, err = w.inv.AssumeRole(chained, &stsapi.AssumeRoleRequest{RoleArn: strings.Replace(appARN, "app", "second", 1), RoleSessionName: "s2", SourceIdentity: "eve"}); err == nil {
		t.Error("the source identity was changed")
	}
	if _, err = w.inv.AssumeRole(chained, &stsapi.AssumeRoleRequest{RoleArn: strings.Replace(appARN, "app", "strict", 1), RoleSessionName: "s2"}); err == nil {
		t.Error("a role that allows no source identity was assumed with one")
	}
}

// TestAccessKeysTellTheirAccount holds for sessions, too, as on AWS.
func TestAccessKeysTellTheirAccount(t *testing.T) {
	w := newWorld(t)
	root := caller.With(t.Context(), caller.ForRoot(acct, ""))
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { state.Accounts.Put(tx, &state.Account{ID: acct}); return nil }); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		session, err := w.inv.GetSessionToken(root, &stsapi.GetSessionTokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.inv.GetAccessKeyInfo(root, &stsapi.GetAccessKeyInfoRequest{AccessKeyId: session.Credentials.AccessKeyId})
		if err != nil || out.Account != acct {
			t.Fatalf("%s: %+v %v", session.Credentials.AccessKeyId, out, err)
		}
	}
	if _, err := w.inv.GetAccessKeyInfo(root, &stsapi.GetAccessKeyInfoRequest{AccessKeyId: "LSIA7777777777777777"}); err == nil || !strings.HasPrefix(err.Error(), "ValidationError: Invalid Access Key") {
		t.Errorf("a key of no account: %v", err)
	}
}
