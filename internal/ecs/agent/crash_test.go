package agent

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/state"
)

// TestAgentMayEndAnytime ends the agent at random places, many times, while tasks
// start and stop: nothing is lost and nothing is doubled.
func TestAgentMayEndAnytime(t *testing.T) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := newWorld(t)
		w.fake.Delay(2 * time.Millisecond)
		var tasks []*state.Task
		for range 4 {
			tasks = append(tasks, w.task(nil))
		}
		cycles := func(n int) {
			for range n {
				stop := w.run(w.agent)
				time.Sleep(time.Duration(rng.IntN(12)) * time.Millisecond)
				stop()
				w.agent = New(w.agent.Deps)
			}
		}
		cycles(15)
		stop := w.run(w.agent)
		for _, task := range tasks {
			w.wait(task, state.TaskRunning)
		}
		stop()
		if len(w.faces) != len(tasks) || w.interfaces != len(tasks) {
			t.Fatalf("seed %d: %d interfaces for %d tasks, %d were made", seed, len(w.faces), len(tasks), w.interfaces)
		}
		starts := map[string]int{}
		for _, call := range w.fake.Calls() {
			if id, ok := strings.CutPrefix(call, "Start "); ok {
				starts[id]++
			}
		}
		if len(starts) != len(tasks) {
			t.Fatalf("seed %d: %d containers were started", seed, len(starts))
		}
		w.agent = New(w.agent.Deps)
		for _, task := range tasks {
			w.stop(task)
		}
		cycles(15)
		stop = w.run(w.agent)
		for _, task := range tasks {
			stopped := w.wait(task, state.TaskStopped)
			if code := stopped.Containers[0].ExitCode; code == nil || *code != 143 {
				t.Errorf("seed %d: exit code %v", seed, code)
			}
		}
		stop()
		left, err := w.fake.Tasks(t.Context())
		if err != nil || len(left) != 0 || len(w.faces) != 0 {
			t.Errorf("seed %d: left over: tasks %v, interfaces %v, %v", seed, left, w.faces, err)
		}
	}
}
