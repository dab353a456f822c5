package runtimetest

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/runtime"
)

func (s *suite) lifecycle(t *testing.T) {
	before := time.Now().Add(-time.Second)
	spec := s.create(t, s.task(t), []string{"sleep"}, func(c *runtime.ContainerSpec) { c.Labels = map[string]string{"name": "web", "with/slash": "a=b"} })
	c := s.inspect(t, spec.ID)
	if c.State != runtime.Created || c.PID != 0 || !c.StartedAt.IsZero() || c.TaskID != spec.TaskID || c.Image != spec.Image ||
		len(c.Labels) != 2 || c.Labels["with/slash"] != "a=b" {
		t.Errorf("after Create: %+v", c)
	}
	s.start(t, spec)
	c = s.inspect(t, spec.ID)
	if c.State != runtime.Running || c.PID < 2 || c.StartedAt.Before(before) || !c.FinishedAt.IsZero() {
		t.Errorf("after Start: %+v", c)
	}
	stats, err := s.Runtime.Stats(t.Context(), spec.ID)
	if err != nil || stats.Memory == 0 || stats.PIDs == 0 || stats.At.Before(before) {
		t.Errorf("Stats: %+v, %v", stats, err)
	}
	must(t, s.Runtime.Signal(t.Context(), spec.ID, syscall.SIGTERM))
	c = s.stopped(t, spec.ID)
	if c.ExitCode != 143 || c.PID != 0 || c.ExitUnknown || c.OOMKilled || c.FinishedAt.Before(c.StartedAt) {
		t.Errorf("after SIGTERM: %+v", c)
	}
	_, err = s.Runtime.Stats(t.Context(), spec.ID)
	wantError(t, "Stats of a stopped container", err, runtime.ErrNotRunning)
	must(t, s.Runtime.Remove(t.Context(), spec.ID))
	_, err = s.Runtime.Inspect(t.Context(), spec.ID)
	wantError(t, "Inspect after Remove", err, runtime.ErrNotFound)
}

func (s *suite) everyVerbTwice(t *testing.T) {
	ctx := t.Context()
	task := s.task(t)
	must(t, s.Runtime.EnsureTask(ctx, runtime.TaskSpec{ID: task, Memory: 300 << 20, CPU: 512}))
	spec := s.create(t, task, []string{"sleep"})
	must(t, s.Runtime.Create(ctx, spec))
	must(t, s.Runtime.Start(ctx, spec.ID))
	pid := s.inspect(t, spec.ID).PID
	must(t, s.Runtime.Create(ctx, spec))
	must(t, s.Runtime.Start(ctx, spec.ID))
	if again := s.inspect(t, spec.ID).PID; again != pid {
		t.Errorf("process %d after the second Start, was %d", again, pid)
	}
	for range 2 {
		must(t, s.Runtime.Signal(ctx, spec.ID, syscall.SIGKILL))
	}
	first := s.stopped(t, spec.ID)
	must(t, s.Runtime.Signal(ctx, spec.ID, syscall.SIGKILL))
	must(t, s.Runtime.Start(ctx, spec.ID)) // runs once
	if c := s.inspect(t, spec.ID); c.State != runtime.Stopped || c.ExitCode != 137 || !c.FinishedAt.Equal(first.FinishedAt) {
		t.Errorf("after Start of a stopped container: %+v, was %+v", c, first)
	}
	for range 2 {
		must(t, s.Runtime.Remove(ctx, spec.ID))
	}
	for range 2 {
		must(t, s.Runtime.RemoveTask(ctx, task))
	}
}

// runsAgain: a container that has ended can be restarted, also twice.
func (s *suite) runsAgain(t *testing.T) {
	ctx := t.Context()
	spec := s.run(t, []string{"print", "hello"})
	first := s.stopped(t, spec.ID)
	for n := 1; n <= 2; n++ {
		must(t, s.Runtime.Restart(ctx, spec.ID, n))
		must(t, s.Runtime.Restart(ctx, spec.ID, n)) // is no further one
		c := s.stopped(t, spec.ID)
		if c.Restarts != n || c.ExitCode != 0 || !c.StartedAt.After(first.StartedAt) {
			t.Errorf("restarted %d times: %+v, was %+v", n, c, first)
		}
	}
	content, err := os.ReadFile(spec.LogPath)
	must(t, err)
	if got := string(content); got != "hello\nhello\nhello\n" {
		t.Errorf("the log is %q", got)
	}
	lasting := s.run(t, []string{"sleep"})
	must(t, s.Runtime.Signal(ctx, lasting.ID, syscall.SIGTERM))
	s.stopped(t, lasting.ID)
	must(t, s.Runtime.Restart(ctx, lasting.ID, 1))
	if c := s.inspect(t, lasting.ID); c.State != runtime.Running || c.PID == 0 {
		t.Errorf("a restarted container: %+v", c)
	}
	must(t, s.Runtime.Remove(ctx, lasting.ID))
	must(t, s.Runtime.Create(ctx, lasting)) // of the same name
	if c := s.inspect(t, lasting.ID); c.Restarts != 0 || c.State != runtime.Created {
		t.Errorf("a new container: %+v", c)
	}
	if !s.Real {
		return
	}
	// The root file system is the one that the first run left.
	grows := s.run(t, []string{"grow", "/tmp/left"})
	s.stopped(t, grows.ID)
	must(t, s.Runtime.Restart(ctx, grows.ID, 1))
	s.stopped(t, grows.ID)
	content, err = os.ReadFile(grows.LogPath)
	must(t, err)
	if string(content) != "1\n2\n" {
		t.Errorf("a file of the first run is not there in the second: %q", content)
	}
}

func (s *suite) unknown(t *testing.T) {
	ctx := t.Context()
	image, err := s.Runtime.EnsureImage(ctx, s.Image)
	must(t, err)
	_, err = s.Runtime.Inspect(ctx, "nobody")
	wantError(t, "Inspect", err, runtime.ErrNotFound)
	_, err = s.Runtime.Stats(ctx, "nobody")
	wantError(t, "Stats", err, runtime.ErrNotFound)
	_, err = s.Runtime.Exec(ctx, "nobody", runtime.ExecSpec{Args: []string{"/probe"}})
	wantError(t, "Exec", err, runtime.ErrNotFound)
	wantError(t, "Start", s.Runtime.Start(ctx, "nobody"), runtime.ErrNotFound)
	wantError(t, "Restart", s.Runtime.Restart(ctx, "nobody", 1), runtime.ErrNotFound)
	wantError(t, "Signal", s.Runtime.Signal(ctx, "nobody", syscall.SIGTERM), runtime.ErrNotFound)
	must(t, s.Runtime.Remove(ctx, "nobody"))
	must(t, s.Runtime.RemoveTask(ctx, "nobody"))
	wantError(t, "Create without task", s.Runtime.Create(ctx, runtime.ContainerSpec{ID: "c", TaskID: "nobody", Image: image.Digest}), runtime.ErrNotFound)
	wantError(t, "Create without image", s.Runtime.Create(ctx, runtime.ContainerSpec{ID: "c", TaskID: s.task(t), Image: "sha256:" + strings.Repeat("0", 64)}), runtime.ErrNotFound)
}

func (s *suite) invalid(t *testing.T) {
	ctx := t.Context()
	image, err := s.Runtime.EnsureImage(ctx, s.Image)
	must(t, err)
	for _, id := range []string{"", ".", "..", "a/b", "-a", "a..b", strings.Repeat("a", 65), "a b"} {
		wantError(t, "EnsureTask "+id, s.Runtime.EnsureTask(ctx, runtime.TaskSpec{ID: id}), runtime.ErrInvalid)
	}
	task := s.task(t)
	for what, change := range map[string]func(*runtime.ContainerSpec){
		"id":                  func(c *runtime.ContainerSpec) { c.ID = "../escape" },
		"relative log path":   func(c *runtime.ContainerSpec) { c.LogPath = "log" },
		"environment":         func(c *runtime.ContainerSpec) { c.Environment = []string{"=x"} },
		"mount at /":          func(c *runtime.ContainerSpec) { c.Mounts = []runtime.Mount{{Type: runtime.Tmpfs, Target: "/."}} },
		"mount type":          func(c *runtime.ContainerSpec) { c.Mounts = []runtime.Mount{{Type: "nfs", Target: "/a"}} },
		"negative memory":     func(c *runtime.ContainerSpec) { c.MemoryLimit = -1 },
		"bind without source": func(c *runtime.ContainerSpec) { c.Mounts = []runtime.Mount{{Type: runtime.Bind, Target: "/a"}} },
	} {
		spec := runtime.ContainerSpec{ID: ids.Hex(8), TaskID: task, Image: image.Digest}
		change(&spec)
		wantError(t, "Create with bad "+what, s.Runtime.Create(ctx, spec), runtime.ErrInvalid)
	}
}

func (s *suite) exitCodes(t *testing.T) {
	for _, code := range []string{"0", "1", "23", "255"} {
		spec := s.run(t, []string{"exit", code})
		c := s.stopped(t, spec.ID)
		if got := c.ExitCode; c.ExitUnknown || code != itoa(got) {
			t.Errorf("exit %s gives %+v", code, c)
		}
	}
	spec := s.create(t, s.task(t), nil, func(c *runtime.ContainerSpec) { c.Args = nil }) // the image's: sleep
	must(t, s.Runtime.Start(t.Context(), spec.ID))
	if c := s.inspect(t, spec.ID); c.State != runtime.Running {
		t.Errorf("container with the image's command: %+v", c)
	}
}

func (s *suite) stubborn(t *testing.T) {
	spec := s.run(t, []string{"stubborn"})
	must(t, s.Runtime.Signal(t.Context(), spec.ID, syscall.SIGTERM))
	time.Sleep(100 * time.Millisecond)
	if c := s.inspect(t, spec.ID); c.State != runtime.Running {
		t.Fatalf("after SIGTERM: %+v", c)
	}
	must(t, s.Runtime.Signal(t.Context(), spec.ID, syscall.SIGKILL))
	if c := s.stopped(t, spec.ID); c.ExitCode != 137 || c.OOMKilled {
		t.Errorf("after SIGKILL: %+v", c)
	}
}

func (s *suite) startFails(t *testing.T) {
	args := []string{"/nowhere/to/be/found"}
	if !s.Real {
		args = []string{"fail", "no such file"}
	}
	spec := s.create(t, s.task(t), nil, func(c *runtime.ContainerSpec) { c.Args = args })
	err := s.Runtime.Start(t.Context(), spec.ID)
	var start *runtime.StartError
	if !errors.As(err, &start) || !strings.Contains(start.Reason, "no such file") {
		t.Errorf("Start: %v, want a StartError", err)
	}
	if c := s.inspect(t, spec.ID); c.State != runtime.Created {
		t.Errorf("after a failed Start: %+v", c)
	}
	must(t, s.Runtime.Remove(t.Context(), spec.ID))
}

func (s *suite) log(t *testing.T) {
	spec := s.run(t, []string{"print", "hello there"})
	s.stopped(t, spec.ID)
	eventually(t, "line in the log", func() bool {
		content, _ := os.ReadFile(spec.LogPath)
		return string(content) == "hello there\n"
	})
	if info, err := os.Stat(spec.LogPath); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("log file: %v, %v", info, err)
	}
	must(t, s.Runtime.Remove(t.Context(), spec.ID))
	if _, err := os.Stat(spec.LogPath); err != nil {
		t.Errorf("log file after Remove: %v", err)
	}
}

func (s *suite) exec(t *testing.T) {
	ctx := t.Context()
	spec := s.create(t, s.task(t), []string{"sleep"})
	_, err := s.Runtime.Exec(ctx, spec.ID, runtime.ExecSpec{Args: []string{"/probe", "exit", "0"}})
	wantError(t, "Exec before Start", err, runtime.ErrNotRunning)
	must(t, s.Runtime.Start(ctx, spec.ID))

	result, err := s.Runtime.Exec(ctx, spec.ID, runtime.ExecSpec{Args: []string{"/probe", "exit", "3"}})
	if err != nil || result.ExitCode != 3 || result.TimedOut {
		t.Errorf("exit 3: %+v, %v", result, err)
	}
	result, err = s.Runtime.Exec(ctx, spec.ID, runtime.ExecSpec{Args: []string{"/probe", "print", "ok"}})
	if err != nil || string(result.Output) != "ok\n" {
		t.Errorf("print: %q, %v", result.Output, err)
	}
	began := time.Now()
	result, err = s.Runtime.Exec(ctx, spec.ID, runtime.ExecSpec{Args: []string{"/probe", "stubborn"}, Timeout: 200 * time.Millisecond})
	if err != nil || !result.TimedOut || result.ExitCode != 137 || time.Since(began) > patience {
		t.Errorf("stubborn with time-out: %+v, %v after %v", result, err, time.Since(began))
	}
	if c := s.inspect(t, spec.ID); c.State != runtime.Running {
		t.Errorf("container after Execs: %+v", c)
	}
}

func (s *suite) list(t *testing.T) {
	task := s.task(t)
	var want []string
	for _, service := range []string{"a", "a", "b"} {
		spec := s.create(t, task, []string{"sleep"}, func(c *runtime.ContainerSpec) {
			c.Labels = map[string]string{"service": service, "task": task}
		})
		if service == "a" {
			want = append(want, spec.ID)
		}
	}
	slices.Sort(want)
	found, err := s.Runtime.List(t.Context(), map[string]string{"service": "a", "task": task})
	must(t, err)
	var got []string
	for _, c := range found {
		got = append(got, c.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("List gives %v, want %v", got, want)
	}
	if found, err = s.Runtime.List(t.Context(), map[string]string{"service": "c"}); err != nil || len(found) != 0 {
		t.Errorf("List of nothing gives %v, %v", found, err)
	}
	if tasks, err := s.Runtime.Tasks(t.Context()); err != nil || !slices.Contains(tasks, task) {
		t.Errorf("Tasks gives %v, %v", tasks, err)
	}
}

func (s *suite) watch(t *testing.T) {
	seen := s.collect(t)
	spec := s.run(t, []string{"sleep"})
	eventually(t, "event started", func() bool { return seen.has(runtime.Started, spec.ID) })
	must(t, s.Runtime.Signal(t.Context(), spec.ID, syscall.SIGKILL))
	eventually(t, "event exited", func() bool { return seen.has(runtime.Exited, spec.ID) })
	if c := s.inspect(t, spec.ID); c.State != runtime.Stopped {
		t.Errorf("after the event: %+v", c)
	}
	must(t, s.Runtime.Remove(t.Context(), spec.ID))
	eventually(t, "event removed", func() bool { return seen.has(runtime.Removed, spec.ID) })
}

func (s *suite) removeTask(t *testing.T) {
	task := s.task(t)
	running, created := s.create(t, task, []string{"stubborn"}), s.create(t, task, []string{"sleep"})
	must(t, s.Runtime.Start(t.Context(), running.ID))
	pid := s.inspect(t, running.ID).PID
	must(t, s.Runtime.RemoveTask(t.Context(), task))
	for _, id := range []string{running.ID, created.ID} {
		_, err := s.Runtime.Inspect(t.Context(), id)
		wantError(t, "Inspect after RemoveTask", err, runtime.ErrNotFound)
	}
	if s.Real && syscall.Kill(pid, 0) == nil {
		t.Errorf("process %d is still there", pid)
	}
	if tasks, err := s.Runtime.Tasks(t.Context()); err != nil || slices.Contains(tasks, task) {
		t.Errorf("Tasks gives %v, %v", tasks, err)
	}
}

// concurrent: several callers do the same, as after a misunderstanding.
func (s *suite) concurrent(t *testing.T) {
	task := s.task(t)
	specs := []runtime.ContainerSpec{s.create(t, task, []string{"sleep"}), s.create(t, task, []string{"sleep"})}
	var group sync.WaitGroup
	for _, spec := range specs {
		for range 3 {
			group.Go(func() {
				if err := errors.Join(s.Runtime.Create(t.Context(), spec), s.Runtime.Start(t.Context(), spec.ID)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	for _, spec := range specs {
		if c := s.inspect(t, spec.ID); c.State != runtime.Running {
			t.Errorf("%+v", c)
		}
	}
	for range 3 {
		group.Go(func() {
			if err := s.Runtime.RemoveTask(t.Context(), task); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func (s *suite) restart(t *testing.T) {
	running := s.run(t, []string{"sleep"})
	ended := s.run(t, []string{"exit", "7"})
	ending := s.run(t, []string{"sleep"})
	created := s.create(t, s.task(t), []string{"exit", "9"})
	s.stopped(t, ended.ID)
	before, dying := s.inspect(t, running.ID), s.inspect(t, ending.ID)
	s.Runtime = s.Restart(t)
	if s.Real && syscall.Kill(dying.PID, syscall.SIGTERM) != nil {
		t.Error("a process did not survive the restart")
	}
	after := s.inspect(t, running.ID)
	if after.State != runtime.Running || after.PID != before.PID || !after.StartedAt.Equal(before.StartedAt) {
		t.Errorf("after Restart: %+v, was %+v", after, before)
	}
	if c := s.inspect(t, ended.ID); c.State != runtime.Stopped || c.ExitCode != 7 || c.ExitUnknown {
		t.Errorf("ended before Restart: %+v", c)
	}
	if s.Real {
		if c := s.stopped(t, ending.ID); c.ExitCode != 143 {
			t.Errorf("ended after Restart: %+v", c)
		}
	}
	must(t, s.Runtime.Start(t.Context(), created.ID))
	if c := s.stopped(t, created.ID); c.ExitCode != 9 {
		t.Errorf("started after Restart: %+v", c)
	}
	must2(s.Runtime.EnsureImage(t.Context(), runtime.ImageSource{Target: s.Image.Target, Fetch: unreachable(t)}))(t)
	must(t, s.Runtime.Signal(t.Context(), running.ID, syscall.SIGTERM))
	if c := s.stopped(t, running.ID); c.ExitCode != 143 {
		t.Errorf("stopped after Restart: %+v", c)
	}
}
