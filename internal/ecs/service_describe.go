package ecs

import (
	"context"
	"slices"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// tally counts the tasks of a service, or of one of its deployments.
type tally struct{ running, pending int32 }

// tallies counts by deployment; "" holds the sum. Tasks that stop are in neither count.
func tallies(tx *store.Tx, svc *state.Service) map[string]tally {
	out := map[string]tally{}
	for t := range state.Tasks.By(tx, "service", svc.Key()) {
		for _, id := range []string{"", t.Deployment} {
			n := out[id]
			switch t.LastStatus {
			case state.TaskRunning:
				n.running++
			case state.TaskProvisioning, state.TaskPending, state.TaskActivating:
				n.pending++
			}
			out[id] = n
		}
	}
	return out
}

func runningTasks(tx *store.Tx, svc *state.Service) int { return int(tallies(tx, svc)[""].running) }

// describeService shows a service; tags only when asked for.
func (s *Service) describeService(tx *store.Tx, svc *state.Service, tags bool) *ecsapi.Service {
	counts := tallies(tx, svc)
	minimum, maximum := int32(svc.MinimumHealthyPercent), int32(svc.MaximumPercent)
	out := &ecsapi.Service{
		ServiceArn: svc.ARN(), ServiceName: svc.Name, ClusterArn: state.ECSARN(svc.Account, svc.Region, "cluster/"+svc.Cluster),
		LoadBalancers: describeLoadBalancers(svc.LoadBalancers), ServiceRegistries: describeRegistries(svc.Registries), Status: svc.Status,
		DesiredCount: int32(svc.DesiredCount), RunningCount: counts[""].running, PendingCount: counts[""].pending,
		LaunchType: ecsapi.LaunchType(svc.LaunchType), PlatformVersion: svc.PlatformVersion, PlatformFamily: "Linux", TaskDefinition: svc.TaskDefinition,
		DeploymentConfiguration: &ecsapi.DeploymentConfiguration{MinimumHealthyPercent: &minimum, MaximumPercent: &maximum, Strategy: ecsapi.DeploymentStrategyRolling, DeploymentCircuitBreaker: &ecsapi.DeploymentCircuitBreaker{}},
		Deployments:             []ecsapi.Deployment{}, Events: []ecsapi.ServiceEvent{},
		RoleArn:   "arn:aws:iam::" + svc.Account + ":role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
		CreatedAt: svc.CreatedAt, CreatedBy: svc.CreatedBy,
		PlacementConstraints: []ecsapi.PlacementConstraint{}, PlacementStrategy: []ecsapi.PlacementStrategy{},
		NetworkConfiguration: describeNetwork(svc.Network), SchedulingStrategy: ecsapi.SchedulingStrategyReplica,
		DeploymentController: &ecsapi.DeploymentController{Type: ecsapi.DeploymentControllerTypeEcs},
		EnableECSManagedTags: svc.ManagedTags, PropagateTags: ecsapi.PropagateTags(svc.PropagateTags),
		AvailabilityZoneRebalancing: ecsapi.AvailabilityZoneRebalancing(svc.ZoneRebalancing),
	}
	if len(svc.Strategy) > 0 {
		out.CapacityProviderStrategy = describeStrategy(svc.Strategy)
	}
	if len(svc.LoadBalancers) > 0 {
		grace := wire.Or(svc.HealthCheckGracePeriod, 0)
		out.HealthCheckGracePeriodSeconds = &grace
	}
	if svc.Breaker != nil {
		out.DeploymentConfiguration.DeploymentCircuitBreaker = &ecsapi.DeploymentCircuitBreaker{Enable: svc.Breaker.Enable, Rollback: svc.Breaker.Rollback}
	}
	out.DeploymentConfiguration.Alarms = describeAlarms(svc.Alarms)
	for i, d := range svc.Deployments {
		shown := describeDeployment(svc, i, d, counts[d.ID])
		shown.ServiceConnectConfiguration, shown.ServiceConnectResources = describeConnect(d.Connect), describeConnectResources(tx, svc.Account, svc.Region, d.Connect)
		out.Deployments = append(out.Deployments, shown)
	}
	for _, e := range svc.Events {
		out.Events = append(out.Events, ecsapi.ServiceEvent{Id: e.ID, CreatedAt: e.CreatedAt, Message: e.Message})
	}
	if all := allDeployments(svc); len(all) > 0 {
		out.CurrentServiceDeployment = deploymentARN(svc, all[0])
		out.CurrentServiceRevisions = append(out.CurrentServiceRevisions, ecsapi.ServiceCurrentRevisionSummary{
			Arn: revisionARN(svc, all[0]), RequestedTaskCount: int32(svc.DesiredCount), RunningTaskCount: counts[all[0].ID].running, PendingTaskCount: counts[all[0].ID].pending,
		})
	}
	if tags && len(svc.Tags) > 0 {
		out.Tags = fromTags(svc.Tags)
	}
	return out
}

func describeDeployment(svc *state.Service, i int, d state.Deployment, n tally) ecsapi.Deployment {
	out := ecsapi.Deployment{
		Id: d.ID, Status: "PRIMARY", TaskDefinition: d.TaskDefinition, DesiredCount: int32(svc.DesiredCount),
		RunningCount: n.running, PendingCount: n.pending, FailedTasks: int32(d.FailedTasks), CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		LaunchType: ecsapi.LaunchType(d.LaunchType), PlatformVersion: platformVersion, PlatformFamily: "Linux",
		NetworkConfiguration: describeNetwork(d.Network), RolloutState: ecsapi.DeploymentRolloutState(d.RolloutState), RolloutStateReason: d.RolloutReason,
	}
	if len(d.Strategy) > 0 {
		out.CapacityProviderStrategy = describeStrategy(d.Strategy)
	}
	if i > 0 {
		out.Status, out.DesiredCount = "ACTIVE", n.running+n.pending
	}
	return out
}

// DescribeServices describes up to ten services; what is not there is in failures.
func (s *Service) DescribeServices(ctx context.Context, in *ecsapi.DescribeServicesRequest) (*ecsapi.DescribeServicesResponse, error) {
	c := scopeOf(ctx)
	cluster, err := c.cluster(s.DB.Read(), in.Cluster)
	switch {
	case err != nil:
		return nil, err
	case len(in.Services) == 0:
		return nil, invalid("Services cannot be empty.")
	case len(in.Services) > 10:
		return nil, invalid("services can have at most 10 items.")
	}
	s.holdServices(ctx, in.Services, cluster.Name)
	tx := s.DB.Read()
	out := &ecsapi.DescribeServicesResponse{Services: []ecsapi.Service{}, Failures: []ecsapi.Failure{}}
	tags := slices.Contains(in.Include, "TAGS")
	for _, ref := range in.Services {
		name := resourceName("service", ref)
		if svc, ok := state.Services.Get(tx, c.key(cluster.Name+"/"+name)); ok {
			out.Services = append(out.Services, *s.describeService(tx, svc, tags))
			continue
		}
		out.Failures = append(out.Failures, ecsapi.Failure{Arn: state.ECSARN(c.Account, c.Region, "service/"+cluster.Name+"/"+name), Reason: "MISSING"})
	}
	return out, nil
}

// ListServices lists the ARNs of the services of a cluster, INACTIVE ones not.
func (s *Service) ListServices(ctx context.Context, in *ecsapi.ListServicesRequest) (*ecsapi.ListServicesResponse, error) {
	c, tx := scopeOf(ctx), s.DB.Read()
	cluster, err := c.cluster(tx, in.Cluster)
	if err != nil {
		return nil, err
	}
	var arns []string
	for svc := range state.Services.All(tx, c.key(cluster.Name+"/")) {
		if svc.Status != "INACTIVE" && (in.LaunchType == "" || string(in.LaunchType) == svc.LaunchType) && in.SchedulingStrategy != ecsapi.SchedulingStrategyDaemon {
			arns = append(arns, svc.ARN())
		}
	}
	arns, next, err := page(arns, in.NextToken, in.MaxResults, 10, 100, false)
	if err != nil {
		return nil, err
	}
	return &ecsapi.ListServicesResponse{ServiceArns: arns, NextToken: next}, nil
}
