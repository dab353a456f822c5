package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/testenv"
)

// upload is the fifth seed, deployed: a Python program that uploads its file to
// S3 with a task role; its image is in a private registry, whose login is a secret.
type upload struct {
	*account
	name, image, bucket, secret       string
	cluster, network, definition      string
	executionRole, taskRole, password string
}

// key is the object that the program writes.
const uploadedKey = "ecs-example/sample.txt"

func newUpload(t *testing.T) *upload {
	a := newAccount(t)
	a.Region = "us-east-1" // where boto3 uses the global address of buckets
	u := &upload{account: a, name: "upload", bucket: "projectjz-" + a.ID, image: "jz" + a.ID + "/ecs-example:v1", password: "hush-" + a.ID}
	dir := filepath.Join(testenv.Root(), "examples/upload-to-s3")
	file := pythonArchive(t, a.dir, filepath.Join(dir, "model/upload.py"), image.File{Path: "/model/sample.txt", Source: filepath.Join(dir, "model/sample.txt"), Mode: 0o644})
	password := a.write("password", u.password+"\n")
	if r := a.shell(a.binary + " image load " + file + " --data-dir " + a.dataDir + " --name " + u.image + " --username jz --password-stdin < " + password); r.code != 0 {
		t.Fatalf("image load: exit %d\n%s", r.code, r.out)
	}
	a.aws("s3api", "create-bucket", "--bucket", u.bucket)
	u.secret = a.aws("secretsmanager", "create-secret", "--name", "registry", "--secret-string", u.login(), "--query", "ARN", "--output", "text")
	a.aws("cloudformation", "deploy", "--stack-name", u.name, "--template-file", filepath.Join(dir, "upload.yml"), "--capabilities", "CAPABILITY_IAM",
		"--parameter-overrides", "Image="+u.image, "Login="+u.secret, "Bucket="+u.bucket)
	out := awsJSON[map[string]string](a, "cloudformation", "describe-stacks", "--stack-name", u.name, "--query", "Stacks[0].{Cluster:Outputs[?OutputKey=='Cluster']|[0].OutputValue,Subnet:Outputs[?OutputKey=='Subnet']|[0].OutputValue,Task:Outputs[?OutputKey=='Task']|[0].OutputValue,ExecutionRole:Outputs[?OutputKey=='ExecutionRole']|[0].OutputValue,TaskRole:Outputs[?OutputKey=='TaskRole']|[0].OutputValue}")
	u.cluster, u.definition, u.executionRole, u.taskRole = out["Cluster"], out["Task"], out["ExecutionRole"], out["TaskRole"]
	u.network = "awsvpcConfiguration={subnets=[" + out["Subnet"] + "],assignPublicIp=ENABLED}"
	return u
}

func (u *upload) login() string { return `{"username":"jz","password":"` + u.password + `"}` }

// run runs the task to its end, with more environment if given.
func (u *upload) run(environment string) task {
	u.t.Helper()
	overrides := fmt.Sprintf(`{"containerOverrides":[{"name":"upload","environment":[%s]}]}`, environment)
	arn := u.aws("ecs", "run-task", "--cluster", u.cluster, "--task-definition", u.definition, "--launch-type", "FARGATE", "--network-configuration", u.network,
		"--overrides", overrides, "--query", "tasks[0].taskArn", "--output", "text")
	return u.waitTask(u.cluster, arn, "STOPPED")
}

func (u *upload) lines(t task) string {
	u.t.Helper()
	return strings.Join(awsJSON[[]string](u.account, "logs", "get-log-events", "--log-group-name", u.name, "--log-stream-name", "upload/upload/"+t.id(), "--start-from-head", "--query", "events[].message"), "\n")
}

// succeeds runs the task, which must write the object anew.
func (u *upload) succeeds(environment, host string) {
	u.t.Helper()
	u.aws("s3", "rm", "s3://"+u.bucket+"/"+uploadedKey)
	stopped := u.run(environment)
	said := ""
	if len(stopped.Containers) == 1 && stopped.Containers[0].ExitCode != nil {
		said = u.lines(stopped)
	}
	if c := stopped.Containers[0]; c.ExitCode == nil || *c.ExitCode != 0 || !strings.Contains(said, "PUT https://"+host+"/"+uploadedKey) {
		u.t.Fatalf("%s: %s %+v\n%s\n%s", stopped.StopCode, stopped.StoppedReason, c, said, u.neargate("why", stopped.id()).out)
	}
	want, err := os.ReadFile(filepath.Join(testenv.Root(), "examples/upload-to-s3/model/sample.txt"))
	if err != nil {
		u.t.Fatal(err)
	}
	if got := u.aws("s3", "cp", "s3://"+u.bucket+"/"+uploadedKey, "-"); got != strings.TrimSpace(string(want)) {
		u.t.Errorf("the object holds %q", got)
	}
}

// rolePolicy gives a role one statement under a name, or takes it away.
func (u *upload) rolePolicy(role, name, action, resource string) {
	u.t.Helper()
	if action == "" {
		u.aws("iam", "delete-role-policy", "--role-name", role, "--policy-name", name)
		return
	}
	u.aws("iam", "put-role-policy", "--role-name", role, "--policy-name", name, "--policy-document",
		fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q}]}`, action, resource))
}

// TestFifthSeed follows the reader of the fifth seed: it works, with much less than
// S3FullAccess too; and what readers get wrong is told apart.
func TestFifthSeed(t *testing.T) {
	t.Parallel()
	u := newUpload(t)
	in := func(t *testing.T) *upload {
		sub := *u
		sub.account = u.account.in(t)
		return &sub
	}
	virtual := u.bucket + ".s3.amazonaws.com"
	t.Run("with S3FullAccess", func(t *testing.T) { in(t).succeeds("", virtual) })
	t.Run("without a region", func(t *testing.T) { // what boto3 takes for S3 when it knows of none
		in(t).succeeds(`{"name":"AWS_DEFAULT_REGION","value":"aws-global"}`, virtual)
	})
	t.Run("as a service it is replaced for ever", func(t *testing.T) { in(t).checkService() })
	object := "arn:aws:s3:::" + u.bucket + "/" + uploadedKey
	t.Run("least privilege is suggested", func(t *testing.T) { in(t).checkSuggestion(object) })
	u.aws("iam", "put-role-policy", "--role-name", u.taskRole, "--policy-name", "upload", "--policy-document", u.shell(u.binary+" iam suggest TaskRole 2> notes").out)
	u.aws("iam", "detach-role-policy", "--role-name", u.taskRole, "--policy-arn", "arn:aws:iam::aws:policy/AmazonS3FullAccess")
	t.Run("with the suggestion", func(t *testing.T) { in(t).checkLeast(virtual, object) })
	t.Run("wrong roles", func(t *testing.T) { in(t).checkWrongRoles(object) })
	t.Run("secrets of another shape", func(t *testing.T) { in(t).checkShapes() })
	t.Run("secret under a key", func(t *testing.T) { in(t).checkKey(virtual) })
}

// checkService: a program that ends is started again and again, as on AWS.
func (u *upload) checkService() {
	u.t.Helper()
	u.aws("ecs", "create-service", "--cluster", u.cluster, "--service-name", "upload", "--task-definition", u.definition, "--desired-count", "1", "--launch-type", "FARGATE", "--network-configuration", u.network)
	u.eventually(60e9, "three tasks of the service", func() error {
		ended := awsJSON[[]string](u.account, "ecs", "list-tasks", "--cluster", u.cluster, "--service-name", "upload", "--desired-status", "STOPPED", "--query", "taskArns")
		if len(ended) < 3 {
			return fmt.Errorf("%d tasks have ended", len(ended))
		}
		return nil
	})
	if out := u.neargate("why", "service/upload").out; !strings.Contains(out, "container upload ended with exit code 0") {
		u.t.Errorf("why: %s", out)
	}
	u.aws("ecs", "delete-service", "--cluster", u.cluster, "--service", "upload", "--force")
}

// checkSuggestion: of all that S3FullAccess grants the program used one action on
// one object, and ECS needed with the other role what the image and the logs took.
func (u *upload) checkSuggestion(object string) {
	u.t.Helper()
	r := u.shell(u.binary + " iam suggest TaskRole --verify 2> notes") // the logical id will do
	want := fmt.Sprintf("{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": \"s3:PutObject\",\n      \"Resource\": %q\n    }\n  ]\n}\n", object)
	if r.code != 0 || r.out != want {
		u.t.Errorf("exit %d\n%s\nwant %s", r.code, r.out, want)
	}
	notes := u.shell("cat notes").out
	for _, note := range []string{"AmazonS3FullAccess: s3-object-lambda:*, s3:*", "1 action on 1 resource", "all allowed again"} {
		if !strings.Contains(notes, note) {
			u.t.Errorf("%q is missing in %s", note, notes)
		}
	}
	r = u.neargate("iam", "suggest", u.executionRole, "--verify", "--format", "cfn") // with the notes
	stream := fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:upload/upload/*", u.Region, u.ID, u.name)
	if r.code != 0 || !strings.Contains(r.out, "Resource: "+u.secret+"\n") || !strings.Contains(r.out, "Resource: '"+stream+"'\n") || strings.Contains(r.out, "Action: ecr:") {
		u.t.Errorf("exit %d\n%s", r.code, r.out)
	}
}

// checkLeast: one statement on one object is enough, and no more than that.
func (u *upload) checkLeast(host, object string) {
	u.t.Helper()
	u.succeeds("", host)
	stopped := u.run(`{"name":"READ_BACK","value":"1"}`)
	want := fmt.Sprintf("An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:sts::%s:assumed-role/%s/%s is not authorized to perform: s3:GetObject on resource: \"%s\" because no identity-based policy allows the s3:GetObject action",
		u.ID, u.taskRole, stopped.id(), object)
	if said := u.lines(stopped); !strings.Contains(said, want) || *stopped.Containers[0].ExitCode != 1 {
		u.t.Errorf("%s\nwant %s", said, want)
	}
}

// checkWrongRoles puts each permission on the other role.
func (u *upload) checkWrongRoles(object string) {
	u.t.Helper()
	u.rolePolicy(u.taskRole, "upload", "", "")
	u.rolePolicy(u.executionRole, "upload", "s3:PutObject", object)
	stopped := u.run("")
	if said := u.lines(stopped); !strings.Contains(said, "when calling the PutObject operation: User: arn:aws:sts::"+u.ID+":assumed-role/"+u.taskRole+"/"+stopped.id()+" is not authorized to perform: s3:PutObject") {
		u.t.Errorf("the application said: %s", said)
	}
	fix := u.why(stopped.id(), "iam.wrong-role")
	if !strings.Contains(fix, u.taskRole) || !strings.Contains(fix, object) {
		u.t.Errorf("fix %q", fix)
	}
	u.rolePolicy(u.executionRole, "upload", "", "")
	if r := u.shell(fix); r.code != 0 {
		u.t.Fatalf("the fix: exit %d %s", r.code, r.out)
	}

	u.rolePolicy(u.executionRole, "login", "", "")
	u.rolePolicy(u.taskRole, "login", "secretsmanager:GetSecretValue", u.secret)
	stopped = u.run("")
	want := "^ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to get registry auth from asm: service call has been retried 1 time\\(s\\): asm fetching secret from the service for " + u.secret +
		": AccessDeniedException: User: arn:aws:sts::" + u.ID + ":assumed-role/" + u.executionRole + "/" + stopped.id() + " is not authorized to perform: secretsmanager:GetSecretValue on resource: " + u.secret + " because no identity-based policy allows"
	if !matches(want, stopped.StoppedReason) {
		u.t.Errorf("%s\nwant %s", stopped.StoppedReason, want)
	}
	if fix = u.why(stopped.id(), "iam.wrong-role"); !strings.Contains(fix, u.executionRole) {
		u.t.Errorf("fix %q", fix)
	}
	u.rolePolicy(u.taskRole, "login", "", "")
	stopped = u.run("")
	fix = u.why(stopped.id(), "iam.exec-secret") // on neither role
	if r := u.shell(fix); r.code != 0 {
		u.t.Fatalf("the fix: exit %d %s", r.code, r.out)
	}
}

// checkShapes stores logins that are none.
func (u *upload) checkShapes() {
	u.t.Helper()
	for _, c := range []struct{ secret, reason, code string }{
		{`"username": "jz", "password": "` + u.password + `"`, "unable to get registry auth from asm: service call has been retried 1 time(s): asm fetching authorization data: unable to unmarshal secret value, invalid schema", "reg.secret-shape"},
		{`{"user":"jz","password":"` + u.password + `"}`, "asm fetching username: AuthorizationData is malformed, empty field", "reg.secret-shape"},
		{`{"username":"jz","password":"another"}`, "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref docker.io/" + u.image + ": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://auth.docker.io/token", "reg.auth"},
	} {
		u.aws("secretsmanager", "put-secret-value", "--secret-id", u.secret, "--secret-string", c.secret)
		stopped := u.run("")
		if !strings.Contains(stopped.StoppedReason, c.reason) {
			u.t.Errorf("%s\nwant %s", stopped.StoppedReason, c.reason)
		}
		if fix := u.why(stopped.id(), c.code); !strings.Contains(fix, "put-secret-value --secret-id "+u.secret) {
			u.t.Errorf("fix %q", fix)
		}
		if out := u.neargate("why", stopped.id()).out; strings.Contains(out, u.password) || strings.Contains(out, "another") {
			u.t.Errorf("why shows the password: %s", out)
		}
	}
	u.aws("secretsmanager", "put-secret-value", "--secret-id", u.secret, "--secret-string", u.login())
}

// checkKey puts the login under a customer's key, which the role must be let use.
func (u *upload) checkKey(host string) {
	u.t.Helper()
	key := u.aws("kms", "create-key", "--query", "KeyMetadata.Arn", "--output", "text")
	u.aws("secretsmanager", "update-secret", "--secret-id", u.secret, "--kms-key-id", key)
	stopped := u.run("")
	if !strings.Contains(stopped.StoppedReason, "asm fetching secret from the service for "+u.secret+": AccessDeniedException: Access to KMS is not allowed") {
		u.t.Errorf("%s", stopped.StoppedReason)
	}
	fix := u.why(stopped.id(), "iam.exec-kms")
	if !strings.Contains(fix, "kms:Decrypt") || !strings.Contains(fix, key) {
		u.t.Errorf("fix %q", fix)
	}
	if r := u.shell(fix); r.code != 0 {
		u.t.Fatalf("the fix: exit %d %s", r.code, r.out)
	}
	u.succeeds("", host)
}
