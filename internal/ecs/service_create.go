package ecs

import (
	"context"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/caller"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/ids"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// CreateService makes a service; the scheduler starts its tasks.
func (s *Service) CreateService(ctx context.Context, in *ecsapi.CreateServiceRequest) (*ecsapi.CreateServiceResponse, error) {
	c := scopeOf(ctx)
	if err := checkCreate(ctx, in); err != nil {
		return nil, err
	}
	if err := s.mayPassDefinition(ctx, in.TaskDefinition, nil); err != nil {
		return nil, err
	}
	if err := s.linkedRole(ctx, c.Account); err != nil {
		return nil, err
	}
	var svc *state.Service
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		cluster, err := c.cluster(tx, in.Cluster)
		if err != nil {
			return err
		}
		svc, err = s.existing(tx, c, cluster, in)
		if err == nil && svc == nil {
			svc, err = s.newService(tx, caller.From(ctx), cluster, in)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &ecsapi.CreateServiceResponse{Service: s.described(ctx, svc, true)}, nil
}

// described shows a service that was just written, with what Service Connect
// makes in Cloud Map; the scheduler makes what could not be made yet.
func (s *Service) described(ctx context.Context, svc *state.Service, tags bool) *ecsapi.Service {
	if err := s.makeDiscovery(ctx, svc); err != nil {
		s.scheduler.Add(svc.Key())
	}
	return s.describeService(s.DB.Read(), svc, tags)
}

// checkCreate refuses what is not carried out, and bad values.
func checkCreate(ctx context.Context, in *ecsapi.CreateServiceRequest) error {
	switch {
	case in.ServiceName == "":
		return invalid("Service name should not be null or empty.")
	case !identifier.MatchString(in.ServiceName):
		return invalid("Invalid service name: %s", in.ServiceName)
	case in.SchedulingStrategy == ecsapi.SchedulingStrategyDaemon:
		return invalid("The daemon scheduling strategy is not supported for the Fargate launch type.")
	case in.DeploymentController != nil && in.DeploymentController.Type != ecsapi.DeploymentControllerTypeEcs:
		return unsupported("the deployment controller " + string(in.DeploymentController.Type))
	case in.TaskDefinition == "":
		return invalid("TaskDefinition can not be blank.")
	case in.DesiredCount == nil:
		return invalid("desiredCount is required.")
	case len(in.ClientToken) > 36:
		return invalid("clientToken has at most 36 characters.")
	case in.Role != "":
		return invalid("You cannot specify an IAM role for services that require a service linked role.")
	}
	if err := checkTags(ctx, in.Tags); err != nil {
		return err
	}
	return refuseService(serviceParts{
		volumes: len(in.VolumeConfigurations), lattice: len(in.VpcLatticeConfigurations), gateways: len(in.GatewayConnectors), monitoring: in.Monitoring != nil,
		exec: in.EnableExecuteCommand, constraints: len(in.PlacementConstraints), strategies: len(in.PlacementStrategy),
		desired: in.DesiredCount, rebalancing: in.AvailabilityZoneRebalancing,
	})
}

// existing returns the service that an earlier, equal request made; nil when the
// name is free.
func (s *Service) existing(tx *store.Tx, c scope, cluster *state.Cluster, in *ecsapi.CreateServiceRequest) (*state.Service, error) {
	svc, ok := state.Services.Get(tx, c.key(cluster.Name+"/"+in.ServiceName))
	switch {
	case !ok || svc.Status == "INACTIVE":
		return nil, nil
	case svc.Status == "DRAINING":
		return nil, invalid("Unable to Start a service that is still Draining.")
	case svc.Request == createDigest(in):
		return svc, nil
	}
	return nil, invalid("Creation of service was not idempotent.")
}

func createDigest(in *ecsapi.CreateServiceRequest) string {
	same := *in
	same.ClientToken = ""
	return requestDigest(same)
}

func (s *Service) newService(tx *store.Tx, who caller.Identity, cluster *state.Cluster, in *ecsapi.CreateServiceRequest) (*state.Service, error) {
	c := scope{cluster.Account, cluster.Region}
	d, err := c.runnable(tx, in.TaskDefinition)
	if err != nil {
		return nil, err
	}
	spec, err := c.launchSpec(tx, cluster, d, in.LaunchType, in.CapacityProviderStrategy, in.PlatformVersion, in.NetworkConfiguration)
	if err != nil {
		return nil, err
	}
	if spec.LoadBalancers, err = c.loadBalancers(tx, d, in.LoadBalancers); err != nil {
		return nil, err
	}
	if spec.Connect, err = c.connectConfiguration(tx, cluster, d, in.ServiceConnectConfiguration); err != nil {
		return nil, err
	}
	if err := checkGrace(in.HealthCheckGracePeriodSeconds, spec.LoadBalancers); err != nil {
		return nil, err
	}
	if spec.Registries, err = c.registries(tx, d, in.ServiceRegistries); err != nil {
		return nil, err
	}
	svc := &state.Service{
		Account: c.Account, Region: c.Region, Cluster: cluster.Name, Name: in.ServiceName, Status: "ACTIVE",
		DesiredCount: int(*in.DesiredCount), LaunchSpec: spec, MinimumHealthyPercent: 100, MaximumPercent: 200,
		ZoneRebalancing: string(in.AvailabilityZoneRebalancing), PropagateTags: string(in.PropagateTags), ManagedTags: in.EnableECSManagedTags,
		HealthCheckGracePeriod: in.HealthCheckGracePeriodSeconds, Tags: toTags(in.Tags),
		CreatedAt: s.Now(), CreatedBy: who.ARN, Tool: who.Tool(), Token: in.ClientToken, Request: createDigest(in),
	}
	if svc.PropagateTags == "" {
		svc.PropagateTags = "NONE"
	}
	if svc.ZoneRebalancing == "" {
		svc.ZoneRebalancing = "DISABLED"
	}
	if err := setDeploymentConfiguration(svc, in.DeploymentConfiguration); err != nil {
		return nil, err
	}
	if err := s.deploy(tx, svc); err != nil {
		return nil, err
	}
	state.Services.Put(tx, svc)
	return svc, nil
}

// runnable returns the ACTIVE task definition that ref names.
func (c scope) runnable(tx *store.Tx, ref string) (*state.TaskDefinition, error) {
	d := c.taskDefinition(tx, ref)
	if d == nil {
		return nil, clientError("TaskDefinition not found.")
	}
	if d.Status != "ACTIVE" {
		return nil, clientError("TaskDefinition is inactive")
	}
	return d, nil
}

// deploy puts a new PRIMARY deployment of the service's launch spec before the others.
func (s *Service) deploy(tx *store.Tx, svc *state.Service) error {
	endpoints, err := checkEndpoints(tx, svc)
	if err != nil {
		return err
	}
	id, now := "ecs-svc/"+ids.Digits(19), s.Now()
	fresh := state.Deployment{
		ID: id, LaunchSpec: svc.LaunchSpec, RolloutState: string(deployment.InProgress), RolloutReason: deployment.ReasonInProgress(id),
		CreatedAt: now, UpdatedAt: now, Endpoints: endpoints, IgnoredAlarms: alarms(tx, svc).Firing,
	}
	svc.Deployments = append([]state.Deployment{fresh}, svc.Deployments...)
	svc.Steady = false
	return nil
}
