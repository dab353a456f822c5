package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestWhyTasksStop runs tasks that cannot go well, at the same time: each stops
// with AWS's code and text, and `why` names the cause and shows the evidence.
func TestWhyTasksStop(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	image := a.push(busyboxArchive(t, a.dir, "sh"), "app", "1")
	role := a.executionRole("execution")
	a.aws("iam", "put-role-policy", "--role-name", "execution", "--policy-name", "secrets", "--policy-document", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`)
	a.aws("logs", "create-log-group", "--log-group-name", "stops")
	a.aws("ecs", "create-cluster", "--cluster-name", "tests")
	network := a.defaultNetwork()
	secret := "arn:aws:secretsmanager:" + a.Region + ":" + a.ID + ":secret:nowhere-AbCdEf"
	rows := []stopped{
		{name: "missing secret", container: `"secrets":[{"name":"PASSWORD","valueFrom":"` + secret + `"}]`, code: "sec.not-found", stopCode: "TaskFailedToStart",
			reason: `^ResourceInitializationError: unable to pull secrets or registry auth: .*unable to retrieve secret from asm: .*ResourceNotFoundException: Secrets Manager can't find the specified secret\.`, shows: secret},
		{name: "exit", container: `"command":["sh","-c","echo starting; echo no database at db:5432 >&2; exit 7"]`, code: "run.exit", stopCode: "EssentialContainerExited",
			reason: `^Essential container in task exited$`, exit: 7, shows: "no database at db:5432"},
		{name: "out of memory", container: `"memory":64,"command":["dd","if=/dev/zero","of=/dev/null","bs=200M","count=1"]`, code: "run.oom", stopCode: "EssentialContainerExited",
			reason: `^Essential container in task exited$`, exit: 137, because: "OutOfMemoryError: Container killed due to memory usage", shows: "64"},
		{name: "no such command", container: `"command":["/bin/nothing"]`, code: "run.no-cmd", stopCode: "TaskFailedToStart",
			reason: `^CannotStartContainerError: .*exec: "/bin/nothing": stat /bin/nothing: no such file or directory`, shows: "/bin/nothing"},
	}
	for i, r := range rows {
		definition := a.register(fmt.Sprintf(`{"family":"stops","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,
		 "containerDefinitions":[{"name":"app","image":%q,%s,"logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"stops","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, role, image, r.container, a.Region))
		rows[i].arn = a.aws("ecs", "run-task", "--cluster", "tests", "--launch-type", "FARGATE", "--task-definition", definition, "--network-configuration", network, "--query", "tasks[0].taskArn", "--output", "text")
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) { a.in(t).checkStopped(r) })
	}
}

// stopped is a task that cannot go well and what must be seen of it.
type stopped struct {
	name, container, arn      string
	stopCode, reason, because string // because is the container's reason
	exit                      int
	code, shows               string // slug and a text that why shows
}

func (a *account) checkStopped(r stopped) {
	a.t.Helper()
	t := a.waitTask("tests", r.arn, "STOPPED")
	if t.StopCode != r.stopCode || !matches(r.reason, t.StoppedReason) {
		a.t.Errorf("stopped with %s: %s\nwant %s: %s", t.StopCode, t.StoppedReason, r.stopCode, r.reason)
	}
	c := t.Containers[0]
	if r.exit != 0 && (c.ExitCode == nil || *c.ExitCode != r.exit || c.Reason != r.because) {
		a.t.Errorf("the container: %+v, want exit code %d and reason %q", c, r.exit, r.because)
	}
	a.why(t.id(), r.code)
	if out := a.neargate("why", t.id()).out; !strings.Contains(out, r.shows) {
		a.t.Errorf("no %q in\n%s", r.shows, out)
	}
}

// why asks for the cause, which must have the slug, and returns the command that
// fixes it ("" for none). What a person reads is in the test's log.
func (a *account) why(target, code string) string {
	a.t.Helper()
	shown := a.neargate("why", target)
	a.t.Logf("neargate why %s\n%s", target, shown.out)
	r := a.neargate("why", target, "-o", "json")
	var report struct {
		Data struct {
			Findings []struct {
				Code  string
				Fixes []struct{ Lang, Text string }
			}
		}
	}
	if err := json.Unmarshal([]byte(r.out), &report); err != nil || len(report.Data.Findings) == 0 {
		a.t.Fatalf("why -o json: %v\n%s", err, r.out)
	}
	first := report.Data.Findings[0]
	if shown.code != 6 || first.Code != code || !strings.Contains(shown.out, code) {
		a.t.Errorf("why: exit %d and %s, want 6 and %s", shown.code, first.Code, code)
	}
	for _, f := range first.Fixes {
		if f.Lang == "cli" {
			return f.Text
		}
	}
	return ""
}

// shell runs what a person would paste.
func (a *account) shell(line string) result {
	a.t.Helper()
	return a.try("sh", "-ec", line)
}
