package agent

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/neargate/neargate/internal/fault"
	"github.com/neargate/neargate/internal/state"
)

// Registries registers tasks with services of Cloud Map, as instances with the
// task's id, and takes them out. Satisfied by servicediscovery. All may be
// repeated, and return when it is done. Errors with an ErrorCode method are AWS's.
type Registries interface {
	RegisterInstance(ctx context.Context, account, region, registry, instance string, attributes map[string]string) error
	DeregisterInstance(ctx context.Context, account, region, registry, instance string) error
	SetInstanceHealth(ctx context.Context, account, region, registry, instance, health string) error
}

// enlist registers the task with Cloud Map before it is RUNNING. When Cloud Map
// does not take it, the task stays as it is and is tried again.
func (a *Agent) enlist(ctx context.Context, t *state.Task) error {
	if len(t.Registries) == 0 || !t.EnlistedAt.IsZero() {
		return nil
	}
	health := ""
	for _, r := range t.Registries {
		attributes, initial := a.instanceAttributes(t, r)
		fault.Point("agent.enlist.before")
		if err := a.Registries.RegisterInstance(ctx, t.Account, t.Region, r.ARN, t.ID, attributes); err != nil {
			problem := r.ARN + " " + clip(err.Error())
			if t.RegistryProblem != problem && ctx.Err() == nil {
				err = errors.Join(err, a.update(ctx, t, func(rec *state.Task) { rec.RegistryProblem = problem }))
			}
			return err
		}
		health = initial
	}
	fault.Point("agent.enlist.after")
	return a.update(ctx, t, func(r *state.Task) {
		r.EnlistedAt, r.RegistryProblem, r.RegistryHealth = time.Now(), "", health
	})
}

// instanceAttributes are those that ECS registers a task with, and the health that
// they begin with; "" when nobody tells it.
func (a *Agent) instanceAttributes(t *state.Task, r state.ServiceRegistry) (attributes map[string]string, health string) {
	attributes = map[string]string{
		"AWS_INSTANCE_IPV4": t.Interface.PrivateIP, "AVAILABILITY_ZONE": t.Zone, "REGION": t.Region,
		"ECS_CLUSTER_NAME": t.Cluster, "ECS_SERVICE_NAME": t.Service, "ECS_TASK_DEFINITION_FAMILY": a.definition(t).Family,
	}
	if t.Interface.IPv6 != "" {
		attributes["AWS_INSTANCE_IPV6"] = t.Interface.IPv6
	}
	if port := r.InstancePort(); port != 0 {
		attributes["AWS_INSTANCE_PORT"] = strconv.Itoa(int(port))
	}
	if v, ok := state.DiscoveryServiceByARN(a.DB.Read(), t.Account, t.Region, r.ARN); ok && v.CustomHealth {
		health = state.InstanceHealthy
		for _, c := range a.definition(t).Containers {
			if hasCheck(c) && t.HealthStatus != "HEALTHY" {
				health = state.InstanceUnhealthy
			}
		}
		attributes["AWS_INIT_HEALTH_STATUS"] = health
	}
	return attributes, health
}

// tellHealth tells Cloud Map what the task's health checks came to since it was
// told last.
func (a *Agent) tellHealth(ctx context.Context, t *state.Task) error {
	if t.EnlistedAt.IsZero() || t.RegistryHealth == "" || t.HealthStatus == "UNKNOWN" || t.HealthStatus == t.RegistryHealth {
		return nil
	}
	for _, r := range t.Registries {
		err := a.Registries.SetInstanceHealth(ctx, t.Account, t.Region, r.ARN, t.ID, t.HealthStatus)
		var answer interface{ ErrorCode() string }
		if err != nil && !errors.As(err, &answer) { // an answer is that the instance is not there any more
			return err
		}
	}
	return a.update(ctx, t, func(r *state.Task) { r.RegistryHealth = t.HealthStatus })
}

// delist takes the task out of Cloud Map.
func (a *Agent) delist(ctx context.Context, t *state.Task) error {
	for _, r := range t.Registries {
		fault.Point("agent.delist.before")
		err := a.Registries.DeregisterInstance(ctx, t.Account, t.Region, r.ARN, t.ID)
		var answer interface{ ErrorCode() string }
		if errors.As(err, &answer) && (answer.ErrorCode() == "InstanceNotFound" || answer.ErrorCode() == "ServiceNotFound") {
			continue // it is not there
		}
		if err != nil {
			return err
		}
	}
	return nil
}
