package agent

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/ecs/agent/awslogs"
	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/runtime"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// workers is how many tasks the agent works on at once; most of them wait.
const workers = 256

// Agent runs the tasks of the store.
type Agent struct {
	Deps
	tasks  reconcile.Loop // keys of tasks
	health reconcile.Loop // "key of task|container name"
	logs   *awslogs.Driver

	trusting sync.Mutex
	trusts   map[string]trust // by image digest

	mu   sync.Mutex
	live map[string]*live // by key of task
	keys map[string]string
}

// live is what the agent holds in memory of a task. It can be made again at any
// time from the record.
type live struct {
	mu         sync.Mutex              // held for a moment only
	cancel     context.CancelCauseFunc // of the step under way; nil otherwise
	making     sync.Mutex              // held while face is made
	face       *Interface
	client     *client
	prepared   *prepared
	sessions   map[string]Credentials   // by role
	followed   map[string]bool          // containers whose log is followed
	checked    map[string]bool          // containers whose health is checked
	statSample map[string]runtime.Stats // by container, of the metadata endpoint
	samples    map[string]sample        // by container, of Container Insights
}

var errStopped = errors.New("the task is to stop")

// New makes an agent. Run must be running for tasks to get anywhere.
func New(deps Deps) *Agent {
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Decisions == nil {
		deps.Decisions = decision.Discard
	}
	if deps.Pace == (Pace{}) {
		deps.Pace = FastPace
	}
	a := &Agent{Deps: deps, live: map[string]*live{}, keys: map[string]string{}, trusts: map[string]trust{}}
	a.tasks = reconcile.Loop{Name: "ecs agent", Do: a.step, Workers: workers}
	a.health = reconcile.Loop{Name: "ecs health checks", Do: a.checkHealth, Workers: workers}
	a.logs = awslogs.New(awslogs.Options{Flush: deps.Pace.LogFlush, Log: deps.Log})
	a.DB.OnCommit(a.noticed)
	return a
}

// Run works until ctx ends. Containers go on running.
func (a *Agent) Run(ctx context.Context) error {
	for t := range state.Tasks.By(a.DB.Read(), "alive", "yes") {
		a.know(t)
		a.tasks.Add(t.Key())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.logs.Run(ctx) })
	group.Go(func() error { return a.tasks.Run(ctx) })
	group.Go(func() error { return a.health.Run(ctx) })
	group.Go(func() error {
		err := a.Runtime.Watch(ctx, a.happened)
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	return group.Wait()
}

// noticed is told of every commit.
func (a *Agent) noticed(changes []store.Change) {
	var tx *store.Tx
	for _, change := range changes {
		if change.Table == state.Targets.Name() {
			tx = orRead(tx, a.DB)
			for _, t := range state.TasksOfTarget(tx, change.Key) {
				a.tasks.Add(t.Key())
			}
			continue
		}
		if change.Table != state.Tasks.Name() || change.Deleted {
			continue
		}
		tx = orRead(tx, a.DB)
		t, ok := state.Tasks.Get(tx, change.Key)
		if !ok || t.LastStatus == state.TaskStopped {
			continue
		}
		a.know(t)
		if t.DesiredStatus == state.TaskStopped && t.LastStatus == state.TaskPending {
			a.interrupt(change.Key)
		}
		a.tasks.Add(change.Key)
	}
}

// orRead is tx, or a snapshot when there is none yet.
func orRead(tx *store.Tx, db *store.DB) *store.Tx {
	if tx == nil {
		return db.Read()
	}
	return tx
}

// happened is told of every change of a container.
func (a *Agent) happened(e runtime.Event) {
	a.mu.Lock()
	var keys []string
	if e.Kind == runtime.Resync {
		for _, key := range a.keys {
			keys = append(keys, key)
		}
	} else if len(e.ContainerID) > 32 {
		if key, ok := a.keys[e.ContainerID[:32]]; ok {
			keys = append(keys, key)
		}
	}
	a.mu.Unlock()
	a.tasks.Add(keys...)
}

func (a *Agent) know(t *state.Task) {
	a.mu.Lock()
	a.keys[t.ID] = t.Key()
	a.mu.Unlock()
}

// of returns what is held of a task.
func (a *Agent) of(t *state.Task) *live {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.live[t.Key()]
	if l == nil {
		l = &live{sessions: map[string]Credentials{}, followed: map[string]bool{}, checked: map[string]bool{}, statSample: map[string]runtime.Stats{}, samples: map[string]sample{}}
		a.live[t.Key()] = l
	}
	return l
}

// forget drops what is held of a task.
func (a *Agent) forget(t *state.Task) {
	a.mu.Lock()
	l := a.live[t.Key()]
	delete(a.live, t.Key())
	delete(a.keys, t.ID)
	a.mu.Unlock()
	if l != nil && l.client != nil {
		l.client.close()
	}
}

// interrupt ends the step under way of a task that is to stop.
func (a *Agent) interrupt(key string) {
	a.mu.Lock()
	l := a.live[key]
	a.mu.Unlock()
	if l == nil {
		return
	}
	l.mu.Lock()
	if l.cancel != nil {
		l.cancel(errStopped)
	}
	l.mu.Unlock()
}

// dir is where the files of a task are.
func (a *Agent) dir(t *state.Task) string { return filepath.Join(a.Dir, t.ID) }
