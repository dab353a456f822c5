package ecs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
)

// group makes a target group; used says that a listener forwards to it.
func (f *fixture) group(t *testing.T, name, kind string, used bool) string {
	t.Helper()
	g := &state.TargetGroup{Account: "000000000000", Region: "us-east-1", Path: name + "/1", Name: name, TargetType: kind, Protocol: "HTTP", Port: 80, VpcID: "vpc-1"}
	err := f.DB.Write(f.ctx, func(tx *store.Tx) error {
		state.TargetGroups.Put(tx, g)
		if used {
			state.ListenerRules.Put(tx, &state.ListenerRule{Account: g.Account, Region: g.Region, Path: "app/b/1/2/" + name,
				Actions: []state.ListenerAction{{Type: "forward", TargetGroups: []state.ActionTargetGroup{{ARN: g.ARN()}}}}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return g.ARN()
}

// registerWeb registers a task definition whose container listens on port 80.
func (f *fixture) registerWeb(t *testing.T) {
	t.Helper()
	_, err := f.RegisterTaskDefinition(f.ctx, &ecsapi.RegisterTaskDefinitionRequest{
		Family: "web", Cpu: "256", Memory: "512", NetworkMode: "awsvpc", RequiresCompatibilities: []ecsapi.Compatibility{"FARGATE"},
		ContainerDefinitions: []ecsapi.ContainerDefinition{{Name: "app", Image: "nginx", PortMappings: []ecsapi.PortMapping{{ContainerPort: ptr(int32(80))}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func balancer(group, container string, port int32) ecsapi.LoadBalancer {
	return ecsapi.LoadBalancer{TargetGroupArn: group, ContainerName: container, ContainerPort: &port}
}

func (f *fixture) createBalanced(grace *int32, balancers ...ecsapi.LoadBalancer) error {
	one := int32(1)
	_, err := f.CreateService(f.ctx, &ecsapi.CreateServiceRequest{
		ServiceName: "s", TaskDefinition: "web", DesiredCount: &one, LaunchType: "FARGATE", NetworkConfiguration: network(), LoadBalancers: balancers, HealthCheckGracePeriodSeconds: grace,
	})
	return err
}

func TestLoadBalancersOfServicesAreChecked(t *testing.T) {
	f := newTest(t)
	f.registerWeb(t)
	used, unused, instances := f.group(t, "used", "ip", true), f.group(t, "unused", "ip", false), f.group(t, "instances", "instance", true)
	for want, in := range map[string]ecsapi.LoadBalancer{
		"InvalidParameterException: The target group with targetGroupArn " + unused + " does not have an associated load balancer.":                                                             balancer(unused, "app", 80),
		"InvalidParameterException: The container api does not exist in the task definition.":                                                                                                   balancer(used, "api", 80),
		"InvalidParameterException: The container app did not have a container port 8080 defined.":                                                                                              balancer(used, "app", 8080),
		"InvalidParameterException: The provided target group " + instances + " has target type instance, which is incompatible with the awsvpc network mode specified in the task definition.": balancer(instances, "app", 80),
		"does not exist: arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/1":                                                                                                   balancer("arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/x/1", "app", 80),
		"targetGroupArn": {ContainerName: "app", ContainerPort: ptr(int32(80))},
	} {
		if err := f.createBalanced(nil, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := f.createBalanced(ptr(int32(5))); err == nil || !strings.Contains(err.Error(), "Health check grace period is only valid for services configured to use load balancers") {
		t.Error(err)
	}
	if err := f.createBalanced(nil, balancer(used, "app", 80), balancer(used, "app", 80)); err == nil {
		t.Error("the same target group twice")
	}
}

func TestLoadBalancersAreReadBackAndReplaced(t *testing.T) {
	f := newTest(t)
	f.registerWeb(t)
	one, two := f.group(t, "one", "ip", true), f.group(t, "two", "ip", true)
	if err := f.createBalanced(nil, balancer(one, "app", 80)); err != nil {
		t.Fatal(err)
	}
	svc := f.service(t)
	if b := svc.LoadBalancers; len(b) != 1 || b[0].TargetGroupArn != one || b[0].ContainerName != "app" || *b[0].ContainerPort != 80 || svc.HealthCheckGracePeriodSeconds == nil || *svc.HealthCheckGracePeriodSeconds != 0 {
		t.Errorf("%+v", svc)
	}
	first := svc.Deployments[0].Id
	update := func(in ecsapi.UpdateServiceRequest) ecsapi.Service {
		t.Helper()
		in.Service = "s"
		if _, err := f.UpdateService(f.ctx, &in); err != nil {
			t.Fatal(err)
		}
		return f.service(t)
	}
	if svc = update(ecsapi.UpdateServiceRequest{HealthCheckGracePeriodSeconds: ptr(int32(30))}); svc.Deployments[0].Id != first || *svc.HealthCheckGracePeriodSeconds != 30 {
		t.Errorf("another grace period: %+v", svc)
	}
	svc = update(ecsapi.UpdateServiceRequest{LoadBalancers: []ecsapi.LoadBalancer{balancer(two, "app", 80)}})
	if svc.Deployments[0].Id == first || svc.LoadBalancers[0].TargetGroupArn != two {
		t.Errorf("another target group is another deployment: %+v", svc)
	}
	svc = update(ecsapi.UpdateServiceRequest{LoadBalancers: []ecsapi.LoadBalancer{}})
	if len(svc.LoadBalancers) != 0 || svc.HealthCheckGracePeriodSeconds != nil {
		t.Errorf("no target group any more: %+v", svc)
	}
}

// health sets what the target group says of each RUNNING task, or of one only, and that it is in it.
func (f *fixture) health(t *testing.T, group, health, description string, only ...string) {
	t.Helper()
	err := f.DB.Write(f.ctx, func(tx *store.Tx) error {
		for i, task := range f.tasks() {
			if task.LastStatus != state.TaskRunning || len(only) > 0 && !slices.Contains(only, task.ID) {
				continue
			}
			address := task.Interface.PrivateIP
			if address == "" {
				address = "10.0.0." + string(rune('5'+i)) + task.ID[:1]
			}
			state.Tasks.Update(tx, task.Key(), func(r *state.Task) { r.Interface.PrivateIP, r.RegisteredAt = address, f.now })
			state.Targets.Put(tx, &state.Target{Account: task.Account, Region: task.Region, Group: strings.SplitN(group, "targetgroup/", 2)[1], ID: address, Port: 80, Health: health, Description: description})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestADeploymentCountsHealthyTargetsOnly(t *testing.T) {
	f := newTest(t)
	f.registerWeb(t)
	group := f.group(t, "web", "ip", true)
	if err := f.createBalanced(nil, balancer(group, "app", 80)); err != nil {
		t.Fatal(err)
	}
	f.tick(t)
	f.agent(t, "")
	f.now = f.now.Add(time.Hour) // running for long is not healthy
	f.tick(t)
	f.health(t, group, "initial", "")
	f.tick(t)
	if d := f.service(t).Deployments[0]; d.RolloutState != "IN_PROGRESS" {
		t.Errorf("complete before the target is healthy: %+v", d)
	}
	f.health(t, group, "healthy", "")
	f.tick(t)
	if d := f.service(t).Deployments[0]; d.RolloutState != "COMPLETED" {
		t.Errorf("not complete: %+v", d)
	}
	want := []string{"(service s) has started 1 tasks: (task T).", "(service s) registered 1 targets in (target-group " + group + ")",
		"(service s) (deployment D) deployment completed.", "(service s) has reached a steady state."}
	if got := f.events(t); !slices.Equal(got, want) {
		t.Errorf("events:\n%s", strings.Join(got, "\n"))
	}
}

func TestAnUnhealthyTargetIsReplacedAfterItsGrace(t *testing.T) {
	f := newTest(t)
	f.registerWeb(t)
	group := f.group(t, "web", "ip", true)
	if err := f.createBalanced(ptr(int32(60)), balancer(group, "app", 80)); err != nil {
		t.Fatal(err)
	}
	f.tick(t)
	f.agent(t, "")
	first := f.tasks()[0].ID
	f.health(t, group, "unhealthy", "Health checks failed with these codes: [404]")
	if again := f.tick(t); again != time.Minute || len(f.tasks()) != 1 {
		t.Errorf("in the grace period: again in %s, %d tasks", again, len(f.tasks()))
	}
	f.now = f.now.Add(61 * time.Second)
	f.tick(t) // starts the replacement first
	if n := len(f.tasks()); n != 2 {
		t.Fatalf("%d tasks", n)
	}
	f.agent(t, "")
	for _, task := range f.tasks() {
		if task.ID != first {
			f.health(t, group, "healthy", "", task.ID)
		}
	}
	f.tick(t)
	task, _ := state.Tasks.Get(f.DB.Read(), state.Key("000000000000", "us-east-1", "default/"+first))
	if want := "Task failed ELB health checks in (target-group " + group + ")"; task.StoppedReason != want || task.StopCode != "ServiceSchedulerInitiated" {
		t.Errorf("stopped: %s %q", task.StopCode, task.StoppedReason)
	}
	want := "(service s) (task T) (port 80) is unhealthy in (target-group " + group + ") due to (reason Health checks failed with these codes: [404])"
	events := f.events(t)
	if !slices.ContainsFunc(events, func(e string) bool { return strings.HasPrefix(e, want) }) {
		t.Errorf("events:\n%s", strings.Join(events, "\n"))
	}
	f.agent(t, "")
	f.tick(t)
	if svc := f.service(t); svc.RunningCount != 1 || svc.Deployments[0].RolloutState != "COMPLETED" {
		t.Errorf("%+v", svc.Deployments)
	}
}

func TestUnhealthyTargetsTripTheCircuitBreaker(t *testing.T) {
	f := newTest(t)
	f.registerWeb(t)
	group := f.group(t, "web", "ip", true)
	if err := f.createBalanced(nil, balancer(group, "app", 80)); err != nil {
		t.Fatal(err)
	}
	breaker := &ecsapi.DeploymentConfiguration{DeploymentCircuitBreaker: &ecsapi.DeploymentCircuitBreaker{Enable: true}}
	if _, err := f.UpdateService(f.ctx, &ecsapi.UpdateServiceRequest{Service: "s", DeploymentConfiguration: breaker}); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		f.tick(t)
		f.agent(t, "")
		f.health(t, group, "unhealthy", "Request timed out")
		f.now = f.now.Add(20 * time.Minute) // longer than any pause
	}
	if d := f.service(t).Deployments[0]; d.RolloutState != "FAILED" || d.FailedTasks < 3 {
		t.Errorf("%+v", d)
	}
}
