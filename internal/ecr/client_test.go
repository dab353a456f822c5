package ecr_test

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecr"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/testenv"
)

const (
	account = "000000000000"
	region  = "eu-west-1"
	host    = account + ".dkr.ecr." + region + ".amazonaws.com"
)

// installation is the service behind the gateway with the real permission
// checks, and its registries with TLS under their true names behind a proxy.
type installation struct {
	api, proxy, certs string
	service           *ecr.Service
	keys              *access.Keys
	db                *store.DB
}

func install(t *testing.T) *installation {
	t.Helper()
	db, err := store.OpenMemory(state.Schema()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	blobs, err := blob.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	i := &installation{db: db, keys: access.NewKeys(db, seal.Temporary()), certs: t.TempDir()}
	checker := access.NewAuthorizer(i.keys, decision.NewLog(db))
	if i.service, err = ecr.New(ecr.Config{DB: db, Blobs: blobs, Checker: checker, Key: []byte("secret")}); err != nil {
		t.Fatal(err)
	}
	checker.Register("ecr", i.service.Authorization())
	g := gateway.New(gateway.Config{Keys: i.keys, Checker: checker, Control: http.NotFoundHandler(), Region: region})
	g.Mount(ecrapi.Model, ecrapi.Bind(i.service), i.service.Authorization())
	api := httptest.NewServer(g)
	t.Cleanup(api.Close)
	i.api = api.URL

	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(i.certs, "ca.crt"), authority.PEM(), 0o644)
	registries := httptest.NewUnstartedServer(i.service)
	address := registries.Listener.Addr().String()
	registries.Listener = tls.NewListener(registries.Listener, authority.ServerTLS(ecr.IsHost))
	registries.Start()
	t.Cleanup(registries.Close)
	proxy := httptest.NewServer(ecr.Tunnel(address))
	t.Cleanup(proxy.Close)
	i.proxy = proxy.URL
	return i
}

// role makes a role with an inline policy and returns the environment of a session of it.
func (i *installation) role(t *testing.T, account, name, actions string) []string {
	t.Helper()
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`
	r := &state.Role{Account: account, Name: name, Path: "/", ID: "AROA" + name, TrustPolicy: `{}`}
	r.Inline = []state.InlinePolicy{{Name: "p", Document: document}}
	err := i.db.Write(t.Context(), func(tx *store.Tx) error { state.Roles.Put(tx, r); return nil })
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	c, err := i.keys.Issue(access.Session{
		Account: account, RoleARN: "arn:aws:iam::" + account + ":role/" + name, RoleID: r.ID, Name: "task", Issued: now, Expires: now.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	return []string{"AWS_ACCESS_KEY_ID=" + c.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + c.SecretAccessKey, "AWS_SESSION_TOKEN=" + c.SessionToken}
}

var asOperator = []string{"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"}

func (i *installation) run(t *testing.T, as []string, program string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		testenv.Missing(t, program)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+i.api, "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "AWS_PAGER=", "PYTHONDONTWRITEBYTECODE=1")
	if program == "skopeo" {
		cmd.Env = append(cmd.Env, "HTTPS_PROXY="+i.proxy)
	}
	cmd.Env = append(cmd.Env, as...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (i *installation) must(t *testing.T, as []string, program string, args ...string) string {
	t.Helper()
	out, err := i.run(t, as, program, args...)
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
	return out
}

// boto3 walks through the API: testdata/boto3_ecr.py has the assertions.
func TestBoto3(t *testing.T) {
	i := install(t)
	if _, err := i.run(t, nil, "python3", "-c", "import boto3"); err != nil {
		testenv.Missing(t, "boto3")
	}
	if out, err := i.run(t, asOperator, "python3", "testdata/boto3_ecr.py"); err != nil || !strings.Contains(out, "all passed") {
		t.Fatal(out)
	}
}

// What people do: create a repository, log in with get-login-password, push,
// pull as roles that may and may not.
func TestPushAndPullAsRoles(t *testing.T) {
	i := install(t)
	uri := i.must(t, asOperator, "aws", "ecr", "create-repository", "--repository-name", "app", "--query", "repository.repositoryUri", "--output", "text")
	if uri != host+"/app" {
		t.Fatal(uri)
	}
	password := func(as []string) string {
		t.Helper()
		return i.must(t, as, "aws", "ecr", "get-login-password")
	}
	source := t.TempDir()
	writeImage(t, source)
	i.must(t, nil, "skopeo", "--insecure-policy", "copy", "--dest-cert-dir", i.certs, "--dest-creds", "AWS:"+password(asOperator), "dir:"+source, "docker://"+uri+":v1")
	if tags := i.must(t, asOperator, "aws", "ecr", "describe-images", "--repository-name", "app", "--query", "imageDetails[].imageTags[]", "--output", "text"); tags != "v1" {
		t.Error(tags)
	}

	execution := i.role(t, account, "execution", `"ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage"`)
	pull := func(as []string, to string) (string, error) {
		return i.run(t, nil, "skopeo", "--insecure-policy", "copy", "--src-cert-dir", i.certs, "--src-creds", "AWS:"+password(as), "docker://"+uri+":v1", "dir:"+to)
	}
	if out, err := pull(execution, t.TempDir()); err != nil {
		t.Error(out)
	}
	if out, err := i.run(t, nil, "skopeo", "--insecure-policy", "copy", "--dest-cert-dir", i.certs, "--dest-creds", "AWS:"+password(execution), "dir:"+source, "docker://"+uri+":v2"); err == nil || !strings.Contains(out, "not authorized to perform: ecr:") {
		t.Error("pushed without permission:", out)
	}
	noLayers := i.role(t, account, "nolayers", `"ecr:GetAuthorizationToken","ecr:BatchGetImage"`)
	if out, err := pull(noLayers, t.TempDir()); err == nil || !strings.Contains(out, "403 (Forbidden)") {
		t.Error("pulled a layer without permission:", out)
	}
	nothing := i.role(t, account, "nothing", `"s3:GetObject"`)
	if out, err := i.run(t, nothing, "aws", "ecr", "get-login-password"); err == nil || !strings.Contains(out, "is not authorized to perform: ecr:GetAuthorizationToken on resource: *") {
		t.Error(out)
	}

	// Another account needs a repository policy and a policy of its own.
	foreign := i.role(t, "111122223333", "foreign", `"ecr:*"`)
	if out, err := pull(foreign, t.TempDir()); err == nil || !strings.Contains(out, "ecr:BatchGetImage") {
		t.Error("pulled from another account:", out)
	}
	i.must(t, asOperator, "aws", "ecr", "set-repository-policy", "--repository-name", "app", "--policy-text",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`)
	if out, err := pull(foreign, t.TempDir()); err != nil {
		t.Error(out)
	}
}

// A container's pull of a layer goes through S3's name, with a link that its
// role got from the registry.
func TestLayerLinkInAVPC(t *testing.T) {
	i := install(t)
	ctx := caller.With(t.Context(), caller.ForRoot(account, region))
	if _, err := i.service.CreateRepository(ctx, &ecrapi.CreateRepositoryRequest{RepositoryName: "app"}); err != nil {
		t.Fatal(err)
	}
	source := t.TempDir()
	layer := writeImage(t, source)
	password := i.must(t, asOperator, "aws", "ecr", "get-login-password")
	i.must(t, nil, "skopeo", "--insecure-policy", "copy", "--preserve-digests", "--dest-cert-dir", i.certs, "--dest-creds", "AWS:"+password, "dir:"+source, "docker://"+host+"/app:v1")
	r := httptest.NewRequest("GET", "https://"+host+"/v2/app/blobs/"+layer, nil)
	r.SetBasicAuth("AWS", password)
	w := httptest.NewRecorder()
	i.service.ServeHTTP(w, r.WithContext(caller.With(r.Context(), caller.Identity{SourceVPC: "vpc-1"})))
	location := w.Header().Get("Location")
	if w.Code != 307 || !strings.HasPrefix(location, "https://"+ecr.LayerHost(region)+"/") {
		t.Fatal(w.Code, location)
	}
	r, w = httptest.NewRequest("GET", location, nil), httptest.NewRecorder()
	r.Header.Set("Range", "bytes=0-3")
	i.service.ServeHTTP(w, r)
	if w.Code != 206 || w.Body.Len() != 4 {
		t.Error(w.Code, w.Body)
	}
}

func digestOf(s string) string { return digest.FromString(s).String() }

// writeImage writes an image of one layer in skopeo's dir form, and returns the
// layer's digest.
func writeImage(t *testing.T, dir string) string {
	layer := strings.Repeat("layer ", 1000)
	config := `{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["` + digestOf(layer) + `"]}}`
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":%q,"size":%d},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":%q,"size":%d}]}`,
		digestOf(config), len(config), digestOf(layer), len(layer))
	for name, content := range map[string]string{
		"manifest.json": manifest, "version": "Directory Transport Version: 1.1\n",
		strings.TrimPrefix(digestOf(layer), "sha256:"): layer, strings.TrimPrefix(digestOf(config), "sha256:"): config,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return digestOf(layer)
}

// A token that was not made by GetAuthorizationToken opens nothing.
func TestForgedPassword(t *testing.T) {
	i := install(t)
	for _, password := range []string{"test", base64.StdEncoding.EncodeToString(make([]byte, 300))} {
		if out, err := i.run(t, nil, "skopeo", "inspect", "--cert-dir", i.certs, "--creds", "AWS:"+password, "docker://"+host+"/app:v1"); err == nil || !strings.Contains(out, "authorization token is invalid") {
			t.Error(out)
		}
	}
}
