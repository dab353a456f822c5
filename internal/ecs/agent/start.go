package agent

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/agent/awslogs"
	"github.com/neargate/neargate/internal/ecs/taskdef"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

// start brings a PENDING task to RUNNING: it fetches what the containers need
// and starts each as soon as what it depends on allows.
func (a *Agent) start(ctx context.Context, t *state.Task) (time.Duration, error) {
	p, err := a.prepare(ctx, t)
	if err != nil {
		return 0, err
	}
	face, err := a.face(ctx, t)
	if err != nil {
		return 0, err
	}
	d := a.definition(t)
	if err := a.ensureTask(ctx, t, d, face); err != nil {
		return 0, err
	}
	if t.Connect != nil {
		if err := a.Proxies.Open(ctx, t); err != nil {
			return 0, err
		}
	}
	now, err := a.look(ctx, t)
	if err != nil {
		return 0, err
	}
	if err := a.createMissing(ctx, t, d, now, p, face); err != nil {
		return 0, err
	}
	if err := a.restart(ctx, t, d, now); err != nil {
		return 0, err
	}
	ready, wait, never := startable(d, now, time.Now())
	if never != nil {
		reason := textDependency(never.dependency, never.target, never.why)
		return 0, &failure{reason: reason, container: never.target, decision: decision.Decision{
			Phase: decision.Start, Verdict: decision.Deny, Code: "run.dependency", Where: never.dependency, Cause: reason, AWSMessage: reason, Confidence: decision.Observed}}
	}
	group, within := errgroup.WithContext(ctx)
	for _, i := range ready {
		group.Go(func() error { return a.startProcess(within, t, i) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	if now, err = a.look(ctx, t); err != nil {
		return 0, err
	}
	all := true
	for _, c := range d.Containers {
		all = all && now[c.Name].begun()
	}
	return wait, a.record(ctx, t, d, now, all)
}

// createMissing makes the containers that do not exist yet, and follows their logs.
func (a *Agent) createMissing(ctx context.Context, t *state.Task, d *state.TaskDefinition, now map[string]seen, p *prepared, face *Interface) error {
	group, within := errgroup.WithContext(ctx)
	for i, c := range d.Containers {
		if now[c.Name].State != "" {
			continue
		}
		group.Go(func() error { return a.create(within, t, d, i, p, face) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	a.followAll(t, d)
	return nil
}

// look asks the runtime how the containers of the task are.
func (a *Agent) look(ctx context.Context, t *state.Task) (map[string]seen, error) {
	out := map[string]seen{}
	for i, c := range t.Containers {
		found, err := a.Runtime.Inspect(ctx, runtimeID(t, i))
		if err != nil && !errors.Is(err, runtime.ErrNotFound) {
			return nil, err
		}
		out[c.Name] = seen{Container: found, health: c.HealthStatus}
	}
	return out, nil
}

// followAll sends the logs of the task's containers to their streams.
func (a *Agent) followAll(t *state.Task, d *state.TaskDefinition) {
	for _, c := range d.Containers {
		if c.Log == nil {
			continue
		}
		l := a.of(t)
		l.mu.Lock()
		followed := l.followed[c.Name]
		l.followed[c.Name] = true
		l.mu.Unlock()
		if !followed {
			a.logs.Follow(a.logStream(t, c))
		}
	}
}

// logStream is the stream of a container's log: its lines go through the task's
// network with the credentials of its execution role.
func (a *Agent) logStream(t *state.Task, c state.ContainerDefinition) awslogs.Stream {
	o := c.Log.Options
	return awslogs.Stream{
		Path: a.logPath(t, c.Name), Buffer: a.logBuffer(t, c), Start: awslogs.StartPattern(o["awslogs-datetime-format"], o["awslogs-multiline-pattern"]),
		Put: func(ctx context.Context, events []awslogs.Event, again bool) error {
			in := map[string]any{"logGroupName": o["awslogs-group"], "logStreamName": stream(t, c), "logEvents": events}
			if again {
				in["sequenceToken"] = repeatToken
			}
			return a.putEvents(ctx, t, o, in)
		},
		Dropped: func(err error) {
			d := decision.Decision{Phase: decision.Logs, Verdict: decision.Error, Code: "logs.dropped", Where: o["awslogs-group"],
				Cause: "log lines of container " + c.Name + " were not taken: " + err.Error(), AWSMessage: err.Error(), Confidence: decision.Observed}
			if e := refused(err); e != nil {
				d.Code = slug(e, "iam.exec-logs", d.Code)
				d.Fix = attachManaged(d.Code, e.Operation, t.ExecutionRoleARN)
			}
			a.decide(context.Background(), t, d)
		},
		Unreachable: func(err error) {
			if unreachable(err) {
				ctx := context.Background()
				a.decide(ctx, t, a.unreached(ctx, t, decision.Logs, "", err).decision)
			}
		},
	}
}

// Sizes of the log driver's buffer. Of a blocking one AWS does not tell the size;
// it holds a batch.
const (
	blockingBuffer    = 1 << 20
	nonBlockingBuffer = 10 << 20
)

// logBuffer is what becomes of lines while the log group cannot be reached: as
// the container's options say, or the account's setting.
func (a *Agent) logBuffer(t *state.Task, c state.ContainerDefinition) awslogs.Buffer {
	mode := c.Log.Options["mode"]
	if mode == "" {
		mode = state.DefaultLogDriverMode(a.DB.Read(), t.Account, t.Region)
	}
	if mode == "blocking" {
		return awslogs.Buffer{Size: blockingBuffer}
	}
	size, err := taskdef.BufferSize(c.Log.Options["max-buffer-size"])
	if err != nil || size == 0 {
		size = nonBlockingBuffer
	}
	return awslogs.Buffer{Size: size, Drop: true}
}

// repeatToken tells the log service that a batch may have arrived before.
const repeatToken = "repeat"

func (a *Agent) putEvents(ctx context.Context, t *state.Task, options map[string]string, in map[string]any) error {
	c, err := a.client(ctx, t)
	if err != nil {
		return err
	}
	creds, err := a.session(ctx, t, t.ExecutionRoleARN)
	if err != nil {
		return err
	}
	err = c.call(ctx, logsAPI(options), options["awslogs-region"], "PutLogEvents", creds, in, nil)
	if e := refused(err); e != nil && e.Status < 500 && e.Code != "ThrottlingException" {
		return &awslogs.Refused{Err: err}
	}
	return err
}
