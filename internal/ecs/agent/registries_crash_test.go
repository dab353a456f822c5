package agent

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// slowMap is Cloud Map whose operations go on after their caller has ended.
type slowMap struct {
	mu        sync.Mutex
	open      map[string]bool // guarded by mu; instances that something is done with
	instances map[string]bool // guarded by mu
}

// operate begins an operation on an instance and waits for its end, or that of ctx.
func (m *slowMap) operate(ctx context.Context, instance string, there bool) error {
	m.mu.Lock()
	switch {
	case m.open[instance]:
		m.mu.Unlock()
		return &apiError{Code: "DuplicateRequest"}
	case !there && !m.instances[instance]:
		m.mu.Unlock()
		return &apiError{Code: "InstanceNotFound"}
	}
	m.open[instance] = true
	m.mu.Unlock()
	done := make(chan struct{})
	time.AfterFunc(3*time.Millisecond, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.open, instance)
		if delete(m.instances, instance); there {
			m.instances[instance] = true
		}
		close(done)
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-done:
		return nil
	}
}

func (m *slowMap) RegisterInstance(ctx context.Context, _, _, _, instance string, _ map[string]string) error {
	return m.operate(ctx, instance, true)
}

func (m *slowMap) DeregisterInstance(ctx context.Context, _, _, _, instance string) error {
	return m.operate(ctx, instance, false)
}

func (m *slowMap) SetInstanceHealth(context.Context, string, string, string, string, string) error {
	return nil
}

func (m *slowMap) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.instances) + len(m.open)
}

// TestNothingStaysInCloudMap ends the agent at random places while tasks start and
// stop: those that run are found, and no others.
func TestNothingStaysInCloudMap(t *testing.T) {
	for seed := range uint64(4) {
		rng := rand.New(rand.NewPCG(seed, 2))
		w := newWorld(t)
		m := &slowMap{open: map[string]bool{}, instances: map[string]bool{}}
		w.agent.Registries = m
		err := w.db.Write(t.Context(), func(tx *store.Tx) error {
			state.DiscoveryServices.Put(tx, &state.DiscoveryService{Account: "000000000000", Region: "us-east-1", ID: "srv-1"})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var tasks []*state.Task
		for range 4 {
			tasks = append(tasks, w.mappedTask(false))
		}
		cycles := func(n int) {
			for range n {
				stop := w.run(w.agent)
				time.Sleep(time.Duration(rng.IntN(12)) * time.Millisecond)
				stop()
				w.agent = New(w.agent.Deps)
			}
		}
		cycles(10)
		w.stop(tasks[0]) // whatever it is about to do
		stop := w.run(w.agent)
		for _, task := range tasks[1:] {
			w.wait(task, state.TaskRunning)
		}
		w.wait(tasks[0], state.TaskStopped)
		stop()
		if n := m.count(); n != 3 {
			t.Errorf("seed %d: %d instances of three tasks that run", seed, n)
		}
		w.agent = New(w.agent.Deps)
		for _, task := range tasks[1:] {
			w.stop(task)
		}
		cycles(10)
		stop = w.run(w.agent)
		for _, task := range tasks[1:] {
			w.wait(task, state.TaskStopped)
		}
		stop()
		if n := m.count(); n != 0 {
			t.Errorf("seed %d: %d instances are left", seed, n)
		}
	}
}
