package runtimetest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/runtime"
)

// Subject is an implementation under test, empty, with the image of ProbeImage.
type Subject struct {
	Runtime runtime.Runtime
	Image   runtime.ImageSource
	// Real says that containers are processes: more laws apply.
	Real bool
	// Restart ends the runtime as the end of its process does, and returns one
	// that finds what is there.
	Restart func(t *testing.T) runtime.Runtime
}

// patience is for what takes milliseconds on an idle machine.
const patience = 20 * time.Second

// Test runs all laws. Open is called once; the laws use ids of their own.
func Test(t *testing.T, open func(t *testing.T) Subject) {
	s := &suite{Subject: open(t)}
	for _, law := range []struct {
		name string
		test func(*suite, *testing.T)
	}{
		{"Images", (*suite).images},
		{"BrokenImages", (*suite).brokenImages},
		{"Lifecycle", (*suite).lifecycle},
		{"EveryVerbTwice", (*suite).everyVerbTwice},
		{"Unknown", (*suite).unknown},
		{"Invalid", (*suite).invalid},
		{"ExitCodes", (*suite).exitCodes},
		{"Stubborn", (*suite).stubborn},
		{"RunsAgain", (*suite).runsAgain},
		{"StartFails", (*suite).startFails},
		{"Log", (*suite).log},
		{"LogEnd", (*suite).logEnd},
		{"LogLimit", (*suite).logLimit},
		{"Exec", (*suite).exec},
		{"List", (*suite).list},
		{"Watch", (*suite).watch},
		{"RemoveTask", (*suite).removeTask},
		{"Concurrent", (*suite).concurrent},
		{"Restart", (*suite).restart},
		{"Environment", (*suite).environment},
		{"Users", (*suite).users},
		{"Capabilities", (*suite).capabilities},
		{"Mounts", (*suite).mounts},
		{"ReadonlyRootfs", (*suite).readonlyRootfs},
		{"Limits", (*suite).limits},
		{"OutOfMemory", (*suite).outOfMemory},
		{"TaskOutOfMemory", (*suite).taskOutOfMemory},
		{"ExecStreams", (*suite).execStreams},
	} {
		t.Run(law.name, func(t *testing.T) { law.test(s, t) })
	}
}

type suite struct{ Subject }

// real skips a law that needs processes.
func (s *suite) real(t *testing.T) {
	if !s.Real {
		t.Skip("needs processes")
	}
}

// task makes a task, and removes it at the test's end.
func (s *suite) task(t *testing.T, change ...func(*runtime.TaskSpec)) string {
	t.Helper()
	spec := runtime.TaskSpec{ID: ids.Hex(32), Memory: 256 << 20}
	for _, fn := range change {
		fn(&spec)
	}
	must(t, s.Runtime.EnsureTask(t.Context(), spec))
	t.Cleanup(func() {
		if err := s.Runtime.RemoveTask(context.Background(), spec.ID); err != nil {
			t.Errorf("RemoveTask: %v", err)
		}
	})
	return spec.ID
}

// create makes a container that runs the probe with args.
func (s *suite) create(t *testing.T, task string, args []string, change ...func(*runtime.ContainerSpec)) runtime.ContainerSpec {
	t.Helper()
	image, err := s.Runtime.EnsureImage(t.Context(), s.Image)
	must(t, err)
	spec := runtime.ContainerSpec{ID: task + "-" + ids.Digits(10), TaskID: task, Image: image.Digest, Args: append([]string{"/probe"}, args...),
		LogPath: filepath.Join(t.TempDir(), "log")}
	for _, fn := range change {
		fn(&spec)
	}
	must(t, s.Runtime.Create(t.Context(), spec))
	return spec
}

// run makes and starts a container in a task of its own.
func (s *suite) run(t *testing.T, args []string, change ...func(*runtime.ContainerSpec)) runtime.ContainerSpec {
	t.Helper()
	spec := s.create(t, s.task(t), args, change...)
	s.start(t, spec)
	return spec
}

// start starts a container, and waits until one that waits for signals does so.
func (s *suite) start(t *testing.T, spec runtime.ContainerSpec) {
	t.Helper()
	must(t, s.Runtime.Start(t.Context(), spec.ID))
	if s.Real && len(spec.Args) > 1 && (spec.Args[1] == "sleep" || spec.Args[1] == "stubborn") {
		eventually(t, "probe is ready", func() bool {
			content, _ := os.ReadFile(spec.LogPath)
			return strings.Contains(string(content), "ready")
		})
	}
}

func (s *suite) inspect(t *testing.T, id string) runtime.Container {
	t.Helper()
	c, err := s.Runtime.Inspect(t.Context(), id)
	must(t, err)
	return c
}

// stopped waits until the container has ended.
func (s *suite) stopped(t *testing.T, id string) runtime.Container {
	t.Helper()
	var c runtime.Container
	eventually(t, "container stops", func() bool {
		c = s.inspect(t, id)
		return c.State == runtime.Stopped
	})
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// events collects what Watch tells until the test's end.
type events struct {
	mu   sync.Mutex
	seen []runtime.Event
}

func (e *events) has(kind runtime.EventKind, id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, event := range e.seen {
		if event.Kind == kind && event.ContainerID == id {
			return true
		}
	}
	return false
}

func (s *suite) collect(t *testing.T) *events {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	e, done := &events{}, make(chan error, 1)
	go func() {
		done <- s.Runtime.Watch(ctx, func(event runtime.Event) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.seen = append(e.seen, event)
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Watch returned %v, want the context's error", err)
		}
	})
	eventually(t, "first event of Watch", func() bool { return e.has(runtime.Resync, "") })
	return e
}
