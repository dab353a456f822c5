package deployment

import "time"

// Plan is what to do now.
type Plan struct {
	// Start is how many tasks of the PRIMARY deployment to launch; Replacing
	// is how many of them stand in for unhealthy ones.
	Start, Replacing int
	Stop             []string // ids of tasks to stop, in this order
	// Deployments is the new list: PRIMARY first, one entry when complete.
	Deployments []Deployment
	// Notes are events to tell, as texts of AWS's (see events.go).
	Notes []string
	// Steady says that the service has reached a steady state; the note for it
	// is among Notes when it was not steady before.
	Steady bool
	// Blocked says that the deployment configuration allows neither start nor stop.
	Blocked bool
	// Gone says that a draining service has no task left.
	Gone bool
	// Again is when to look again though nothing happens; zero for never.
	Again time.Duration
}

// Next plans the next step of the service at the time now.
func Next(s Service, now time.Time, pace Pace) Plan {
	if s.Draining {
		return drain(s)
	}
	p := Plan{Deployments: append([]Deployment(nil), s.Deployments...)}
	if len(p.Deployments) == 0 {
		return p
	}
	c := count(s, p.Deployments[0].ID, now, pace)
	p.Again = c.again
	forgive(&p.Deployments[0], c.healthyNew)
	if trip(s, &p) {
		c = count(s, p.Deployments[0].ID, now, pace)
	}
	start(s, &p, c, now, pace)
	stop(s, &p, c)
	p.Blocked = p.Start == 0 && len(p.Stop) == 0 && c.blocked(s)
	finish(s, &p, c, now)
	return p
}

// forgive resets the count of failed tasks when another task became healthy.
func forgive(d *Deployment, healthy int) {
	if healthy > d.HealthyTasks {
		d.FailedTasks, d.CrashedTasks = 0, 0
	}
	d.HealthyTasks = healthy
}

// drain stops every task of a deleted service at once.
func drain(s Service) Plan {
	p := Plan{Deployments: s.Deployments, Gone: len(s.Tasks) == 0}
	for _, t := range s.Tasks {
		if t.Phase != Stopping {
			p.Stop = append(p.Stop, t.ID)
		}
	}
	return p
}

// counts are the tasks of a service, sorted. Tasks that are stopping are in none.
type counts struct {
	news, olds []Task // of the PRIMARY deployment, and of all others
	rank       map[string]standing
	healthy    int // of all deployments
	healthyNew int
	sickNew    int // unhealthy ones of the PRIMARY deployment
	again      time.Duration
}

func count(s Service, primary string, now time.Time, pace Pace) counts {
	c := counts{rank: make(map[string]standing, len(s.Tasks))}
	for _, t := range s.Tasks {
		if t.Phase == Stopping {
			continue
		}
		rank := pace.standing(t, now)
		c.rank[t.ID] = rank
		if rank == healthy {
			c.healthy++
		}
		if rank == warming && t.Health == Unchecked {
			c.again = sooner(c.again, t.RunningAt.Add(pace.HealthyAfter).Sub(now))
		}
		if t.Deployment != primary {
			c.olds = append(c.olds, t)
			continue
		}
		c.news = append(c.news, t)
		switch rank {
		case healthy:
			c.healthyNew++
		case unhealthy:
			c.sickNew++
		}
	}
	return c
}

func (c counts) alive() int { return len(c.news) + len(c.olds) }

// missing is how many tasks the PRIMARY deployment lacks, unhealthy ones not counted.
func (c counts) missing(s Service) int { return max(0, s.Desired-(len(c.news)-c.sickNew)) }

// blocked says that tasks are missing and that only healthy tasks stand in the
// way, so that waiting will not help.
func (c counts) blocked(s Service) bool {
	if c.missing(s) == 0 || c.alive() < s.Upper() {
		return false
	}
	for _, rank := range c.rank {
		if rank != healthy {
			return false
		}
	}
	return len(c.olds) > 0
}

func start(s Service, p *Plan, c counts, now time.Time, pace Pace) {
	primary := p.Deployments[0]
	want := min(c.missing(s), s.Upper()-c.alive())
	if want <= 0 || primary.Rollout == Failed {
		return
	}
	failures := primary.FailedTasks + primary.CrashedTasks
	if wait := pace.Backoff(failures, s.Desired) - now.Sub(primary.LastFailure); failures > 0 && wait > 0 {
		p.Again = sooner(p.Again, wait)
		return
	}
	p.Start = want
	p.Replacing = min(want, c.sickNew)
}

// finish completes the PRIMARY deployment when it stands alone and its alarms have
// been watched for long enough, and tells the steady state.
func finish(s Service, p *Plan, c counts, now time.Time) {
	primary := &p.Deployments[0]
	settled := len(c.olds) == 0 && len(c.news) == s.Desired && c.healthyNew == s.Desired && primary.Rollout != Failed
	if !settled {
		return
	}
	if left, bakes := s.Alarms.bakes(primary, now); bakes {
		p.Again = sooner(p.Again, left)
		return
	}
	if primary.Rollout == InProgress {
		primary.Rollout, primary.WasCompleted, primary.Reason = Completed, true, ReasonCompleted(primary.ID)
		p.Notes = append(p.Notes, EventCompleted(s.Name, primary.ID))
	}
	primary.FailedTasks, primary.CrashedTasks = 0, 0
	p.Deployments = p.Deployments[:1]
	p.Steady = true
	if !s.WasSteady {
		p.Notes = append(p.Notes, EventSteady(s.Name))
	}
}

func sooner(a, b time.Duration) time.Duration {
	if a <= 0 || b < a {
		return max(b, time.Millisecond)
	}
	return a
}
