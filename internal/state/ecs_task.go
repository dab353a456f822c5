package state

import (
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// The statuses of a task, in order; a task never goes back.
const (
	TaskProvisioning   = "PROVISIONING"
	TaskPending        = "PENDING"
	TaskActivating     = "ACTIVATING"
	TaskRunning        = "RUNNING"
	TaskDeactivating   = "DEACTIVATING"
	TaskStopping       = "STOPPING"
	TaskDeprovisioning = "DEPROVISIONING"
	TaskStopped        = "STOPPED"
)

// Task is an ECS task. Whoever starts it (RunTask, the scheduler) writes what it
// is; DesiredStatus, StopCode, StoppedReason and StoppingAt by whoever stops it
// first; everything else by the agent.
type Task struct {
	Account, Region, Cluster, ID string // ID: 32 hex digits

	TaskDefinition   string // ARN
	Service          string // name, "" for RunTask's
	Deployment       string // id of the service's deployment
	Group, StartedBy string
	LaunchType       string
	CapacityProvider string
	CPU, Memory      string // units and MiB in digits, overrides applied
	EphemeralGiB     int32
	TaskRoleARN      string // overrides applied
	CredentialsID    string // in the URI of the task role's credentials
	ExecutionRoleARN string
	Overrides        TaskOverrides
	Subnet, Zone     string
	SecurityGroups   []string
	AssignPublicIP   bool
	AssignIPv6       bool // when the subnet has an IPv6 range
	Tags             []Tag
	CreatedAt        time.Time
	LoadBalancers    []ServiceLoadBalancer // of the task's deployment
	Registries       []ServiceRegistry     // of the task's deployment
	Connect          *TaskConnect          // nil: without Service Connect

	DesiredStatus string // RUNNING or STOPPED
	StopCode      string
	StoppedReason string
	StoppingAt    time.Time

	LastStatus         string
	Version            int64
	Interface          TaskInterface
	Connectivity       string
	ConnectivityAt     time.Time
	PullStartedAt      time.Time
	PullStoppedAt      time.Time
	StartedAt          time.Time
	ExecutionStoppedAt time.Time
	StoppedAt          time.Time
	HealthStatus       string
	Containers         []Container
	// RegisteredAt and DeregisteredAt are when the task was put into its target
	// groups and taken out; TargetProblem is why it could not be put in, as an event tells it.
	RegisteredAt   time.Time
	DeregisteredAt time.Time
	TargetProblem  string
	// EnlistedAt is when the task was registered with Cloud Map, RegistryHealth what
	// was told there of its health last ("" when nothing is), RegistryProblem why it
	// could not be registered, as an event tells it.
	EnlistedAt      time.Time
	RegistryHealth  string
	RegistryProblem string

	// Counted is the scheduler's: it has taken notice that the task stopped. So is
	// TargetsTold: how many of RegisteredAt and DeregisteredAt became events.
	Counted     bool
	TargetsTold int
}

// TaskOverrides is what RunTask changed of the task definition.
type TaskOverrides struct {
	Containers                    []ContainerOverride
	CPU, Memory                   string
	TaskRoleARN, ExecutionRoleARN string
	EphemeralGiB                  int32
}

// ContainerOverride is what RunTask changed of one container.
type ContainerOverride struct {
	Name                           string
	Command                        []string
	Environment                    []NameValue
	EnvironmentFiles               []string // replace those of the definition
	CPU, Memory, MemoryReservation *int32
}

// TaskInterface is the network interface of a task.
type TaskInterface struct {
	AttachmentID string // UUID
	Status       string // PRECREATED, ATTACHED or DELETED
	ID           string // eni-...
	MAC          string
	PrivateIP    string
	IPv6         string // "" for none
	PrivateDNS   string
}

// Container is one container of a task.
type Container struct {
	Name, Image       string
	ID                string // UUID of its ARN
	RuntimeID         string
	ImageDigest       string
	LastStatus        string // PENDING, RUNNING or STOPPED
	ExitCode          *int32
	Reason            string
	HealthStatus      string
	HealthSince       time.Time
	HealthOutput      string
	HealthFailures    int32 // in a row
	CreatedAt         time.Time
	StartedAt         time.Time
	FinishedAt        time.Time
	SignalledAt       time.Time // when the stop signal was sent
	RestartCount      int32
	CPU               string
	Memory            string
	MemoryReservation string
}

// ARN is the task's ARN.
func (t *Task) ARN() string { return ECSARN(t.Account, t.Region, "task/"+t.Cluster+"/"+t.ID) }

// Key is the task's key.
func (t *Task) Key() string { return Key(t.Account, t.Region, t.Cluster+"/"+t.ID) }

// DefinitionKey is the key of the task definition that the task runs.
func (t *Task) DefinitionKey() string {
	family, revision, _ := strings.Cut(t.TaskDefinition[strings.LastIndexByte(t.TaskDefinition, '/')+1:], ":")
	n, _ := strconv.Atoi(revision)
	return TaskDefinitionKey(t.Account, t.Region, family, n)
}

// ServiceKey is the key of the task's service; "" when it has none.
func (t *Task) ServiceKey() string {
	if t.Service == "" {
		return ""
	}
	return Key(t.Account, t.Region, t.Cluster+"/"+t.Service)
}

// Container returns the index of the named container, -1 when there is none.
func (t *Task) Container(name string) int {
	for i := range t.Containers {
		if t.Containers[i].Name == name {
			return i
		}
	}
	return -1
}

// Tasks holds tasks by account/region/cluster/id. Indexes: "service" (key of the
// service, until the scheduler has counted the STOPPED task), "eni" (account/region/eni id), "address" (the private IP while not
// STOPPED), "alive" ("yes" while not STOPPED).
var Tasks = store.Define("ecs.task", (*Task).Key,
	store.By("service", func(t *Task) []string {
		if t.LastStatus == TaskStopped && t.Counted {
			return nil
		}
		return some(t.ServiceKey())
	}),
	store.By("eni", func(t *Task) []string {
		if t.Interface.ID == "" {
			return nil
		}
		return []string{Key(t.Account, t.Region, t.Interface.ID)}
	}),
	store.By("address", func(t *Task) []string {
		if t.LastStatus == TaskStopped {
			return nil
		}
		return some(t.Interface.PrivateIP)
	}),
	store.By("alive", func(t *Task) []string {
		if t.LastStatus == TaskStopped {
			return nil
		}
		return []string{"yes"}
	}),
)

func some(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// RunToken remembers the answer to a RunTask with a client token.
type RunToken struct {
	Account, Region, Token string

	Request string // digest of the parameters
	Tasks   []string
	At      time.Time
}

// RunTokens holds client tokens by account/region/token.
var RunTokens = store.Define("ecs.runtoken", func(t *RunToken) string { return Key(t.Account, t.Region, t.Token) })

// StopTask asks for a task to stop, unless that was asked before: the first
// reason stays. It reports whether anything changed.
func StopTask(tx *store.Tx, key, code, reason string, now time.Time) bool {
	t, ok := Tasks.Get(tx, key)
	if !ok || t.DesiredStatus == TaskStopped {
		return false
	}
	return Tasks.Update(tx, key, func(t *Task) {
		t.DesiredStatus, t.StopCode, t.StoppedReason, t.StoppingAt = TaskStopped, code, reason, now
		t.Version++
	})
}
