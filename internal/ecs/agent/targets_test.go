package agent

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

const balancers = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/"

// targets are target groups: deregistered targets drain until drain is called.
type targets struct {
	w      *world
	mu     sync.Mutex
	calls  []string
	refuse error
}

func (x *targets) record(call, group, address string, port int32) (*state.Target, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	name := strings.TrimPrefix(group, balancers)
	task := "none"
	for t := range state.Tasks.By(x.w.db.Read(), "address", address) {
		task = t.LastStatus
	}
	x.calls = append(x.calls, call+" "+name+" "+task)
	return &state.Target{Account: "000000000000", Region: "us-east-1", Group: name, ID: address, Port: port, Health: "healthy"}, x.refuse
}

func (x *targets) RegisterTarget(ctx context.Context, _, _, group, address string, port int32) error {
	target, err := x.record("register", group, address, port)
	if err != nil {
		return err
	}
	return x.w.db.Write(ctx, func(tx *store.Tx) error { state.Targets.Put(tx, target); return nil })
}

func (x *targets) DeregisterTarget(ctx context.Context, _, _, group, address string, port int32) error {
	target, err := x.record("deregister", group, address, port)
	if err != nil {
		return err
	}
	target.DeregisteredAt, target.DrainsUntil = time.Now(), time.Now().Add(time.Hour)
	return x.w.db.Write(ctx, func(tx *store.Tx) error { state.Targets.Put(tx, target); return nil })
}

// drain ends the draining of everything.
func (x *targets) drain(ctx context.Context) {
	x.w.db.Write(ctx, func(tx *store.Tx) error {
		var keys []string
		for t := range state.Targets.All(tx, "") {
			keys = append(keys, t.Key())
		}
		for _, key := range keys {
			state.Targets.Delete(tx, key)
		}
		return nil
	})
}

func (x *targets) called() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.calls)
}

// balanced is a world with target groups, and its agent running.
func balanced(t *testing.T) (*world, *targets) {
	w := newWorld(t)
	x := &targets{w: w}
	w.agent.Targets = x
	stop := w.run(w.agent)
	t.Cleanup(stop)
	return w, x
}

func (w *world) balancedTask(groups ...string) *state.Task {
	return w.task(func(_ *state.TaskDefinition, t *state.Task) {
		for _, g := range groups {
			t.LoadBalancers = append(t.LoadBalancers, state.ServiceLoadBalancer{TargetGroup: balancers + g, Container: "app", Port: 80})
		}
	})
}

// until waits for a condition of the task's record.
func (w *world) until(t *state.Task, what string, is func(*state.Task) bool) *state.Task {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		now, _ := state.Tasks.Get(w.db.Read(), t.Key())
		if is(now) {
			return now
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("not %s: %+v", what, now)
		}
	}
}

func registered(t *state.Task) bool   { return !t.RegisteredAt.IsZero() }
func deregistered(t *state.Task) bool { return !t.DeregisteredAt.IsZero() }

func TestATaskIsDrainedBeforeItsStopSignal(t *testing.T) {
	w, x := balanced(t)
	task := w.balancedTask("one/1")
	w.wait(task, state.TaskRunning)
	w.until(task, "registered", registered)
	w.stop(task)
	draining := w.until(task, "deregistered", deregistered)
	if draining.LastStatus != state.TaskDeactivating {
		t.Errorf("the task is %s while its target drains", draining.LastStatus)
	}
	w.agent.tasks.Add(task.Key()) // looking again changes nothing
	time.Sleep(20 * time.Millisecond)
	now, _ := state.Tasks.Get(w.db.Read(), task.Key())
	if seen, err := w.fake.Inspect(t.Context(), runtimeID(now, 0)); err != nil || now.LastStatus != state.TaskDeactivating || seen.State != runtime.Running || !now.Containers[0].SignalledAt.IsZero() {
		t.Errorf("signalled before it had drained: %+v %v, %v", now.Containers[0], seen, err)
	}
	x.drain(t.Context())
	w.wait(task, state.TaskStopped)
	if got := x.called(); !slices.Equal(got, []string{"register one/1 RUNNING", "deregister one/1 DEACTIVATING"}) {
		t.Errorf("calls %q", got)
	}
}

func TestSeveralTargetGroupsMakeATaskActivate(t *testing.T) {
	w, x := balanced(t)
	task := w.balancedTask("one/1", "two/2")
	w.wait(task, state.TaskRunning)
	if got := x.called(); !slices.Equal(got, []string{"register one/1 ACTIVATING", "register two/2 ACTIVATING"}) {
		t.Errorf("calls %q", got)
	}
	w.stop(task)
	w.until(task, "deregistered", deregistered)
	x.drain(t.Context())
	w.wait(task, state.TaskStopped)
}

func TestACrashedTaskIsTakenOutWithoutWaiting(t *testing.T) {
	w, x := balanced(t)
	task := w.balancedTask("one/1")
	running := w.until(task, "registered", registered)
	w.fake.Exit(runtimeID(running, 0), 1)
	stopped := w.wait(task, state.TaskStopped)
	if stopped.StopCode != "EssentialContainerExited" || !deregistered(stopped) {
		t.Errorf("%+v", stopped)
	}
	if got := x.called(); len(got) != 2 {
		t.Errorf("calls %q", got)
	}
}

func TestATargetGroupThatIsGoneHoldsNobodyUp(t *testing.T) {
	w, x := balanced(t)
	x.refuse = &apiError{Code: "TargetGroupNotFound"}
	task := w.balancedTask("one/1")
	failed := w.until(task, "refused", func(t *state.Task) bool { return t.TargetProblem != "" })
	if failed.LastStatus != state.TaskRunning || !strings.HasPrefix(failed.TargetProblem, balancers+"one/1 ") || !strings.Contains(failed.TargetProblem, "TargetGroupNotFound") {
		t.Errorf("%s %q", failed.LastStatus, failed.TargetProblem)
	}
	w.stop(task)
	w.wait(task, state.TaskStopped)
}
