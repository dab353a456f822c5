package registry

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/testenv"
)

func newPublic(t *testing.T) (*Public, *Shelf, *blob.Store) {
	store := openStore(t)
	shelf, err := OpenShelf(t.TempDir(), store)
	if err != nil {
		t.Fatal(err)
	}
	return NewPublic(shelf, store, []byte("key"), time.Now, nil), shelf, store
}

func TestShelf(t *testing.T) {
	_, shelf, store := newPublic(t)
	ctx := context.Background()
	amd64, arm64 := testImage([]byte("amd64")), testImage([]byte("arm64"))
	index := testSource{blobs: amd64.blobs}
	index.root = index.add(ocispec.MediaTypeImageIndex, map[string]any{"schemaVersion": 2, "manifests": []ocispec.Descriptor{amd64.root, arm64.root}})
	loaded, err := shelf.Load(ctx, index, "nginx") // the other architecture is not in the archive
	if err != nil || loaded.Name != "docker.io/library/nginx:latest" || len(loaded.Blobs) != 4 {
		t.Fatal(loaded, err)
	}
	backend := shelf.Backend("docker.io")
	for reference, want := range map[string]string{
		"latest": ocispec.MediaTypeImageIndex, index.root.Digest.String(): ocispec.MediaTypeImageIndex, amd64.root.Digest.String(): ocispec.MediaTypeImageManifest,
	} {
		if d, err := backend.Resolve(ctx, "library/nginx", reference); err != nil || d.MediaType != want {
			t.Errorf("%s: %v %v", reference, d, err)
		}
	}
	if _, err := backend.Resolve(ctx, "library/nginx", arm64.root.Digest.String()); err == nil {
		t.Error("an image that is not there was found")
	}
	for _, name := range []string{"a b", "nginx@" + index.root.Digest.String()} {
		if _, err := shelf.Load(ctx, index, name); err == nil {
			t.Errorf("loaded as %q", name)
		}
	}
	delete(arm64.blobs, arm64.root.Digest)
	if _, err := shelf.Load(ctx, arm64, "broken"); err == nil {
		t.Error("loaded without a manifest")
	}
	again, err := OpenShelf(shelf.dir, store)
	if err != nil || len(again.List()) != 1 || again.List()[0].Root.Digest != index.root.Digest {
		t.Fatal(again.List(), err)
	}
	if err := again.Remove("nginx:latest"); err != nil || len(again.List()) != 0 || again.Remove("nginx") == nil {
		t.Error(again.List(), err)
	}
}

func TestDockerHubTokens(t *testing.T) {
	public, shelf, _ := newPublic(t)
	image := testImage([]byte("layer"))
	if _, err := shelf.Load(context.Background(), image, "nginx:1"); err != nil {
		t.Fatal(err)
	}
	token := func(scope string) string {
		var body struct{ Token string }
		json.Unmarshal([]byte(text(ask(public, "GET", "https://auth.docker.io/token?service=registry.docker.io&scope="+scope, ""))), &body)
		return "Authorization: Bearer " + body.Token
	}
	hub := "https://registry-1.docker.io/v2/"
	got := ask(public, "GET", hub+"library/nginx/manifests/1", "")
	if want := `Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull"`; got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") != want {
		t.Fatal(got.StatusCode, got.Header)
	}
	good := token("repository:library/nginx:pull")
	if got = ask(public, "GET", hub+"library/nginx/manifests/1", "", good); got.StatusCode != 200 {
		t.Fatal(got.StatusCode, text(got))
	}
	if got = ask(public, "GET", hub+"library/nginx/manifests/2", "", good); got.StatusCode != 404 || !strings.Contains(text(got), "MANIFEST_UNKNOWN") {
		t.Fatal(got.StatusCode)
	}
	for name, header := range map[string]string{
		"a repository that does not exist": token("repository:library/none:pull"),
		"a push":                           good,
	} {
		target, method := hub+"library/none/manifests/1", "GET"
		if name == "a push" {
			target, method = hub+"library/nginx/blobs/uploads/", "POST"
		}
		if got = ask(public, method, target, "", header); got.StatusCode != 401 || !strings.HasSuffix(got.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
			t.Errorf("%s: %d %v", name, got.StatusCode, got.Header)
		}
	}
	public.now = func() time.Time { return time.Now().Add(tokenValidity + time.Second) }
	if got = ask(public, "GET", hub, "", good); got.StatusCode != 401 {
		t.Error("an old token was accepted")
	}
	if got = ask(public, "GET", "https://public.ecr.aws/v2/", "", good); got.StatusCode != 401 || !strings.Contains(got.Header.Get("WWW-Authenticate"), `realm="https://public.ecr.aws/token/"`) {
		t.Error("a token of another registry was accepted", got.Header)
	}
}

// skopeo pushes an image, copies it to a second repository (which mounts the
// layers), and pulls it from a public registry, all with verified TLS.
func TestSkopeo(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		testenv.Missing(t, "skopeo")
	}
	authority, err := pki.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	certs := t.TempDir()
	os.WriteFile(filepath.Join(certs, "ca.crt"), authority.PEM(), 0o644)
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(skopeo, append([]string{"--insecure-policy"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("skopeo %v: %v\n%s", args, err, out)
		}
		return string(out)
	}

	image := testImage([]byte(strings.Repeat("layer ", 100_000)))
	layout := writeLayout(t, image)
	backend := newMemory("app/web", "app/copy")
	host := serveTLS(t, authority, newServer(t, backend))
	run("copy", "--preserve-digests", "--dest-cert-dir", certs, "oci:"+layout, "docker://"+host+"/app/web:v1")
	run("copy", "--preserve-digests", "--src-cert-dir", certs, "--dest-cert-dir", certs, "docker://"+host+"/app/web:v1", "docker://"+host+"/app/copy:v1")
	run("copy", "--src-cert-dir", certs, "--dest-cert-dir", certs, "--format", "v2s2", "docker://"+host+"/app/web:v1", "docker://"+host+"/app/copy:docker")
	if d, _ := backend.Resolve(context.Background(), "app/copy", "docker"); d.MediaType != DockerManifest {
		t.Errorf("docker's image arrived as %q", d.MediaType)
	}
	if out := run("inspect", "--cert-dir", certs, "docker://"+host+"/app/copy:v1"); !strings.Contains(out, image.root.Digest.String()) {
		t.Errorf("inspect: %s", out)
	}

	public, shelf, _ := newPublic(t)
	host = serveTLS(t, authority, public)
	if _, err := shelf.Load(context.Background(), image, host+"/library/app:1"); err != nil {
		t.Fatal(err)
	}
	target := t.TempDir()
	run("copy", "--preserve-digests", "--src-cert-dir", certs, "docker://"+host+"/library/app:1", "oci:"+target+":1")
	if _, err := os.Stat(filepath.Join(target, "blobs/sha256", image.root.Digest.Encoded())); err != nil {
		t.Error("the pulled image is another:", err)
	}
}

func serveTLS(t testing.TB, authority *pki.Authority, handler http.Handler) string {
	server := httptest.NewUnstartedServer(handler)
	host := server.Listener.Addr().String()
	server.Listener = tls.NewListener(server.Listener, authority.ServerTLS(func(string) bool { return true }))
	server.Start()
	t.Cleanup(server.Close)
	return host
}

func writeLayout(t *testing.T, s testSource) string {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, "blobs/sha256"), 0o755)
	for d, data := range s.blobs {
		os.WriteFile(filepath.Join(dir, "blobs/sha256", d.Encoded()), data, 0o644)
	}
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []ocispec.Descriptor{s.root}})
	os.WriteFile(filepath.Join(dir, "index.json"), index, 0o644)
	os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644)
	return dir
}

// A private repository is there only for who knows its password, also after a restart.
func TestPrivateRepositories(t *testing.T) {
	_, shelf, store := newPublic(t)
	if _, err := shelf.Load(context.Background(), testImage([]byte("layer")), "me/app:1"); err != nil {
		t.Fatal(err)
	}
	if err := shelf.Protect("me/app:1", "me", "hush"); err != nil {
		t.Fatal(err)
	}
	shelf, err := OpenShelf(shelf.dir, store)
	if err != nil {
		t.Fatal(err)
	}
	public := NewPublic(shelf, store, []byte("key"), time.Now, nil)
	pull := func(login string) (token, manifest int) {
		r := httptest.NewRequest("GET", "https://auth.docker.io/token?service=registry.docker.io&scope=repository:me/app:pull", nil)
		if user, password, ok := strings.Cut(login, ":"); ok {
			r.SetBasicAuth(user, password)
		}
		w := httptest.NewRecorder()
		public.ServeHTTP(w, r)
		var body struct{ Token string }
		json.Unmarshal(w.Body.Bytes(), &body)
		return w.Code, ask(public, "GET", "https://registry-1.docker.io/v2/me/app/manifests/1", "", "Authorization: Bearer "+body.Token).StatusCode
	}
	for login, want := range map[string][2]int{"me:hush": {200, 200}, "": {200, 401}, "me:wrong": {401, 401}, "you:hush": {401, 401}} {
		if token, manifest := pull(login); token != want[0] || manifest != want[1] {
			t.Errorf("login %q: token %d, manifest %d", login, token, manifest)
		}
	}
	files, _ := filepath.Glob(filepath.Join(shelf.dir, "*"))
	for _, file := range files {
		if raw, _ := os.ReadFile(file); strings.Contains(string(raw), "hush") {
			t.Errorf("%s has the password", file)
		}
	}
	if err := shelf.Protect("me/app", "", "x"); err == nil {
		t.Error("a login without a user name")
	}
}
