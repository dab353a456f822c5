package deployment

import "time"

// Breaker is the deploymentCircuitBreaker of a service.
type Breaker struct {
	Enable, Rollback bool
}

// Threshold is how many failed tasks trip the circuit breaker of a service
// with so many desired tasks: half of them, at least 3 and at most 200.
func Threshold(desired int) int { return min(max((desired+1)/2, 3), 200) }

// Backoff is how long to wait after the given number of failed tasks in a row
// before the next launch. A service of many tasks fails many at once, so whole
// rounds count.
func (p Pace) Backoff(failed, desired int) time.Duration {
	if failed <= 0 {
		return 0
	}
	rounds := (failed + max(desired, 1) - 1) / max(desired, 1)
	wait := p.BackoffFirst
	for range rounds - 1 {
		if wait >= p.BackoffMax {
			break
		}
		wait *= 2
	}
	return min(wait, p.BackoffMax)
}

// Inconsistent reports whether so many failed tasks deserve the event that the
// service is unable to consistently start tasks.
func Inconsistent(failed, desired int) bool { return failed >= Threshold(desired) }

// trip lets the circuit breaker or an alarm fail the PRIMARY deployment, and puts the
// last completed one in its place when they roll back. It reports whether the
// PRIMARY deployment changed.
func trip(s Service, p *Plan) bool {
	primary := &p.Deployments[0]
	cause, rollback := "circuit breaker", s.Breaker.Rollback
	switch {
	case primary.Rollout != InProgress:
		return false
	case s.Breaker.Enable && primary.FailedTasks >= Threshold(s.Desired):
		primary.Reason = ReasonTripped
		p.Notes = append(p.Notes, EventFailed(s.Name, primary.ID))
	case s.Alarms.fired(*primary):
		primary.Reason = ReasonAlarm
		p.Notes = append(p.Notes, EventAlarm(s.Name, primary.ID))
		cause, rollback = "alarm", s.Alarms.Rollback
	default:
		return false
	}
	primary.Rollout = Failed
	if !rollback {
		return false
	}
	for i, d := range p.Deployments[1:] {
		if !d.WasCompleted {
			continue
		}
		d.Rollout, d.Reason, d.FailedTasks = InProgress, ReasonRollback(cause, d.ID), 0
		d.Ignored, d.SettledAt = s.Alarms.Firing, time.Time{}
		d.CrashedTasks = 0
		rest := append(append([]Deployment(nil), p.Deployments[:i+1]...), p.Deployments[i+2:]...)
		p.Deployments = append([]Deployment{d}, rest...)
		p.Notes = append(p.Notes, EventRollback(s.Name, d.ID))
		return true
	}
	return false
}
