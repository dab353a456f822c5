package ecr

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/testenv"
)

const host = account + ".dkr.ecr." + region + ".amazonaws.com"

// login is a token of an identity.
func login(t *testing.T, f *fixture, id caller.Identity) string {
	t.Helper()
	token, err := f.seal(id, f.now.Add(tokenValidity))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ask makes a request to the registry that comes from a VPC, or "" for the host.
func ask(f *fixture, method, target, token, vpc string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	if token != "" {
		r.SetBasicAuth("AWS", token)
	}
	r = r.WithContext(caller.With(r.Context(), caller.Identity{SourceVPC: vpc, SourceVPCE: "vpce-1"}))
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func TestRegistryAnswers(t *testing.T) {
	f := newFixture(t)
	create(t, f, "app")
	image(t, f, "app", "one", "v1")
	base := "https://" + host + "/v2/"
	token := login(t, f, role(""))

	got := ask(f, "GET", base, "", "")
	if got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") != `Basic realm="https://`+host+`/",service="ecr.amazonaws.com"` || text(got.Body) != "Not Authorized" {
		t.Error(got.StatusCode, got.Header)
	}
	if got = ask(f, "GET", base, "forged", ""); got.StatusCode != 403 || !strings.Contains(text(got.Body), "Your authorization token is invalid.") {
		t.Error(got.StatusCode)
	}
	if got = ask(f, "GET", base, token, ""); got.StatusCode != 200 {
		t.Error(got.StatusCode)
	}
	if got = ask(f, "GET", base+"app/manifests/v1", token, ""); got.StatusCode != 200 {
		t.Error(got.StatusCode)
	}
	for path, want := range map[string]string{
		"none/manifests/v1": `{"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'none' does not exist in the registry with id '111122223333'"}]}`,
		"app/manifests/v2":  `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Requested image not found"}]}`,
	} {
		if got := ask(f, "GET", base+path, token, ""); got.StatusCode != 404 || text(got.Body) != want {
			t.Error(path, got.StatusCode)
		}
	}
	f.checker.denied["ecr:BatchGetImage"] = true
	got = ask(f, "GET", base+"app/manifests/v1", token, "")
	if want := "is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:eu-west-1:111122223333:repository/app"; got.StatusCode != 403 || !strings.Contains(text(got.Body), want) {
		t.Error(got.StatusCode)
	}
	f.now = f.now.Add(tokenValidity + time.Minute)
	if got = ask(f, "GET", base, token, ""); got.StatusCode != 403 || !strings.Contains(text(got.Body), "Your authorization token has expired. Reauthenticate and try again.") {
		t.Error(got.StatusCode)
	}
}

// Layers go the way of S3 inside a VPC, and come directly on the host.
func TestLayersFromAVPC(t *testing.T) {
	f := newFixture(t)
	create(t, f, "app")
	d := layer(t, f, "app", "layer content")
	token := login(t, f, role(""))
	target := "https://" + host + "/v2/app/blobs/" + d
	if got := ask(f, "GET", target, token, ""); got.StatusCode != 200 || text(got.Body) != "layer content" {
		t.Error(got.StatusCode)
	}
	got := ask(f, "GET", target, token, "vpc-1")
	location := got.Header.Get("Location")
	if got.StatusCode != 307 || !strings.HasPrefix(location, "https://prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com/111122223333-") {
		t.Fatal(got.StatusCode, location)
	}
	if got = ask(f, "GET", location, "", "vpc-1"); got.StatusCode != 200 || text(got.Body) != "layer content" {
		t.Error(got.StatusCode)
	}
	if got = ask(f, "GET", strings.Replace(location, "Expires=3600", "Expires=7200", 1), "", "vpc-1"); got.StatusCode != 403 || !strings.Contains(text(got.Body), "<Code>SignatureDoesNotMatch</Code>") {
		t.Error(got.StatusCode)
	}
	f.checker.denied["ecr:GetDownloadUrlForLayer"] = true
	if got = ask(f, "GET", target, token, "vpc-1"); got.StatusCode != 403 {
		t.Error(got.StatusCode)
	}
	f.now = f.now.Add(2 * time.Hour)
	if got = ask(f, "GET", location, "", "vpc-1"); got.StatusCode != 403 || !strings.Contains(text(got.Body), "Request has expired") {
		t.Error(got.StatusCode)
	}
}

func TestParseHost(t *testing.T) {
	for name, want := range map[string]bool{
		host: true, host + ":443": true, strings.ToUpper(host): true,
		account + ".dkr.ecr.eu-west-1.localhost": true, account + ".dkr.ecr.eu-west-1.localhost.localstack.cloud:4566": true,
		"1.dkr.ecr.eu-west-1.amazonaws.com": false, "dkr.ecr.eu-west-1.amazonaws.com": false, host + ".evil.example": false,
		LayerHost(region): false,
	} {
		if a, r, ok := ParseHost(name); ok != want || ok && (a != account || r != region) {
			t.Error(name, a, r, ok)
		}
	}
	if !IsHost(LayerHost(region)) || IsHost("prod-eu-west-1-starport-layer-bucket.s3.us-east-1.amazonaws.com") {
		t.Error("the hosts of layers")
	}
}

// skopeo pushes to the registry by its true name and pulls as a role. A proxy
// of the test's own leads the name to the test's server.
func TestSkopeo(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		testenv.Missing(t, "skopeo")
	}
	f := newFixture(t)
	create(t, f, "app")
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(f)
	address := server.Listener.Addr().String()
	server.Listener = tls.NewListener(server.Listener, authority.ServerTLS(IsHost))
	server.Start()
	defer server.Close()
	proxy := httptest.NewServer(Tunnel(address))
	defer proxy.Close()
	certs := t.TempDir()
	os.WriteFile(filepath.Join(certs, "ca.crt"), authority.PEM(), 0o644)
	run := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, skopeo, append([]string{"--insecure-policy"}, args...)...)
		cmd.Env = append(os.Environ(), "HTTPS_PROXY="+proxy.URL)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	archive := t.TempDir()
	seed := f.Service
	image(t, f, "app", strings.Repeat("x", 1000), "seed")
	credentials := "AWS:" + login(t, f, role(""))
	if out, err := run("copy", "--src-cert-dir", certs, "--src-creds", credentials, "docker://"+host+"/app:seed", "dir:"+archive); err != nil {
		t.Fatal(out)
	}
	create(t, f, "other")
	if out, err := run("copy", "--dest-cert-dir", certs, "--dest-creds", credentials, "dir:"+archive, "docker://"+host+"/other:v1"); err != nil {
		t.Fatal(out)
	}
	if err := (&backend{seed, scope{account, region}}).HasBlob(context.Background(), "other", digest.FromString(strings.Repeat("x", 1000))); err != nil {
		t.Error(err)
	}
	f.checker.denied["ecr:PutImage"] = true
	if out, err := run("copy", "--dest-cert-dir", certs, "--dest-creds", credentials, "dir:"+archive, "docker://"+host+"/other:v2"); err == nil || !strings.Contains(out, "is not authorized to perform: ecr:PutImage") {
		t.Error(out)
	}
	if out, err := run("inspect", "--cert-dir", certs, "--creds", "AWS:forged", "docker://"+host+"/other:v1"); err == nil || !strings.Contains(out, "authorization token is invalid") {
		t.Error(out)
	}
}

// tunnel is an HTTP proxy whose every tunnel ends at one address.
func tunnel(w http.ResponseWriter, r *http.Request, address string) {
	target, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer target.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() { io.Copy(target, buffered); target.Close(); close(done) }()
	io.Copy(client, target)
	client.Close()
	<-done
}
