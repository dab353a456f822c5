package resource

import (
	"context"
	"strings"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/cloudformation/template"
)

// ecsService is AWS::ECS::Service. It is complete when its deployment is: all
// tasks run and no older deployment is left.
type ecsService struct{}

// fixed are the properties that only CreateService takes.
var fixed = []string{"ServiceName", "Cluster", "LaunchType", "Role", "SchedulingStrategy"}

var ecsServiceSchema = func() *Schema {
	s := &Schema{Type: "AWS::ECS::Service", Properties: Properties{}, Attributes: []string{"ServiceArn", "Name"}, Name: "ServiceName"}
	for name, p := range Shape[ecsapi.CreateServiceRequest]("ClientToken", "GatewayConnectors", "Monitoring", "PlacementStrategy").Fields {
		p.required = false
		s.Properties[name] = p
	}
	for _, name := range fixed {
		s.Properties[name] = String.Replaces()
	}
	s.Properties["PlacementStrategies"] = ListOf(Shape[ecsapi.PlacementStrategy]())
	s.Properties["Tags"] = Tags
	return s
}()

// Schema is the type's schema.
func (ecsService) Schema() *Schema { return ecsServiceSchema }

// Create makes the service and waits until it is steady. The client token makes
// repeating it safe.
func (ecsService) Create(ctx context.Context, r *Request) (Result, error) {
	if r.PhysicalID == "" {
		in := &ecsapi.CreateServiceRequest{ClientToken: r.Token, Tags: ecsTags(r.allTags(r.Properties.Get("Tags")))}
		if err := bind(serviceProperties(r), in, "Tags"); err != nil {
			return Result{}, err
		}
		if in.ServiceName == "" {
			in.ServiceName = r.Name(255)
		}
		if in.DesiredCount == nil && in.SchedulingStrategy != "DAEMON" {
			one := int32(1)
			in.DesiredCount = &one
		}
		out, err := r.ecs().CreateService(ctx, in)
		if err != nil {
			return Result{}, err
		}
		r.PhysicalID = out.Service.ServiceArn
		if err := r.Created(r.PhysicalID); err != nil {
			return Result{}, err
		}
	}
	return steady(ctx, r)
}

// serviceProperties are the properties under the API's names.
func serviceProperties(r *Request) *template.Value {
	return renamed(r.Properties, "PlacementStrategies", "PlacementStrategy")
}

// Update changes the service and waits until it is steady again.
func (ecsService) Update(ctx context.Context, r *Request) (Result, error) {
	in := &ecsapi.UpdateServiceRequest{}
	if err := bind(serviceProperties(r), in, append([]string{"Tags"}, fixed...)...); err != nil {
		return Result{}, err
	}
	in.Cluster, in.Service = r.Text("Cluster"), r.PhysicalID
	if r.Changed("LoadBalancers") && in.LoadBalancers == nil {
		in.LoadBalancers = []ecsapi.LoadBalancer{} // absent would leave them
	}
	if r.Changed("ServiceRegistries") && in.ServiceRegistries == nil {
		in.ServiceRegistries = []ecsapi.ServiceRegistry{}
	}
	if r.Changed("ServiceConnectConfiguration") && in.ServiceConnectConfiguration == nil {
		in.ServiceConnectConfiguration = &ecsapi.ServiceConnectConfiguration{} // turned off
	}
	if !r.Changed("DeploymentController") {
		in.DeploymentController = nil
	}
	if _, err := r.ecs().UpdateService(ctx, in); err != nil {
		return Result{}, err
	}
	if err := r.ecsRetag(ctx, r.PhysicalID); err != nil {
		return Result{}, err
	}
	return steady(ctx, r)
}

// Delete stops the service's tasks, deletes it and waits until it is inactive:
// its network interfaces stand in the way of deleting subnets and groups.
func (ecsService) Delete(ctx context.Context, r *Request) error {
	yes := true
	_, err := r.ecs().DeleteService(ctx, &ecsapi.DeleteServiceRequest{Cluster: r.Text("Cluster"), Service: r.PhysicalID, Force: &yes})
	if err != nil {
		return gone(err, "ServiceNotFoundException", "ClusterNotFoundException", "ServiceNotActiveException")
	}
	return r.Wait(ctx, func(ctx context.Context) (bool, error) {
		s, err := describeService(ctx, r)
		return s == nil || s.Status == "INACTIVE", err
	})
}

func describeService(ctx context.Context, r *Request) (*ecsapi.Service, error) {
	out, err := r.ecs().DescribeServices(ctx, &ecsapi.DescribeServicesRequest{Cluster: r.Text("Cluster"), Services: []string{r.PhysicalID}})
	if err != nil {
		return nil, gone(err, "ClusterNotFoundException")
	}
	if len(out.Services) == 0 {
		return nil, nil
	}
	return &out.Services[0], nil
}

// steady waits for the deployment that the request brought.
func steady(ctx context.Context, r *Request) (Result, error) {
	name := ""
	err := r.Wait(ctx, func(ctx context.Context) (bool, error) {
		s, err := describeService(ctx, r)
		if err != nil {
			return false, err
		}
		if s == nil || s.Status != "ACTIVE" {
			return false, &Failure{Code: "NotStabilized", Message: "The service " + r.PhysicalID + " is not active"}
		}
		name = s.ServiceName
		return stable(s, r.Text("TaskDefinition"))
	})
	return Result{PhysicalID: r.PhysicalID, Attributes: attributes("ServiceArn", r.PhysicalID, "Name", name)}, err
}

// stable reports whether a service runs what is wanted, and fails when its
// circuit breaker gave the deployment up.
func stable(s *ecsapi.Service, wanted string) (bool, error) {
	if s.DeploymentController != nil && s.DeploymentController.Type != "" && s.DeploymentController.Type != "ECS" {
		return true, nil // somebody else deploys
	}
	for _, d := range s.Deployments {
		if d.RolloutState == "FAILED" && sameTaskDefinition(d.TaskDefinition, wanted) {
			cause := "ECS Deployment Circuit Breaker"
			if strings.Contains(d.RolloutStateReason, "alarm") {
				cause = "ECS Deployment Alarm"
			}
			return false, &Failure{Code: "GeneralServiceException", Message: "Error occurred during operation '" + cause + " was triggered'."}
		}
	}
	if len(s.Deployments) != 1 {
		return false, nil
	}
	d := s.Deployments[0]
	done := d.RolloutState == "COMPLETED" || d.RolloutState == "" && s.RunningCount == s.DesiredCount
	return done && s.RunningCount == s.DesiredCount && s.PendingCount == 0, nil
}

// sameTaskDefinition compares an ARN with what a template may give: an ARN,
// family:revision, or a family.
func sameTaskDefinition(arn, wanted string) bool {
	return wanted == "" || arn == wanted || strings.HasSuffix(arn, "/"+wanted) || strings.Contains(arn, "/"+wanted+":")
}
