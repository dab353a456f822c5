package runtimetest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/neargate/neargate/internal/runtime"
)

// EnsureTask implements runtime.Tasks.
func (f *Fake) EnsureTask(ctx context.Context, spec runtime.TaskSpec) error {
	if err := f.begin(ctx, "EnsureTask", spec.ID); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if err := spec.Validate(); err != nil {
		return err
	}
	f.tasks[spec.ID] = spec
	return nil
}

// RemoveTask implements runtime.Tasks.
func (f *Fake) RemoveTask(ctx context.Context, id string) error {
	if err := f.begin(ctx, "RemoveTask", id); err != nil {
		return err
	}
	defer f.mu.Unlock()
	for _, c := range f.containers {
		if c.spec.TaskID == id {
			f.remove(c)
		}
	}
	delete(f.tasks, id)
	return nil
}

// Tasks implements runtime.Tasks.
func (f *Fake) Tasks(ctx context.Context) ([]string, error) {
	if err := f.begin(ctx, "Tasks", ""); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.tasks)), nil
}

// Create implements runtime.Containers.
func (f *Fake) Create(ctx context.Context, spec runtime.ContainerSpec) error {
	if err := f.begin(ctx, "Create", spec.ID); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if err := spec.Validate(); err != nil {
		return err
	}
	if _, ok := f.containers[spec.ID]; ok {
		return nil
	}
	if _, ok := f.tasks[spec.TaskID]; !ok {
		return fmt.Errorf("task %s: %w", spec.TaskID, runtime.ErrNotFound)
	}
	image, err := f.image(spec.Image)
	if err != nil {
		return err
	}
	if spec.Args == nil {
		spec.Args = append(slices.Clone(image.Config.Entrypoint), image.Config.Command...)
	}
	if len(spec.Args) == 0 {
		return fmt.Errorf("%w: no command specified", runtime.ErrInvalid)
	}
	f.containers[spec.ID] = &fakeContainer{spec: spec, status: runtime.Container{
		ID: spec.ID, TaskID: spec.TaskID, Image: spec.Image, Labels: maps.Clone(spec.Labels), State: runtime.Created,
	}}
	return nil
}

// Start implements runtime.Containers; see Fake for what a container does then.
func (f *Fake) Start(ctx context.Context, id string) error {
	if err := f.begin(ctx, "Start", id); err != nil {
		return err
	}
	defer f.mu.Unlock()
	c, err := f.container(id)
	if err != nil || c.status.State != runtime.Created {
		return err
	}
	return f.start(c)
}

// Restart implements runtime.Containers.
func (f *Fake) Restart(ctx context.Context, id string, n int) error {
	if err := f.begin(ctx, "Restart", id); err != nil {
		return err
	}
	defer f.mu.Unlock()
	c, err := f.container(id)
	switch {
	case err != nil:
		return err
	case c.status.Restarts < n:
		if c.status.State == runtime.Running {
			f.end(c, 137)
		}
		was := c.status
		c.status = runtime.Container{ID: was.ID, TaskID: was.TaskID, Image: was.Image, Labels: was.Labels, State: runtime.Created, Restarts: n}
	case c.status.State != runtime.Created:
		return nil
	}
	return f.start(c)
}

// start runs a container that is Created; f.mu is held.
func (f *Fake) start(c *fakeContainer) error {
	id := c.spec.ID
	verb, rest := program(c.spec.Args)
	if verb == "fail" {
		return &runtime.StartError{Reason: rest}
	}
	f.nextPID++
	c.status.State, c.status.PID, c.status.StartedAt = runtime.Running, f.nextPID, f.now()
	f.emit(runtime.Started, id)
	switch verb {
	case "exit":
		code, _ := strconv.Atoi(rest)
		f.end(c, code)
	case "print":
		if err := appendLog(c.spec.LogPath, rest+"\n"); err != nil {
			return err
		}
		f.end(c, 0)
	}
	return nil
}

// Signal implements runtime.Containers.
func (f *Fake) Signal(ctx context.Context, id string, signal syscall.Signal) error {
	if err := f.begin(ctx, "Signal", id); err != nil {
		return err
	}
	defer f.mu.Unlock()
	c, err := f.container(id)
	if err != nil || c.status.State != runtime.Running {
		return err
	}
	verb, _ := program(c.spec.Args)
	if signal == syscall.SIGKILL || verb != "stubborn" {
		f.end(c, runtime.ExitCode(signal))
	}
	return nil
}

// Exec implements runtime.Containers; see OnExec.
func (f *Fake) Exec(ctx context.Context, id string, spec runtime.ExecSpec) (runtime.ExecResult, error) {
	if err := f.begin(ctx, "Exec", id); err != nil {
		return runtime.ExecResult{}, err
	}
	c, err := f.container(id)
	answer := f.execs[id]
	f.mu.Unlock()
	if err != nil {
		return runtime.ExecResult{}, err
	}
	if c.status.State != runtime.Running {
		return runtime.ExecResult{}, fmt.Errorf("container %s: %w", id, runtime.ErrNotRunning)
	}
	if answer != nil {
		return answer(spec), nil
	}
	switch verb, rest := program(spec.Args); verb {
	case "exit":
		code, _ := strconv.Atoi(rest)
		return runtime.ExecResult{ExitCode: code}, nil
	case "print":
		return runtime.ExecResult{Output: []byte(rest + "\n")}, nil
	case "sleep", "stubborn":
		return f.sleep(ctx, spec.Timeout)
	}
	return runtime.ExecResult{}, nil
}

func (f *Fake) sleep(ctx context.Context, timeout time.Duration) (runtime.ExecResult, error) {
	if timeout == 0 {
		timeout = time.Hour
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return runtime.ExecResult{}, ctx.Err()
	case <-timer.C:
		return runtime.ExecResult{ExitCode: 137, TimedOut: true}, nil
	}
}

// Remove implements runtime.Containers.
func (f *Fake) Remove(ctx context.Context, id string) error {
	if err := f.begin(ctx, "Remove", id); err != nil {
		return err
	}
	defer f.mu.Unlock()
	if c := f.containers[id]; c != nil {
		f.remove(c)
	}
	return nil
}

func (f *Fake) remove(c *fakeContainer) {
	if c.status.State == runtime.Running {
		f.end(c, 137)
	}
	delete(f.containers, c.spec.ID)
	f.emit(runtime.Removed, c.spec.ID)
}

// Inspect implements runtime.Containers.
func (f *Fake) Inspect(ctx context.Context, id string) (runtime.Container, error) {
	if err := f.begin(ctx, "Inspect", id); err != nil {
		return runtime.Container{}, err
	}
	defer f.mu.Unlock()
	c, err := f.container(id)
	if err != nil {
		return runtime.Container{}, err
	}
	return f.status(c), nil
}

// List implements runtime.Containers.
func (f *Fake) List(ctx context.Context, labels map[string]string) ([]runtime.Container, error) {
	if err := f.begin(ctx, "List", ""); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	var out []runtime.Container
	for _, id := range slices.Sorted(maps.Keys(f.containers)) {
		c := f.containers[id]
		if matches(c.spec.Labels, labels) {
			out = append(out, f.status(c))
		}
	}
	return out, nil
}

// Stats implements runtime.Containers; the figures are made up.
func (f *Fake) Stats(ctx context.Context, id string) (runtime.Stats, error) {
	if err := f.begin(ctx, "Stats", id); err != nil {
		return runtime.Stats{}, err
	}
	defer f.mu.Unlock()
	c, err := f.container(id)
	if err != nil {
		return runtime.Stats{}, err
	}
	if c.status.State != runtime.Running {
		return runtime.Stats{}, fmt.Errorf("container %s: %w", id, runtime.ErrNotRunning)
	}
	now := f.now()
	return runtime.Stats{At: now, CPU: now.Sub(c.status.StartedAt) / 100, Memory: 8 << 20, MemoryPeak: 9 << 20,
		MemoryLimit: uint64(c.spec.MemoryLimit), PIDs: 1}, nil
}

func (f *Fake) container(id string) (*fakeContainer, error) {
	if c := f.containers[id]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("container %s: %w", id, runtime.ErrNotFound)
}

func program(args []string) (verb, rest string) {
	if len(args) > 0 && strings.HasPrefix(args[0], "/") {
		args = args[1:]
	}
	if len(args) == 0 {
		return "", ""
	}
	return args[0], strings.Join(args[1:], " ")
}

func matches(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

func appendLog(path, text string) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}
