package ecs

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/internal/aws/arn"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/ecs/deployment"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// Service deployments and revisions are another view of the deployments of a
// service: each has one service deployment and one service revision, whose ids
// are the deployment's digits.

func deploymentID(d state.Deployment) string { return strings.TrimPrefix(d.ID, "ecs-svc/") }

func deploymentARN(svc *state.Service, d state.Deployment) string {
	return state.ECSARN(svc.Account, svc.Region, "service-deployment/"+svc.Cluster+"/"+svc.Name+"/"+deploymentID(d))
}

func revisionARN(svc *state.Service, d state.Deployment) string {
	return state.ECSARN(svc.Account, svc.Region, "service-revision/"+svc.Cluster+"/"+svc.Name+"/"+deploymentID(d))
}

// findDeployment finds the deployment behind the ARN of its service deployment or revision.
func (c scope) findDeployment(tx *store.Tx, kind, ref string) (*state.Service, int, bool) {
	a, err := arn.Parse(ref)
	if err != nil || a.Type() != kind || a.Account != c.Account || a.Region != c.Region {
		return nil, 0, false
	}
	cut := strings.LastIndexByte(a.ID(), '/')
	if cut < 0 {
		return nil, 0, false
	}
	svc, ok := state.Services.Get(tx, c.key(a.ID()[:cut]))
	if !ok {
		return nil, 0, false
	}
	i := slices.IndexFunc(allDeployments(svc), func(d state.Deployment) bool { return deploymentID(d) == a.ID()[cut+1:] })
	return svc, i, i >= 0
}

// allDeployments are the present and the past deployments, newest first.
func allDeployments(svc *state.Service) []state.Deployment {
	return slices.Concat(svc.Deployments, svc.Past)
}

func deploymentStatus(svc *state.Service, i int) ecsapi.ServiceDeploymentStatus {
	d := allDeployments(svc)[i]
	switch {
	case d.RolloutState == string(deployment.Failed) && rollsBack(svc, d):
		if i < len(svc.Deployments) {
			return ecsapi.ServiceDeploymentStatusRollbackInProgress
		}
		return ecsapi.ServiceDeploymentStatusRollbackSuccessful
	case d.RolloutState == string(deployment.Failed), i > 0 && !d.WasCompleted:
		return ecsapi.ServiceDeploymentStatusStopped
	case d.WasCompleted:
		return ecsapi.ServiceDeploymentStatusSuccessful
	}
	return ecsapi.ServiceDeploymentStatusInProgress
}

// finishedAt is when the deployment came to its end; zero while it is under way.
func finishedAt(svc *state.Service, i int) time.Time {
	if deploymentStatus(svc, i) == ecsapi.ServiceDeploymentStatusInProgress {
		return time.Time{}
	}
	return allDeployments(svc)[i].UpdatedAt
}

// DescribeServiceDeployments describes service deployments by ARN.
func (s *Service) DescribeServiceDeployments(ctx context.Context, in *ecsapi.DescribeServiceDeploymentsRequest) (*ecsapi.DescribeServiceDeploymentsResponse, error) {
	c, tx := scopeOf(ctx), s.DB.Read()
	out := &ecsapi.DescribeServiceDeploymentsResponse{ServiceDeployments: []ecsapi.ServiceDeployment{}, Failures: []ecsapi.Failure{}}
	for _, ref := range in.ServiceDeploymentArns {
		svc, i, ok := c.findDeployment(tx, "service-deployment", ref)
		if !ok {
			out.Failures = append(out.Failures, ecsapi.Failure{Arn: ref, Reason: "MISSING"})
			continue
		}
		d, n := allDeployments(svc)[i], tallies(tx, svc)
		shown := ecsapi.ServiceDeployment{
			ServiceDeploymentArn: ref, ServiceArn: svc.ARN(), ClusterArn: state.ECSARN(c.Account, c.Region, "cluster/"+svc.Cluster),
			CreatedAt: d.CreatedAt, StartedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt, FinishedAt: finishedAt(svc, i),
			Status: deploymentStatus(svc, i), StatusReason: d.RolloutReason, SourceServiceRevisions: []ecsapi.ServiceRevisionSummary{},
			TargetServiceRevision:   &ecsapi.ServiceRevisionSummary{Arn: revisionARN(svc, d), RequestedTaskCount: int32(svc.DesiredCount), RunningTaskCount: n[d.ID].running, PendingTaskCount: n[d.ID].pending},
			DeploymentConfiguration: s.describeService(tx, svc, false).DeploymentConfiguration,
			DeploymentCircuitBreaker: &ecsapi.ServiceDeploymentCircuitBreaker{
				Status: breakerStatus(svc, d), FailureCount: int32(d.FailedTasks), Threshold: int32(deployment.Threshold(svc.DesiredCount)),
			},
			Alarms: describeMonitor(tx, svc, d),
		}
		if all := allDeployments(svc); i+1 < len(all) {
			before := all[i+1]
			shown.SourceServiceRevisions = append(shown.SourceServiceRevisions, ecsapi.ServiceRevisionSummary{Arn: revisionARN(svc, before), RunningTaskCount: n[before.ID].running, PendingTaskCount: n[before.ID].pending})
		}
		out.ServiceDeployments = append(out.ServiceDeployments, shown)
	}
	return out, nil
}

// rollsBack says whether what failed a deployment lets the one before come back.
func rollsBack(svc *state.Service, d state.Deployment) bool {
	if d.RolloutReason == deployment.ReasonAlarm {
		return svc.Alarms != nil && svc.Alarms.Rollback
	}
	return svc.Breaker != nil && svc.Breaker.Rollback
}

func breakerStatus(svc *state.Service, d state.Deployment) ecsapi.ServiceDeploymentRollbackMonitorsStatus {
	switch {
	case svc.Breaker == nil || !svc.Breaker.Enable:
		return "DISABLED"
	case d.RolloutReason == deployment.ReasonTripped:
		return "TRIGGERED"
	case d.RolloutState != string(deployment.InProgress):
		return "MONITORING_COMPLETE"
	}
	return "MONITORING"
}

// ListServiceDeployments lists the deployments of a service, newest first.
func (s *Service) ListServiceDeployments(ctx context.Context, in *ecsapi.ListServiceDeploymentsRequest) (*ecsapi.ListServiceDeploymentsResponse, error) {
	svc, _, err := scopeOf(ctx).service(s.DB.Read(), in.Cluster, in.Service)
	if err != nil {
		return nil, err
	}
	out := &ecsapi.ListServiceDeploymentsResponse{ServiceDeployments: []ecsapi.ServiceDeploymentBrief{}}
	for i, d := range allDeployments(svc) {
		status := deploymentStatus(svc, i)
		if len(in.Status) > 0 && !slices.Contains(in.Status, status) || !createdWithin(in.CreatedAt, d.CreatedAt) {
			continue
		}
		out.ServiceDeployments = append(out.ServiceDeployments, ecsapi.ServiceDeploymentBrief{
			ServiceDeploymentArn: deploymentARN(svc, d), ServiceArn: svc.ARN(), ClusterArn: state.ECSARN(svc.Account, svc.Region, "cluster/"+svc.Cluster),
			CreatedAt: d.CreatedAt, StartedAt: d.CreatedAt, FinishedAt: finishedAt(svc, i), TargetServiceRevisionArn: revisionARN(svc, d), Status: status, StatusReason: d.RolloutReason,
		})
	}
	return out, nil
}

func createdWithin(span *ecsapi.CreatedAt, at time.Time) bool {
	return span == nil || (span.After.IsZero() || at.After(span.After)) && (span.Before.IsZero() || at.Before(span.Before))
}

// DescribeServiceRevisions describes what the tasks of a deployment are started with.
func (s *Service) DescribeServiceRevisions(ctx context.Context, in *ecsapi.DescribeServiceRevisionsRequest) (*ecsapi.DescribeServiceRevisionsResponse, error) {
	c, tx := scopeOf(ctx), s.DB.Read()
	out := &ecsapi.DescribeServiceRevisionsResponse{ServiceRevisions: []ecsapi.ServiceRevision{}, Failures: []ecsapi.Failure{}}
	for _, ref := range in.ServiceRevisionArns {
		svc, i, ok := c.findDeployment(tx, "service-revision", ref)
		if !ok {
			out.Failures = append(out.Failures, ecsapi.Failure{Arn: ref, Reason: "MISSING"})
			continue
		}
		d := allDeployments(svc)[i]
		revision := ecsapi.ServiceRevision{
			ServiceRevisionArn: ref, ServiceArn: svc.ARN(), ClusterArn: state.ECSARN(c.Account, c.Region, "cluster/"+svc.Cluster),
			TaskDefinition: d.TaskDefinition, LaunchType: ecsapi.LaunchType(d.LaunchType), PlatformVersion: platformVersion, PlatformFamily: "Linux",
			LoadBalancers: describeLoadBalancers(d.LoadBalancers), ServiceRegistries: describeRegistries(d.Registries), NetworkConfiguration: describeNetwork(d.Network), CreatedAt: d.CreatedAt,
			ContainerImages: []ecsapi.ContainerImage{}, ServiceConnectConfiguration: describeConnect(d.Connect),
		}
		if len(d.Strategy) > 0 {
			revision.CapacityProviderStrategy = describeStrategy(d.Strategy)
		}
		if def := c.taskDefinition(tx, d.TaskDefinition); def != nil {
			for _, con := range def.Containers {
				revision.ContainerImages = append(revision.ContainerImages, ecsapi.ContainerImage{ContainerName: con.Name, Image: con.Image, ImageDigest: d.Digests[con.Name]})
			}
		}
		out.ServiceRevisions = append(out.ServiceRevisions, revision)
	}
	return out, nil
}
