package deployment

import "time"

// Phase is how far a task is, as the scheduler sees it.
type Phase int

// The phases of a task, in order.
const (
	Pending  Phase = iota // PROVISIONING, PENDING or ACTIVATING
	Running               // RUNNING
	Stopping              // desired status STOPPED, not yet STOPPED
)

// Health is what health checks say of a task.
type Health int

// The states of health. A task without any check is Unchecked.
const (
	Unchecked Health = iota
	Unknown          // a check is defined and has not answered yet
	Healthy
	Unhealthy
)

// Task is a task of the service that is not STOPPED.
type Task struct {
	ID         string
	Deployment string
	Zone       string
	Phase      Phase
	Health     Health
	RunningAt  time.Time // when it became RUNNING; zero before
	CreatedAt  time.Time
}

// Rollout is the rolloutState of a deployment.
type Rollout string

// The values of rolloutState.
const (
	InProgress Rollout = "IN_PROGRESS"
	Completed  Rollout = "COMPLETED"
	Failed     Rollout = "FAILED"
)

// Deployment is one deployment of the service. The first of a service is
// PRIMARY, the others are ACTIVE and drain towards nothing.
type Deployment struct {
	ID      string
	Rollout Rollout
	Reason  string // rolloutStateReason
	// WasCompleted says that this deployment was COMPLETED once, so that the
	// circuit breaker can roll back to it.
	WasCompleted bool
	// FailedTasks counts tasks that failed since one was last seen healthy.
	FailedTasks int
	// CrashedTasks counts tasks that ended by themselves before they were
	// healthy, likewise. They slow launches down but do not trip the circuit breaker.
	CrashedTasks int
	// LastFailure is when the latest of both failed.
	LastFailure time.Time
	// Ignored are the alarms that were in ALARM when it began: they do not count for it.
	Ignored []string
	// SettledAt is when all its tasks were there first; zero before. Alarms are
	// watched for a while longer.
	SettledAt time.Time
	// HealthyTasks is how many tasks the last plan saw healthy; one more than
	// that forgives the failures.
	HealthyTasks int
}

// Service is what the planner knows of a service.
type Service struct {
	Name                  string
	Desired               int
	MinimumHealthyPercent int
	MaximumPercent        int
	Breaker               Breaker
	Alarms                Alarms
	Deployments           []Deployment // PRIMARY first, then the older ones, newest first
	Tasks                 []Task
	Draining              bool // the service is being deleted
	WasSteady             bool // the last plan found a steady state
}

// Pace is how long the waits are that AWS makes without need.
type Pace struct {
	// HealthyAfter is how long a task without health checks must be RUNNING
	// before it counts as healthy.
	HealthyAfter time.Duration
	// BackoffFirst and BackoffMax bound the wait after launches that failed.
	BackoffFirst, BackoffMax time.Duration
}

// The two paces: AWS's own, and the one for people who are waiting.
var (
	AWSPace  = Pace{HealthyAfter: 40 * time.Second, BackoffFirst: 10 * time.Second, BackoffMax: 15 * time.Minute}
	FastPace = Pace{HealthyAfter: 500 * time.Millisecond, BackoffFirst: 500 * time.Millisecond, BackoffMax: 10 * time.Second}
)

// Lower is how many healthy tasks a deployment keeps. More than 100 percent
// would keep old tasks for ever, so it counts as 100.
func (s Service) Lower() int {
	if s.Draining {
		return 0
	}
	return min(s.Desired, (s.Desired*s.MinimumHealthyPercent+99)/100)
}

// Upper is how many tasks may be pending or running during a deployment.
func (s Service) Upper() int { return s.Desired * s.MaximumPercent / 100 }

// standing sorts a task by what stopping it would cost.
type standing int

const (
	unhealthy standing = iota // failed its check
	pending                   // not RUNNING yet
	warming                   // RUNNING, not long enough or not checked yet
	healthy
)

func (p Pace) standing(t Task, now time.Time) standing {
	switch {
	case t.Health == Unhealthy:
		return unhealthy
	case t.Phase == Pending:
		return pending
	case t.Health == Healthy:
		return healthy
	case t.Health == Unchecked && now.Sub(t.RunningAt) >= p.HealthyAfter:
		return healthy
	}
	return warming
}
