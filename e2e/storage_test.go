package e2e

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestS3ByCLI goes through the aws CLI's ways with S3: multipart copies,
// presigned URLs, versions and sync.
func TestS3ByCLI(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	bucket := "files-" + a.ID
	a.aws("s3", "mb", "s3://"+bucket)
	big := make([]byte, 20<<20)
	rand.Read(big)
	file := a.write("big", string(big))
	a.aws("s3", "cp", "--quiet", file, "s3://"+bucket+"/dir/big")
	head := awsJSON[struct {
		ContentLength int
		ETag          string
	}](a, "s3api", "head-object", "--bucket", bucket, "--key", "dir/big")
	if head.ContentLength != len(big) || !strings.HasSuffix(head.ETag, `-3"`) {
		t.Errorf("head-object: %+v, want 20 MB in 3 parts", head)
	}
	back := filepath.Join(a.dir, "back")
	a.aws("s3", "cp", "--quiet", "s3://"+bucket+"/dir/big", back)
	if got, err := os.ReadFile(back); err != nil || !bytes.Equal(got, big) {
		t.Errorf("what came back differs: %d bytes, %v", len(got), err)
	}

	t.Run("presign", func(t *testing.T) { testPresign(a.in(t), bucket) })
	t.Run("versions", func(t *testing.T) { testVersions(a.in(t), bucket) })
	t.Run("sync", func(t *testing.T) {
		a := a.in(t)
		dir := filepath.Join(a.dir, "tree")
		if err := os.MkdirAll(filepath.Join(dir, "sub folder"), 0o755); err != nil {
			t.Fatal(err)
		}
		a.write("tree/one", "1")
		a.write("tree/sub folder/zwei+ü", "2")
		// S3 tells times in whole seconds: a file written in the same second counts as newer.
		past := time.Now().Add(-time.Hour)
		for _, name := range []string{"one", "sub folder/zwei+ü"} {
			if err := os.Chtimes(filepath.Join(dir, name), past, past); err != nil {
				t.Fatal(err)
			}
		}
		if out := a.aws("s3", "sync", dir, "s3://"+bucket+"/tree"); strings.Count(out, "upload:") != 2 {
			t.Errorf("first sync\n%s", out)
		}
		if out := a.aws("s3", "sync", dir, "s3://"+bucket+"/tree"); out != "" {
			t.Errorf("second sync\n%s", out)
		}
		a.aws("s3", "sync", "s3://"+bucket+"/tree", filepath.Join(a.dir, "copy"))
		if b, err := os.ReadFile(filepath.Join(a.dir, "copy", "sub folder", "zwei+ü")); string(b) != "2" {
			t.Errorf("copied %q, %v", b, err)
		}
	})
}

func testPresign(a *account, bucket string) {
	a.aws("s3", "cp", "--quiet", a.write("small", "hello"), "s3://"+bucket+"/a b+ü")
	for version, config := range map[string]string{"s3v4": "X-Amz-Signature=", "s3": "Signature="} {
		a.write("config-"+version, "[default]\ns3 =\n  signature_version = "+version+"\n")
		url := a.with("AWS_CONFIG_FILE="+filepath.Join(a.dir, "config-"+version)).aws("s3", "presign", "s3://"+bucket+"/a b+ü", "--expires-in", "60")
		if !strings.Contains(url, config) {
			a.t.Errorf("%s: the URL is %s", version, url)
		}
		if r := a.try("curl", "-sS", "-w", " %{http_code}", url); r.out != "hello 200" {
			a.t.Errorf("%s: GET: %s", version, r.out)
		}
		if r := a.try("curl", "-sS", "-w", " %{http_code}", strings.Replace(url, "a%20b", "a%20c", 1)); !strings.Contains(r.out, "<Code>SignatureDoesNotMatch</Code>") || !strings.HasSuffix(r.out, " 403") {
			a.t.Errorf("%s: GET of another key: %s", version, r.out)
		}
		if r := a.try("curl", "-sS", "-w", " %{http_code}", "-X", "DELETE", url); !strings.HasSuffix(r.out, " 403") {
			a.t.Errorf("%s: DELETE by a GET's URL: %s", version, r.out)
		}
	}
}

func testVersions(a *account, bucket string) {
	a.aws("s3api", "put-bucket-versioning", "--bucket", bucket, "--versioning-configuration", "Status=Enabled")
	key := "s3://" + bucket + "/versioned"
	a.aws("s3", "cp", "--quiet", a.write("v1", "one"), key)
	first := a.aws("s3api", "head-object", "--bucket", bucket, "--key", "versioned", "--query", "VersionId", "--output", "text")
	a.aws("s3", "cp", "--quiet", a.write("v2", "two"), key)
	a.aws("s3", "rm", "--quiet", key)
	if r := a.try("aws", "s3", "cp", key, filepath.Join(a.dir, "v")); r.code == 0 || !strings.Contains(r.out, "404") {
		a.t.Errorf("deleted, but: exit %d\n%s", r.code, r.out)
	}
	out := filepath.Join(a.dir, "v")
	a.aws("s3api", "get-object", "--bucket", bucket, "--key", "versioned", "--version-id", first, out)
	if b, _ := os.ReadFile(out); string(b) != "one" {
		a.t.Errorf("the first version is %q", b)
	}
	list := awsJSON[struct {
		Versions      []struct{ VersionId string }
		DeleteMarkers []struct{ IsLatest bool }
	}](a, "s3api", "list-object-versions", "--bucket", bucket, "--prefix", "versioned")
	if len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 || !list.DeleteMarkers[0].IsLatest {
		a.t.Errorf("versions: %+v", list)
	}
}

// TestSecretsAndParameters writes, versions, reads and deletes.
func TestSecretsAndParameters(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	secret := func(more ...string) string {
		return a.aws(append([]string{"secretsmanager", "get-secret-value", "--secret-id", "app/db", "--query", "SecretString", "--output", "text"}, more...)...)
	}
	a.aws("secretsmanager", "create-secret", "--name", "app/db", "--secret-string", `{"password":"grün"}`)
	a.aws("secretsmanager", "put-secret-value", "--secret-id", "app/db", "--secret-string", "second")
	if now, before := secret(), secret("--version-stage", "AWSPREVIOUS"); now != "second" || before != `{"password":"grün"}` {
		t.Errorf("now %q, before %q", now, before)
	}
	a.aws("secretsmanager", "delete-secret", "--secret-id", "app/db")
	if r := a.try("aws", "secretsmanager", "get-secret-value", "--secret-id", "app/db"); !strings.Contains(r.out, "InvalidRequestException") || !strings.Contains(r.out, "marked for deletion") {
		t.Errorf("a deleted secret: %s", r.out)
	}
	a.aws("secretsmanager", "restore-secret", "--secret-id", "app/db")
	if got := secret(); got != "second" {
		t.Errorf("restored: %q", got)
	}

	a.aws("ssm", "put-parameter", "--name", "/app/level", "--type", "String", "--value", "info")
	a.aws("ssm", "put-parameter", "--name", "/app/key", "--type", "SecureString", "--value", "sealed")
	if r := a.try("aws", "ssm", "put-parameter", "--name", "/app/level", "--type", "String", "--value", "debug"); r.code == 0 || !strings.Contains(r.out, "ParameterAlreadyExists") {
		t.Errorf("put again: exit %d %s", r.code, r.out)
	}
	a.aws("ssm", "put-parameter", "--name", "/app/level", "--type", "String", "--value", "debug", "--overwrite")
	if got := a.aws("ssm", "get-parameters-by-path", "--path", "/app", "--with-decryption", "--query", "Parameters[].[Name,Value,Version]", "--output", "text"); got != "/app/key\tsealed\t1\n/app/level\tdebug\t2" {
		t.Errorf("by path: %q", got)
	}
	if got := a.aws("ssm", "get-parameter", "--name", "/app/key", "--query", "Parameter.Value", "--output", "text"); strings.Contains(got, "sealed") {
		t.Errorf("without decryption: %q", got)
	}
	a.aws("ssm", "delete-parameters", "--names", "/app/key", "/app/level", "/app/none")
	if r := a.try("aws", "ssm", "get-parameter", "--name", "/app/key"); !strings.Contains(r.out, "ParameterNotFound") {
		t.Errorf("deleted: %s", r.out)
	}
}
