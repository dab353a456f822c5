package agent

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// cloudMap is Cloud Map: it notes what is called while the task is in which status.
type cloudMap struct {
	w          *world
	mu         sync.Mutex
	calls      []string          // guarded by mu
	attributes map[string]string // guarded by mu; of the last registration
	refuse     error             // guarded by mu
}

func (m *cloudMap) call(what, instance string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	status := "none"
	for t := range state.Tasks.All(m.w.db.Read(), "") {
		if t.ID == instance {
			status = t.LastStatus
		}
	}
	m.calls = append(m.calls, what+" "+status)
	return m.refuse
}

func (m *cloudMap) RegisterInstance(_ context.Context, _, _, _, instance string, attributes map[string]string) error {
	m.mu.Lock()
	m.attributes = maps.Clone(attributes)
	m.mu.Unlock()
	return m.call("register", instance)
}

func (m *cloudMap) DeregisterInstance(_ context.Context, _, _, _, instance string) error {
	return m.call("deregister", instance)
}

func (m *cloudMap) SetInstanceHealth(_ context.Context, _, _, _, instance, health string) error {
	return m.call(health, instance)
}

func (m *cloudMap) set(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = err
}

func (m *cloudMap) seen() ([]string, map[string]string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.calls), m.attributes
}

// mapped is a world with a service of Cloud Map, and its agent running.
func mapped(t *testing.T) (*world, *cloudMap) {
	w := newWorld(t)
	m := &cloudMap{w: w}
	w.agent.Registries = m
	err := w.db.Write(t.Context(), func(tx *store.Tx) error {
		state.DiscoveryServices.Put(tx, &state.DiscoveryService{Account: "000000000000", Region: "us-east-1", ID: "srv-1", CustomHealth: true})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.run(w.agent))
	return w, m
}

func (w *world) mappedTask(checked bool) *state.Task {
	return w.task(func(d *state.TaskDefinition, t *state.Task) {
		t.Registries = []state.ServiceRegistry{{ARN: "arn:aws:servicediscovery:us-east-1:000000000000:service/srv-1", Container: "app", ContainerPort: 8080}}
		if checked {
			d.Containers[0].HealthCheck = &state.HealthCheck{Command: []string{"CMD", "true"}, Interval: 1, Timeout: 1, Retries: 1}
		}
	})
}

// TestATaskIsInCloudMapWhileItRuns: it is registered before it is RUNNING, and
// taken out before its containers are asked to stop.
func TestATaskIsInCloudMapWhileItRuns(t *testing.T) {
	w, m := mapped(t)
	task := w.mappedTask(false)
	running := w.wait(task, state.TaskRunning)
	calls, attributes := m.seen()
	if !slices.Equal(calls, []string{"register ACTIVATING"}) {
		t.Errorf("calls %q", calls)
	}
	for key, want := range map[string]string{
		"AWS_INSTANCE_IPV4": running.Interface.PrivateIP, "AWS_INSTANCE_PORT": "8080", "AWS_INIT_HEALTH_STATUS": "HEALTHY", "REGION": "us-east-1", "ECS_CLUSTER_NAME": running.Cluster,
	} {
		if attributes[key] != want {
			t.Errorf("%s is %q, want %q", key, attributes[key], want)
		}
	}
	w.stop(task)
	w.wait(task, state.TaskStopped)
	if calls, _ := m.seen(); !slices.Equal(calls, []string{"register ACTIVATING", "deregister DEACTIVATING"}) {
		t.Errorf("calls %q", calls)
	}
}

// TestHealthChecksAreToldToCloudMap: a task with a health check is registered as
// unhealthy, and told to be healthy once it is.
func TestHealthChecksAreToldToCloudMap(t *testing.T) {
	w, m := mapped(t)
	task := w.mappedTask(true)
	w.until(task, "told", func(t *state.Task) bool { return t.RegistryHealth == "HEALTHY" })
	calls, attributes := m.seen()
	if !slices.Equal(calls, []string{"register ACTIVATING", "HEALTHY RUNNING"}) || attributes["AWS_INIT_HEALTH_STATUS"] != "UNHEALTHY" {
		t.Errorf("calls %q, attributes %v", calls, attributes)
	}
	w.stop(task)
	w.wait(task, state.TaskStopped)
}

// TestATaskThatCloudMapRefusesWaits: it is not RUNNING, says why, and ends as others do.
func TestATaskThatCloudMapRefusesWaits(t *testing.T) {
	w, m := mapped(t)
	m.set(&apiError{Code: "InvalidInput"})
	task := w.mappedTask(false)
	failed := w.until(task, "refused", func(t *state.Task) bool { return t.RegistryProblem != "" })
	if failed.LastStatus != state.TaskActivating || !strings.Contains(failed.RegistryProblem, "service/srv-1 ") || !strings.Contains(failed.RegistryProblem, "InvalidInput") {
		t.Errorf("%s %q", failed.LastStatus, failed.RegistryProblem)
	}
	m.set(&apiError{Code: "InstanceNotFound"})
	w.stop(task)
	w.wait(task, state.TaskStopped)
}
