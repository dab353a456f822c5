package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// observe looks after a RUNNING task: what ended is written down, and the end of
// an essential container is the end of the task.
func (a *Agent) observe(ctx context.Context, t *state.Task) (time.Duration, error) {
	d := a.definition(t)
	a.followAll(t, d)
	a.watchHealth(t, d)
	now, err := a.look(ctx, t)
	if err != nil {
		return 0, err
	}
	if err := a.restart(ctx, t, d, now); err != nil {
		return 0, err
	}
	if err := a.record(ctx, t, d, now, true); err != nil || t.LastStatus != state.TaskRunning {
		return 0, err
	}
	return 0, errors.Join(a.register(ctx, t), a.tellHealth(ctx, t))
}

// record writes down how the containers are. A task whose containers have all
// been started is RUNNING, or ACTIVATING when several target groups or Cloud Map must take it first.
func (a *Agent) record(ctx context.Context, t *state.Task, d *state.TaskDefinition, now map[string]seen, started bool) error {
	var ended []int
	essential, changed := false, started && t.LastStatus == state.TaskPending
	next := append([]state.Container(nil), t.Containers...)
	for i := range next {
		before := next[i]
		observeContainer(&next[i], runtimeID(t, i), now[next[i].Name].Container)
		changed = changed || next[i] != before
		if next[i].LastStatus == "STOPPED" && before.LastStatus != "STOPPED" {
			ended = append(ended, i)
			def, _ := d.Container(next[i].Name)
			essential = essential || def.Essential
		}
	}
	if !changed {
		return nil
	}
	if t.DesiredStatus != state.TaskStopped {
		for _, i := range ended {
			a.decide(ctx, t, a.exitDecision(t, next[i], now[next[i].Name].MemoryPeak))
		}
	}
	err := a.DB.Write(ctx, func(tx *store.Tx) error {
		state.Tasks.Update(tx, t.Key(), func(r *state.Task) {
			r.Version++
			merged := append([]state.Container(nil), r.Containers...)
			for i := range merged {
				merged[i] = mergeContainer(merged[i], next[i])
			}
			r.Containers = merged
			if started && r.LastStatus == state.TaskPending {
				if r.LastStatus = state.TaskActivating; len(r.LoadBalancers) < 2 && len(r.Registries) == 0 {
					r.LastStatus, r.StartedAt = state.TaskRunning, time.Now()
				}
			}
		})
		if essential {
			state.StopTask(tx, t.Key(), "EssentialContainerExited", textEssential, time.Now())
		}
		return nil
	})
	if err == nil && t.LastStatus == state.TaskPending {
		a.watchHealth(t, d)
	}
	return err
}

// mergeContainer takes from next what this step saw; health is the health loop's.
func mergeContainer(have, next state.Container) state.Container {
	next.HealthStatus, next.HealthSince, next.HealthOutput, next.HealthFailures = have.HealthStatus, have.HealthSince, have.HealthOutput, have.HealthFailures
	if have.Reason != "" {
		next.Reason = have.Reason
	}
	next.ImageDigest, next.SignalledAt, next.RestartCount = have.ImageDigest, have.SignalledAt, have.RestartCount
	return next
}

// observeContainer puts what the runtime says over a container's record; the
// status only moves forward.
func observeContainer(c *state.Container, id string, now runtime.Container) {
	switch now.State {
	case runtime.Created:
		c.RuntimeID = id
	case runtime.Running:
		if c.LastStatus == "PENDING" {
			c.LastStatus = "RUNNING"
		}
		c.RuntimeID, c.StartedAt = id, now.StartedAt
	case runtime.Stopped:
		if c.LastStatus == "STOPPED" {
			return
		}
		code := int32(now.ExitCode)
		c.LastStatus, c.RuntimeID, c.ExitCode, c.StartedAt, c.FinishedAt = "STOPPED", id, &code, now.StartedAt, now.FinishedAt
		if now.OOMKilled {
			c.Reason = textOOM
		}
	default:
		if c.LastStatus == "RUNNING" { // it was there, and the runtime knows nothing of it any more
			c.LastStatus, c.Reason, c.FinishedAt = "STOPPED", "CannotInspectContainerError: the container is gone", time.Now()
		}
	}
}

// exitDecision explains the end of a container: its code, or that it ran out of
// memory, and what it said last.
func (a *Agent) exitDecision(t *state.Task, c state.Container, peak uint64) decision.Decision {
	d := decision.Decision{Phase: decision.Exit, Verdict: decision.Error, Code: "run.exit", Where: c.Name, AWSMessage: textEssential, Confidence: decision.Observed,
		Facts: []decision.Fact{{Name: "container", Value: c.Name}}}
	code := "unknown"
	if c.ExitCode != nil {
		code = strconv.Itoa(int(*c.ExitCode))
	}
	d.Facts = append(d.Facts, decision.Fact{Name: "exit code", Value: code})
	d.Cause = "container " + c.Name + " ended with exit code " + code
	if c.Reason == textOOM {
		d.Code, d.AWSMessage = "run.oom", textOOM
		d.Cause = "container " + c.Name + " was killed because it used more memory than it may"
		for _, limit := range []decision.Fact{{Name: "container memory MiB", Value: c.Memory}, {Name: "task memory MiB", Value: t.Memory}} {
			if limit.Value != "" {
				d.Facts = append(d.Facts, limit)
			}
		}
		if peak > 0 {
			d.Facts = append(d.Facts, decision.Fact{Name: "peak memory MiB", Value: strconv.FormatUint((peak+1<<20-1)>>20, 10)})
		}
	}
	for _, line := range lastLines(a.logPath(t, c.Name), 20) {
		d.Facts = append(d.Facts, decision.Fact{Name: "log", Value: line})
	}
	return d
}

// lastLines returns up to n lines from the end of a file.
func lastLines(path string, n int) []string {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	const most = 16 << 10
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	content := make([]byte, min(size, most))
	if _, err := f.ReadAt(content, size-int64(len(content))); err != nil && err != io.EOF {
		return nil
	}
	var out []string
	for _, line := range bytes.Split(bytes.TrimRight(content, "\n\x00"), []byte("\n")) {
		if line = bytes.Trim(line, "\x00\r"); len(line) > 0 {
			out = append(out, string(line[:min(len(line), 500)]))
		}
	}
	return out[max(0, len(out)-n):]
}
