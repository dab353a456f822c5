package ssm

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/kmsapi"
	api "github.com/neargate/neargate/internal/aws/ssmapi"
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
	api.API
}

func newWorld(t *testing.T) *world {
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, ctx: caller.With(context.Background(), caller.ForRoot("000000000000", "eu-west-1"))}
	w.service = New(db, w, time.Now)
	w.handlers, w.keys = api.Bind(w.service), kmsapi.Bind(kms.New(db, seal.Temporary(), time.Now))
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
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		w.t.Errorf("got  %v\nwant %s", err, want)
	}
}

func (w *world) put(name, value string) int64 {
	return ok(w.PutParameter(w.ctx, &api.PutParameterRequest{Name: name, Value: value, Type: "String", Overwrite: new(true)})).Version
}

func (w *world) get(name string) string {
	return ok(w.GetParameter(w.ctx, &api.GetParameterRequest{Name: name, WithDecryption: new(true)})).Parameter.Value
}

func TestVersionsLabelsAndSelectors(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		if v := w.put("/app/x", fmt.Sprint("v", i+1)); v != int64(i+1) {
			t.Errorf("version %d", v)
		}
	}
	out := ok(w.LabelParameterVersion(w.ctx, &api.LabelParameterVersionRequest{Name: "/app/x", ParameterVersion: new(int64(1)), Labels: []string{"prod", "1bad", "awsx"}}))
	if fmt.Sprint(out.InvalidLabels) != "[1bad awsx]" || out.ParameterVersion != 1 {
		t.Errorf("labelled %+v", out)
	}
	arn := "arn:aws:ssm:eu-west-1:000000000000:parameter/app/x"
	for name, want := range map[string]string{"/app/x": "v3", "/app/x:2": "v2", "/app/x:prod": "v1", arn: "v3", arn + ":1": "v1"} {
		if got := w.get(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	ok(w.LabelParameterVersion(w.ctx, &api.LabelParameterVersionRequest{Name: "/app/x", Labels: []string{"prod"}}))
	if got := w.get("/app/x:prod"); got != "v3" {
		t.Errorf("after moving the label: %s", got)
	}
	_, err := w.GetParameter(w.ctx, &api.GetParameterRequest{Name: "/app/x:9"})
	w.refused(err, "ParameterVersionNotFound: Systems Manager could not find version 9 of /app/x. Verify the version and try again.")
	h := ok(w.GetParameterHistory(w.ctx, &api.GetParameterHistoryRequest{Name: "/app/x", MaxResults: new(int32(2))}))
	rest := ok(w.GetParameterHistory(w.ctx, &api.GetParameterHistoryRequest{Name: "/app/x", NextToken: h.NextToken}))
	if len(h.Parameters) != 2 || len(rest.Parameters) != 1 || rest.Parameters[0].Value != "v3" || fmt.Sprint(rest.Parameters[0].Labels) != "[prod]" {
		t.Errorf("history %+v then %+v", h, rest)
	}
}

func TestSecureStringIsEncryptedAtRestAndUnlessDecrypted(t *testing.T) {
	w := newWorld(t)
	ok(w.PutParameter(w.ctx, &api.PutParameterRequest{Name: "/db/password", Value: "correct horse", Type: "SecureString"}))
	p, _ := state.Parameters.Get(w.db.Read(), "000000000000/eu-west-1//db/password")
	raw, _ := json.Marshal(p)
	if strings.Contains(string(raw), "horse") || p.Current().KeyID != "alias/aws/ssm" {
		t.Errorf("record %s", raw)
	}
	if got := ok(w.GetParameter(w.ctx, &api.GetParameterRequest{Name: "/db/password"})).Parameter.Value; got == "" || strings.Contains(got, "horse") {
		t.Errorf("without decryption: %s", got)
	}
	if w.get("/db/password") != "correct horse" {
		t.Error("does not decrypt")
	}
	list := ok(w.GetParameters(w.ctx, &api.GetParametersRequest{Names: []string{"/nope", "/db/password"}, WithDecryption: new(true)}))
	if len(list.Parameters) != 1 || list.Parameters[0].Value != "correct horse" || fmt.Sprint(list.InvalidParameters) != "[/nope]" {
		t.Errorf("%+v", list)
	}
}

func TestPaths(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"/a/1", "/a/2", "/a/b/3", "/ab/4", "plain"} {
		w.put(name, name)
	}
	byPath := func(in api.GetParametersByPathRequest) string {
		var list []string
		for {
			out := ok(w.GetParametersByPath(w.ctx, &in))
			for _, p := range out.Parameters {
				list = append(list, p.Name)
			}
			if in.NextToken = out.NextToken; in.NextToken == "" {
				return strings.Join(list, " ")
			}
		}
	}
	for want, in := range map[string]api.GetParametersByPathRequest{
		"/a/1 /a/2":              {Path: "/a", MaxResults: new(int32(1))},
		"/a/1 /a/2 /a/b/3":       {Path: "/a/", Recursive: new(true), MaxResults: new(int32(2))},
		"/a/1 /a/2 /a/b/3 /ab/4": {Path: "/", Recursive: new(true)},
		"":                       {Path: "/nothing"},
	} {
		if got := byPath(in); got != want {
			t.Errorf("%+v gives %q, want %q", in, got, want)
		}
	}
	describe := func(filters ...api.ParameterStringFilter) string {
		var list []string
		for _, p := range ok(w.DescribeParameters(w.ctx, &api.DescribeParametersRequest{ParameterFilters: filters})).Parameters {
			list = append(list, p.Name)
		}
		return strings.Join(list, " ")
	}
	ok(w.AddTagsToResource(w.ctx, &api.AddTagsToResourceRequest{ResourceType: "Parameter", ResourceId: "plain", Tags: []api.Tag{{Key: "team", Value: ""}}}))
	for want, f := range map[string]api.ParameterStringFilter{
		"/a/1 /a/2":        {Key: "Path", Option: "OneLevel", Values: []string{"/a"}},
		"/a/1 /a/2 /a/b/3": {Key: "Path", Option: "Recursive", Values: []string{"/a"}},
		"/ab/4":            {Key: "Name", Option: "Contains", Values: []string{"ab"}},
		"plain":            {Key: "tag:team"},
	} {
		if got := describe(f); got != want {
			t.Errorf("%+v gives %q, want %q", f, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	w.put("/a", "1")
	put := func(in api.PutParameterRequest) error {
		if in.Name == "" {
			in.Name = "/new"
		}
		if in.Value == "" {
			in.Value = "x"
		}
		_, err := w.PutParameter(w.ctx, &in)
		return err
	}
	w.refused(put(api.PutParameterRequest{Name: "/a", Type: "String"}), "ParameterAlreadyExists: The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	w.refused(put(api.PutParameterRequest{Name: "/a", Type: "SecureString", Overwrite: new(true)}), "HierarchyTypeMismatchException: Parameter Store does not support changing a parameter type")
	w.refused(put(api.PutParameterRequest{}), "ValidationException: A parameter type is required when you create a parameter.")
	w.refused(put(api.PutParameterRequest{Type: "Number"}), "ValidationException: 1 validation error detected: Value 'Number' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [String, StringList, SecureString]")
	w.refused(put(api.PutParameterRequest{Name: "a/b", Type: "String"}), "ValidationException: Parameter name must be a fully qualified name.")
	w.refused(put(api.PutParameterRequest{Name: "ssm-x", Type: "String"}), "ValidationException: Parameter name: can't be prefixed with")
	w.refused(put(api.PutParameterRequest{Name: "/aws/x", Type: "String"}), "AccessDeniedException: No access to reserved parameter name: /aws/x.")
	w.refused(put(api.PutParameterRequest{Type: "String", Value: strings.Repeat("x", 4097)}), "ValidationException: Standard tier parameters support a maximum parameter value of 4096 characters.")
	w.refused(put(api.PutParameterRequest{Type: "String", AllowedPattern: new("[0-9]+")}), "ParameterPatternMismatchException: Parameter value, cannot be validated against allowedPattern: [0-9]+")
	w.refused(put(api.PutParameterRequest{Type: "SecureString", KeyId: "alias/mine"}), "InvalidKeyId: Alias arn:aws:kms:eu-west-1:000000000000:alias/mine is not found.")
	w.refused(put(api.PutParameterRequest{Type: "String", Overwrite: new(true), Tags: []api.Tag{{Key: "a", Value: "b"}}}), "ValidationException: Invalid request: tags and overwrite can't be used together.")
	_, err := w.GetParameter(w.ctx, &api.GetParameterRequest{Name: "/nope"})
	w.refused(err, "ParameterNotFound: ")
	_, err = w.ListTagsForResource(w.ctx, &api.ListTagsForResourceRequest{ResourceType: "Parameter", ResourceId: "/nope"})
	w.refused(err, "InvalidResourceId: The resource ID is not valid.")
	if got := ok(w.PutParameter(w.ctx, &api.PutParameterRequest{Name: "/big", Type: "String", Value: strings.Repeat("x", 5000), Tier: "Intelligent-Tiering"})).Tier; got != "Advanced" {
		t.Errorf("tier %s", got)
	}
}

func TestOldestVersionIsForgottenUnlessLabelled(t *testing.T) {
	w := newWorld(t)
	for i := range 101 {
		w.put("x", fmt.Sprint(i))
	}
	p, _ := state.Parameters.Get(w.db.Read(), "000000000000/eu-west-1/x")
	if len(p.Versions) != 100 || p.Versions[0].Version != 2 {
		t.Errorf("%d versions from %d", len(p.Versions), p.Versions[0].Version)
	}
	ok(w.LabelParameterVersion(w.ctx, &api.LabelParameterVersionRequest{Name: "x", ParameterVersion: new(int64(2)), Labels: []string{"keep"}}))
	_, err := w.PutParameter(w.ctx, &api.PutParameterRequest{Name: "x", Value: "y", Overwrite: new(true)})
	w.refused(err, "ParameterMaxVersionLimitExceeded: You attempted to create a new version of x")
}

func TestDeleteAndTags(t *testing.T) {
	w := newWorld(t)
	w.put("x", "1")
	w.put("y", "1")
	ok(w.AddTagsToResource(w.ctx, &api.AddTagsToResourceRequest{ResourceType: "Parameter", ResourceId: "x", Tags: []api.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}}))
	ok(w.RemoveTagsFromResource(w.ctx, &api.RemoveTagsFromResourceRequest{ResourceType: "Parameter", ResourceId: "x", TagKeys: []string{"a"}}))
	if got := ok(w.ListTagsForResource(w.ctx, &api.ListTagsForResourceRequest{ResourceType: "Parameter", ResourceId: "x"})).TagList; len(got) != 1 || got[0].Key != "b" {
		t.Errorf("tags %v", got)
	}
	out := ok(w.DeleteParameters(w.ctx, &api.DeleteParametersRequest{Names: []string{"x", "z"}}))
	if fmt.Sprint(out.DeletedParameters, out.InvalidParameters) != "[x] [z]" {
		t.Errorf("%+v", out)
	}
	ok(w.DeleteParameter(w.ctx, &api.DeleteParameterRequest{Name: "y"}))
	_, err := w.DeleteParameter(w.ctx, &api.DeleteParameterRequest{Name: "y"})
	w.refused(err, "ParameterNotFound: ")
}

func TestAuthorizationNamesTheParameter(t *testing.T) {
	w := newWorld(t)
	rules := w.service.Authorization().Rules
	for name := range api.Model.Operations {
		if len(rules[name]) == 0 {
			t.Errorf("%s has no rule", name)
		}
	}
	id := caller.From(w.ctx)
	const prefix = "arn:aws:ssm:eu-west-1:000000000000:parameter/"
	for want, in := range map[string]any{
		"[" + prefix + "a/b]":               &api.GetParameterRequest{Name: "/a/b:3"},
		"[" + prefix + "x]":                 &api.GetParameterRequest{Name: "x"},
		"[" + prefix + "a " + prefix + "b]": &api.GetParametersRequest{Names: []string{"/a", prefix + "b:1"}},
		"[" + prefix + "p]":                 &api.GetParametersByPathRequest{Path: "/p/"},
	} {
		if got := fmt.Sprint(resources(id, in)); got != want {
			t.Errorf("%T: %s, want %s", in, got, want)
		}
	}
}

func TestAWSsPublicParametersAreRefusedByName(t *testing.T) {
	w := newWorld(t)
	const name = "/aws/service/ecs/optimized-ami/amazon-linux-2/recommended"
	for _, id := range []string{name, "arn:aws:ssm:eu-west-1::parameter" + name} {
		_, err := w.GetParameter(w.ctx, &api.GetParameterRequest{Name: id})
		w.refused(err, "ValidationException: The public parameters of AWS are not carried out by Neargate yet: "+id)
	}
	_, err := w.GetParametersByPath(w.ctx, &api.GetParametersByPathRequest{Path: "/aws/service/ecs"})
	w.refused(err, "ValidationException: The public parameters of AWS are not carried out by Neargate yet: /aws/service/ecs")
}

func TestParametersKeepTheirTier(t *testing.T) {
	w := newWorld(t)
	put := func(tier api.ParameterTier, value string) (*api.PutParameterResult, error) {
		return w.PutParameter(w.ctx, &api.PutParameterRequest{Name: "p", Type: "SecureString", Tier: tier, Value: value, Overwrite: new(true)})
	}
	ok(put("", "small"))
	if out := ok(put("Intelligent-Tiering", strings.Repeat("x", 5000))); out.Tier != "Advanced" || out.Version != 2 {
		t.Errorf("%+v", out)
	}
	if out := ok(put("", "small again")); out.Tier != "Advanced" {
		t.Errorf("%+v", out)
	}
	_, err := put("Standard", "small")
	w.refused(err, "ValidationException: This parameter uses the advanced-parameter tier.")
	for version, want := range map[string]string{"p:1": "small", "p:2": strings.Repeat("x", 5000), "p": "small again"} {
		if got := ok(w.GetParameter(w.ctx, &api.GetParameterRequest{Name: version, WithDecryption: new(true)})); got.Parameter.Value != want {
			t.Errorf("%s holds %d characters", version, len(got.Parameter.Value))
		}
	}
	_, err = w.PutParameter(w.ctx, &api.PutParameterRequest{Name: "q", Type: "String", Value: "x", KeyId: "alias/aws/ssm"})
	w.refused(err, "ValidationException: KeyId is required for SecureString type parameter only.")
}

func TestLabelsAreTakenOff(t *testing.T) {
	w := newWorld(t)
	ok(w.PutParameter(w.ctx, &api.PutParameterRequest{Name: "p", Type: "String", Value: "x"}))
	ok(w.LabelParameterVersion(w.ctx, &api.LabelParameterVersionRequest{Name: "p", Labels: []string{"live", "old"}}))
	out := ok(w.UnlabelParameterVersion(w.ctx, &api.UnlabelParameterVersionRequest{Name: "p", ParameterVersion: 1, Labels: []string{"live", "none"}}))
	if fmt.Sprint(out.RemovedLabels, out.InvalidLabels) != "[live] [none]" {
		t.Errorf("%+v", out)
	}
	if _, err := w.GetParameter(w.ctx, &api.GetParameterRequest{Name: "p:live"}); err == nil {
		t.Error("the label is still there")
	}
	ok(w.GetParameter(w.ctx, &api.GetParameterRequest{Name: "p:old"}))
	_, err := w.UnlabelParameterVersion(w.ctx, &api.UnlabelParameterVersionRequest{Name: "p", ParameterVersion: 2, Labels: []string{"old"}})
	w.refused(err, "ParameterVersionNotFound: Systems Manager could not find version 2 of p.")
}

func TestFiltersThatOperationsDoNotHave(t *testing.T) {
	w := newWorld(t)
	describe := func(f ...api.ParameterStringFilter) error {
		_, err := w.DescribeParameters(w.ctx, &api.DescribeParametersRequest{ParameterFilters: f})
		return err
	}
	w.refused(describe(api.ParameterStringFilter{Key: "Label", Values: []string{"x"}}), "InvalidFilterKey: The following filter key is not valid: Label. Valid filter keys include: [")
	w.refused(describe(api.ParameterStringFilter{Key: "Name"}), "InvalidFilterValue: The following filter values are missing : null for filter key Name.")
	twice := api.ParameterStringFilter{Key: "Name", Values: []string{"x"}}
	w.refused(describe(twice, twice), "InvalidFilterKey: The following filter is duplicated in the request: Name. A request can contain only one occurrence of a specific filter.")
	_, err := w.GetParametersByPath(w.ctx, &api.GetParametersByPathRequest{Path: "/", ParameterFilters: []api.ParameterStringFilter{twice}})
	w.refused(err, "InvalidFilterKey: The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId, Label, DataType].")
}
