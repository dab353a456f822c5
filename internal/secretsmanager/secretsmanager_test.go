package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	api "github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/kms"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// world is the service as the gateway calls it: through handlers, validated.
type world struct {
	t        *testing.T
	ctx      context.Context
	db       *store.DB
	service  *Service
	handlers wire.Handlers
	keys     wire.Handlers // KMS
	clock    time.Time
	api.API
}

func newWorld(t *testing.T) *world {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, clock: time.Date(2026, 1, 20, 12, 0, 0, 0, time.UTC)}
	w.ctx = caller.With(context.Background(), caller.ForRoot("000000000000", "eu-west-1"))
	valid := func(document string) error {
		if !json.Valid([]byte(document)) {
			return errors.New("it is not JSON")
		}
		return nil
	}
	now := func() time.Time { return w.clock }
	w.service = New(db, w, valid, now)
	w.handlers, w.keys = api.Bind(w.service), kmsapi.Bind(kms.New(db, seal.Temporary(), now))
	w.API = api.NewClient(w)
	return w
}

func (w *world) Invoke(ctx context.Context, service *wire.Service, operation string, in any) (any, error) {
	if err := wire.Validate(service.Operation(operation), in); err != nil {
		return nil, err
	}
	if service == kmsapi.Model {
		return w.keys[operation](ctx, in)
	}
	return w.handlers[operation](ctx, in)
}

// ok takes an answer and fails the test on an error.
func ok[T any](out T, err error) T {
	if err != nil {
		panic(err)
	}
	return out
}

func (w *world) refused(err error, want string) {
	w.t.Helper()
	if err == nil || err.Error() != want {
		w.t.Errorf("got  %v\nwant %s", err, want)
	}
}

func token(n int) string { return fmt.Sprintf("%032d", n) }

func (w *world) create(name, value string) *api.CreateSecretResponse {
	return ok(w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: name, SecretString: value, ClientRequestToken: token(1)}))
}

func (w *world) get(id string) string {
	return ok(w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: id})).SecretString
}

func (w *world) stages(id string) map[string][]string {
	return ok(w.DescribeSecret(w.ctx, &api.DescribeSecretRequest{SecretId: id})).VersionIdsToStages
}

func TestSecretIsFoundByNameAndBothFormsOfARN(t *testing.T) {
	w := newWorld(t)
	arn := w.create("app/db-abcdef", "s3cret").ARN
	if !strings.HasPrefix(arn, "arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-abcdef-") || len(arn) != len("arn:aws:secretsmanager:eu-west-1:000000000000:secret:app/db-abcdef-XXXXXX") {
		t.Errorf("ARN %s", arn)
	}
	for _, id := range []string{"app/db-abcdef", arn, arn[:len(arn)-7]} {
		if got := w.get(id); got != "s3cret" {
			t.Errorf("%s holds %q", id, got)
		}
	}
	for _, id := range []string{"app/db", arn[:len(arn)-6] + "zzzzzz", strings.Replace(arn, "eu-west-1", "us-east-1", 1), arn[:len(arn)-3]} {
		_, err := w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: id})
		w.refused(err, "ResourceNotFoundException: Secrets Manager can't find the specified secret.")
	}
}

func TestValuesAreEncryptedAtRest(t *testing.T) {
	w := newWorld(t)
	w.create("a", "correct horse battery")
	sec, _ := state.Secrets.Get(w.db.Read(), "000000000000/eu-west-1/a")
	raw, err := json.Marshal(sec)
	if err != nil || strings.Contains(string(raw), "horse") || len(sec.Versions) != 1 || strings.Contains(string(sec.Versions[0].Value.Sealed), "horse") {
		t.Errorf("record %s (%v)", raw, err)
	}
	// A ciphertext does not open as another secret's.
	w.create("b", "other")
	b, _ := state.Secrets.Get(w.db.Read(), "000000000000/eu-west-1/b")
	stolen := *b
	stolen.Versions = slices.Clone(sec.Versions)
	if err := w.db.Write(w.ctx, func(tx *store.Tx) error { state.Secrets.Put(tx, &stolen); return nil }); err != nil {
		t.Fatal(err)
	}
	_, err = w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: "b"})
	w.refused(err, "DecryptionFailure: Secrets Manager can't decrypt the protected secret text using the provided KMS key.")
}

func TestStagesMoveWithNewVersions(t *testing.T) {
	w := newWorld(t)
	w.create("a", "one")
	ok(w.PutSecretValue(w.ctx, &api.PutSecretValueRequest{SecretId: "a", SecretString: "two", ClientRequestToken: token(2)}))
	ok(w.PutSecretValue(w.ctx, &api.PutSecretValueRequest{SecretId: "a", SecretString: "three", ClientRequestToken: token(3), VersionStages: []string{"AWSPENDING"}}))
	if got := fmt.Sprint(w.stages("a")); got != fmt.Sprint(map[string][]string{token(1): {"AWSPREVIOUS"}, token(2): {"AWSCURRENT"}, token(3): {"AWSPENDING"}}) {
		t.Errorf("stages %s", got)
	}
	if w.get("a") != "two" {
		t.Error("the current value is not the second")
	}
	old := ok(w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: "a", VersionStage: "AWSPREVIOUS"}))
	if old.SecretString != "one" || old.VersionId != token(1) {
		t.Errorf("previous %+v", old)
	}
	// Rotation's last step.
	_, err := w.UpdateSecretVersionStage(w.ctx, &api.UpdateSecretVersionStageRequest{SecretId: "a", VersionStage: "AWSCURRENT", MoveToVersionId: token(3)})
	w.refused(err, "InvalidParameterException: The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version "+token(2)+", so you must explicitly reference that version in RemoveFromVersionId.")
	ok(w.UpdateSecretVersionStage(w.ctx, &api.UpdateSecretVersionStageRequest{SecretId: "a", VersionStage: "AWSCURRENT", MoveToVersionId: token(3), RemoveFromVersionId: token(2)}))
	if got := fmt.Sprint(w.stages("a")); got != fmt.Sprint(map[string][]string{token(2): {"AWSPREVIOUS"}, token(3): {"AWSPENDING", "AWSCURRENT"}}) {
		t.Errorf("stages after moving %s", got)
	}
	all := ok(w.ListSecretVersionIds(w.ctx, &api.ListSecretVersionIdsRequest{SecretId: "a", IncludeDeprecated: new(true)}))
	labelled := ok(w.ListSecretVersionIds(w.ctx, &api.ListSecretVersionIdsRequest{SecretId: "a"}))
	if len(all.Versions) != 3 || len(labelled.Versions) != 2 {
		t.Errorf("%d versions, %d with labels", len(all.Versions), len(labelled.Versions))
	}
}

func TestRepeatedRequestsChangeNothing(t *testing.T) {
	w := newWorld(t)
	first := w.create("a", "one")
	if again := w.create("a", "one"); again.ARN != first.ARN || again.VersionId != first.VersionId {
		t.Errorf("%+v, then %+v", first, again)
	}
	_, err := w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: "a", SecretString: "one", ClientRequestToken: token(9)})
	w.refused(err, "ResourceExistsException: The operation failed because the secret a already exists.")
	ok(w.PutSecretValue(w.ctx, &api.PutSecretValueRequest{SecretId: "a", SecretString: "one", ClientRequestToken: token(1)}))
	_, err = w.PutSecretValue(w.ctx, &api.PutSecretValueRequest{SecretId: "a", SecretString: "two", ClientRequestToken: token(1)})
	w.refused(err, "ResourceExistsException: You can't use ClientRequestToken "+token(1)+" because that value is already in use for a version of secret "+first.ARN+".")
}

func TestRecoveryWindow(t *testing.T) {
	w := newWorld(t)
	w.create("a", "one")
	_, err := w.DeleteSecret(w.ctx, &api.DeleteSecretRequest{SecretId: "a", RecoveryWindowInDays: new(int64(3))})
	w.refused(err, "InvalidParameterException: The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
	out := ok(w.DeleteSecret(w.ctx, &api.DeleteSecretRequest{SecretId: "a", RecoveryWindowInDays: new(int64(7))}))
	if !out.DeletionDate.Equal(w.clock.Add(7 * 24 * time.Hour)) {
		t.Errorf("deletion date %s", out.DeletionDate)
	}
	_, err = w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: "a"})
	w.refused(err, "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.")
	_, err = w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: "a"})
	w.refused(err, "InvalidRequestException: You can't create this secret because a secret with this name is already scheduled for deletion.")
	if n := len(ok(w.ListSecrets(w.ctx, &api.ListSecretsRequest{})).SecretList); n != 0 {
		t.Errorf("%d secrets are listed", n)
	}
	ok(w.RestoreSecret(w.ctx, &api.RestoreSecretRequest{SecretId: "a"}))
	if w.get("a") != "one" {
		t.Error("not restored")
	}
	ok(w.DeleteSecret(w.ctx, &api.DeleteSecretRequest{SecretId: "a"}))
	w.clock = w.clock.Add(31 * 24 * time.Hour)
	_, err = w.DescribeSecret(w.ctx, &api.DescribeSecretRequest{SecretId: "a"})
	w.refused(err, "ResourceNotFoundException: Secrets Manager can't find the specified secret.")
	if err := w.service.purge(w.ctx); err != nil {
		t.Fatal(err)
	}
	if _, found := state.Secrets.Get(w.db.Read(), "000000000000/eu-west-1/a"); found {
		t.Error("the record is still there")
	}
	w.create("a", "two")
	ok(w.DeleteSecret(w.ctx, &api.DeleteSecretRequest{SecretId: "a", ForceDeleteWithoutRecovery: new(true)}))
	w.create("a", "three")
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.create("a", "one")
	for want, call := range map[string]func() error{
		"ValidationException: Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!": func() error {
			_, err := w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: "a b"})
			return err
		},
		"InvalidParameterException: You can't specify both a binary secret value and a string secret value in the same secret.": func() error {
			_, err := w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: "b", SecretString: "x", SecretBinary: []byte("y")})
			return err
		},
		"EncryptionFailure: Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.": func() error {
			_, err := w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: "b", KmsKeyId: "alias/mine", SecretString: "x"})
			return err
		},
		"ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS": func() error {
			_, err := w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: "a", VersionStage: "AWSPREVIOUS"})
			return err
		},
		"InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId.": func() error {
			_, err := w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{SecretId: "a", VersionId: token(1), VersionStage: "AWSPREVIOUS"})
			return err
		},
		"MalformedPolicyDocumentException: This resource policy contains a syntax error: it is not JSON": func() error {
			_, err := w.PutResourcePolicy(w.ctx, &api.PutResourcePolicyRequest{SecretId: "a", ResourcePolicy: "{"})
			return err
		},
		"ValidationException: 1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null": func() error {
			_, err := w.GetSecretValue(w.ctx, &api.GetSecretValueRequest{})
			return err
		},
	} {
		w.refused(call(), want)
	}
}

func TestListSecretsFiltersAndPages(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.clock = w.clock.Add(time.Second)
		w.create(fmt.Sprintf("app/%d", i), "x")
	}
	w.create("other", "x")
	if err := w.TagResource(w.ctx, &api.TagResourceRequest{SecretId: "app/3", Tags: []api.Tag{{Key: "team", Value: ""}}}); err != nil {
		t.Fatal(err)
	}
	names := func(in api.ListSecretsRequest) string {
		var list []string
		for {
			out := ok(w.ListSecrets(w.ctx, &in))
			for _, s := range out.SecretList {
				list = append(list, s.Name)
			}
			if in.NextToken = out.NextToken; in.NextToken == "" {
				return strings.Join(list, " ")
			}
		}
	}
	for want, in := range map[string]api.ListSecretsRequest{
		"app/0 app/1 app/2 app/3 app/4":       {MaxResults: new(int32(2)), SortOrder: "asc", Filters: []api.Filter{{Key: "name", Values: []string{"app/"}}}},
		"other":                               {Filters: []api.Filter{{Key: "name", Values: []string{"!app/"}}}},
		"app/3":                               {Filters: []api.Filter{{Key: "tag-key", Values: []string{"team"}}}},
		"other app/4 app/3 app/2 app/1 app/0": {MaxResults: new(int32(4))},
	} {
		if got := names(in); got != want {
			t.Errorf("%+v lists %s", in, got)
		}
	}
}

func TestRandomPasswords(t *testing.T) {
	w := newWorld(t)
	for range 50 {
		got := ok(w.GetRandomPassword(w.ctx, &api.GetRandomPasswordRequest{PasswordLength: new(int64(4)), ExcludeCharacters: "abc"})).RandomPassword
		for _, set := range []string{lowercase, uppercase, numbers, punctuation} {
			if len(got) != 4 || !strings.ContainsAny(got, set) || strings.ContainsAny(got, "abc") {
				t.Fatalf("password %q", got)
			}
		}
	}
	_, err := w.GetRandomPassword(w.ctx, &api.GetRandomPasswordRequest{PasswordLength: new(int64(3))})
	w.refused(err, "InvalidParameterException: The PasswordLength is too short to include a character of each required type.")
}

func TestAuthorizationNamesTheSecret(t *testing.T) {
	w := newWorld(t)
	arn := w.create("a", "x").ARN
	authorization := w.service.Authorization()
	for name := range api.Model.Operations {
		if len(authorization.Rules[name]) == 0 {
			t.Errorf("%s has no rule", name)
		}
	}
	id := caller.From(w.ctx)
	rule := authorization.Rules["GetSecretValue"][0]
	for _, secretID := range []string{"a", arn, arn[:len(arn)-7]} {
		in := &api.GetSecretValueRequest{SecretId: secretID}
		if got := rule.Resources(id, in); len(got) != 1 || got[0] != arn {
			t.Errorf("%s: %v", secretID, got)
		}
		if got := rule.Conditions(id, in)["secretsmanager:VersionStage"]; len(got) != 1 || got[0] != "AWSCURRENT" {
			t.Errorf("stage %v", got)
		}
	}
	ok(w.PutResourcePolicy(w.ctx, &api.PutResourcePolicyRequest{SecretId: "a", ResourcePolicy: `{"Statement":[]}`}))
	if document, owner, found := authorization.ResourcePolicy(w.ctx, arn); !found || owner != "000000000000" || document != `{"Statement":[]}` {
		t.Errorf("policy %q of %s", document, owner)
	}
}

func TestBroadPoliciesAreSeen(t *testing.T) {
	w := newWorld(t)
	w.create("a", "one")
	for document, broad := range map[string]bool{
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`:                                               true,
		`{"Statement":{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":"secretsmanager:GetSecretValue","Resource":"*"}}`:                                       true,
		`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`:                                                                            false,
		`{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"*","Resource":"*"}]}`:                                      false,
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"AWS:PrincipalAccount":"111111111111"}}}]}`:      false,
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"secretsmanager:VersionStage":"AWSCURRENT"}}}]}`: true,
	} {
		out := ok(w.ValidateResourcePolicy(w.ctx, &api.ValidateResourcePolicyRequest{ResourcePolicy: document}))
		if out.PolicyValidationPassed == broad || (len(out.ValidationErrors) > 0) != broad {
			t.Errorf("%s: %+v", document, out)
		}
		_, err := w.PutResourcePolicy(w.ctx, &api.PutResourcePolicyRequest{SecretId: "a", ResourcePolicy: document, BlockPublicPolicy: new(true)})
		if (err != nil) != broad {
			t.Errorf("%s: %v", document, err)
		}
	}
}

func TestRotationAndReplicationAreRefusedByName(t *testing.T) {
	w := newWorld(t)
	w.create("a", "one")
	_, err := w.RotateSecret(w.ctx, &api.RotateSecretRequest{SecretId: "a", RotationLambdaARN: "arn:aws:lambda:eu-west-1:000000000000:function:f"})
	w.refused(err, "InvalidParameterException: Rotation is not carried out by Neargate yet: put new values with PutSecretValue.")
	_, err = w.CreateSecret(w.ctx, &api.CreateSecretRequest{Name: "b", AddReplicaRegions: []api.ReplicaRegionType{{Region: "us-east-1"}}})
	w.refused(err, "InvalidParameterException: AddReplicaRegions is not carried out by Neargate yet.")
}
