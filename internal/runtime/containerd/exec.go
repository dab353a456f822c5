package containerd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/cio"
	"github.com/containerd/errdefs"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/runtime/containerd/supervisor"
	"github.com/opencontainers/runtime-spec/specs-go"
)

const (
	maxExecOutput = 64 << 10
	// drainTime is how long the output of a process is awaited after its end: what
	// it started may hold the pipe open for ever.
	drainTime = time.Second
	killTime  = 10 * time.Second
)

// Exec implements runtime.Containers.
func (r *Runtime) Exec(ctx context.Context, id string, spec runtime.ExecSpec) (runtime.ExecResult, error) {
	ctx = r.context(ctx)
	record, err := r.record(ctx, id)
	if err != nil {
		return runtime.ExecResult{}, err
	}
	process, err := r.execProcess(ctx, record, spec)
	if err != nil {
		return runtime.ExecResult{}, err
	}
	container, err := r.client.LoadContainer(ctx, id)
	if err != nil {
		return runtime.ExecResult{}, err
	}
	task, err := container.Task(ctx, nil)
	if errdefs.IsNotFound(err) {
		return runtime.ExecResult{}, fmt.Errorf("container %s: %w", id, runtime.ErrNotRunning)
	}
	if err != nil {
		return runtime.ExecResult{}, err
	}
	if status, err := task.Status(ctx); err != nil || status.Status != client.Running {
		return runtime.ExecResult{}, fmt.Errorf("container %s: %w", id, runtime.ErrNotRunning)
	}
	return r.exec(ctx, task, process, spec)
}

func (r *Runtime) exec(ctx context.Context, task client.Task, process *specs.Process, spec runtime.ExecSpec) (runtime.ExecResult, error) {
	output := &capped{limit: maxExecOutput}
	stdout, stderr := spec.Stdout, spec.Stderr
	if stdout == nil && stderr == nil {
		stdout, stderr = output, output
	}
	input := newInput(spec.Stdin)
	options := []cio.Opt{cio.WithStreams(input.reader(), orDiscard(stdout), orDiscard(stderr)), cio.WithFIFODir(filepath.Join(r.paths.state, "fifo"))}
	if spec.Terminal {
		options = append(options, cio.WithTerminal)
	}
	p, err := task.Exec(ctx, "exec-"+ids.Hex(16), process, cio.NewCreator(options...))
	if err != nil {
		return runtime.ExecResult{}, startError(ctx, err)
	}
	// The process has to go also when ctx has ended.
	last := context.WithoutCancel(ctx)
	defer p.Delete(last, client.WithProcessKill)
	exited, err := p.Wait(last)
	if err != nil {
		return runtime.ExecResult{}, err
	}
	if err := p.Start(ctx); err != nil {
		return runtime.ExecResult{}, startError(ctx, err)
	}
	result, err := await(ctx, p, exited, spec, input.ended)
	drain(p)
	result.Output = output.Bytes()
	return result, err
}

// await waits for the end of a process, forwarding sizes of its terminal and the
// end of its input, and ends it when time is up.
func await(ctx context.Context, p client.Process, exited <-chan client.ExitStatus, spec runtime.ExecSpec, inputEnded <-chan struct{}) (runtime.ExecResult, error) {
	var timeout <-chan time.Time
	if spec.Timeout > 0 {
		timer := time.NewTimer(spec.Timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	resize := spec.Resize
	for {
		select {
		case status := <-exited:
			code, _, err := status.Result()
			return runtime.ExecResult{ExitCode: int(code)}, err
		case size, open := <-resize:
			if !open {
				resize = nil
			} else if err := p.Resize(ctx, uint32(size.Columns), uint32(size.Rows)); err != nil && !errdefs.IsNotFound(err) {
				resize = nil // a terminal that cannot be resized still works
			}
		case <-inputEnded:
			inputEnded = nil
			if err := p.CloseIO(ctx, client.WithStdinCloser); err != nil && !errdefs.IsNotFound(err) {
				return runtime.ExecResult{}, errors.Join(err, kill(ctx, p, exited))
			}
		case <-timeout:
			err := kill(ctx, p, exited)
			return runtime.ExecResult{ExitCode: runtime.ExitCode(syscall.SIGKILL), TimedOut: true}, err
		case <-ctx.Done():
			return runtime.ExecResult{}, errors.Join(ctx.Err(), kill(ctx, p, exited))
		}
	}
}

func kill(ctx context.Context, p client.Process, exited <-chan client.ExitStatus) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTime)
	defer cancel()
	if err := p.Kill(ctx, syscall.SIGKILL); err != nil && !errdefs.IsNotFound(err) {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %s does not end: %w", p.ID(), ctx.Err())
	}
}

// drain waits for the rest of a process's output.
func drain(p client.Process) {
	done := make(chan struct{})
	go func() { // ends by Cancel and Close at the latest
		p.IO().Wait()
		close(done)
	}()
	timer := time.NewTimer(drainTime)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	p.IO().Cancel()
	p.IO().Close()
}

// execProcess derives the process from the container's own.
func (r *Runtime) execProcess(ctx context.Context, record containers.Container, spec runtime.ExecSpec) (*specs.Process, error) {
	if len(spec.Args) == 0 {
		return nil, fmt.Errorf("%w: no command specified", runtime.ErrInvalid)
	}
	oci, err := readSpec(record)
	if err != nil {
		return nil, err
	}
	process := oci.Process
	process.Args, process.Terminal = spec.Args, spec.Terminal
	if path := oci.Annotations[supervisor.SecretsAnnotation]; path != "" {
		secrets, err := supervisor.ReadSecrets(path)
		if err != nil {
			return nil, err
		}
		process.Env = supervisor.WithSecrets(process.Env, secrets)
	}
	process.Env = mergeEnvironment(process.Env, spec.Environment)
	if spec.Terminal {
		process.Env = mergeEnvironment([]string{"TERM=xterm"}, process.Env)
	}
	if spec.WorkingDir != "" {
		process.Cwd = spec.WorkingDir
	}
	if spec.User == "" {
		return process, nil
	}
	image, err := r.findImage(ctx, record.Image)
	if err != nil {
		return nil, err
	}
	user, err := r.resolveUser(ctx, image, spec.User)
	if err != nil {
		return nil, err
	}
	setUser(process, user)
	return process, nil
}

// input notices the end of stdin: the shim keeps the pipe open until it is told
// to close it.
type input struct {
	from  io.Reader
	ended chan struct{}
	once  sync.Once
}

func newInput(from io.Reader) *input { return &input{from: from, ended: make(chan struct{})} }

func (i *input) reader() io.Reader {
	if i.from == nil {
		return nil
	}
	return i
}

func (i *input) Read(p []byte) (int, error) {
	n, err := i.from.Read(p)
	if err != nil {
		i.once.Do(func() { close(i.ended) })
	}
	return n, err
}

// capped keeps the first bytes written to it.
type capped struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	limit int
}

func (c *capped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf.Write(p[:min(len(p), c.limit-c.buf.Len())])
	return len(p), nil
}

func (c *capped) Bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.buf.Bytes())
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
