package elbv2

import (
	"context"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/reconcile"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// groupPath is the path of the target group that a target's path begins with.
func groupPath(path string) string {
	return strings.Join(strings.SplitN(path, "/", 3)[:2], "/")
}

// settle brings the targets of one group up to date with what uses it, removes
// those that have drained, and lets the load balancer see them.
func (s *Service) settle(ctx context.Context, key string) (reconcile.Result, error) {
	var next time.Duration
	var users []string
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		account, region, _ := state.SplitKey(key)
		q := scope{tx, account, region}
		g, ok := state.TargetGroups.Get(tx, key)
		if !ok {
			return nil
		}
		users = q.usersOf(g.ARN())
		next = 0
		for t := range state.Targets.By(tx, "group", key) {
			if t.Draining() {
				left := t.DrainsUntil.Sub(s.Now())
				if left <= 0 || len(users) == 0 || s.drained(t, users) {
					state.Targets.Delete(tx, t.Key())
				} else if left = min(left, drainLook); next == 0 || left < next {
					next = left
				}
				continue
			}
			q.use(g, t, users, s.Now())
		}
		return nil
	})
	account, region, _ := state.SplitKey(key)
	for _, path := range users {
		s.balancers.Add(state.Key(account, region, path))
	}
	return reconcile.Result{After: next}, err
}

// drainLook is how often a draining target is looked at: it may have no requests left.
const drainLook = 500 * time.Millisecond

// use sets whether a target is used, as AWS words it.
func (q scope) use(g *state.TargetGroup, t *state.Target, users []string, now time.Time) {
	reason, description := "", ""
	switch {
	case len(users) == 0:
		reason, description = "Target.NotInUse", descriptionNotInUse
	case !q.hasZone(users[0], q.zoneOf(g, t)):
		reason, description = "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"
	}
	health := state.TargetUnused
	if reason == "" {
		if t.Health != state.TargetUnused {
			return
		}
		health, reason, description = state.TargetInitial, "Elb.RegistrationInProgress", descriptionRegistering
	}
	if t.Health == health && t.Description == description {
		return
	}
	state.Targets.Update(q.tx, t.Key(), func(t *state.Target) {
		t.Health, t.Reason, t.Description, t.HealthSince = health, reason, description, now
	})
}

// hasZone reports whether a load balancer serves a zone.
func (q scope) hasZone(path, zone string) bool {
	b, ok := state.LoadBalancers.Get(q.tx, q.key(path))
	if !ok || zone == "all" {
		return ok
	}
	for _, n := range b.Subnets {
		if n.AvailabilityZone == zone {
			return true
		}
	}
	return false
}
