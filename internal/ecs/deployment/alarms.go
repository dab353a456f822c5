package deployment

import (
	"slices"
	"time"
)

// Alarms are the alarms of CloudWatch that watch the deployments of a service.
type Alarms struct {
	Enable, Rollback bool
	Firing           []string      // names of those that are in ALARM
	Bake             time.Duration // how long they are watched once all tasks are there
}

// fired says whether an alarm went off since a deployment began.
func (a Alarms) fired(d Deployment) bool {
	return a.Enable && slices.ContainsFunc(a.Firing, func(name string) bool { return !slices.Contains(d.Ignored, name) })
}

// bakes says whether the alarms of a settled deployment are still to be watched, and
// when to look again.
func (a Alarms) bakes(d *Deployment, now time.Time) (time.Duration, bool) {
	if !a.Enable || d.Rollout != InProgress {
		return 0, false
	}
	if d.SettledAt.IsZero() {
		d.SettledAt = now
	}
	left := d.SettledAt.Add(a.Bake).Sub(now)
	return left, left > 0
}
