package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func newServer(t testing.TB, backend Backend) *Server {
	store := openStore(t)
	return &Server{
		Name: "test", Backend: backend, Blobs: store, Uploads: NewUploads(store),
		Authorize: func(r *http.Request, _ Operation, _ string) (context.Context, error) { return r.Context(), nil },
	}
}

// ask makes one request; headers are "Name: value".
func ask(h http.Handler, method, target, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(r *http.Response) string {
	raw, _ := io.ReadAll(r.Body)
	return strings.TrimSpace(string(raw))
}

func TestPushInEveryWay(t *testing.T) {
	s := newServer(t, newMemory("app/web", "other"))
	layer, config := "layer content", `{"os":"linux"}`
	layerDigest, configDigest := digest.FromString(layer), digest.FromString(config)

	// In one POST.
	got := ask(s, "POST", "/v2/app/web/blobs/uploads/?digest="+configDigest.String(), config)
	if got.StatusCode != 201 || got.Header.Get("Docker-Content-Digest") != configDigest.String() {
		t.Fatal(got.StatusCode, text(got))
	}
	// In chunks.
	got = ask(s, "POST", "/v2/app/web/blobs/uploads/", "")
	location := got.Header.Get("Location")
	if got.StatusCode != 202 || location == "" {
		t.Fatal(got.StatusCode, text(got))
	}
	got = ask(s, "PATCH", location, layer[:5], "Content-Range: 0-4")
	if got.StatusCode != 202 || got.Header.Get("Range") != "0-4" {
		t.Fatal(got.StatusCode, got.Header)
	}
	if got = ask(s, "PATCH", location, "xx", "Content-Range: 9-10"); got.StatusCode != 416 || got.Header.Get("Range") != "0-4" {
		t.Fatal(got.StatusCode, got.Header)
	}
	if got = ask(s, "PATCH", strings.Replace(location, "app/web", "other", 1), "xx"); got.StatusCode != 404 {
		t.Fatal("an upload was used in another repository", got.StatusCode)
	}
	if got = ask(s, "GET", location, ""); got.StatusCode != 204 || got.Header.Get("Range") != "0-4" {
		t.Fatal(got.StatusCode, got.Header)
	}
	if got = ask(s, "PUT", location+"?digest="+layerDigest.String(), layer[5:]); got.StatusCode != 201 {
		t.Fatal(got.StatusCode, text(got))
	}
	// By mounting.
	got = ask(s, "POST", "/v2/other/blobs/uploads/?mount="+layerDigest.String()+"&from=app/web", "")
	if got.StatusCode != 201 {
		t.Fatal(got.StatusCode, text(got))
	}
	if got = ask(s, "POST", "/v2/other/blobs/uploads/?mount="+layerDigest.String()+"&from=none", ""); got.StatusCode != 202 {
		t.Fatal("mounting from nowhere", got.StatusCode)
	}
	// A blob with the wrong digest.
	got = ask(s, "POST", "/v2/other/blobs/uploads/?digest="+layerDigest.String(), "forged")
	if got.StatusCode != 400 || !strings.Contains(text(got), `"code":"DIGEST_INVALID"`) {
		t.Fatal(got.StatusCode)
	}
	// The manifest, of Docker's and of OCI's kind.
	for _, kind := range [][3]string{
		{DockerManifest, "application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"},
		{ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageConfig, ocispec.MediaTypeImageLayerGzip},
	} {
		manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"digest":%q,"size":%d},"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`,
			kind[0], kind[1], configDigest, len(config), kind[2], layerDigest, len(layer))
		if got = ask(s, "PUT", "/v2/other/manifests/v1", manifest, "Content-Type: "+kind[0]); got.StatusCode != 400 || !strings.Contains(text(got), "MANIFEST_BLOB_UNKNOWN") {
			t.Fatal("the configuration is not in this repository", got.StatusCode)
		}
		if got = ask(s, "PUT", "/v2/app/web/manifests/v1", manifest, "Content-Type: "+kind[0]); got.StatusCode != 201 {
			t.Fatal(got.StatusCode, text(got))
		}
		for _, method := range []string{"GET", "HEAD"} {
			got = ask(s, method, "/v2/app/web/manifests/v1", "")
			body := text(got)
			if got.StatusCode != 200 || got.Header.Get("Content-Type") != kind[0] || got.ContentLength != int64(len(manifest)) || (method == "GET") != (body == manifest) {
				t.Fatal(method, got.StatusCode, got.Header, body)
			}
		}
	}
	// Parts of a layer.
	got = ask(s, "GET", "/v2/app/web/blobs/"+layerDigest.String(), "", "Range: bytes=6-")
	if got.StatusCode != 206 || text(got) != "content" || got.Header.Get("Content-Range") != "bytes 6-12/13" {
		t.Fatal(got.StatusCode, got.Header)
	}
	if got = ask(s, "HEAD", "/v2/app/web/blobs/"+layerDigest.String(), ""); got.StatusCode != 200 || got.ContentLength != int64(len(layer)) {
		t.Fatal(got.StatusCode, got.Header)
	}
}

func TestRefusals(t *testing.T) {
	s := newServer(t, newMemory("app"))
	none := digest.FromString("none").String()
	for _, c := range []struct {
		method, path, body, contentType string
		status                          int
		code                            string
	}{
		{"GET", "/v2/app/manifests/none", "", "", 404, "MANIFEST_UNKNOWN"},
		{"GET", "/v2/app/blobs/" + none, "", "", 404, "BLOB_UNKNOWN"},
		{"GET", "/v2/app/blobs/sha256:zz", "", "", 400, "DIGEST_INVALID"},
		{"GET", "/v2/none/tags/list", "", "", 404, "NAME_UNKNOWN"},
		{"POST", "/v2/none/blobs/uploads/", "", "", 404, "NAME_UNKNOWN"},
		{"GET", "/v2/App/tags/list", "", "", 400, "NAME_INVALID"},
		{"GET", "/v2/a/../app/tags/list", "", "", 400, "NAME_INVALID"},
		{"PUT", "/v2/app/manifests/v1", "{", ocispec.MediaTypeImageManifest, 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/app/manifests/v1", `{"schemaVersion":1}`, "application/vnd.docker.distribution.manifest.v1+json", 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/app/manifests/v1", `{"schemaVersion":2}`, ocispec.MediaTypeImageManifest, 400, "MANIFEST_INVALID"},
		{"PUT", "/v2/app/manifests/-v1", `{"schemaVersion":2,"manifests":[]}`, ocispec.MediaTypeImageIndex, 400, "TAG_INVALID"},
		{"PUT", "/v2/app/manifests/" + none, `{"schemaVersion":2,"manifests":[]}`, ocispec.MediaTypeImageIndex, 400, "DIGEST_INVALID"},
		{"PUT", "/v2/app/manifests/v1", strings.Repeat(" ", MaxManifest+1), ocispec.MediaTypeImageIndex, 413, "SIZE_INVALID"},
		{"DELETE", "/v2/app/manifests/v1", "", "", 405, "UNSUPPORTED"},
		{"PATCH", "/v2/app/blobs/uploads/none", "", "", 404, "BLOB_UPLOAD_UNKNOWN"},
		{"GET", "/v2/app/referrers/" + none, "", "", 404, "UNSUPPORTED"},
		{"GET", "/v1/", "", "", 404, "UNSUPPORTED"},
	} {
		got := ask(s, c.method, c.path, c.body, "Content-Type: "+c.contentType)
		if body := text(got); got.StatusCode != c.status || !strings.Contains(body, `{"errors":[{"code":"`+c.code+`"`) {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.StatusCode, body)
		}
	}
}

func TestPages(t *testing.T) {
	backend := newMemory("app")
	for _, tag := range []string{"c", "a", "b"} {
		backend.manifests["app"][tag] = ocispec.Descriptor{}
	}
	s := newServer(t, backend)
	got := ask(s, "GET", "/v2/app/tags/list?n=2", "")
	if body := text(got); body != `{"name":"app","tags":["a","b"]}` || got.Header.Get("Link") != `</v2/app/tags/list?last=b&n=2>; rel="next"` {
		t.Error(body, got.Header)
	}
	if body := text(ask(s, "GET", "/v2/app/tags/list?last=b&n=2", "")); body != `{"name":"app","tags":["c"]}` {
		t.Error(body)
	}
	if body := text(ask(s, "GET", "/v2/_catalog", "")); body != `{"repositories":["app"]}` {
		t.Error(body)
	}
}

func TestAuthorizeAndRedirect(t *testing.T) {
	s := newServer(t, newMemory("app"))
	d := digest.FromString("layer")
	ask(s, "POST", "/v2/app/blobs/uploads/?digest="+d.String(), "layer")
	var asked []string
	s.Authorize = func(r *http.Request, op Operation, repository string) (context.Context, error) {
		asked = append(asked, string(op)+" "+repository)
		if r.Header.Get("Authorization") == "" {
			return nil, &Error{Status: 401, Code: "UNAUTHORIZED", Plain: "Not Authorized", Challenge: `Basic realm="x"`}
		}
		return r.Context(), nil
	}
	got := ask(s, "GET", "/v2/", "")
	if got.StatusCode != 401 || got.Header.Get("WWW-Authenticate") != `Basic realm="x"` || text(got) != "Not Authorized" {
		t.Error(got.StatusCode, got.Header)
	}
	now := time.Now()
	links := NewLinks([]byte("key"), func() time.Time { return now })
	s.LayerURL = func(_ context.Context, repository string, d digest.Digest) string {
		return links.URL("layers.example", "bucket/"+repository, d)
	}
	got = ask(s, "GET", "/v2/app/blobs/"+d.String(), "", "Authorization: x")
	location := got.Header.Get("Location")
	if got.StatusCode != 307 || !strings.HasPrefix(location, "https://layers.example/bucket/app/"+d.Encoded()+"?") {
		t.Fatal(got.StatusCode, location)
	}
	verify := func(target string) error {
		found, err := links.Verify(httptest.NewRequest("GET", target, nil))
		if err == nil && found != d {
			t.Errorf("link leads to %s", found)
		}
		return err
	}
	if err := verify(location); err != nil {
		t.Error(err)
	}
	for _, forged := range []string{
		strings.Replace(location, "layers.example", "other.example", 1),
		strings.Replace(location, d.Encoded(), digest.FromString("x").Encoded(), 1),
		strings.Replace(location, "Expires=3600", "Expires=9999", 1),
		"https://layers.example/bucket/app/" + d.Encoded(),
	} {
		if err := verify(forged); err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
			t.Errorf("%s: %v", forged, err)
		}
	}
	now = now.Add(linkValidity + 2*time.Second)
	if err := verify(location); err == nil || !strings.Contains(err.Error(), "Request has expired") {
		t.Error(err)
	}
	if want := "Ping ,GetBlob app"; strings.Join(asked, ",") != want {
		t.Errorf("asked %q", asked)
	}
}

func TestParseReference(t *testing.T) {
	d := digest.FromString("").String()
	for name, want := range map[string]string{
		"nginx":                         "docker.io/library/nginx:latest",
		"nginx:1.27":                    "docker.io/library/nginx:1.27",
		"org/app":                       "docker.io/org/app:latest",
		"index.docker.io/org/app":       "docker.io/org/app:latest",
		"localhost/app:1":               "localhost/app:1",
		"Host.example:5000/a/b:c":       "host.example:5000/a/b:c",
		"public.ecr.aws/x/y@" + d:       "public.ecr.aws/x/y@" + d,
		"public.ecr.aws/x:1@" + d:       "public.ecr.aws/x:1@" + d,
		"":                              "",
		"UPPER":                         "",
		"a:b:c":                         "",
		"a@sha256:1":                    "",
		"host.example/../etc":           "",
		"-host.example/a":               "",
		"a:" + strings.Repeat("a", 129): "",
	} {
		ref, err := ParseReference(name)
		if (err == nil) != (want != "") || err == nil && ref.String() != want {
			t.Errorf("%q: %q %v", name, ref.String(), err)
		}
	}
}
