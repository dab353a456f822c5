package ecs

import (
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// maxLoadBalancers is AWS's quota of target groups of a service.
const maxLoadBalancers = 5

// loadBalancers checks the target groups of a service that runs the task definition.
func (c scope) loadBalancers(tx *store.Tx, d *state.TaskDefinition, in []ecsapi.LoadBalancer) ([]state.ServiceLoadBalancer, error) {
	if len(in) > maxLoadBalancers {
		return nil, invalid("loadBalancers can have at most %d items.", maxLoadBalancers)
	}
	var out []state.ServiceLoadBalancer
	for _, b := range in {
		switch {
		case b.LoadBalancerName != "":
			return nil, unsupported("loadBalancerName (Classic Load Balancers)")
		case b.AdvancedConfiguration != nil:
			return nil, unsupported("loadBalancers.advancedConfiguration")
		case b.TargetGroupArn == "":
			return nil, invalid("Load balancer must have a targetGroupArn.")
		}
		one := state.ServiceLoadBalancer{TargetGroup: b.TargetGroupArn, Container: b.ContainerName}
		if b.ContainerPort != nil {
			one.Port = *b.ContainerPort
		}
		if slices.Contains(out, one) {
			return nil, invalid("The target group %s is given twice for the container %s and its port %d.", one.TargetGroup, one.Container, one.Port)
		}
		if err := checkContainer(d, one); err != nil {
			return nil, err
		}
		if err := c.checkTargetGroup(tx, one.TargetGroup); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// checkContainer wants the container and its port in the task definition.
func checkContainer(d *state.TaskDefinition, b state.ServiceLoadBalancer) error {
	i := slices.IndexFunc(d.Containers, func(con state.ContainerDefinition) bool { return con.Name == b.Container })
	switch {
	case b.Container == "":
		return invalid("Container name cannot be blank.")
	case i < 0:
		return invalid("The container %s does not exist in the task definition.", b.Container)
	}
	if !slices.ContainsFunc(d.Containers[i].PortMappings, func(p state.PortMapping) bool { return p.ContainerPort != nil && *p.ContainerPort == b.Port }) {
		return invalid("The container %s did not have a container port %d defined.", b.Container, b.Port)
	}
	return nil
}

// checkTargetGroup wants a group of IP addresses that a load balancer uses.
func (c scope) checkTargetGroup(tx *store.Tx, arn string) error {
	var group *state.TargetGroup
	for g := range state.TargetGroups.By(tx, "arn", arn) {
		if g.Account == c.Account && g.Region == c.Region {
			group = g
		}
	}
	switch {
	case group == nil:
		return invalid("The specified target group does not exist: %s", arn)
	case group.TargetType != "ip":
		return invalid("The provided target group %s has target type %s, which is incompatible with the awsvpc network mode specified in the task definition.", arn, group.TargetType)
	}
	for range state.ListenerRules.By(tx, "target-group", arn) {
		return nil
	}
	return invalid("The target group with targetGroupArn %s does not have an associated load balancer.", arn)
}

// checkGrace refuses a grace period without a health check that it could put off.
func checkGrace(grace *int32, balancers []state.ServiceLoadBalancer) error {
	switch {
	case grace == nil:
		return nil
	case len(balancers) == 0:
		return invalid("Health check grace period is only valid for services configured to use load balancers")
	case *grace < 0:
		return invalid("healthCheckGracePeriodSeconds must not be negative.")
	}
	return nil
}

func describeLoadBalancers(list []state.ServiceLoadBalancer) []ecsapi.LoadBalancer {
	out := []ecsapi.LoadBalancer{}
	for _, b := range list {
		port := b.Port
		out = append(out, ecsapi.LoadBalancer{TargetGroupArn: b.TargetGroup, ContainerName: b.Container, ContainerPort: &port})
	}
	return out
}
