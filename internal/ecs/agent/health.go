package agent

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

const maxHealthOutput = 4096

func hasCheck(c state.ContainerDefinition) bool {
	return c.HealthCheck != nil && c.HealthCheck.Command[0] != "NONE"
}

// watchHealth begins the health checks of containers that run.
func (a *Agent) watchHealth(t *state.Task, d *state.TaskDefinition) {
	l := a.of(t)
	for _, c := range d.Containers {
		if !hasCheck(c) {
			continue
		}
		l.mu.Lock()
		begun := l.checked[c.Name]
		l.checked[c.Name] = true
		l.mu.Unlock()
		if !begun {
			a.health.Add(t.Key() + "|" + c.Name)
		}
	}
}

// checkHealth runs the health check of one container when it is due, and says
// when the next one is.
func (a *Agent) checkHealth(ctx context.Context, key string) (reconcile.Result, error) {
	taskKey, name, _ := strings.Cut(key, "|")
	t, ok := state.Tasks.Get(a.DB.Read(), taskKey)
	if !ok || t.DesiredStatus == state.TaskStopped {
		return reconcile.Result{}, nil
	}
	i := t.Container(name)
	def, _ := a.definition(t).Container(name)
	interval := time.Duration(def.HealthCheck.Interval) * time.Second
	c := t.Containers[i]
	switch {
	case c.LastStatus == "STOPPED":
		return reconcile.Result{}, nil
	case c.LastStatus == "PENDING":
		return reconcile.Result{After: time.Second}, nil
	}
	// The first check comes one interval after the start, as Docker does it.
	if due := time.Until(c.StartedAt.Add(interval)); due > 0 {
		return reconcile.Result{After: due}, nil
	}
	result, err := a.Runtime.Exec(ctx, runtimeID(t, i), runtime.ExecSpec{Args: checkCommand(def.HealthCheck.Command), Timeout: time.Duration(def.HealthCheck.Timeout) * time.Second})
	if errors.Is(err, runtime.ErrNotFound) || errors.Is(err, runtime.ErrNotRunning) {
		if def.Restart != nil && def.Restart.Enabled { // it may run again
			return reconcile.Result{After: time.Second}, nil
		}
		return reconcile.Result{}, nil
	}
	var start *runtime.StartError
	if errors.As(err, &start) {
		result, err = runtime.ExecResult{ExitCode: 127, Output: []byte(start.Reason)}, nil
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{After: interval}, a.healthSeen(ctx, t, i, def.HealthCheck, result)
}

func checkCommand(command []string) []string {
	if command[0] == "CMD-SHELL" {
		return []string{"/bin/sh", "-c", strings.Join(command[1:], " ")}
	}
	return command[1:]
}

// judge is the health of a container after a check.
func judge(c state.Container, h *state.HealthCheck, ok bool, at time.Time) (status string, failures int32) {
	if ok {
		return "HEALTHY", 0
	}
	if h.StartPeriod != nil && c.HealthStatus == "UNKNOWN" && at.Sub(c.StartedAt) < time.Duration(*h.StartPeriod)*time.Second {
		return c.HealthStatus, 0
	}
	if failures = c.HealthFailures + 1; failures >= h.Retries {
		return "UNHEALTHY", failures
	}
	return c.HealthStatus, failures
}

// healthSeen writes the outcome of a check down.
func (a *Agent) healthSeen(ctx context.Context, t *state.Task, i int, h *state.HealthCheck, result runtime.ExecResult) error {
	now := time.Now()
	c := t.Containers[i]
	status, failures := judge(c, h, result.ExitCode == 0, now)
	if status == c.HealthStatus && failures == c.HealthFailures {
		return nil
	}
	output := string(result.Output[:min(len(result.Output), maxHealthOutput)])
	if result.TimedOut {
		output = "Health check exceeded timeout"
	}
	if status == "UNHEALTHY" && c.HealthStatus != status {
		d := decision.Decision{Phase: decision.Health, Verdict: decision.Deny, Code: "run.unhealthy", Where: "container " + c.Name, Resource: t.TaskDefinition, Confidence: decision.Observed,
			Cause: "the health check of container " + c.Name + " failed", AWSMessage: "Task failed container health checks", Facts: []decision.Fact{{Name: "output", Value: output}}}
		if a.Listening != nil {
			for _, s := range a.Listening(t.Interface.ID) {
				d.Facts = append(d.Facts, decision.Fact{Name: "listening", Value: s.String()})
			}
		}
		a.decide(ctx, t, d)
	}
	d := a.definition(t)
	return a.update(ctx, t, func(r *state.Task) {
		c := &r.Containers[i]
		if c.HealthStatus != status {
			c.HealthSince = now
		}
		c.HealthStatus, c.HealthFailures, c.HealthOutput = status, failures, output
		r.HealthStatus = taskHealth(r, d)
	})
}

// taskHealth is the health of the task: that of its essential containers with checks.
func taskHealth(t *state.Task, d *state.TaskDefinition) string {
	out := "UNKNOWN"
	for _, def := range d.Containers {
		if !def.Essential || !hasCheck(def) {
			continue
		}
		switch t.Containers[t.Container(def.Name)].HealthStatus {
		case "UNHEALTHY":
			return "UNHEALTHY"
		case "HEALTHY":
			out = "HEALTHY"
		default:
			return "UNKNOWN"
		}
	}
	return out
}
