package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd"
	"github.com/neargate/neargate/internal/runtime/runtimetest"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/testenv"
)

func TestMain(m *testing.M) {
	containerd.ShimMain() // the test binary is its own shim
	os.Exit(m.Run())
}

// pushSource puts an image from elsewhere into the registry.
func (w *world) pushSource(tag string, source runtime.ImageSource) {
	w.t.Helper()
	read := func(d ocispec.Descriptor) []byte {
		body, err := source.Fetch(w.t.Context(), d)
		if err != nil {
			w.t.Fatal(err)
		}
		defer body.Close()
		raw, err := io.ReadAll(body)
		if err != nil {
			w.t.Fatal(err)
		}
		return raw
	}
	raw := read(source.Target)
	w.manifests[tag], w.manifests[digest.FromBytes(raw).String()] = raw, raw
	var manifest ocispec.Manifest
	if err := json.Unmarshal(raw, &manifest); err != nil {
		w.t.Fatal(err)
	}
	for _, b := range append(manifest.Layers, manifest.Config) {
		w.blobs[b.Digest] = read(b)
	}
}

// newReal is a world whose containers are real.
func newReal(t *testing.T) *world {
	testenv.NeedRoot(t)
	w := newWorld(t)
	w.pushSource("probe", runtimetest.ProbeImage(t))
	options := containerd.Options{DataDir: t.TempDir(), Instance: "t-" + ids.Hex(8)}
	t.Cleanup(func() {
		if err := containerd.Sweep(options, true); err != nil {
			t.Errorf("sweeping: %v", err)
		}
	})
	r, err := containerd.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	w.netns = ""
	deps := w.agent.Deps
	deps.Runtime = r
	w.agent = New(deps)
	return w
}

func (w *world) probe(command ...string) *state.Task {
	return w.task(func(d *state.TaskDefinition, _ *state.Task) {
		d.Containers[0].Image, d.Containers[0].Command = ecrHost+"/app:probe", command
	})
}

// ready waits until the probe of a task takes signals: the first process of a
// container loses those that come earlier.
func (w *world) ready(t *state.Task) { w.readyAgain(t, 1) }

// readyAgain waits for the nth run of a container to be ready.
func (w *world) readyAgain(t *state.Task, n int) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		w.mu.Lock()
		lines := len(w.logs["p/app/"+t.ID])
		w.mu.Unlock()
		if lines >= n {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatal("the probe is not ready")
		}
	}
}

func TestRealContainers(t *testing.T) {
	w := newReal(t)
	stop := w.run(w.agent)
	t.Run("says what it sees", func(t *testing.T) {
		task := w.probe("facts")
		stopped := w.wait(task, state.TaskStopped)
		if c := stopped.Containers[0]; c.ExitCode == nil || *c.ExitCode != 0 || stopped.StopCode != "EssentialContainerExited" {
			t.Fatalf("%+v", stopped)
		}
		lines := w.logs["p/app/"+task.ID]
		for _, want := range []string{"hostname=ip-10-0-1-5.ec2.internal", "env FROM_IMAGE=yes", "env AWS_EXECUTION_ENV=AWS_ECS_FARGATE", "env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"} {
			if !slices.Contains(lines, want) {
				t.Errorf("no line %q in %q", want, lines)
			}
		}
	})
	t.Run("reads its files", func(t *testing.T) {
		task := w.probe("cat", "/etc/resolv.conf")
		w.wait(task, state.TaskStopped)
		if got := w.logs["p/app/"+task.ID]; !reflect.DeepEqual(got, []string{"search ec2.internal", "nameserver 10.0.0.2"}) {
			t.Errorf("%q", got)
		}
		trust := w.probe("cat", "/etc/ssl/certs/ca-certificates.crt")
		w.wait(trust, state.TaskStopped)
		if got := w.logs["p/app/"+trust.ID]; !slices.Contains(got, "-----BEGIN CERTIFICATE-----") {
			t.Errorf("%d lines of certificates", len(got))
		}
	})
	t.Run("fails to start", func(t *testing.T) {
		task := w.task(func(d *state.TaskDefinition, _ *state.Task) {
			d.Containers[0].Image, d.Containers[0].EntryPoint = ecrHost+"/app:probe", []string{"/nope"}
		})
		stopped := w.wait(task, state.TaskStopped)
		if !strings.HasPrefix(stopped.StoppedReason, "CannotStartContainerError: ") || !strings.Contains(stopped.StoppedReason, `exec: "/nope"`) {
			t.Error(stopped.StoppedReason)
		}
	})
	t.Run("out of memory", func(t *testing.T) {
		stopped := w.wait(w.probe("eat"), state.TaskStopped)
		if c := stopped.Containers[0]; *c.ExitCode != 137 || c.Reason != textOOM {
			t.Errorf("%+v", c)
		}
	})
	t.Run("runs again", func(t *testing.T) {
		task := w.task(func(d *state.TaskDefinition, _ *state.Task) {
			c, at := &d.Containers[0], int32(1)
			c.Image, c.Command, c.Restart = ecrHost+"/app:probe", []string{"sleep"}, &state.RestartPolicy{Enabled: true, IgnoredExitCodes: []int32{131}, AttemptPeriod: &at}
		})
		task = w.wait(task, state.TaskRunning)
		time.Sleep(1100 * time.Millisecond)
		signal := func(run int, s syscall.Signal) {
			w.readyAgain(task, run)
			if err := w.agent.Runtime.Signal(t.Context(), task.Containers[0].RuntimeID, s); err != nil {
				t.Fatal(err)
			}
		}
		signal(1, syscall.SIGTERM)
		if now := w.restarted(task, 1); now.Containers[0].RestartCount != 1 {
			t.Errorf("%+v", now.Containers[0])
		}
		signal(2, syscall.SIGQUIT) // too early, and ignored
		if stopped := w.wait(task, state.TaskStopped); *stopped.Containers[0].ExitCode == 143 || stopped.StopCode != "EssentialContainerExited" {
			t.Errorf("%+v", stopped)
		}
	})
	lives, ends := w.probe("sleep"), w.probe("later", "1500", "23")
	w.wait(lives, state.TaskRunning)
	w.wait(ends, state.TaskRunning)
	stop()
	time.Sleep(1600 * time.Millisecond) // it ends while nobody looks
	defer w.run(New(w.agent.Deps))()
	t.Run("ended meanwhile", func(t *testing.T) {
		if stopped := w.wait(ends, state.TaskStopped); *stopped.Containers[0].ExitCode != 23 {
			t.Errorf("%+v", stopped.Containers[0])
		}
	})
	t.Run("lives on", func(t *testing.T) {
		w.ready(lives)
		w.stop(lives)
		stopped := w.wait(lives, state.TaskStopped)
		if *stopped.Containers[0].ExitCode != 131 { // the image asks for SIGQUIT
			t.Errorf("%+v", stopped.Containers[0])
		}
		if got := w.logs["p/app/"+lives.ID]; !reflect.DeepEqual(got, []string{"ready"}) {
			t.Errorf("log %q", got)
		}
	})
}

// With a log group that cannot be reached, a container waits (blocking) or loses
// its newest lines (non-blocking); afterwards all that was kept is stored.
func TestRealLogModes(t *testing.T) {
	w := newReal(t)
	w.agent.Pace.LogGiveUp, w.agent.Pace.Attempt = 20*time.Second, 5*time.Second
	defer w.run(w.agent)()
	const lines = 300_000 // of 100 bytes
	unreachable := func(yes bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.deny, "PutLogEvents")
		if yes {
			w.deny["PutLogEvents"] = "ThrottlingException: not now"
		}
	}
	start := func(options ...string) *state.Task {
		unreachable(true)
		task := w.task(func(d *state.TaskDefinition, _ *state.Task) {
			c := &d.Containers[0]
			c.Image, c.Command = ecrHost+"/app:probe", []string{"repeat", strconv.Itoa(lines), strings.Repeat("x", 99)}
			for i := 0; i < len(options); i += 2 {
				c.Log.Options[options[i]] = options[i+1]
			}
		})
		w.wait(task, state.TaskRunning)
		return task
	}
	stored := func(task *state.Task) int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.logs["p/app/"+task.ID])
	}
	t.Run("blocking", func(t *testing.T) {
		task := start("mode", "blocking")
		written := standsStill(t, w.agent.logPath(task, "app")) // where the container would have ended long ago
		if now, _ := state.Tasks.Get(w.db.Read(), task.Key()); now.LastStatus != state.TaskRunning || stored(task) != 0 || written >= lines*100 {
			t.Fatalf("the task is %s with %d lines stored and %d bytes in its log", now.LastStatus, stored(task), written)
		}
		unreachable(false)
		if stopped := w.wait(task, state.TaskStopped); *stopped.Containers[0].ExitCode != 0 || stored(task) != lines {
			t.Errorf("%d lines of %d stored, %+v", stored(task), lines, stopped.Containers[0])
		}
	})
	t.Run("non-blocking", func(t *testing.T) {
		task := start("mode", "non-blocking", "max-buffer-size", "1m")
		w.wait(task, state.TaskStopping) // it could write to its end
		unreachable(false)
		stopped := w.wait(task, state.TaskStopped)
		n := stored(task)
		if *stopped.Containers[0].ExitCode != 0 || n < 1<<20/100 || n > lines/2 {
			t.Errorf("%d lines stored, %+v", n, stopped.Containers[0])
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		want := fmt.Sprintf("%d lines did not fit into the buffer of 1048576 bytes", lines-n)
		if !slices.ContainsFunc(w.decisions, func(d decision.Decision) bool { return d.Code == "logs.dropped" && strings.Contains(d.Cause, want) }) {
			t.Errorf("nobody says that %s", want)
		}
	})
}

// standsStill waits until a file has not grown for half a second, and returns its size.
func standsStill(t *testing.T, path string) int64 {
	t.Helper()
	last := int64(-1)
	for range 120 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == last {
			return last
		}
		last = info.Size()
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatalf("%s grows without end", path)
	return 0
}

// It measures from the record of a task to its process.
func TestStartIsFast(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes seconds")
	}
	w := newReal(t)
	defer w.run(w.agent)()
	warm := w.probe("sleep")
	w.wait(warm, state.TaskRunning)
	var took []time.Duration
	for range 5 {
		began := time.Now()
		task := w.probe("sleep")
		w.wait(task, state.TaskRunning)
		took = append(took, time.Since(began))
		w.ready(task)
		w.stop(task)
		w.wait(task, state.TaskStopped)
	}
	w.ready(warm)
	w.stop(warm)
	w.wait(warm, state.TaskStopped)
	sort.Slice(took, func(i, j int) bool { return took[i] < took[j] })
	t.Logf("from record to RUNNING: %v", took)
	if took[0] > 2*time.Second {
		t.Errorf("the fastest of %d starts took %v", len(took), took[0])
	}
}
