package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingSecretIsKept uses secrets of every kind, well and badly, and then
// looks for them in everything that the instance has written: its records,
// decisions, objects, files of tasks, and its log.
func TestNothingSecretIsKept(t *testing.T) {
	t.Parallel()
	n := another(t)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	a := n.newAccount(t)
	hidden := func(what string) string { return "hidden-" + what + "-" + a.ID }
	image := a.push(busyboxArchive(t, a.dir, "sh", "-c", "test -n \"$PASSWORD$WHOLE$PARAMETER$FROM_FILE\" && echo used"), "app", "1")
	role := a.executionRole("execution")
	a.aws("iam", "put-role-policy", "--role-name", "execution", "--policy-name", "secrets", "--policy-document",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["secretsmanager:GetSecretValue","ssm:GetParameters","s3:GetObject","s3:GetBucketLocation"],"Resource":"*"}]}`)
	a.aws("logs", "create-log-group", "--log-group-name", "used")
	key := a.aws("kms", "create-key", "--query", "KeyMetadata.KeyId", "--output", "text")
	a.aws("iam", "put-role-policy", "--role-name", "execution", "--policy-name", "key", "--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"}]}`)
	json := a.aws("secretsmanager", "create-secret", "--name", "json", "--kms-key-id", key, "--secret-string", `{"password":"`+hidden("json")+`"}`, "--query", "ARN", "--output", "text")
	plain := a.aws("secretsmanager", "create-secret", "--name", "plain", "--secret-string", hidden("plain"), "--query", "ARN", "--output", "text")
	a.aws("secretsmanager", "put-secret-value", "--secret-id", "plain", "--secret-string", hidden("second"))
	a.aws("ssm", "put-parameter", "--name", "/sealed", "--type", "SecureString", "--value", hidden("parameter"))
	a.aws("ssm", "put-parameter", "--name", "/large", "--type", "SecureString", "--tier", "Advanced", "--value", hidden("advanced"))
	a.aws("kms", "encrypt", "--key-id", key, "--plaintext", base64.StdEncoding.EncodeToString([]byte(hidden("encrypted"))))
	password := a.aws("secretsmanager", "get-random-password", "--exclude-punctuation", "--query", "RandomPassword", "--output", "text")
	login := a.aws("secretsmanager", "create-secret", "--name", "login", "--secret-string", `"username":"me","password":"`+hidden("login")+`"`, "--query", "ARN", "--output", "text")
	a.aws("s3api", "create-bucket", "--bucket", "settings-"+a.ID, "--create-bucket-configuration", "LocationConstraint="+a.Region)
	a.aws("s3", "cp", a.write("app.env", "FROM_FILE="+hidden("file")+"\n"), "s3://settings-"+a.ID+"/app.env")

	define := func(family, container string) string {
		return a.register(fmt.Sprintf(`{"family":%q,"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
		 "containerDefinitions":[{"name":"app","image":%q,%s,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"used","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, family, role, image, container, a.Region))
	}
	used := a.runTask(define("used", `"environmentFiles":[{"type":"s3","value":"arn:aws:s3:::settings-`+a.ID+`/app.env"}],
	 "secrets":[{"name":"PASSWORD","valueFrom":"`+json+`:password::"},{"name":"WHOLE","valueFrom":"`+plain+`"},{"name":"PARAMETER","valueFrom":"/sealed"}]`), "STOPPED")
	if c := used.Containers[0]; c.ExitCode == nil || *c.ExitCode != 0 {
		code := "no exit code"
		if c.ExitCode != nil {
			code = fmt.Sprint("exit code ", *c.ExitCode)
		}
		t.Fatalf("%s: %s %s\n%s", used.StoppedReason, code, c.Reason, n.logTail())
	}
	said := ""
	for family, container := range map[string]string{
		"key":   `"secrets":[{"name":"PASSWORD","valueFrom":"` + json + `:nothing::"}]`,
		"shape": `"secrets":[{"name":"PASSWORD","valueFrom":"` + plain + `:password::"}]`,
		"login": `"repositoryCredentials":{"credentialsParameter":"` + login + `"}`,
	} {
		stopped := a.runTask(define(family, container), "STOPPED")
		said += stopped.StoppedReason + a.neargate("why", stopped.id()).out + a.neargate("why", stopped.id(), "-o", "json").out
	}
	a.aws("secretsmanager", "delete-secret", "--secret-id", "plain", "--force-delete-without-recovery")
	n.stop()

	secrets := map[string]string{"a random password": password, "the account's secret key": a.Secret}
	for _, what := range []string{"json", "plain", "second", "parameter", "advanced", "encrypted", "login", "file"} {
		secrets[what] = hidden(what)
	}
	for what, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("%s is told:\n%s", what, said)
		}
	}
	files := 0
	err := filepath.WalkDir(n.dataDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		files++
		for what, secret := range secrets {
			for form, text := range map[string]string{"": secret, " in base64": base64.StdEncoding.EncodeToString([]byte(secret))} {
				if bytes.Contains(content, []byte(text)) {
					t.Errorf("%s has %s%s", strings.TrimPrefix(path, n.dataDir), what, form)
				}
			}
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("%d files were read: %v", files, err)
	}
}
