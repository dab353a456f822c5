package runtimetest

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/internal/runtime"
)

// Fake is a runtime.Runtime without processes. Its zero value is not usable: NewFake.
//
// What a container does is said by its arguments (or its image's command):
//
//	exit N      ends at once with code N
//	print TEXT  appends TEXT and a line end to the log file, ends with 0
//	fail TEXT   cannot be started: *runtime.StartError with TEXT
//	stubborn    runs until SIGKILL
//	otherwise   runs until a signal ends it (128 + signal), or Fake.Exit
//
// where a first argument that begins with "/" (the program) is passed over.
type Fake struct {
	mu         sync.Mutex
	rng        *rand.Rand
	maxDelay   time.Duration
	failures   map[string][]error
	execs      map[string]func(runtime.ExecSpec) runtime.ExecResult
	images     map[string]runtime.Image
	tasks      map[string]runtime.TaskSpec
	containers map[string]*fakeContainer
	watchers   map[*watcher]struct{}
	now        func() time.Time
	calls      []string
	nextPID    int
}

type fakeContainer struct {
	spec   runtime.ContainerSpec
	status runtime.Container
}

var _ runtime.Runtime = (*Fake)(nil)

// NewFake returns an empty fake. The seed decides all delays.
func NewFake(seed uint64) *Fake {
	return &Fake{
		rng:        rand.New(rand.NewPCG(seed, seed)),
		failures:   map[string][]error{},
		execs:      map[string]func(runtime.ExecSpec) runtime.ExecResult{},
		images:     map[string]runtime.Image{},
		tasks:      map[string]runtime.TaskSpec{},
		containers: map[string]*fakeContainer{},
		watchers:   map[*watcher]struct{}{},
		now:        time.Now,
		nextPID:    1000,
	}
}

// SetClock replaces time.Now.
func (f *Fake) SetClock(now func() time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = now
}

// Delay makes every verb take a random time below limit.
func (f *Fake) Delay(limit time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.maxDelay = limit
}

// Fail makes the next calls of a verb ("Create", "EnsureImage" ...) return the
// errors given, one each, without doing anything.
func (f *Fake) Fail(verb string, errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failures[verb] = append(f.failures[verb], errs...)
}

// OnExec sets what Exec in a container answers; without it, exit code 0.
func (f *Fake) OnExec(id string, answer func(runtime.ExecSpec) runtime.ExecResult) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.execs[id] = answer
}

// Exit ends a running container from within.
func (f *Fake) Exit(id string, code int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.containers[id]; c != nil && c.status.State == runtime.Running {
		f.end(c, code)
	}
}

// OOM lets the kernel kill a running container for want of memory.
func (f *Fake) OOM(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.containers[id]; c != nil && c.status.State == runtime.Running {
		c.status.OOMKilled = true
		f.emit(runtime.OOM, id)
		f.end(c, 137)
	}
}

// Crash forgets all processes, as when the machine goes down: what ran has
// ended in a way that nobody knows.
func (f *Fake) Crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.containers {
		if c.status.State == runtime.Running {
			c.status.ExitUnknown = true
			f.end(c, 255)
		}
	}
	for w := range f.watchers {
		w.push(runtime.Event{Kind: runtime.Resync})
	}
}

// Calls returns "Verb id" of every call so far that was begun, in order.
func (f *Fake) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Spec returns what Create was given for a container.
func (f *Fake) Spec(id string) (runtime.ContainerSpec, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, ok := f.containers[id]
	if !ok {
		return runtime.ContainerSpec{}, false
	}
	return c.spec, true
}

// Task returns what EnsureTask was given.
func (f *Fake) Task(id string) (runtime.TaskSpec, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	spec, ok := f.tasks[id]
	return spec, ok
}

// begin waits for the verb's delay, takes a failure if one is due, and
// otherwise returns with the lock held.
func (f *Fake) begin(ctx context.Context, verb, id string) error {
	f.mu.Lock()
	f.calls = append(f.calls, verb+" "+id)
	var delay time.Duration
	if f.maxDelay > 0 {
		delay = time.Duration(f.rng.Int64N(int64(f.maxDelay)))
	}
	f.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	if due := f.failures[verb]; len(due) > 0 {
		f.failures[verb] = due[1:]
		f.mu.Unlock()
		return due[0]
	}
	return nil
}

// end moves a running container to Stopped; the lock is held.
func (f *Fake) end(c *fakeContainer, code int) {
	c.status.State, c.status.ExitCode, c.status.PID = runtime.Stopped, code, 0
	c.status.FinishedAt = f.now()
	f.emit(runtime.Exited, c.spec.ID)
}

func (f *Fake) status(c *fakeContainer) runtime.Container {
	s := c.status
	s.Labels = maps.Clone(s.Labels)
	return s
}
