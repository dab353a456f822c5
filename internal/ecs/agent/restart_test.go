package agent

import (
	"testing"
	"time"

	"github.com/neargate/neargate/internal/metadata"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
)

func TestRestartPolicy(t *testing.T) {
	end := time.Now()
	ran := func(d time.Duration, code int) runtime.Container {
		return runtime.Container{State: runtime.Stopped, StartedAt: end.Add(-d), FinishedAt: end, ExitCode: code}
	}
	minute := int32(60)
	policy := &state.RestartPolicy{Enabled: true, IgnoredExitCodes: []int32{0, 3}, AttemptPeriod: &minute}
	unknown := ran(time.Hour, 255)
	unknown.ExitUnknown = true
	for name, c := range map[string]struct {
		policy *state.RestartPolicy
		have   runtime.Container
		want   bool
	}{
		"ran long enough":     {policy, ran(time.Minute, 1), true},
		"ended early":         {policy, ran(59*time.Second, 1), false},
		"ignored code":        {policy, ran(time.Hour, 3), false},
		"killed":              {policy, ran(time.Hour, 137), true},
		"code is not known":   {policy, unknown, false},
		"still runs":          {policy, runtime.Container{State: runtime.Running, StartedAt: end.Add(-time.Hour)}, false},
		"default period":      {&state.RestartPolicy{Enabled: true}, ran(299*time.Second, 0), false},
		"default period over": {&state.RestartPolicy{Enabled: true}, ran(300*time.Second, 0), true},
		"not enabled":         {&state.RestartPolicy{AttemptPeriod: &minute}, ran(time.Hour, 1), false},
		"no policy":           {nil, ran(time.Hour, 1), false},
	} {
		if got := restarts(c.policy, c.have); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// restarting is a task whose container runs again whenever it ends with another code than 3.
func restarting(w *world) *state.Task {
	at := int32(0)
	return w.wait(w.task(func(d *state.TaskDefinition, _ *state.Task) {
		d.Containers[0].Restart = &state.RestartPolicy{Enabled: true, IgnoredExitCodes: []int32{3}, AttemptPeriod: &at}
	}), state.TaskRunning)
}

// restarted waits until the first container runs for the nth time again.
func (w *world) restarted(t *state.Task, n int) *state.Task {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now, _ := state.Tasks.Get(w.db.Read(), t.Key())
		have, err := w.agent.Runtime.Inspect(w.t.Context(), now.Containers[0].RuntimeID)
		if err == nil && have.Restarts == n && have.State == runtime.Running && now.Containers[0].StartedAt.Equal(have.StartedAt) {
			return now
		}
		if now.LastStatus != state.TaskRunning || time.Now().After(deadline) {
			w.t.Fatalf("the task is %s, its container %+v", now.LastStatus, now.Containers[0])
		}
	}
}

func TestContainersRunAgainAndTheTaskStays(t *testing.T) {
	w := newWorld(t)
	defer w.run(w.agent)()
	task := restarting(w)
	id := task.Containers[0].RuntimeID
	for n := 1; n <= 2; n++ {
		w.fake.Exit(id, 1)
		now := w.restarted(task, n)
		if c := now.Containers[0]; c.RestartCount != int32(n) || c.LastStatus != "RUNNING" || c.ExitCode != nil || now.DesiredStatus != "RUNNING" {
			t.Errorf("after %d restarts: %+v", n, now)
		}
		if got := metadataContainer(now, w.agent.definition(now), 0, metadata.Network{}).RestartCount; got == nil || *got != n {
			t.Errorf("the task metadata count %v", got)
		}
	}
	w.fake.Exit(id, 3)
	if stopped := w.wait(task, state.TaskStopped); stopped.StopCode != "EssentialContainerExited" || *stopped.Containers[0].ExitCode != 3 || stopped.Containers[0].RestartCount != 2 {
		t.Errorf("%+v", stopped)
	}
}

// A restart that was written down is carried out after a kill, and only once.
func TestARestartIsFoundAfterAKill(t *testing.T) {
	w := newWorld(t)
	stop := w.run(w.agent)
	task := restarting(w)
	stop()
	id := task.Containers[0].RuntimeID
	w.fake.Exit(id, 1)
	if err := w.agent.update(t.Context(), task, func(r *state.Task) { r.Containers[0].RestartCount = 1 }); err != nil {
		t.Fatal(err)
	}
	second := New(w.agent.Deps)
	defer w.run(second)()
	if now := w.restarted(task, 1); now.Containers[0].RestartCount != 1 {
		t.Errorf("%+v", now.Containers[0])
	}
}
