package containerd

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"github.com/neargate/neargate/internal/image"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
	"github.com/neargate/neargate/internal/runtime/runtimetest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// daemonEnv makes the test binary a daemon that can be killed: it opens the
// runtime, starts the containers of daemonPlan, says so, and waits.
const daemonEnv = "NEARGATE_TEST_DAEMON"

type daemonPlan struct {
	Options    Options
	Layout     string // of the image
	Task       runtime.TaskSpec
	Containers []runtime.ContainerSpec
}

func daemon(encoded string) error {
	var plan daemonPlan
	if err := json.Unmarshal([]byte(encoded), &plan); err != nil {
		return err
	}
	ctx := context.Background()
	r, err := Open(ctx, plan.Options)
	if err != nil {
		return err
	}
	archive, err := image.Open(plan.Layout)
	if err != nil {
		return err
	}
	known, err := r.EnsureImage(ctx, runtime.ImageSource{Target: archive.Images[0].Target, Fetch: archive.Blob})
	if err != nil {
		return err
	}
	if err := r.EnsureTask(ctx, plan.Task); err != nil {
		return err
	}
	for _, c := range plan.Containers {
		c.Image = known.Digest
		if err := r.Create(ctx, c); err != nil {
			return err
		}
		if err := r.Start(ctx, c.ID); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	_, err = io.ReadAll(os.Stdin) // until it is killed
	return err
}

// startDaemon runs the plan in a process of its own and returns what kills it.
func startDaemon(t *testing.T, plan daemonPlan) (kill func()) {
	t.Helper()
	plan.Options.Log = nil
	encoded, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), daemonEnv+"="+string(encoded))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("daemon says %q, %v", line, err)
	}
	return kill
}

// probeLayout builds a layout whose only program is the probe.
func probeLayout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	_, err := image.Build(dir, image.Spec{Entrypoint: []string{"/probe"},
		Layers: [][]image.File{{{Path: "/probe", Source: runtimetest.BuildStatic(t, "./internal/runtime/runtimetest/probe"), Mode: 0o755}}}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func containerOf(id string, args ...string) runtime.ContainerSpec {
	return runtime.ContainerSpec{ID: id, TaskID: "task", Args: append([]string{"/probe"}, args...)}
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// TestKilledDaemon: everything that happens while nobody is there is known afterwards.
func TestKilledDaemon(t *testing.T) {
	o := testOptions(t)
	eat := containerOf("eat", "eat")
	eat.MemoryLimit = 24 << 20
	log := filepath.Join(t.TempDir(), "log")
	talk := containerOf("talk", "later", "700", "0")
	talk.LogPath = log
	kill := startDaemon(t, daemonPlan{Options: o, Layout: probeLayout(t), Task: runtime.TaskSpec{ID: "task"},
		Containers: []runtime.ContainerSpec{containerOf("stay", "sleep"), containerOf("end", "later", "500", "23"), containerOf("before", "exit", "5"), eat, talk}})
	kill()
	records := supervisor.Records{Dir: o.paths().records}
	waitFor(t, "records of the containers that ended alone", func() bool {
		_, first := records.Ended("end")
		_, second := records.Ended("eat")
		_, third := records.Ended("talk")
		return first && second && third
	})
	r := open(t, o)
	for id, want := range map[string]runtime.Container{
		"stay": {State: runtime.Running}, "end": {State: runtime.Stopped, ExitCode: 23}, "before": {State: runtime.Stopped, ExitCode: 5},
		"eat": {State: runtime.Stopped, ExitCode: 137, OOMKilled: true},
	} {
		got, err := r.Inspect(t.Context(), id)
		if err != nil || got.State != want.State || got.ExitCode != want.ExitCode || got.OOMKilled != want.OOMKilled || got.ExitUnknown || got.StartedAt.IsZero() {
			t.Errorf("%s: %+v, %v, want %+v", id, got, err, want)
		}
	}
	if result, err := r.Exec(t.Context(), "stay", runtime.ExecSpec{Args: []string{"/probe", "print", "x"}}); err != nil || string(result.Output) != "x\n" {
		t.Errorf("Exec in the survivor: %+v, %v", result, err)
	}
	if _, err := Open(t.Context(), o); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("opening twice: %v", err)
	}
	if err := r.Purge(t.Context(), true); err != nil {
		t.Error(err)
	}
	nothingLeft(t, o)
}

// TestSweepAfterKill: what a killed daemon leaves can be removed without it.
func TestSweepAfterKill(t *testing.T) {
	o := testOptions(t)
	kill := startDaemon(t, daemonPlan{Options: o, Layout: probeLayout(t), Task: runtime.TaskSpec{ID: "task"},
		Containers: []runtime.ContainerSpec{containerOf("one", "stubborn"), containerOf("two", "stubborn")}})
	if err := Sweep(o, true); err == nil {
		t.Error("Sweep of an instance that is open is not refused")
	}
	kill()
	if err := Sweep(o, true); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, o)
}

// TestPurgeKeepsImages: after Purge the host is as before, and images are still there.
func TestPurgeKeepsImages(t *testing.T) {
	o := testOptions(t)
	r := open(t, o)
	source := layoutSource(t, probeLayout(t))
	known := startOne(t, r, source, "sleep")
	if err := r.Purge(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, o)
	r = open(t, o)
	time.Sleep(300 * time.Millisecond) // the first garbage collection is 100 ms after the start
	source.Fetch = func(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
		return nil, errors.New("a blob of a known image is fetched again")
	}
	if again := startOne(t, r, source, "exit", "0"); again.Digest != known.Digest {
		t.Errorf("image %+v", again)
	}
	if err := r.RemoveTask(t.Context(), "task"); err != nil {
		t.Error(err)
	}
	if all, err := r.List(t.Context(), nil); err != nil || len(all) != 0 {
		t.Errorf("containers %v, %v", all, err)
	}
}

// TestKilledShim: how a container ended is not known, and it is said so.
func TestKilledShim(t *testing.T) {
	o := testOptions(t)
	r := open(t, o)
	startOne(t, r, layoutSource(t, probeLayout(t)), "sleep")
	before, err := r.Inspect(t.Context(), "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, pid := range shimsOf(r.paths) {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	var c runtime.Container
	waitFor(t, "end of the container", func() bool {
		c, err = r.Inspect(t.Context(), "one")
		return err == nil && c.State == runtime.Stopped
	})
	if !c.ExitUnknown || !c.StartedAt.Equal(before.StartedAt) {
		t.Errorf("%+v", c)
	}
	waitFor(t, "end of its process", func() bool { return syscall.Kill(before.PID, 0) != nil })
	if err := r.RemoveTask(t.Context(), "task"); err != nil {
		t.Error(err)
	}
}

// TestNoLeak: tasks that have gone leave no file, goroutine or record in us.
func TestNoLeak(t *testing.T) {
	o := testOptions(t)
	r := open(t, o)
	source := layoutSource(t, probeLayout(t))
	cycle := func() {
		startOne(t, r, source, "sleep")
		if _, err := r.Exec(t.Context(), "one", runtime.ExecSpec{Args: []string{"/probe", "print", "x"}}); err != nil {
			t.Fatal(err)
		}
		if err := r.RemoveTask(t.Context(), "task"); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (files, goroutines int) {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries), goruntime.NumGoroutine()
	}
	cycle()
	cycle()
	time.Sleep(200 * time.Millisecond)
	files, goroutines := count()
	for range 10 {
		cycle()
	}
	waitFor(t, fmt.Sprintf("%d files and %d goroutines, as before", files, goroutines), func() bool {
		f, g := count()
		return f <= files+2 && g <= goroutines+2 // fewer than one per cycle
	})
	for _, dir := range []string{r.paths.records, r.paths.tasks} {
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s has %v, %v", dir, entries, err)
			for _, e := range entries {
				b, _ := os.ReadFile(filepath.Join(dir, e.Name()))
				t.Logf("%s: %q", e.Name(), b)
			}
		}
	}
}

func layoutSource(t *testing.T, dir string) runtime.ImageSource {
	t.Helper()
	archive, err := image.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { archive.Close() })
	return runtime.ImageSource{Target: archive.Images[0].Target, Fetch: archive.Blob}
}

// startOne runs container "one" of task "task".
func startOne(t *testing.T, r *Runtime, source runtime.ImageSource, args ...string) runtime.Image {
	t.Helper()
	known, err := r.EnsureImage(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	c := containerOf("one", args...)
	c.Image = known.Digest
	for _, err := range []error{r.EnsureTask(t.Context(), runtime.TaskSpec{ID: "task"}), r.Create(t.Context(), c), r.Start(t.Context(), "one")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return known
}

// nothingLeft looks for processes, mounts, cgroups and sockets of an instance.
func nothingLeft(t *testing.T, o Options) {
	t.Helper()
	p := o.paths()
	if pids := shimsOf(p); len(pids) > 0 {
		t.Errorf("shims %v are left", pids)
	}
	if dirs := hostCgroups().dirs(p.cgroup); len(dirs) > 0 {
		t.Errorf("cgroups %v are left", dirs)
	}
	if _, err := os.Stat(p.state); err == nil {
		t.Errorf("%s is left", p.state)
	}
	mounts, err := mountinfo.GetMounts(func(m *mountinfo.Info) (skip, stop bool) {
		return !strings.Contains(m.Mountpoint, o.Instance) && !strings.HasPrefix(m.Mountpoint, o.DataDir), false
	})
	if err != nil || len(mounts) > 0 {
		t.Errorf("mounts %+v are left, %v", mounts, err)
	}
}
