package e2e

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/internal/testenv"
)

// another is a second instance beside the shared one; nothing runs yet.
func another(t *testing.T) *instance {
	t.Helper()
	testenv.NeedRoot(t)
	if shared == nil {
		t.Skip("skipped: -short")
	}
	n := &instance{binary: shared.binary, dataDir: filepath.Join(t.TempDir(), "data"), listen: freePort()}
	t.Cleanup(func() {
		n.stop()
		if out, err := n.command("down", "--data").CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	return n
}

// must runs a command of the instance and returns what it printed.
func (n *instance) must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := n.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("neargate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestTwoInstancesSideBySide runs the same task in two instances; what one does
// leaves the other alone.
func TestTwoInstancesSideBySide(t *testing.T) {
	t.Parallel()
	n := another(t)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	run := func(n *instance) (*account, task) {
		a := n.newAccount(t)
		image := a.push(busyboxArchive(t, a.dir, "sleep", "2000"), "app", "1")
		definition := a.register(`{"family":"app","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":"` + a.executionRole("execution") + `","containerDefinitions":[{"name":"c","image":"` + image + `"}]}`)
		return a, a.runTask(definition, "RUNNING")
	}
	first, one := run(shared)
	second, _ := run(n)
	if pids := n.processes(t, "sleep 2000"); len(pids) != 1 {
		t.Errorf("the second instance runs %v", pids)
	}
	before := shared.processes(t, "sleep 2000")
	if len(before) != 1 {
		t.Errorf("the first instance runs %v", before)
	}
	if r := second.try("aws", "sts", "get-caller-identity", "--endpoint-url", shared.endpoint); r.code == 0 {
		t.Error("keys of one instance open the other")
	}
	n.must(t, "down", "--data")
	if after := shared.processes(t, "sleep 2000"); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("the end of one instance changed the other's processes from %v to %v", before, after)
	}
	first.waitTask("tests", one.TaskArn, "RUNNING")
	first.aws("ecs", "stop-task", "--cluster", "tests", "--task", one.TaskArn)
	first.waitTask("tests", one.TaskArn, "STOPPED")
}

// TestUpIsRefused looks at the messages of an instance that cannot start.
func TestUpIsRefused(t *testing.T) {
	n := another(t)
	busy, err := net.Listen("tcp", n.listen)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := n.command(append([]string{"up", "--listen", n.listen}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("up %s: %v\n%s\nwant %q", strings.Join(args, " "), err, out, want)
		}
	}
	refused("cannot start: " + n.listen + " is in use")
	refused("cannot start: "+n.listen+" is in use", "-d")
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	refused("cannot start: another Neargate runs on " + n.dataDir)
	if out := n.must(t, "status"); !strings.Contains(out, n.endpoint) {
		t.Errorf("after the refused ones, status says %q", out)
	}
}

// TestDaemon is the life of an instance that runs in the background.
func TestDaemon(t *testing.T) {
	n := another(t)
	if out, err := n.command("status").CombinedOutput(); err == nil || !strings.Contains(string(out), "no Neargate is running") {
		t.Errorf("status before the start: %v\n%s", err, out)
	}
	n.must(t, "up", "-d", "--listen", n.listen)
	n.endpoint = "http://" + n.listen
	if out := n.must(t, "up", "-d", "--listen", n.listen); !strings.Contains(out, "runs already") {
		t.Errorf("a second up -d says %q", out)
	}
	for _, path := range []string{"/_neargate/health", "/_localstack/health"} {
		res, err := http.Get(n.endpoint + path)
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		if err := json.NewDecoder(res.Body).Decode(&body); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d, %v", path, res.StatusCode, err)
		}
		res.Body.Close()
	}
	if out := n.must(t, "status", "-o", "json"); !strings.Contains(out, `"pid":`) || !json.Valid([]byte(out)) {
		t.Errorf("status -o json printed %s", out)
	}
	if out := n.must(t, "down"); !strings.Contains(out, "data is kept in "+n.dataDir) {
		t.Errorf("down says %q", out)
	}
	if _, err := os.Stat(filepath.Join(n.dataDir, "neargate.db")); err != nil {
		t.Error("down took the data: ", err)
	}
	n.must(t, "down")
	n.must(t, "up", "-d", "--listen", n.listen)
	if out := n.must(t, "down", "--data"); !strings.Contains(out, "all data is gone") {
		t.Errorf("down --data says %q", out)
	}
	if out := n.must(t, "down", "--data"); !strings.Contains(out, "nothing to do") {
		t.Errorf("a second down --data says %q", out)
	}
}

// TestSIGTERMLeavesTasksRunning stops the process as a service supervisor does.
func TestSIGTERMLeavesTasksRunning(t *testing.T) {
	t.Parallel()
	n := another(t)
	if err := n.start(); err != nil {
		t.Fatal(err)
	}
	a := n.newAccount(t)
	image := a.push(busyboxArchive(t, a.dir, "sleep", "3000"), "app", "1")
	a.runTask(a.register(`{"family":"app","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":"`+a.executionRole("execution")+`","containerDefinitions":[{"name":"c","image":"`+image+`"}]}`), "RUNNING")
	n.stop()
	if err := <-n.ended; err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if log := n.logTail(); !strings.HasSuffix(log, "stopped; tasks go on running (neargate down stops them)\n") {
		t.Errorf("the last words are %q", log[max(0, len(log)-300):])
	}
	if pids := n.processes(t, "sleep 3000"); len(pids) != 1 {
		t.Errorf("processes after SIGTERM: %v", pids)
	}
	n.must(t, "down")
	if pids := n.processes(t, "sleep 3000"); len(pids) != 0 {
		t.Errorf("processes after down: %v", pids)
	}
}
