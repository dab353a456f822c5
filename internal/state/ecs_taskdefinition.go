package state

import (
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/store"
)

// TaskDefinition is one revision of a family, normalised as DescribeTaskDefinition
// shows it. Nil and empty slices differ: nil is absent from the answer.
type TaskDefinition struct {
	Account, Region, Family string
	Revision                int

	Status                  string // ACTIVE, INACTIVE or DELETE_IN_PROGRESS
	Containers              []ContainerDefinition
	TaskRoleARN             string
	ExecutionRoleARN        string
	NetworkMode             string
	CPU, Memory             string // units and MiB in digits
	PIDMode                 string // "" or task
	EphemeralGiB            int32  // 0: not given
	Volumes                 []string
	Platform                *RuntimePlatform
	RequiresCompatibilities []string
	Compatibilities         []string
	RequiresAttributes      []string
	EnableFaultInjection    *bool
	Tags                    []Tag
	RegisteredAt            time.Time
	RegisteredBy            string
	Tool                    string // the client that registered it: caller.Identity.Tool
	DeregisteredAt          time.Time
	DeleteRequestedAt       time.Time
}

// RuntimePlatform is what a task needs to run on.
type RuntimePlatform struct{ CPUArchitecture, OSFamily string }

// ContainerDefinition describes one container of a task. Pointers are optional
// values that AWS does not fill in.
type ContainerDefinition struct {
	Name, Image            string
	CredentialsParameter   string // repositoryCredentials
	CPU                    int32
	Memory                 *int32 // MiB
	MemoryReservation      *int32 // MiB
	PortMappings           []PortMapping
	Essential              bool
	Restart                *RestartPolicy
	EntryPoint             []string
	Command                []string
	Environment            []NameValue
	EnvironmentFiles       []string // ARNs of objects in S3
	MountPoints            []MountPoint
	VolumesFrom            []VolumeFrom
	Linux                  *LinuxParameters
	Secrets                []NameValue // Value is valueFrom
	DependsOn              []Dependency
	StartTimeout           *int32 // seconds
	StopTimeout            *int32 // seconds
	VersionConsistency     string
	User                   string
	WorkingDirectory       string
	ReadonlyRootFilesystem *bool
	Privileged             *bool // never true: refused
	Interactive            *bool // never true: refused
	PseudoTerminal         *bool
	DockerLabels           map[string]string
	Ulimits                []Ulimit
	Log                    *LogConfiguration
	HealthCheck            *HealthCheck
	SystemControls         []NameValue
}

// NameValue is a name and a value, of environment variables and the like.
type NameValue struct{ Name, Value string }

// PortMapping is a port that a container listens on.
type PortMapping struct {
	ContainerPort, HostPort *int32
	Protocol                string // tcp or udp
	Name, AppProtocol       string
	ContainerPortRange      string
}

// RestartPolicy restarts a container by itself when it ends.
type RestartPolicy struct {
	Enabled          bool
	IgnoredExitCodes []int32
	AttemptPeriod    *int32 // seconds
}

// MountPoint puts a volume of the task into a container.
type MountPoint struct {
	SourceVolume, ContainerPath string
	ReadOnly                    *bool
}

// VolumeFrom takes over the mounts of another container.
type VolumeFrom struct {
	SourceContainer string
	ReadOnly        *bool
}

// LinuxParameters are Linux-specific options of a container.
type LinuxParameters struct {
	CapAdd, CapDrop []string
	HasCapabilities bool
	Init            *bool
	Tmpfs           []Tmpfs
}

// Tmpfs is a file system in memory.
type Tmpfs struct {
	ContainerPath string
	Size          int32 // MiB
	MountOptions  []string
}

// Dependency delays a container until another has reached a condition.
type Dependency struct {
	ContainerName, Condition string // START, COMPLETE, SUCCESS or HEALTHY
}

// Ulimit is a limit of a container's processes.
type Ulimit struct {
	Name       string
	Soft, Hard int32
}

// LogConfiguration says where a container's output goes.
type LogConfiguration struct {
	Driver  string
	Options map[string]string
}

// HealthCheck is a command that tells whether a container is healthy; times in seconds.
type HealthCheck struct {
	Command                    []string
	Interval, Timeout, Retries int32
	StartPeriod                *int32
}

// ARN is the ARN of the revision.
func (d *TaskDefinition) ARN() string {
	return ECSARN(d.Account, d.Region, "task-definition/"+d.Family+":"+strconv.Itoa(d.Revision))
}

// Container returns the definition of the named container.
func (d *TaskDefinition) Container(name string) (ContainerDefinition, bool) {
	for _, c := range d.Containers {
		if c.Name == name {
			return c, true
		}
	}
	return ContainerDefinition{}, false
}

// TaskDefinitionKey is the key of a revision; the number is padded so that keys
// sort by revision.
func TaskDefinitionKey(account, region, family string, revision int) string {
	digits := strconv.Itoa(revision)
	return Key(account, region, family+":"+strings.Repeat("0", max(0, 10-len(digits)))+digits)
}

// TaskDefinitions holds task definitions by account/region/family:revision.
var TaskDefinitions = store.Define("ecs.taskdefinition", func(d *TaskDefinition) string {
	return TaskDefinitionKey(d.Account, d.Region, d.Family, d.Revision)
})

// TaskDefinitionFamily remembers the last revision of a family that was ever
// used, for numbers are never used again.
type TaskDefinitionFamily struct {
	Account, Region, Name string

	LastRevision int
}

// TaskDefinitionFamilies holds families by account/region/name.
var TaskDefinitionFamilies = store.Define("ecs.family", func(f *TaskDefinitionFamily) string {
	return Key(f.Account, f.Region, f.Name)
})
