package containerd

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/runtimetest"
)

// openStatic opens a runtime whose shim and init are a static binary, as ours is.
func openStatic(t *testing.T) *Runtime {
	t.Helper()
	o := testOptions(t)
	o.Executable = runtimetest.BuildStatic(t, "./internal/runtime/containerd/shim")
	return open(t, o)
}

func TestInit(t *testing.T) {
	r := openStatic(t)
	known, err := r.EnsureImage(t.Context(), layoutSource(t, probeLayout(t)))
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "log")
	run := func(id string, args ...string) {
		t.Helper()
		c := containerOf(id, args...)
		c.Image, c.Init, c.LogPath, c.ReadonlyRootfs = known.Digest, true, log, true
		if len(args) == 0 {
			c.Args = []string{"/nowhere"}
		}
		for _, err := range []error{r.EnsureTask(t.Context(), runtime.TaskSpec{ID: "task"}), r.Create(t.Context(), c), r.Start(t.Context(), id)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	ends := func(id string, code int) {
		t.Helper()
		var c runtime.Container
		waitFor(t, "end of "+id, func() bool {
			c, err = r.Inspect(t.Context(), id)
			return err == nil && c.State == runtime.Stopped
		})
		if c.ExitCode != code {
			t.Errorf("%s: exit code %d, want %d", id, c.ExitCode, code)
		}
	}
	run("code", "exit", "9")
	ends("code", 9)
	run("missing")
	ends("missing", 127)
	run("facts", "facts")
	ends("facts", 0)
	waitFor(t, "output", func() bool {
		content, _ := os.ReadFile(log)
		return strings.Contains(string(content), "pid=") && !strings.Contains(string(content), "pid=1\n")
	})
	run("signal", "sleep")
	waitFor(t, "child that listens", func() bool {
		content, _ := os.ReadFile(log)
		return strings.HasSuffix(string(content), "ready\n")
	})
	waitFor(t, "signal is forwarded", func() bool {
		if err := r.Signal(t.Context(), "signal", syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		c, err := r.Inspect(t.Context(), "signal")
		return err == nil && c.State == runtime.Stopped
	})
	ends("signal", 143)
}

func TestSharedPID(t *testing.T) {
	r := openStatic(t)
	known, err := r.EnsureImage(t.Context(), layoutSource(t, probeLayout(t)))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.EnsureTask(t.Context(), runtime.TaskSpec{ID: "task", SharePID: true}); err != nil {
		t.Fatal(err)
	}
	namespaces := map[string]bool{}
	pids := map[string]int{}
	for _, id := range []string{"a", "b"} {
		c := containerOf(id, "sleep")
		c.Image = known.Digest
		if err := r.Create(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := r.Start(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		state, err := r.Inspect(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		pids[id] = state.PID
		ns, err := os.Readlink(filepath.Join("/proc", itoa(state.PID), "ns/pid"))
		if err != nil {
			t.Fatal(err)
		}
		namespaces[ns] = true
	}
	own, err := os.Readlink("/proc/self/ns/pid")
	if err != nil || len(namespaces) != 1 || namespaces[own] {
		t.Errorf("namespaces %v, the test's is %s, %v", namespaces, own, err)
	}
	if all, err := r.List(t.Context(), nil); err != nil || len(all) != 2 {
		t.Errorf("List gives %v, %v", all, err)
	}
	// One of them ends, and the other stays.
	if err := r.Signal(t.Context(), "a", syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "end of a", func() bool {
		c, err := r.Inspect(t.Context(), "a")
		return err == nil && c.State == runtime.Stopped
	})
	if c, err := r.Inspect(t.Context(), "b"); err != nil || c.State != runtime.Running {
		t.Errorf("b: %+v, %v", c, err)
	}
	if err := r.Purge(t.Context(), false); err != nil {
		t.Error(err)
	}
	nothingLeft(t, r.options)
	if syscall.Kill(pids["b"], 0) == nil {
		t.Error("b is still there")
	}
}
