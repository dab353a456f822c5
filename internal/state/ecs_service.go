package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Service is an ECS service. The API writes what is wanted; Deployments'
// progress, Events, Steady and the step from DRAINING to INACTIVE are written by
// the service scheduler.
type Service struct {
	Account, Region, Cluster, Name string

	Status                 string // ACTIVE, DRAINING or INACTIVE
	DesiredCount           int
	LaunchSpec             // of the newest deployment
	MinimumHealthyPercent  int
	MaximumPercent         int
	Breaker                *CircuitBreaker
	Alarms                 *DeploymentAlarms
	ZoneRebalancing        string // ENABLED or DISABLED
	PropagateTags          string
	ManagedTags            bool
	HealthCheckGracePeriod *int32
	Deployments            []Deployment // PRIMARY first
	Past                   []Deployment // those that left the list, newest first
	Events                 []ServiceEvent
	Steady                 bool
	Tags                   []Tag
	CreatedAt              time.Time
	CreatedBy              string
	Tool                   string // the client that made it: caller.Identity.Tool
	DeletedAt              time.Time
	Token                  string // clientToken of CreateService
	Request                string // digest of its parameters
}

// LaunchSpec is what tasks of a service are started with.
type LaunchSpec struct {
	TaskDefinition  string // ARN
	LaunchType      string // FARGATE, or "" with a strategy
	Strategy        []CapacityProviderItem
	PlatformVersion string // as asked for: LATEST or 1.4.0
	Network         TaskNetwork
	LoadBalancers   []ServiceLoadBalancer
	Registries      []ServiceRegistry
	Connect         *ServiceConnect // nil: without Service Connect
}

// ServiceLoadBalancer is a target group in which each task of a service is
// registered, with its address and the port of a container.
type ServiceLoadBalancer struct {
	TargetGroup string // ARN
	Container   string
	Port        int32
}

// TaskNetwork is the awsvpcConfiguration of a task or service.
type TaskNetwork struct {
	Subnets        []string
	SecurityGroups []string
	AssignPublicIP bool
}

// CircuitBreaker is the deploymentCircuitBreaker of a service.
type CircuitBreaker struct{ Enable, Rollback bool }

// DeploymentAlarms are the alarms of CloudWatch that fail the deployments of a service.
type DeploymentAlarms struct {
	Enable, Rollback bool
	Names            []string
}

// Deployment is a deployment of a service, with its progress.
type Deployment struct {
	ID string // ecs-svc/ and 19 digits
	LaunchSpec
	RolloutState  string
	RolloutReason string
	WasCompleted  bool
	FailedTasks   int
	CrashedTasks  int // ended by themselves before they were healthy
	LastFailure   time.Time
	HealthyTasks  int       // how many were healthy when the scheduler last looked
	IgnoredAlarms []string  // in ALARM when it began
	SettledAt     time.Time // when all its tasks were there first
	CreatedAt     time.Time
	UpdatedAt     time.Time
	// Digests pins tags: container name to image digest, written by the first task
	// that pulled it.
	Digests map[string]string
	// Endpoints are what its tasks can reach through Service Connect: those that
	// were there when the deployment began.
	Endpoints []ConnectEndpoint
}

// ServiceEvent is a message about a service.
type ServiceEvent struct {
	ID        string
	CreatedAt time.Time
	Message   string
}

// ARN is the service's ARN.
func (s *Service) ARN() string {
	return ECSARN(s.Account, s.Region, "service/"+s.Cluster+"/"+s.Name)
}

// Key is the service's key.
func (s *Service) Key() string { return Key(s.Account, s.Region, s.Cluster+"/"+s.Name) }

// Services holds services by account/region/cluster/name.
var Services = store.Define("ecs.service", (*Service).Key)
