package hosted

import (
	"strings"

	"github.com/neargate/neargate/internal/healthcheck"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// maxDepth is how many aliases to aliases are followed.
const maxDepth = 8

// judge says which record sets are healthy, at one moment.
type judge struct {
	tx        *store.Tx
	balancers map[string]*state.LoadBalancer // by DNS name; nil until somebody asks
}

func newJudge(tx *store.Tx) *judge { return &judge{tx: tx} }

// healthy reports whether a record set may answer: its health check passes, and so
// does what it stands for, when that is to be evaluated.
func (j *judge) healthy(r *state.RecordSet, depth int) bool {
	if r.HealthCheckID != "" && !CheckHealthy(j.tx, r.HealthCheckID) {
		return false
	}
	if r.Alias != nil && r.Alias.EvaluateTargetHealth {
		return j.target(r, depth)
	}
	return true
}

// target reports whether what an alias stands for is healthy: one of the record
// sets of the same zone, or a load balancer.
func (j *judge) target(r *state.RecordSet, depth int) bool {
	name := aliasName(r.Alias)
	if r.Alias.HostedZoneID == r.ZoneID {
		if depth >= maxDepth {
			return true
		}
		for other := range state.RecordSets.All(j.tx, state.RecordSetPrefix(r.ZoneID, r.Alias.DNSName, r.Type)) {
			if other.Key() != r.Key() && j.healthy(other, depth+1) {
				return true
			}
		}
		return false
	}
	if !strings.HasSuffix(name, ".elb.amazonaws.com") {
		return true // interface endpoints have no health that anybody asks for
	}
	return j.balancer(name)
}

// balancer reports whether a load balancer counts as healthy: each of its target
// groups has a healthy target.
func (j *judge) balancer(name string) bool {
	if j.balancers == nil {
		j.balancers = map[string]*state.LoadBalancer{}
		for b := range state.LoadBalancers.All(j.tx, "") {
			j.balancers[strings.ToLower(b.DNSName)] = b
		}
	}
	b, ok := j.balancers[name]
	if !ok || b.Status == state.LoadBalancerDeleting {
		return false
	}
	for l := range state.Listeners.By(j.tx, "load-balancer", b.Key()) {
		for rule := range state.ListenerRules.By(j.tx, "listener", l.Key()) {
			for _, a := range rule.Actions {
				for _, g := range a.TargetGroups {
					if !j.group(g.ARN) {
						return false
					}
				}
			}
		}
	}
	return true
}

func (j *judge) group(arn string) bool {
	for g := range state.TargetGroups.By(j.tx, "arn", arn) {
		for t := range state.Targets.By(j.tx, "group", g.Key()) {
			if t.Health == state.TargetHealthy {
				return true
			}
		}
	}
	return false
}

// CheckHealthy reports whether a health check of Route 53 counts as healthy. One that
// is gone does, and one that nobody has asked yet.
func CheckHealthy(tx *store.Tx, id string) bool {
	for h := range state.DNSHealthChecks.By(tx, "id", id) {
		return verdict(tx, h) != h.Config.IsInverted()
	}
	return true
}

// verdict is a health check's outcome before it is inverted.
func verdict(tx *store.Tx, h *state.DNSHealthCheck) bool {
	well := 0
	switch {
	case h.Config.IsDisabled():
		return true
	case h.Config.Type == "CALCULATED":
		for _, child := range h.Config.ChildHealthChecks { // none of which is calculated
			if CheckHealthy(tx, child) {
				well++
			}
		}
		return h.Config.HealthThreshold == nil || well >= int(*h.Config.HealthThreshold)
	}
	regions := h.Config.Regions
	if regions == nil {
		regions = healthcheck.Regions
	}
	for _, region := range regions {
		if o, ok := state.DNSHealthCheckOpinions.Get(tx, h.ID+"/"+region); !ok || !o.Failing {
			well++
		}
	}
	return healthcheck.Healthy(well, len(regions))
}
