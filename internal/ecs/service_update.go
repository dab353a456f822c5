package ecs

import (
	"context"
	"reflect"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// UpdateService changes a service. A change of what its tasks are started with
// makes a new deployment.
func (s *Service) UpdateService(ctx context.Context, in *ecsapi.UpdateServiceRequest) (*ecsapi.UpdateServiceResponse, error) {
	c := scopeOf(ctx)
	if in.DeploymentController != nil && in.DeploymentController.Type != ecsapi.DeploymentControllerTypeEcs {
		return nil, unsupported("the deployment controller " + string(in.DeploymentController.Type))
	}
	err := refuseService(serviceParts{
		volumes: len(in.VolumeConfigurations), lattice: len(in.VpcLatticeConfigurations), gateways: len(in.GatewayConnectors), monitoring: in.Monitoring != nil,
		exec: in.EnableExecuteCommand != nil && *in.EnableExecuteCommand, constraints: len(in.PlacementConstraints), strategies: len(in.PlacementStrategy),
		desired: in.DesiredCount, rebalancing: in.AvailabilityZoneRebalancing,
	})
	if err != nil {
		return nil, err
	}
	if in.TaskDefinition != "" {
		if err := s.mayPassDefinition(ctx, in.TaskDefinition, nil); err != nil {
			return nil, err
		}
	}
	var svc state.Service
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		have, cluster, err := c.service(tx, in.Cluster, in.Service)
		if err != nil {
			return err
		}
		if have.Status != "ACTIVE" {
			return serviceNotActive()
		}
		svc = *have
		if err := s.applyUpdate(tx, cluster, &svc, in); err != nil {
			return err
		}
		stored := svc
		state.Services.Put(tx, &stored)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.UpdateServiceResponse{Service: s.described(ctx, &svc, false)}, nil
}

// service finds a service and its cluster.
func (c scope) service(tx *store.Tx, clusterRef, ref string) (*state.Service, *state.Cluster, error) {
	cluster, err := c.cluster(tx, clusterRef)
	if err != nil {
		return nil, nil, err
	}
	svc, ok := state.Services.Get(tx, c.key(cluster.Name+"/"+resourceName("service", ref)))
	if !ok {
		return nil, nil, serviceNotFound()
	}
	return svc, cluster, nil
}

// applyUpdate puts the request over svc, a copy that may be changed.
func (s *Service) applyUpdate(tx *store.Tx, cluster *state.Cluster, svc *state.Service, in *ecsapi.UpdateServiceRequest) error {
	c := scope{svc.Account, svc.Region}
	if in.DesiredCount != nil {
		svc.DesiredCount = int(*in.DesiredCount)
		svc.Steady = svc.Steady && svc.DesiredCount == runningTasks(tx, svc)
	}
	if err := setDeploymentConfiguration(svc, in.DeploymentConfiguration); err != nil {
		return err
	}
	replace(&svc.ZoneRebalancing, string(in.AvailabilityZoneRebalancing))
	replace(&svc.PropagateTags, string(in.PropagateTags))
	if in.EnableECSManagedTags != nil {
		svc.ManagedTags = *in.EnableECSManagedTags
	}
	spec, err := c.updatedSpec(tx, cluster, svc.LaunchSpec, in)
	if err != nil {
		return err
	}
	if err := checkGrace(in.HealthCheckGracePeriodSeconds, spec.LoadBalancers); err != nil {
		return err
	}
	if in.HealthCheckGracePeriodSeconds != nil {
		svc.HealthCheckGracePeriod = in.HealthCheckGracePeriodSeconds
	}
	if len(spec.LoadBalancers) == 0 {
		svc.HealthCheckGracePeriod = nil
	}
	if in.ForceNewDeployment || !reflect.DeepEqual(spec, svc.LaunchSpec) {
		svc.LaunchSpec = spec
		return s.deploy(tx, svc)
	}
	return nil
}

// updatedSpec is the launch spec with the request put over it.
func (c scope) updatedSpec(tx *store.Tx, cluster *state.Cluster, have state.LaunchSpec, in *ecsapi.UpdateServiceRequest) (state.LaunchSpec, error) {
	spec := have
	if in.TaskDefinition != "" {
		d, err := c.runnable(tx, in.TaskDefinition)
		if err != nil {
			return spec, err
		}
		if !slices.Contains(d.Compatibilities, "FARGATE") {
			return spec, invalid("Task definition does not support launch_type FARGATE.")
		}
		spec.TaskDefinition = d.ARN()
	}
	if in.NetworkConfiguration != nil {
		network, err := c.network(tx, in.NetworkConfiguration)
		if err != nil {
			return spec, err
		}
		if !sameNetwork(network, spec.Network) {
			spec.Network = network
		}
	}
	if len(in.CapacityProviderStrategy) > 0 {
		set, err := strategy(cluster.CapacityProviders, in.CapacityProviderStrategy)
		if err != nil {
			return spec, err
		}
		if have.LaunchType != "" && !in.ForceNewDeployment {
			return spec, invalid("A capacity provider strategy cannot be specified when updating a service that uses a launch type, unless forceNewDeployment is set.")
		}
		spec.LaunchType, spec.Strategy = "", set
	}
	if err := c.updateLoadBalancers(tx, &spec, in); err != nil {
		return spec, err
	}
	if err := c.updateConnect(tx, cluster, &spec, in); err != nil {
		return spec, err
	}
	switch in.PlatformVersion {
	case "":
	case "LATEST", platformVersion:
		spec.PlatformVersion = in.PlatformVersion
	default:
		return spec, &ecsapi.PlatformUnknownException{Message: "The specified platform does not exist. Neargate has the platform version " + platformVersion + "."}
	}
	return spec, nil
}

// updateLoadBalancers puts the request's target groups and registries into the
// spec; those that stay must still fit the task definition.
func (c scope) updateLoadBalancers(tx *store.Tx, spec *state.LaunchSpec, in *ecsapi.UpdateServiceRequest) error {
	d := c.taskDefinition(tx, spec.TaskDefinition)
	if d == nil {
		return clientError("TaskDefinition not found.")
	}
	if err := c.updateRegistries(tx, d, spec, in.ServiceRegistries); err != nil {
		return err
	}
	if in.LoadBalancers != nil {
		var err error
		spec.LoadBalancers, err = c.loadBalancers(tx, d, in.LoadBalancers)
		return err
	}
	for _, b := range spec.LoadBalancers {
		if err := checkContainer(d, b); err != nil {
			return err
		}
	}
	return nil
}

// updateConnect puts the request's Service Connect configuration into the spec; one
// that stays must still fit the task definition.
func (c scope) updateConnect(tx *store.Tx, cluster *state.Cluster, spec *state.LaunchSpec, in *ecsapi.UpdateServiceRequest) (err error) {
	d := c.taskDefinition(tx, spec.TaskDefinition)
	if in.ServiceConnectConfiguration == nil {
		spec.Connect, err = refit(d, spec.Connect)
		return err
	}
	spec.Connect, err = c.connectConfiguration(tx, cluster, d, in.ServiceConnectConfiguration)
	return err
}

// sameNetwork compares without regard to order and to nil or empty lists.
func sameNetwork(a, b state.TaskNetwork) bool {
	sorted := func(l []string) []string { l = slices.Clone(l); slices.Sort(l); return l }
	return a.AssignPublicIP == b.AssignPublicIP && slices.Equal(sorted(a.Subnets), sorted(b.Subnets)) && slices.Equal(sorted(a.SecurityGroups), sorted(b.SecurityGroups))
}

// DeleteService begins to delete a service: its tasks are stopped, then it is INACTIVE.
func (s *Service) DeleteService(ctx context.Context, in *ecsapi.DeleteServiceRequest) (*ecsapi.DeleteServiceResponse, error) {
	var out *ecsapi.Service
	force := in.Force != nil && *in.Force
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		have, _, err := scopeOf(ctx).service(tx, in.Cluster, in.Service)
		if err != nil {
			return err
		}
		switch {
		case have.Status == "INACTIVE":
			return serviceNotFound()
		case have.Status == "ACTIVE" && !force && have.DesiredCount > 0:
			return invalid("The service cannot be stopped while it is scaled above 0.")
		case have.Status == "ACTIVE" && !force && (len(have.Deployments) > 1):
			return invalid("The service cannot be stopped while deployments are active.")
		}
		svc := *have
		svc.Status, svc.DesiredCount, svc.Steady = "DRAINING", 0, false
		state.Services.Put(tx, &svc)
		out = s.describeService(tx, &svc, false)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.DeleteServiceResponse{Service: out}, nil
}
