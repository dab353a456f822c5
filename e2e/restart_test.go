package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

// TestTasksSurviveARestart kills the daemon under two tasks: one goes on
// running, the other ends meanwhile, and its exit code and last line are right.
func TestTasksSurviveARestart(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	if shared == nil {
		t.Skip("skipped: -short")
	}
	n := &instance{binary: shared.binary, dataDir: filepath.Join(t.TempDir(), "data"), listen: freePort()}
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.stop()
		if out, err := n.command("down", "--data").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	a := n.newAccount(t)
	image := a.push(busyboxArchive(t, a.dir, "sh"), "app", "1")
	role := a.executionRole("execution")
	a.aws("logs", "create-log-group", "--log-group-name", "restart")
	register := func(name, script string) string {
		return a.register(fmt.Sprintf(`{"family":%q,"requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":%q,"containerDefinitions":[{"name":"c","image":%q,"command":["sh","-c",%q],
		 "logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"restart","awslogs-region":%q,"awslogs-stream-prefix":"p"}}}]}`, name, role, image, script, a.Region))
	}
	stays := a.runTask(register("stays", "sleep 1000"), "RUNNING")
	ends := a.runTask(register("ends", "sleep 3; echo the end; exit 23"), "RUNNING")
	pids := n.processes(t, "sleep 1000")

	n.kill()
	n.waitGone(t, "echo the end; exit 23")
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	ended := a.waitTask("tests", ends.TaskArn, "STOPPED")
	if c := ended.Containers[0]; c.ExitCode == nil || *c.ExitCode != 23 {
		t.Errorf("exit code of the task that ended meanwhile: %+v", c)
	}
	if out := a.aws("logs", "get-log-events", "--log-group-name", "restart", "--log-stream-name", "p/c/"+ends.id(), "--query", "events[].message", "--output", "text"); out != "the end" {
		t.Errorf("its log is %q", out)
	}
	a.waitTask("tests", stays.TaskArn, "RUNNING")
	if now := n.processes(t, "sleep 1000"); strings.Join(now, " ") != strings.Join(pids, " ") || len(now) != 1 {
		t.Errorf("processes before %v, after %v", pids, now)
	}
}
