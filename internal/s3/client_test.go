package s3_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/sigv4"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/testenv"
)

// keys knows two accounts: each key's secret is the key itself.
type keys struct{}

func (keys) Lookup(_ context.Context, id, _ string, _ bool) (string, caller.Identity, error) {
	switch id {
	case "test":
		return id, caller.ForRoot("000000000000", ""), nil
	case "other":
		return id, caller.ForRoot("111111111111", ""), nil
	}
	return "", caller.Identity{}, &sigv4.Error{Kind: sigv4.UnknownKey}
}

// checker allows everything but the actions that a test denies.
type checker struct {
	mu     sync.Mutex
	denied map[string]bool
}

func (c *checker) deny(actions ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied = map[string]bool{}
	for _, action := range actions {
		c.denied[action] = true
	}
}

func (c *checker) Check(_ context.Context, action, resource string, _ map[string][]string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.denied[action] {
		return wire.NewError("AccessDenied", 403, "not authorized to perform: %s on resource: %s", action, resource)
	}
	return nil
}

func (c *checker) CheckOperation(ctx context.Context, table authorize.Service, operation string, in any) error {
	rules, ok := table.Rules[operation]
	if !ok {
		return errors.New("no rule for " + operation)
	}
	for _, rule := range rules {
		resources := []string{"*"}
		if rule.Resources != nil {
			resources = rule.Resources(caller.From(ctx), in)
		}
		if rule.Conditions != nil {
			rule.Conditions(caller.From(ctx), in)
		}
		for _, resource := range resources {
			if err := c.Check(ctx, rule.Action, resource, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

type server struct {
	*httptest.Server
	checker *checker
	service *s3.Service
	objects *blob.Objects
	db      *store.DB
}

func newServer(t testing.TB) *server {
	t.Helper()
	db, err := store.OpenMemory(state.Buckets, state.ObjectVersions, state.MultipartUploads, state.UploadParts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	objects, err := blob.OpenObjects(t.TempDir(), blob.Key{1, 2, 3})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{checker: &checker{}, objects: objects, db: db}
	if s.service, err = s3.New(s3.Config{DB: db, Objects: objects, Checker: s.checker}); err != nil {
		t.Fatal(err)
	}
	g := gateway.New(gateway.Config{Keys: keys{}, Checker: s.checker, S3Path: s3.PathStyle, Control: http.NotFoundHandler(), Region: "eu-west-1"})
	g.Mount(s3api.Model, s3api.Bind(s.service), s.service.Authorization())
	s.Server = httptest.NewServer(g)
	t.Cleanup(s.Close)
	return s
}

// files is the number of object files on disk.
func (s *server) files(t *testing.T) int {
	n := 0
	for _, err := range s.objects.All() {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// run runs a program against the server.
func (s *server) run(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		testenv.Missing(t, program)
	}
	home := t.TempDir()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_DEFAULT_REGION=eu-west-1", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/nonexistent", "AWS_SHARED_CREDENTIALS_FILE=/nonexistent", "HOME="+home, "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// python returns a Python that has boto3.
func python(t *testing.T) string {
	for _, name := range []string{"python3", "python"} {
		if exec.Command(name, "-c", "import boto3").Run() == nil {
			path, _ := exec.LookPath(name)
			return path
		}
	}
	testenv.Missing(t, "python with boto3")
	return ""
}

// boto3 walks through the whole service: testdata/boto3_s3.py has the assertions.
func TestBoto3(t *testing.T) {
	s := newServer(t)
	out, err := s.run(t, python(t), "testdata/boto3_s3.py", s.URL)
	if err != nil || !strings.Contains(out, "all passed") {
		t.Fatal(out)
	}
	t.Log(out)
	if n := s.files(t); n != 0 {
		t.Errorf("%d files are left after everything was deleted", n)
	}
}

// The aws CLI copies, lists, syncs and presigns.
func TestCLI(t *testing.T) {
	s := newServer(t)
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, []byte(strings.Repeat("0123456789abcdef", 20<<20/16)), 0o644); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(dir, "small"), []byte("small"), 0o644)
	aws := func(args ...string) string {
		t.Helper()
		out, err := s.run(t, "aws", args...)
		if err != nil {
			t.Fatalf("aws %v: %v\n%s", args, err, out)
		}
		return out
	}
	aws("s3", "mb", "s3://cli-bucket")
	aws("s3", "cp", dir, "s3://cli-bucket/dir", "--recursive", "--sse", "aws:kms")
	if out := aws("s3", "ls", "s3://cli-bucket/dir/"); !strings.Contains(out, "20971520 big") || !strings.Contains(out, "5 small") {
		t.Error(out)
	}
	aws("s3", "cp", "s3://cli-bucket/dir/big", filepath.Join(dir, "back"))
	if a, _ := os.ReadFile(big); string(a) != func() string { b, _ := os.ReadFile(filepath.Join(dir, "back")); return string(b) }() {
		t.Error("20 MB came back different")
	}
	aws("s3", "mv", "s3://cli-bucket/dir/big", "s3://cli-bucket/moved")
	url := strings.TrimSpace(aws("s3", "presign", "s3://cli-bucket/dir/small"))
	res, err := http.Get(url)
	if err != nil || res.StatusCode != 200 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	aws("s3", "rb", "s3://cli-bucket", "--force")
	if n := s.files(t); n != 0 {
		t.Errorf("%d files are left", n)
	}
}
