package ecs

import (
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
)

// serviceParts are what CreateService and UpdateService have in common and what
// is refused, by name, or checked.
type serviceParts struct {
	volumes, lattice, gateways, constraints, strategies int
	monitoring, exec                                    bool
	desired                                             *int32
	rebalancing                                         ecsapi.AvailabilityZoneRebalancing
}

func refuseService(p serviceParts) error {
	switch {
	case p.volumes > 0:
		return unsupported("volumeConfigurations (Amazon EBS)")
	case p.lattice > 0:
		return unsupported("vpcLatticeConfigurations")
	case p.gateways > 0:
		return unsupported("gatewayConnectors")
	case p.monitoring:
		return unsupported("monitoring")
	case p.rebalancing == ecsapi.AvailabilityZoneRebalancingEnabled:
		return unsupported("availabilityZoneRebalancing")
	case p.exec:
		return unsupported("enableExecuteCommand")
	case p.constraints > 0:
		return invalid("Placement constraints are not supported with FARGATE launch type.")
	case p.strategies > 0:
		return invalid("Placement strategies are not supported with FARGATE launch type.")
	case p.desired != nil && (*p.desired < 0 || *p.desired > 5000):
		return invalid("desiredCount must be between 0 and 5000.")
	}
	return nil
}

// setDeploymentConfiguration puts what is given over the configuration of the service.
func setDeploymentConfiguration(svc *state.Service, in *ecsapi.DeploymentConfiguration) error {
	if in == nil {
		return nil
	}
	switch {
	case in.Alarms != nil && len(in.Alarms.AlarmNames) > maxAlarms:
		return invalid("The number of alarm names must not exceed 10.")
	case in.Strategy != "" && in.Strategy != ecsapi.DeploymentStrategyRolling:
		return unsupported("the deployment strategy " + string(in.Strategy))
	case len(in.LifecycleHooks) > 0:
		return unsupported("deploymentConfiguration.lifecycleHooks")
	case in.BakeTimeInMinutes != nil && *in.BakeTimeInMinutes != 0:
		return unsupported("deploymentConfiguration.bakeTimeInMinutes")
	case in.LinearConfiguration != nil, in.CanaryConfiguration != nil:
		return unsupported("linear and canary deployments")
	case in.EarlySuccessCriteria != nil:
		return unsupported("deploymentConfiguration.earlySuccessCriteria")
	case in.MaximumPercent != nil && *in.MaximumPercent < 100:
		return invalid("Invalid maximumPercent: must be at least 100.")
	case in.MinimumHealthyPercent != nil && *in.MinimumHealthyPercent < 0:
		return invalid("Invalid minimumHealthyPercent: must not be negative.")
	}
	if in.MaximumPercent != nil {
		svc.MaximumPercent = int(*in.MaximumPercent)
	}
	if in.MinimumHealthyPercent != nil {
		svc.MinimumHealthyPercent = int(*in.MinimumHealthyPercent)
	}
	if svc.MaximumPercent == 100 && svc.MinimumHealthyPercent > 100 {
		return invalid("minimumHealthyPercent must not exceed maximumPercent.")
	}
	if a := in.Alarms; a != nil {
		svc.Alarms = &state.DeploymentAlarms{Enable: a.Enable, Rollback: a.Rollback, Names: a.AlarmNames}
	}
	if b := in.DeploymentCircuitBreaker; b != nil {
		if b.ResetOnHealthyTask != nil && !*b.ResetOnHealthyTask || b.ThresholdConfiguration != nil {
			return unsupported("deploymentCircuitBreaker.thresholdConfiguration and resetOnHealthyTask")
		}
		svc.Breaker = &state.CircuitBreaker{Enable: b.Enable, Rollback: b.Rollback}
	}
	return nil
}
