package ecs

import (
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// registries checks the services of Cloud Map in which the tasks of a service
// that runs the task definition are to be registered.
func (c scope) registries(tx *store.Tx, d *state.TaskDefinition, in []ecsapi.ServiceRegistry) ([]state.ServiceRegistry, error) {
	if len(in) > 1 {
		return nil, invalid("Multiple service registries are not supported for a service.")
	}
	var out []state.ServiceRegistry
	for _, r := range in {
		if r.RegistryArn == "" {
			return nil, invalid("registryArn can not be blank.")
		}
		one := state.ServiceRegistry{ARN: r.RegistryArn, Container: r.ContainerName}
		if r.Port != nil {
			one.Port = *r.Port
		}
		if r.ContainerPort != nil {
			one.ContainerPort = *r.ContainerPort
		}
		if err := c.checkRegistry(tx, d, one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// checkRegistry wants a port exactly where Cloud Map makes SRV records of it.
func (c scope) checkRegistry(tx *store.Tx, d *state.TaskDefinition, r state.ServiceRegistry) error {
	v, ok := state.DiscoveryServiceByARN(tx, c.Account, c.Region, r.ARN)
	if !ok {
		return invalid("The service registry does not exist. Registry: %s", r.ARN)
	}
	both := r.Container != "" && r.ContainerPort != 0
	unneeded := func(field string) error {
		return invalid("The values specified for serviceRegistries do not require a value for '%s'. Remove the value and retry. Registry: %s", field, r.ARN)
	}
	switch srv := v.HasRecord("SRV") || len(v.Records) == 0; { // instances that only DiscoverInstances finds may have a port, too
	case r.Port != 0 && (r.Container != "" || r.ContainerPort != 0):
		return invalid("Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both. Remove one and retry. Registry: %s", r.ARN)
	case !srv && r.ContainerPort != 0:
		return unneeded("containerPort")
	case !srv && r.Port != 0:
		return unneeded("port")
	case v.HasRecord("SRV") && r.Port == 0 && !both:
		return invalid("The values specified for serviceRegistries require a value for either 'port' or the 'containerName' and 'containerPort' combination. Registry: %s", r.ARN)
	case r.Port < 0 || r.Port > 65535:
		return invalid("The port of a service registry must be between 0 and 65535. Registry: %s", r.ARN)
	case both:
		return checkContainer(d, state.ServiceLoadBalancer{Container: r.Container, Port: r.ContainerPort})
	case r.Container != "" && !slices.ContainsFunc(d.Containers, func(con state.ContainerDefinition) bool { return con.Name == r.Container }):
		return invalid("The container %s does not exist in the task definition.", r.Container)
	}
	return nil
}

// updateRegistries puts the request's registries into the spec; those that stay
// must still fit the task definition.
func (c scope) updateRegistries(tx *store.Tx, d *state.TaskDefinition, spec *state.LaunchSpec, in []ecsapi.ServiceRegistry) (err error) {
	if in != nil {
		spec.Registries, err = c.registries(tx, d, in)
		return err
	}
	for _, r := range spec.Registries {
		if err := c.checkRegistry(tx, d, r); err != nil {
			return err
		}
	}
	return nil
}

func describeRegistries(list []state.ServiceRegistry) []ecsapi.ServiceRegistry {
	out := []ecsapi.ServiceRegistry{}
	port := func(n int32) *int32 {
		if n == 0 {
			return nil
		}
		return &n
	}
	for _, r := range list {
		out = append(out, ecsapi.ServiceRegistry{RegistryArn: r.ARN, Port: port(r.Port), ContainerName: r.Container, ContainerPort: port(r.ContainerPort)})
	}
	return out
}
