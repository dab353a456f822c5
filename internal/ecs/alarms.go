package ecs

import (
	"slices"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// maxAlarms is how many alarms may watch the deployments of a service.
const maxAlarms = 10

// alarms are those that watch a service's deployments. They are watched for as long as
// the longest of them looks back once all tasks are there. An alarm that is not there
// never goes off.
func alarms(tx *store.Tx, svc *state.Service) deployment.Alarms {
	if svc.Alarms == nil || !svc.Alarms.Enable {
		return deployment.Alarms{}
	}
	out := deployment.Alarms{Enable: true, Rollback: svc.Alarms.Rollback}
	for _, name := range svc.Alarms.Names {
		a, ok := state.Alarms.Get(tx, state.Key(svc.Account, svc.Region, name))
		if !ok {
			continue
		}
		if a.State == "ALARM" {
			out.Firing = append(out.Firing, name)
		}
		period := a.Metric.Period
		for _, q := range a.Metrics {
			if q.Metric != nil {
				period = q.Metric.Period
			}
		}
		out.Bake = max(out.Bake, time.Duration(period)*time.Duration(a.EvaluationPeriods)*time.Second)
	}
	return out
}

// alarmed returns the services whose deployments an alarm watches.
func alarmed(tx *store.Tx, key string) []string {
	account, region, name := state.SplitKey(key)
	var out []string
	for svc := range state.Services.All(tx, state.Prefix(account, region)) {
		if svc.Alarms != nil && svc.Alarms.Enable && slices.Contains(svc.Alarms.Names, name) {
			out = append(out, svc.Key())
		}
	}
	return out
}

func describeAlarms(a *state.DeploymentAlarms) *ecsapi.DeploymentAlarms {
	if a == nil {
		return nil
	}
	return &ecsapi.DeploymentAlarms{AlarmNames: a.Names, Enable: a.Enable, Rollback: a.Rollback}
}

// triggered are the alarms that are in ALARM and were not when a deployment began.
func triggered(tx *store.Tx, svc *state.Service, d state.Deployment) []string {
	return slices.DeleteFunc(alarms(tx, svc).Firing, func(name string) bool { return slices.Contains(d.IgnoredAlarms, name) })
}

// describeMonitor tells what the alarms of a service say of one of its deployments.
func describeMonitor(tx *store.Tx, svc *state.Service, d state.Deployment) *ecsapi.ServiceDeploymentAlarms {
	if svc.Alarms == nil || !svc.Alarms.Enable {
		return &ecsapi.ServiceDeploymentAlarms{Status: "DISABLED"}
	}
	out := &ecsapi.ServiceDeploymentAlarms{Status: "MONITORING", AlarmNames: svc.Alarms.Names}
	switch {
	case d.RolloutReason == deployment.ReasonAlarm:
		out.Status, out.TriggeredAlarmNames = "TRIGGERED", triggered(tx, svc, d)
	case d.RolloutState != string(deployment.InProgress):
		out.Status = "MONITORING_COMPLETE"
	}
	return out
}
