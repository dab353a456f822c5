package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// envelope is the form of JSON output of our commands.
type envelope struct {
	SchemaVersion   int
	Command, Status string
	Data            json.RawMessage
}

// json runs a command of ours with -o json and reads its data.
func (a *account) json(into any, args ...string) {
	a.t.Helper()
	r := a.neargate(append(args, "-o", "json")...)
	var e envelope
	if err := json.Unmarshal([]byte(r.out), &e); err != nil {
		a.t.Fatalf("%v: exit %d, %v\n%s", args, r.code, err, r.out)
	}
	if e.SchemaVersion != 1 || e.Command == "" || e.Status != "ok" {
		a.t.Errorf("%v: envelope %+v", args, e)
	}
	if err := json.Unmarshal(e.Data, into); err != nil {
		a.t.Fatalf("%v: %v\n%s", args, err, e.Data)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	out, err := a.command("account", "create").Output()
	if err != nil || !regexp.MustCompile(`^\{"AccountId":"\d{12}","AccessKeyId":"LKIA[A-Z0-9]{16}","SecretAccessKey":"[^"]{40}"\}\n$`).Match(out) {
		t.Errorf("account create: %v, %q", err, out)
	}
	for _, c := range []struct {
		args []string
		code int
		want string // regular expression
	}{
		{[]string{"version"}, 0, `^neargate \S+ \(go1\.\S+, linux/\w+\)\n$`},
		{[]string{"status"}, 0, `^Neargate \S+ at http://127\.0\.0\.1:\d+, region us-east-1\n  instance .*\n  running  .*\n  front  .*\n(  +http://.*\n)*  dns +off\n(  unhealthy .*\n)*$`},
		{[]string{"env"}, 0, `(?m)^export AWS_ENDPOINT_URL=http://127\.0\.0\.1:\d+\nexport AWS_ACCESS_KEY_ID=test\n`},
		{[]string{"doctor"}, 0, `(?m)^✓ api +Neargate answers at http://`},
		{[]string{"ps"}, 0, `^no tasks\n$`},
		{[]string{"completion", "bash"}, 0, `bash completion V2 for neargate`},
		{[]string{"completion", "fish"}, 0, `fish completion for neargate`},
		{[]string{"--help"}, 0, `(?s)sudo neargate up -d.*Available Commands:`},
		{[]string{"why", "nothing"}, 4, `^error: nothing: nothing has that name in account ` + a.ID + `.*\n  fix   neargate ps -a\n  code  why\.not-found\n$`},
		{[]string{"why", "service/nothing"}, 4, `why\.not-found`},
		{[]string{"why", "stack/nothing"}, 4, `why\.not-found`},
		{[]string{"logs", "nothing"}, 4, `^error: no logs of nothing\n  why   .*\n  fix   .*\n  code  logs\.none\n$`},
		{[]string{"image", "load", "no-such-file"}, 4, `^error: cannot read the image\n  why   open no-such-file: .*\n  fix   .*\n  code  image\.no-file\n$`},
		{[]string{"image", "load", "/etc/hosts", "--name", "x"}, 1, `^error: .*`},
		{[]string{"deploy", "no-such-file", "--stack-name", "x"}, 4, `^error: cannot read the template\n  why .*\n  fix .*\n  code  stack\.no-template\n$`},
		{[]string{"deploy", "x.yml"}, 2, `^error: no stack name given\n  why .*\n  fix .*\n  code  cli\.usage\n$`},
		{[]string{"deploy", "x.yml", "--stack-name", "s", "--parameter", "novalue"}, 2, `^error: parameter novalue is not KEY=VALUE\n`},
		{[]string{"statsu"}, 2, `^error: unknown command statsu\n  why .*\n  fix   neargate status\n  code  cli\.usage\n$`},
		{[]string{"image", "lss"}, 2, `^error: unknown command lss\n`},
		{[]string{"status", "--nope"}, 2, `^error: unknown flag: --nope\n  why .*\n  fix   neargate status --help\n  code  cli\.usage\n$`},
		{[]string{"status", "-o", "xml"}, 2, `^error: unknown output form xml\n`},
		{[]string{"why"}, 2, `^error: accepts 1 arg`},
	} {
		if r := a.neargate(c.args...); r.code != c.code || !regexp.MustCompile(c.want).MatchString(r.out) {
			t.Errorf("neargate %s: exit %d, want %d and %s\n%s", strings.Join(c.args, " "), r.code, c.code, c.want, r.out)
		}
	}
	nowhere := a.only("PATH="+clientPath(), "HOME="+a.dir)
	if r := nowhere.neargate("status", "--data-dir", filepath.Join(a.dir, "nothing")); r.code != 3 || !strings.Contains(r.out, "\n  code  host.not-running\n") {
		t.Errorf("no instance: exit %d\n%s", r.code, r.out)
	}
	if r := a.with("NEARGATE_ENDPOINT=http://127.0.0.1:1").neargate("status"); r.code != 3 || !strings.Contains(r.out, "\n  code  host.unreachable\n") {
		t.Errorf("nobody there: exit %d\n%s", r.code, r.out)
	}
	if r := a.with("AWS_SECRET_ACCESS_KEY=wrong").neargate("ps"); r.code != 5 || !strings.HasPrefix(r.out, "error: ") {
		t.Errorf("a wrong key: exit %d\n%s", r.code, r.out)
	}
	for _, args := range [][]string{{"ps"}, {"image", "ls"}, {"status"}, {"env"}, {"doctor"}, {"version"}} {
		var data any
		if a.json(&data, args...); data == nil {
			t.Errorf("%v -o json has no data", args)
		}
	}
}

// TestLoadedImages runs images that stand for what public registries answer:
// found where the internet is, and nowhere else.
func TestLoadedImages(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	oci := busyboxArchive(t, a.dir, "sh", "-c", "echo from the loaded image; exec sleep 1000")
	docker := a.dockerArchive(oci)
	for _, load := range []struct{ file, name, shown string }{
		{oci, "public.ecr.aws/docker/library/busybox", "public.ecr.aws/docker/library/busybox:latest"},
		{docker, "nginx:latest", "docker.io/library/nginx:latest"},
	} {
		if r := a.neargate("image", "load", load.file, "--name", load.name); r.code != 0 || !strings.HasPrefix(r.out, "loaded "+load.shown+" (sha256:") {
			t.Fatalf("image load: exit %d\n%s", r.code, r.out)
		}
	}
	var images []struct{ Name, Digest string }
	a.json(&images, "image", "ls")
	if r := a.neargate("image", "ls"); len(images) < 2 || strings.Count(r.out, "sha256:") != len(images) {
		t.Errorf("image ls: %+v\n%s", images, r.out)
	}
	role := a.executionRole("execution")
	a.aws("logs", "create-log-group", "--log-group-name", "loaded")
	register := func(family, ref string) string {
		return a.register(fmt.Sprintf(`{"family":%q,"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
		 "containerDefinitions":[{"name":"c","image":%q,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"loaded","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, family, role, ref, a.Region))
	}
	busybox, nginx := register("busybox", "public.ecr.aws/docker/library/busybox"), register("web", "nginx:latest")
	runs := a.runTask(busybox, "RUNNING")
	a.runTask(nginx, "RUNNING")
	missing := a.runTask(register("missing", "public.ecr.aws/docker/library/nothing:1"), "STOPPED")
	if missing.StopCode != "TaskFailedToStart" || !strings.Contains(missing.StoppedReason, "CannotPullContainerError") {
		t.Errorf("an image that is not there: %s: %s", missing.StopCode, missing.StoppedReason)
	}

	// The same in a VPC without a way out.
	vpc := a.aws("ec2", "create-vpc", "--cidr-block", "10.7.0.0/16", "--query", "Vpc.VpcId", "--output", "text")
	subnet := a.aws("ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", "10.7.0.0/24", "--query", "Subnet.SubnetId", "--output", "text")
	unlogged := a.register(`{"family":"isolated","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","containerDefinitions":[{"name":"c","image":"nginx:latest"}]}`)
	arn := a.aws("ecs", "run-task", "--cluster", "tests", "--task-definition", unlogged, "--launch-type", "FARGATE", "--network-configuration", "awsvpcConfiguration={subnets=["+subnet+"]}", "--query", "tasks[0].taskArn", "--output", "text")
	if isolated := a.waitTask("tests", arn, "STOPPED"); !strings.Contains(isolated.StoppedReason, "CannotPullContainerError") {
		t.Errorf("in an isolated VPC: %s: %s", isolated.StopCode, isolated.StoppedReason)
	} else if why := a.neargate("why", isolated.id()); why.code != 6 || !strings.Contains(why.out, "Cause") || !strings.Contains(why.out, subnet) {
		t.Errorf("why: exit %d\n%s", why.code, why.out)
	}
	a.commandsSee(runs)
}

// commandsSee looks at a running task with our own commands.
func (a *account) commandsSee(running task) {
	var tasks []struct{ TaskArn, LastStatus string }
	a.json(&tasks, "ps")
	if len(tasks) != 2 {
		a.t.Errorf("ps -o json: %+v", tasks)
	}
	all := a.neargate("ps", "-a")
	if all.code != 0 || strings.Count(all.out, " RUNNING ") != 2 || strings.Count(all.out, " STOPPED ") != 2 || !strings.Contains(all.out, running.detail("privateIPv4Address")) || !strings.Contains(all.out, running.detail("networkInterfaceId")) {
		a.t.Errorf("ps -a: exit %d\n%s", all.code, all.out)
	}
	a.eventually(5*time.Second, "the task's line by neargate logs", func() error {
		if r := a.neargate("logs", running.id()[:8]); r.code != 0 || !strings.Contains(r.out, " c/"+running.id()[:8]+" from the loaded image\n") {
			return fmt.Errorf("exit %d: %s", r.code, r.out)
		}
		return nil
	})
	if out := a.logsTail("loaded"); strings.Count(out, "from the loaded image") != 2 {
		a.t.Errorf("aws logs tail: %s", out)
	}
	if r := a.neargate("why", running.id()); r.code != 0 || !strings.Contains(r.out, "✓") {
		a.t.Errorf("why of a running task: exit %d\n%s", r.code, r.out)
	}
	if r := a.neargate("timeline", running.id()[:8]); r.code != 0 || !strings.HasPrefix(r.out, "task/"+running.id()[:8]+"  RUNNING  ") || !strings.Contains(r.out, "\n  start of containers ") {
		a.t.Errorf("timeline: exit %d\n%s", r.code, r.out)
	}
	if r := a.neargate("timeline", "nothing"); r.code != 4 || !strings.HasPrefix(r.out, "error: there is no task, service or stack nothing\n") {
		a.t.Errorf("timeline of nothing: exit %d\n%s", r.code, r.out)
	}
}

// dockerArchive turns an OCI archive into one of `docker save`.
func (a *account) dockerArchive(oci string) string {
	a.t.Helper()
	path := filepath.Join(a.dir, "docker.tar")
	a.run("skopeo", "copy", "--quiet", "oci-archive:"+oci, "docker-archive:"+path+":some:name")
	if _, err := os.Stat(path); err != nil {
		a.t.Fatal(err)
	}
	return path
}
