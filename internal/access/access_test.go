package access

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const (
	acct    = "111111111111"
	roleARN = "arn:aws:iam::111111111111:role/team/app"
)

// recorded keeps decisions for the test to look at.
type recorded struct {
	mu  sync.Mutex
	all []decision.Decision
}

func (r *recorded) Record(_ context.Context, d decision.Decision) {
	r.mu.Lock()
	r.all = append(r.all, d)
	r.mu.Unlock()
}

func (r *recorded) last(t *testing.T) decision.Decision {
	t.Helper()
	if len(r.all) == 0 {
		t.Fatal("nothing was recorded")
	}
	return r.all[len(r.all)-1]
}

// world is an account with a role, a user and their keys.
type world struct {
	db   *store.DB
	keys *Keys
	auth *Authorizer
	log  *recorded
}

func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	seal := seal.Temporary()
	w := &world{db: db, keys: NewKeys(db, seal), log: &recorded{}}
	w.auth = NewAuthorizer(w.keys, w.log)
	w.put(t, func(tx *store.Tx) {
		state.Roles.Put(tx, &state.Role{
			Account: acct, Name: "app", Path: "/team/", ID: "AROA1", Tags: []state.Tag{{Key: "Team", Value: "red"}},
			TrustPolicy:       `{"Version":"2012-10-17","Statement":[{"Sid":"Tasks","Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111111111111"},"ArnLike":{"aws:SourceArn":"arn:aws:ecs:eu-west-1:111111111111:*"}}}]}`,
			PrincipalPolicies: state.PrincipalPolicies{Inline: []state.InlinePolicy{{Name: "p", Document: allow("s3:GetObject", "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*")}}},
		})
		state.Users.Put(tx, &state.User{Account: acct, Name: "Bob", Path: "/", ID: "AIDA1",
			PrincipalPolicies: state.PrincipalPolicies{Attached: []string{"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}}})
		state.AccessKeys.Put(tx, &state.AccessKey{ID: "LKIABOB", Account: acct, User: "Bob", Secret: seal.Seal([]byte("bobs"), SecretPurpose("LKIABOB"))})
	})
	return w
}

func (w *world) put(t testing.TB, f func(*store.Tx)) {
	t.Helper()
	if err := w.db.Write(t.Context(), func(tx *store.Tx) error { f(tx); return nil }); err != nil {
		t.Fatal(err)
	}
}

func allow(action, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}]}`
}

func (w *world) session(t testing.TB, change func(*Session)) Credentials {
	t.Helper()
	now := time.Now().UTC()
	s := Session{Account: acct, RoleARN: roleARN, RoleID: "AROA1", Name: "task1", Issued: now, Expires: now.Add(time.Hour)}
	if change != nil {
		change(&s)
	}
	c, err := w.keys.Issue(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) lookup(t testing.TB, c Credentials) caller.Identity {
	t.Helper()
	secret, id, err := w.keys.Lookup(t.Context(), c.AccessKeyID, c.SessionToken, false)
	if err != nil || secret != c.SecretAccessKey {
		t.Fatalf("%q, %v", secret, err)
	}
	id.Region = "eu-west-1"
	return id
}

func kind(err error) sigv4.Kind {
	var e *sigv4.Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func TestLookup(t *testing.T) {
	w := newWorld(t)
	good := w.session(t, nil)
	other := w.session(t, nil)
	expired := w.session(t, func(s *Session) { s.Expires = s.Issued })
	foreign, err := NewKeys(w.db, seal.Temporary()).Issue(Session{Account: acct, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, key, token string
		trusted          bool
		want             sigv4.Kind
		arn, user        string
	}{
		{"operator", "test", "", true, 0, "arn:aws:iam::000000000000:root", "000000000000"},
		{"operator from elsewhere", "test", "", false, sigv4.UnknownKey, "", ""},
		{"operator with a token", "test", "x", true, sigv4.BadToken, "", ""},
		{"unknown", "LKIANOBODY", "", true, sigv4.UnknownKey, "", ""},
		{"user", "LKIABOB", "", false, 0, "arn:aws:iam::111111111111:user/Bob", "AIDA1"},
		{"user's key with a session's token", "LKIABOB", good.SessionToken, false, sigv4.BadToken, "", ""},
		{"session", good.AccessKeyID, good.SessionToken, false, 0, "arn:aws:sts::111111111111:assumed-role/app/task1", "AROA1:task1"},
		{"session without its token", good.AccessKeyID, "", false, sigv4.UnknownKey, "", ""},
		{"another session's token", good.AccessKeyID, other.SessionToken, false, sigv4.BadToken, "", ""},
		{"changed token", good.AccessKeyID, good.SessionToken[:20] + "AAAA" + good.SessionToken[24:], false, sigv4.BadToken, "", ""},
		{"cut token", good.AccessKeyID, good.SessionToken[:40], false, sigv4.BadToken, "", ""},
		{"another instance's token", foreign.AccessKeyID, foreign.SessionToken, false, sigv4.BadToken, "", ""},
		{"expired", expired.AccessKeyID, expired.SessionToken, false, sigv4.ExpiredToken, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			secret, id, err := w.keys.Lookup(t.Context(), c.key, c.token, c.trusted)
			if kind(err) != c.want || (err == nil) != (c.want == 0) {
				t.Fatal(err)
			}
			if id.ARN != c.arn || id.UserID != c.user || (secret == "") != (err != nil) {
				t.Errorf("%q %+v", secret, id)
			}
		})
	}
}

func TestKeyChanges(t *testing.T) {
	w := newWorld(t)
	look := func() error { _, _, err := w.keys.Lookup(t.Context(), "LKIABOB", "", false); return err }
	if err := look(); err != nil {
		t.Fatal(err)
	}
	w.put(t, func(tx *store.Tx) {
		state.AccessKeys.Update(tx, "LKIABOB", func(k *state.AccessKey) { k.Inactive = true })
	})
	if kind(look()) != sigv4.UnknownKey {
		t.Error("an inactive key works")
	}
	w.put(t, func(tx *store.Tx) {
		state.AccessKeys.Update(tx, "LKIABOB", func(k *state.AccessKey) { k.Inactive = false })
		state.Users.Delete(tx, state.IAMKey(acct, "bob"))
	})
	if kind(look()) != sigv4.UnknownKey {
		t.Error("the key of a deleted user works")
	}
}

func (w *world) check(t testing.TB, id caller.Identity, action, resource string, conditions ...string) error {
	t.Helper()
	m := map[string][]string{}
	for i := 0; i < len(conditions); i += 2 {
		m[conditions[i]] = []string{conditions[i+1]}
	}
	return w.auth.Check(caller.With(t.Context(), id), action, resource, m)
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	session := w.lookup(t, w.session(t, nil))
	_, bob, err := w.keys.Lookup(t.Context(), "LKIABOB", "", false)
	if err != nil {
		t.Fatal(err)
	}
	root := caller.ForRoot(acct, "eu-west-1")
	scoped := w.lookup(t, w.session(t, func(s *Session) { s.Policies = []string{allow("s3:PutObject", "*")} }))
	tagged := w.lookup(t, w.session(t, func(s *Session) { s.Tags = map[string]string{"team": "blue"} }))
	const own = "arn:aws:s3:::bucket/red/x"
	const notAllowed = "because no identity-based policy allows the "
	cases := []struct {
		name     string
		id       caller.Identity
		action   string
		resource string
		want     string // end of the message, "" when allowed
	}{
		{"role, own prefix", session, "s3:GetObject", own, ""},
		{"role, other prefix", session, "s3:GetObject", "arn:aws:s3:::bucket/blue/x", notAllowed + "s3:GetObject action"},
		{"role, other action", session, "s3:PutObject", own, notAllowed + "s3:PutObject action"},
		{"session tag wins", tagged, "s3:GetObject", "arn:aws:s3:::bucket/blue/x", ""},
		{"session tag replaces", tagged, "s3:GetObject", own, notAllowed + "s3:GetObject action"},
		{"session policy limits", scoped, "s3:GetObject", own, "because no session policy allows the s3:GetObject action"},
		{"user, managed policy", bob, "s3:GetObject", own, ""},
		{"user, other action", bob, "s3:PutObject", own, notAllowed + "s3:PutObject action"},
		{"root", root, "iam:CreateRole", roleARN, ""},
		{"root, another account", root, "iam:PassRole", "arn:aws:iam::222222222222:role/x", "because no resource-based policy allows the iam:PassRole action"},
		{"service for itself", caller.ForService("ecs.amazonaws.com", acct, "eu-west-1"), "ec2:CreateNetworkInterface", "*", ""},
		{"anonymous", caller.Identity{Type: caller.Anonymous}, "s3:GetObject", own, "Access Denied"},
		{"nobody", caller.Identity{}, "ecs:RunTask", "*", "because no resource-based policy allows the ecs:RunTask action"},
		{"ecs wording", session, "ecs:RunTask", "*", "AccessDeniedException: User: arn:aws:sts::111111111111:assumed-role/app/task1 is not authorized to perform: ecs:RunTask on resource: * because no identity-based policy allows the ecs:RunTask action"},
		{"iam wording", session, "iam:GetRole", roleARN, "AccessDenied: User: arn:aws:sts::111111111111:assumed-role/app/task1 is not authorized to perform: iam:GetRole on resource: " + roleARN + " because no identity-based policy allows the iam:GetRole action"},
		{"hand-over wording", session, "iam:PassRole", roleARN, "AccessDeniedException: User: arn:aws:sts::111111111111:assumed-role/app/task1 is not authorized to perform: iam:PassRole on resource: " + roleARN + " because no identity-based policy allows the iam:PassRole action"},
		{"s3 wording", session, "s3:PutObject", own, `AccessDenied: User: arn:aws:sts::111111111111:assumed-role/app/task1 is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::bucket/red/x" because no identity-based policy allows the s3:PutObject action`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := w.check(t, c.id, c.action, c.resource)
			if (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestEC2Wording(t *testing.T) {
	w := newWorld(t)
	err := w.check(t, w.lookup(t, w.session(t, nil)), "ec2:CreateVpc", "*")
	var e wire.Error
	if !errors.As(err, &e) || e.ErrorCode() != "UnauthorizedOperation" || e.HTTPStatus() != 403 {
		t.Fatal(err)
	}
	text, encoded, ok := strings.Cut(e.ErrorMessage(), " Encoded authorization failure message: ")
	if !ok || text != "You are not authorized to perform this operation. User: arn:aws:sts::111111111111:assumed-role/app/task1 is not authorized to perform: ec2:CreateVpc on resource: * because no identity-based policy allows the ec2:CreateVpc action." {
		t.Error(text)
	}
	message, ok := w.auth.DecodeMessage(encoded)
	var f failure
	if !ok || json.Unmarshal([]byte(message), &f) != nil || f.Context.Action != "ec2:CreateVpc" || f.Allowed {
		t.Errorf("%v %s", ok, message)
	}
	if _, ok := w.auth.DecodeMessage(encoded[1:]); ok {
		t.Error("a changed message was decoded")
	}
}

// TestChangesTakeEffect: permissions follow the records at once.
func TestChangesTakeEffect(t *testing.T) {
	w := newWorld(t)
	id := w.lookup(t, w.session(t, nil))
	key := state.IAMKey(acct, "app")
	may := func() bool { return w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/x") == nil }
	change := func(f func(*state.Role)) { w.put(t, func(tx *store.Tx) { state.Roles.Update(tx, key, f) }) }
	if !may() {
		t.Fatal("not allowed at first")
	}
	change(func(r *state.Role) { r.Boundary = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess" })
	if may() {
		t.Error("a boundary without effect")
	}
	change(func(r *state.Role) {
		r.Boundary = ""
		r.Inline = append(slices.Clone(r.Inline), state.InlinePolicy{Name: "revoke",
			Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":"2999-01-01T00:00:00Z"}}}]}`})
	})
	if err := w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/x"); err == nil || !strings.Contains(err.Error(), "with an explicit deny in an identity-based policy") {
		t.Errorf("revoked sessions: %v", err)
	}
	change(func(r *state.Role) { r.Inline = r.Inline[:1] })
	if !may() {
		t.Error("not allowed again")
	}
	change(func(r *state.Role) { r.ID = "AROA2" })
	if may() {
		t.Error("a role that was made again gives permissions to old sessions")
	}
	change(func(r *state.Role) { r.ID = "AROA1" })
	w.put(t, func(tx *store.Tx) { state.Roles.Delete(tx, key) })
	if may() {
		t.Error("a deleted role gives permissions")
	}
}

func TestEndpointPolicy(t *testing.T) {
	w := newWorld(t)
	w.put(t, func(tx *store.Tx) {
		state.VpcEndpoints.Put(tx, &state.VpcEndpoint{Account: acct, Region: "eu-west-1", ID: "vpce-1", PolicyDocument: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"ecr:*","Resource":"*"}]}`})
		state.Roles.Update(tx, state.IAMKey(acct, "app"), func(r *state.Role) {
			r.Inline = []state.InlinePolicy{{Name: "vpc", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1","aws:SourceVpc":"vpc-1"},"Null":{"aws:SourceIp":"true"},"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/16"}}}]}`}}
		})
	})
	id := w.lookup(t, w.session(t, nil))
	if w.check(t, id, "ecr:BatchGetImage", "*") == nil {
		t.Error("allowed from elsewhere")
	}
	id.SourceVPC, id.SourceVPCE, id.SourceIP = "vpc-1", "vpce-1", netip.MustParseAddr("10.0.1.2")
	if err := w.check(t, id, "ecr:BatchGetImage", "*"); err != nil {
		t.Error(err)
	}
	if err := w.check(t, id, "s3:GetObject", "*"); err == nil || !strings.Contains(err.Error(), "because no VPC endpoint policy allows the s3:GetObject action") {
		t.Error(err)
	}
	if d := w.log.last(t); d.Code != "iam.endpoint-policy" || d.Where != "vpce-1" {
		t.Errorf("%+v", d)
	}
}

func TestCheckOperation(t *testing.T) {
	w := newWorld(t)
	bucket := `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bucket/secret","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`
	table := authorize.Service{
		Rules: map[string][]authorize.Rule{
			"Open": {},
			"Get":  {{Action: "s3:GetObject", Resources: func(_ caller.Identity, in any) []string { return in.([]string) }}},
		},
		ResourcePolicy: func(_ context.Context, resource string) (string, string, bool) { return bucket, acct, true },
	}
	root := caller.With(t.Context(), caller.ForRoot(acct, "eu-west-1"))
	for _, c := range []struct {
		operation string
		resources []string
		want      string
	}{
		{"Open", nil, ""},
		{"Get", []string{"arn:aws:s3:::bucket/a", "arn:aws:s3:::bucket/b"}, ""},
		{"Get", []string{"arn:aws:s3:::bucket/a", "arn:aws:s3:::bucket/secret"}, "with an explicit deny in a resource-based policy"},
		{"Unknown", nil, "nobody may call it"},
	} {
		err := w.auth.CheckOperation(root, table, c.operation, c.resources)
		if (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s %v: %v", c.operation, c.resources, err)
		}
	}
	bucket = `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`
	bucket = "not a policy"
	if err := w.auth.CheckOperation(root, table, "Get", []string{"arn:aws:s3:::bucket/a"}); err == nil || !strings.HasSuffix(err.Error(), "with an explicit deny in a resource-based policy") {
		t.Errorf("an unreadable policy lets in: %v", err)
	}
	keep := authorize.Service{Rules: map[string][]authorize.Rule{"P": {{Action: "s3:DeleteBucketPolicy", Resources: authorize.On("arn:aws:s3:::bucket")}}}, ResourcePolicy: table.ResourcePolicy}
	if err := w.auth.CheckOperation(root, keep, "P", nil); err != nil {
		t.Errorf("root cannot delete the policy that locks it out: %v", err)
	}
}

func TestDecisions(t *testing.T) {
	w := newWorld(t)
	id := w.lookup(t, w.session(t, nil))
	id.RequestID = "req-1"
	w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/x")
	if d := w.log.last(t); d.Verdict != decision.Allow || d.Where != "role/app inline policy p" {
		t.Errorf("%+v", d)
	}
	w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/blue/x")
	d := w.log.last(t)
	if d.Verdict != decision.Deny || d.Code != "iam.not-allowed" || d.Phase != decision.IAM || d.Where != roleARN {
		t.Errorf("%+v", d)
	}
	for _, s := range []string{id.ARN, roleARN, "task1", "req-1", "arn:aws:s3:::bucket/blue/x"} {
		if !slices.Contains(d.Subjects, s) {
			t.Errorf("%s is not a subject of %v", s, d.Subjects)
		}
	}
	if want := (decision.Fact{Name: "statement", Value: "role/app inline policy p (line 1): names another resource"}); !slices.Contains(d.Facts, want) {
		t.Errorf("%v", d.Facts)
	}
	if len(d.Fix) != 3 || !strings.HasPrefix(d.Fix[2].Text, "aws iam put-role-policy --role-name app --policy-name Allows3-GetObject --policy-document '{") {
		t.Errorf("%+v", d.Fix)
	}
	w.check(t, id, "iam:PassRole", roleARN)
	if d := w.log.last(t); d.Code != "iam.passrole" {
		t.Errorf("%+v", d)
	}
}

func TestTrust(t *testing.T) {
	w := newWorld(t)
	good := Assumption{RoleARN: roleARN, Service: "ecs-tasks.amazonaws.com", SourceARN: "arn:aws:ecs:eu-west-1:111111111111:task/c/1", SourceAccount: acct, Region: "eu-west-1"}
	with := func(f func(*Assumption)) Assumption { a := good; f(&a); return a }
	for name, c := range map[string]struct {
		as     Assumption
		reason TrustReason
		text   string
	}{
		"good":           {good, "", ""},
		"other service":  {with(func(a *Assumption) { a.Service = "ec2.amazonaws.com" }), PrincipalMissing, "ec2.amazonaws.com cannot assume " + roleARN + ": its trust policy does not name the service"},
		"other region":   {with(func(a *Assumption) { a.SourceARN = "arn:aws:ecs:us-east-1:111111111111:task/c/1" }), ConditionFails, "ecs-tasks.amazonaws.com cannot assume " + roleARN + ": a condition of its trust policy does not hold: aws:SourceArn must be arn:aws:ecs:eu-west-1:111111111111:* but is arn:aws:ecs:us-east-1:111111111111:task/c/1"},
		"no source":      {with(func(a *Assumption) { a.SourceARN = "" }), ConditionFails, "ecs-tasks.amazonaws.com cannot assume " + roleARN + ": a condition of its trust policy does not hold: aws:SourceArn must be arn:aws:ecs:eu-west-1:111111111111:* but the request does not have"},
		"other account":  {with(func(a *Assumption) { a.SourceAccount = "222222222222" }), OtherAccount, ""},
		"wrong path":     {with(func(a *Assumption) { a.RoleARN = "arn:aws:iam::111111111111:role/app" }), RoleMissing, ""},
		"missing":        {with(func(a *Assumption) { a.RoleARN = "arn:aws:iam::111111111111:role/none" }), RoleMissing, ""},
		"not an ARN":     {with(func(a *Assumption) { a.RoleARN = "app" }), RoleMissing, ""},
		"not a role ARN": {with(func(a *Assumption) { a.RoleARN = "arn:aws:iam::111111111111:user/team/app" }), RoleMissing, ""},
	} {
		role, err := w.auth.Trust(c.as)
		var e *NotAssumable
		switch {
		case c.reason == "":
			if err != nil || role.Name != "app" {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &e) || e.Reason != c.reason || c.text != "" && e.Error() != c.text:
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTrustFixes(t *testing.T) {
	for _, c := range []struct {
		e    NotAssumable
		want string
	}{
		{NotAssumable{Reason: PrincipalMissing, Service: "ecs-tasks.amazonaws.com"}, "      Principal: { Service: ecs-tasks.amazonaws.com }\n"},
		{NotAssumable{Reason: ConditionFails, Statement: "Tasks", Key: "aws:SourceAccount", Given: []string{acct}}, "Condition: # of statement Tasks\n  StringEquals:\n    aws:SourceAccount: '111111111111'\n"},
		{NotAssumable{Reason: RoleMissing}, ""},
	} {
		fix := c.e.Fix()
		if (len(fix) == 0) != (c.want == "") || len(fix) > 0 && !strings.Contains(fix[0].Text, c.want) {
			t.Errorf("%s: %v", c.e.Reason, fix)
		}
	}
}

func TestCreateAccount(t *testing.T) {
	w := newWorld(t)
	start := time.Now()
	a, err := w.keys.CreateAccount(t.Context())
	if err != nil || time.Since(start) > 100*time.Millisecond {
		t.Fatal(err, time.Since(start))
	}
	secret, id, err := w.keys.Lookup(t.Context(), a.AccessKeyID, "", false)
	if err != nil || secret != a.SecretAccessKey || id.Type != caller.Root || id.Account != a.AccountID || len(a.AccountID) != 12 {
		t.Errorf("%+v %+v %v", a, id, err)
	}
	key, _ := state.AccessKeys.Get(w.db.Read(), a.AccessKeyID)
	if strings.Contains(string(key.Secret), a.SecretAccessKey) {
		t.Error("the secret is stored in the clear")
	}
}

func TestUses(t *testing.T) {
	w := newWorld(t)
	id := w.lookup(t, w.session(t, nil))
	if err := w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/x"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.keys.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if u, ok := state.KeyUses.Get(w.db.Read(), roleARN); !ok || u.Service != "s3" || u.Region != "eu-west-1" || u.At.IsZero() {
		t.Errorf("%+v", u)
	}
}

// What a principal was allowed and denied is counted per action, before and
// after it is stored; the counts of one that is gone are not kept.
func TestActionsAreCounted(t *testing.T) {
	w := newWorld(t)
	id := w.lookup(t, w.session(t, nil))
	flush := func() {
		t.Helper()
		if err := w.keys.uses.flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	try := func() {
		if err := w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/red/x"); err != nil {
			t.Fatal(err)
		}
		if err := w.check(t, id, "s3:GetObject", "arn:aws:s3:::bucket/blue/x"); err == nil {
			t.Fatal("another team's object may be read")
		}
		if err := w.check(t, id, "logs:PutLogEvents", "*"); err == nil {
			t.Fatal("logs may be written")
		}
	}
	try()
	flush()
	try() // one half is stored, one is not
	uses := w.auth.Uses(w.db.Read(), "AROA1")
	if len(uses) != 2 {
		t.Fatalf("uses are %+v", uses)
	}
	logs, s3 := uses[0], uses[1]
	if s3.Action != "s3:GetObject" || s3.Allowed != 2 || s3.Denied != 2 || s3.Principal != roleARN || s3.Region != "eu-west-1" || s3.LastAllowed.IsZero() || s3.LastDenied.IsZero() {
		t.Errorf("s3: %+v", s3)
	}
	if logs.Allowed != 0 || logs.Denied != 2 || !logs.LastAllowed.IsZero() || logs.LastAttempt() != logs.LastDenied || logs.Resource != "*" {
		t.Errorf("logs: %+v", logs)
	}
	w.put(t, func(tx *store.Tx) {
		state.Roles.Delete(tx, state.IAMKey(acct, "app"))
		state.ForgetPrincipal(tx, "AROA1", roleARN)
	})
	flush() // what was still on its way belongs to nobody now
	if uses := w.auth.Uses(w.db.Read(), "AROA1"); len(uses) != 0 {
		t.Errorf("a deleted role has uses: %+v", uses)
	}
}

func BenchmarkCheck(b *testing.B) {
	w := newWorld(b)
	w.auth.decisions = decision.Discard
	ctx := caller.With(b.Context(), w.lookup(b, w.session(b, nil)))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.auth.Check(ctx, "s3:GetObject", "arn:aws:s3:::bucket/red/x", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	w := newWorld(b)
	c := w.session(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		w.keys.Lookup(b.Context(), c.AccessKeyID, c.SessionToken, false)
	}
}

// TestEachResourceIsHeldToItsOwnTags: one tagged resource of a request does not
// open the others.
func TestEachResourceIsHeldToItsOwnTags(t *testing.T) {
	w := newWorld(t)
	tags := map[string]map[string]string{"arn:aws:ec2:::vpc/red": {"Team": "red"}, "arn:aws:ec2:::vpc/blue": {"Team": "blue"}}
	named := func(_ caller.Identity, in any) []string { return in.([]string) }
	table := authorize.Service{
		Rules: map[string][]authorize.Rule{"DeleteVpc": {{Action: "ec2:DeleteVpc", Resources: named, Conditions: func(caller.Identity, any) map[string][]string {
			return map[string][]string{"aws:ResourceTag/Team": {"red"}, "ec2:Region": {"eu-west-1"}}
		}}}},
		ResourceTags: func(_ caller.Identity, resource string) map[string]string { return tags[resource] },
	}
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		u := &state.User{Account: acct, Name: "tagged", Path: "/", ID: "AIDATAGGED"}
		u.Inline = []state.InlinePolicy{{Name: "p", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Team":"red","ec2:ResourceTag/team":"red","ec2:Region":"eu-west-1"}}}]}`}}
		state.Users.Put(tx, u)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := caller.With(t.Context(), caller.Identity{Account: acct, Type: caller.User, ARN: "arn:aws:iam::" + acct + ":user/tagged", UserID: "AIDATAGGED"})
	for _, c := range []struct {
		resources []string
		want      bool
	}{
		{[]string{"arn:aws:ec2:::vpc/red"}, true},
		{[]string{"arn:aws:ec2:::vpc/blue"}, false},
		{[]string{"arn:aws:ec2:::vpc/red", "arn:aws:ec2:::vpc/blue"}, false},
		{[]string{"arn:aws:ec2:::vpc/red", "arn:aws:ec2:::vpc/none"}, false},
	} {
		if got := w.auth.CheckOperation(ctx, table, "DeleteVpc", c.resources) == nil; got != c.want {
			t.Errorf("%v: %v", c.resources, got)
		}
	}
}
