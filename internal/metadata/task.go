package metadata

import "time"

// Task is a task as its metadata endpoint describes it. Times are UTC; what is
// not set is left out where AWS leaves it out.
type Task struct {
	Cluster               string // ARN on Fargate
	TaskARN               string
	Family                string
	Revision              string
	ServiceName           string `json:",omitempty"`
	DesiredStatus         string
	KnownStatus           string
	Limits                *TaskLimits `json:",omitempty"`
	PullStartedAt         time.Time   `json:",omitzero"`
	PullStoppedAt         time.Time   `json:",omitzero"`
	ExecutionStoppedAt    time.Time   `json:",omitzero"`
	AvailabilityZone      string      `json:",omitempty"`
	AvailabilityZoneID    string      `json:",omitempty"`
	LaunchType            string      `json:",omitempty"`
	Containers            []Container
	VPCID                 string            `json:",omitempty"`
	TaskTags              map[string]string `json:",omitempty"` // shown by taskWithTags only
	Errors                []TagError        `json:",omitempty"` // why there are no tags; shown by taskWithTags only
	ClockDrift            *ClockDrift       `json:",omitempty"`
	EphemeralStorage      *EphemeralStorage `json:"EphemeralStorageMetrics,omitempty"`
	FaultInjectionEnabled bool
}

// TaskLimits are the sizes of a task.
type TaskLimits struct {
	CPU    float64 `json:",omitempty"` // vCPU
	Memory int64   `json:",omitempty"` // MiB
}

// TagError says why a part of the answer is missing, as the API said it.
type TagError struct {
	ErrorField   string
	ErrorCode    string
	ErrorMessage string
	StatusCode   int
	RequestID    string `json:"RequestId"`
	ResourceARN  string
}

// ClockDrift tells how true the clock is.
type ClockDrift struct {
	ClockErrorBound            float64 // milliseconds
	ReferenceTimestamp         time.Time
	ClockSynchronizationStatus string // SYNCHRONIZED, NOT_SYNCHRONIZED
}

// EphemeralStorage is the task's scratch space, in MiB.
type EphemeralStorage struct {
	Utilized int64
	Reserved int64
}

// Container is a container of a task.
type Container struct {
	DockerID      string `json:"DockerId"` // TASKID-NUMBER; also the last part of its metadata URI
	Name          string
	DockerName    string
	Image         string
	ImageID       string            // sha256:...
	Ports         []Port            `json:",omitempty"`
	Labels        map[string]string `json:",omitempty"`
	DesiredStatus string
	KnownStatus   string
	ExitCode      *int            `json:",omitempty"`
	Limits        ContainerLimits `json:",omitzero"`
	CreatedAt     time.Time       `json:",omitzero"`
	StartedAt     time.Time       `json:",omitzero"`
	FinishedAt    time.Time       `json:",omitzero"`
	Type          string          // NORMAL
	Health        *Health         `json:"Health,omitempty"`
	Volumes       []Volume        `json:",omitempty"`

	// Version 4 only.
	LogDriver    string            `json:",omitempty"`
	LogOptions   map[string]string `json:",omitempty"`
	ContainerARN string            `json:",omitempty"`
	RestartCount *int              `json:",omitempty"`
	Snapshotter  string            `json:",omitempty"`

	Networks []Network `json:",omitempty"`
}

// Port is a port that a container publishes.
type Port struct {
	ContainerPort int
	Protocol      string
	HostPort      int    `json:",omitempty"`
	HostIP        string `json:"HostIp,omitempty"`
}

// ContainerLimits are the sizes of a container: CPU units and MiB.
type ContainerLimits struct {
	CPU    int64
	Memory int64 `json:",omitempty"`
}

// Health is the result of a container's health check.
type Health struct {
	Status   string    `json:"status"`
	Since    time.Time `json:"statusSince,omitzero"`
	ExitCode int       `json:"exitCode,omitempty"`
	Output   string    `json:"output,omitempty"`
}

// Volume is a mount of a container.
type Volume struct {
	DockerName  string `json:",omitempty"`
	Source      string `json:",omitempty"`
	Destination string
}

// Network is the interface of a task as its containers see it.
type Network struct {
	NetworkMode   string // awsvpc
	IPv4Addresses []string
	IPv6Addresses []string `json:",omitempty"`

	// Version 4 only.
	AttachmentIndex      *int     `json:",omitempty"`
	MACAddress           string   `json:",omitempty"`
	IPv4SubnetCIDRBlock  string   `json:",omitempty"`
	IPv6SubnetCIDRBlock  string   `json:",omitempty"`
	DomainNameServers    []string `json:",omitempty"`
	DomainNameSearchList []string `json:",omitempty"`
	PrivateDNSName       string   `json:",omitempty"`
	SubnetGateway        string   `json:"SubnetGatewayIpv4Address,omitempty"` // with the length, as 10.0.1.1/24
}

// older returns the task as version 2 and 3 show it.
func (t Task) older() Task {
	t.LaunchType, t.ServiceName, t.VPCID, t.AvailabilityZoneID = "", "", "", ""
	t.ClockDrift, t.EphemeralStorage = nil, nil
	containers := make([]Container, len(t.Containers))
	for i, c := range t.Containers {
		containers[i] = c.older()
	}
	t.Containers = containers
	return t
}

func (c Container) older() Container {
	c.LogDriver, c.LogOptions, c.ContainerARN, c.RestartCount, c.Snapshotter = "", nil, "", nil, ""
	networks := make([]Network, len(c.Networks))
	for i, n := range c.Networks {
		networks[i] = Network{NetworkMode: n.NetworkMode, IPv4Addresses: n.IPv4Addresses, IPv6Addresses: n.IPv6Addresses}
	}
	c.Networks = networks
	return c
}
