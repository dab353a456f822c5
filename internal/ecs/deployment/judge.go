package deployment

import "time"

// Checks are all that is known about the health of a task.
type Checks struct {
	Container Health // Unchecked without a health check
	Targets   []TargetHealth
	Awaited   bool // Service Connect does not send to it yet
	// RunningAt is when the task became RUNNING; Grace is how long from then
	// nothing that is unhealthy counts (healthCheckGracePeriodSeconds).
	RunningAt time.Time
	Grace     time.Duration
}

// TargetHealth is what a target group says of a task.
type TargetHealth struct {
	Group  string // ARN
	Port   int
	Health Health // Unknown until the first checks are through, and while it drains
	Reason string // in AWS's words, of an unhealthy one
}

// Verdict is what a task's checks come to.
type Verdict struct {
	Health Health
	// Failed is the target group that the task is unhealthy in; nil when its
	// containers are.
	Failed *TargetHealth
	// Again is when the grace period ends that hides a failure; zero without.
	Again time.Duration
}

// Judge weighs the checks of a task at the time now: it is healthy when all of
// them say so, and unhealthy when one does and its grace period is over. Nothing
// is known of a task that is awaited.
func (c Checks) Judge(now time.Time) Verdict {
	v := Verdict{Health: c.Container}
	for i, t := range c.Targets {
		if t.Health == Unhealthy && v.Health != Unhealthy {
			v.Health, v.Failed = Unhealthy, &c.Targets[i]
		}
	}
	if v.Health == Unhealthy {
		if left := c.RunningAt.Add(c.Grace).Sub(now); c.Grace > 0 && (c.RunningAt.IsZero() || left > 0) {
			return Verdict{Health: Unknown, Again: max(left, 0)}
		}
		return v
	}
	for _, t := range c.Targets {
		switch {
		case t.Health != Healthy:
			v.Health = Unknown
		case v.Health == Unchecked:
			v.Health = Healthy
		}
	}
	if c.Awaited {
		v.Health = Unknown
	}
	return v
}
